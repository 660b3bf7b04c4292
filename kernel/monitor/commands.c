/* SPDX-License-Identifier: MIT */
/* The monitor's own commands: help, the configuration, and the ways out. */
#include "commands.h"

#include <exo/console.h>
#include <exo/machine.h>
#include <exo/string.h>
#include <exo/version.h>

static int takes_none(int argc, char **argv)
{
	if (argc == 1)
		return 0;
	console_printf("%s: takes no argument\n", argv[0]);
	return 1;
}

/* --- help --- */

#define HELP_COLUMN 24 /* where the explanations begin */

static void help_line(const struct monitor_command *command)
{
	size_t used = strlen(command->name) + 1 + strlen(command->arguments);
	int gap = used + 2 < HELP_COLUMN ? (int)(HELP_COLUMN - 2 - used) : 1;

	console_printf("  %s %s%*s%s\n", command->name, command->arguments, gap, "", command->help);
}

static int help_command(int argc, char **argv)
{
	const struct monitor_command *command;

	for (int i = 1; i < argc; i++) {
		command = monitor_find(argv[i]);
		if (!command) {
			console_printf("help: no command '%s'\n", argv[i]);
			return 1;
		}
		help_line(command);
	}
	if (argc > 1)
		return 0;
	for (command = monitor_next(""); command; command = monitor_next(command->name))
		help_line(command);
	return 0;
}
MONITOR_COMMAND(help, "[COMMAND...]", "list the commands, or explain some", help_command);

/* --- config --- */

/* strstr() for a piece of text that is not terminated. */
static bool contains(const char *text, size_t length, const char *part)
{
	size_t wanted = strlen(part);

	for (size_t i = 0; i + wanted <= length; i++) {
		if (memcmp(text + i, part, wanted) == 0)
			return true;
	}
	return false;
}

static int config_command(int argc, char **argv)
{
	const char *pattern = argc > 1 ? argv[1] : "", *line, *end;
	bool found = false;

	if (argc > 2) {
		console_printf("config: use: config [PATTERN]\n");
		return 1;
	}
	if (!IS_ENABLED(CONFIG_IKCONFIG)) {
		console_printf("config: not in this image (IKCONFIG); its hash is %s\n",
			       kernel_config_hash);
		return 1;
	}
	line = kernel_config_text;
	end = line + kernel_config_size;
	while (line < end) {
		const char *next = memchr(line, '\n', (size_t)(end - line));

		next = next ? next + 1 : end;
		if (contains(line, (size_t)(next - line), pattern)) {
			console_write(line, (size_t)(next - line));
			found = true;
		}
		line = next;
	}
	if (!found)
		console_printf("config: nothing contains '%s'\n", pattern);
	return !found;
}
MONITOR_COMMAND(config, "[PATTERN]", "the configuration, or its lines that contain a text",
		config_command);

/* --- the ways out --- */

static int exit_command(int argc, char **argv)
{
	if (takes_none(argc, argv))
		return 1;
	machine_exit(monitor_last_status() == 0 ? MACHINE_SUCCESS : MACHINE_FAILURE);
}
MONITOR_COMMAND(exit, "", "leave the emulator with the last command's status", exit_command);

static int reboot_command(int argc, char **argv)
{
	if (takes_none(argc, argv))
		return 1;
	machine_reboot();
}
MONITOR_COMMAND(reboot, "", "reset the machine", reboot_command);

static int poweroff_command(int argc, char **argv)
{
	if (takes_none(argc, argv))
		return 1;
	machine_poweroff();
}
MONITOR_COMMAND(poweroff, "", "switch the machine off", poweroff_command);
