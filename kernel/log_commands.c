/* SPDX-License-Identifier: MIT */
/* The monitor's log command. */
#include <exo/console.h>
#include <exo/log.h>
#include <exo/monitor.h>
#include <exo/string.h>

static const char *const level_names[] = { "none", "error", "warning", "notice", "info", "debug" };

static void put_console(void *context, const char *text, size_t length)
{
	(void)context;
	console_write(text, length);
}

static int set_level(const char *text)
{
	uint64_t level;

	for (unsigned int i = 0; i < ARRAY_SIZE(level_names); i++) {
		if (strcmp(text, level_names[i]) == 0) {
			log_set_echo(i);
			return 0;
		}
	}
	if (string_to_u64(text, &level) || level >= ARRAY_SIZE(level_names)) {
		console_printf(
			"log: '%s' is no level; they are 0 none, 1 error, 2 warning, 3 notice, "
			"4 info, 5 debug\n",
			text);
		return 1;
	}
	log_set_echo((enum log_level)level);
	return 0;
}

static int log_command(int argc, char **argv)
{
	uint64_t lines = UINT32_MAX;

	if (argc == 3 && strcmp(argv[1], "level") == 0)
		return set_level(argv[2]);
	if (argc > 2) {
		console_printf("log: use: log [LINES], or log level N\n");
		return 1;
	}
	if (argc == 2 && (string_to_u64(argv[1], &lines) || lines > UINT32_MAX)) {
		console_printf("log: '%s' is no number of lines\n", argv[1]);
		return 1;
	}
	log_replay((unsigned int)lines, put_console, NULL);
	return 0;
}
MONITOR_COMMAND(log, "[LINES | level N]", "show the log; set which lines also go to the console",
		log_command);
