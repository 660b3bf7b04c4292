/* SPDX-License-Identifier: MIT */
/*
 * The monitor: a command line for whoever sits at the console.
 *
 * Commands are a table that the linker collects from all subsystems (exo/monitor.h); the loop reads
 * a line, cuts it at ';' and runs each command to its end. Input comes from the consoles byte by
 * byte. There is one monitor, so its editor is static; monitor_execute() is re-entrant.
 */
#include "commands.h"
#include "split.h"

#include <exo/console.h>
#include <exo/line_editor.h>
#include <exo/string.h>

#define MAX_WORDS 16
#define TERMINAL_COLUMNS 80
/* Without a history only the slot of the unfinished line remains. */
#define HISTORY_SIZE ((CONFIG_MONITOR_HISTORY + 1) * CONFIG_MONITOR_LINE_SIZE)

static int last_status;

/* --- the table --- */

const struct monitor_command *monitor_find(const char *name)
{
	const struct monitor_command *command;

	for (command = monitor_commands_start; command < monitor_commands_end; command++) {
		if (strcmp(command->name, name) == 0)
			return command;
	}
	return NULL;
}

const struct monitor_command *monitor_next(const char *name)
{
	const struct monitor_command *command, *next = NULL;

	for (command = monitor_commands_start; command < monitor_commands_end; command++) {
		if (strcmp(command->name, name) > 0 &&
		    (!next || strcmp(command->name, next->name) < 0))
			next = command;
	}
	return next;
}

int monitor_last_status(void)
{
	return last_status;
}

/* --- running commands --- */

static int run(int argc, char **argv)
{
	const struct monitor_command *command = monitor_find(argv[0]);

	if (!command) {
		console_printf("unknown command '%s'; try help\n", argv[0]);
		return MONITOR_UNKNOWN;
	}
	return command->run(argc, argv);
}

int monitor_execute(const char *line)
{
	char buffer[CONFIG_MONITOR_LINE_SIZE], *rest = buffer;
	char *argv[MAX_WORDS + 1];

	if (!string_copy(buffer, sizeof(buffer), line)) {
		console_printf("the line is longer than %zu characters (MONITOR_LINE_SIZE)\n",
			       sizeof(buffer) - 1);
		return last_status = 1;
	}
	while (*rest) {
		int argc = monitor_split(&rest, argv, MAX_WORDS);

		if (argc < 0) {
			if (argc == -EXO_E_ARG)
				console_printf("a quote (\") is not closed\n");
			else
				console_printf("more than %d words in a command\n", MAX_WORDS);
			return last_status = 1;
		}
		if (argc == 0)
			continue;
		argv[argc] = NULL;
		last_status = run(argc, argv);
	}
	return last_status;
}

/* --- reading lines --- */

static void put(struct line_editor *editor, const char *text, size_t length)
{
	(void)editor;
	console_write(text, length);
}

/* Command names stand at the start of a command and after help. */
static const char *candidate(struct line_editor *editor, size_t start, unsigned int index)
{
	static const char help[] = "help ";
	size_t blank = start;

	while (blank > 0 && editor->line[blank - 1] == ' ')
		blank--;
	if (blank > 0 && editor->line[blank - 1] != ';' &&
	    (start < sizeof(help) - 1 ||
	     strncmp(editor->line + start - (sizeof(help) - 1), help, sizeof(help) - 1)))
		return NULL;
	if (index >= (unsigned int)(monitor_commands_end - monitor_commands_start))
		return NULL;
	return monitor_commands_start[index].name;
}

void monitor_run(void)
{
	static char line[CONFIG_MONITOR_LINE_SIZE], history[HISTORY_SIZE];
	static struct line_editor editor = {
		.line = line,
		.size = sizeof(line),
		.prompt = "exo> ",
		.columns = TERMINAL_COLUMNS,
		.history = history,
		.history_lines = CONFIG_MONITOR_HISTORY,
		.put = put,
		.candidate = IS_ENABLED(CONFIG_MONITOR_COMPLETION) ? candidate : NULL,
	};

	line_editor_init(&editor);
	for (;;) {
		enum line_editor_event event;

		line_editor_start(&editor);
		do
			event = line_editor_feed(&editor, (uint8_t)console_wait());
		while (event == LINE_EDITOR_MORE);
		if (event == LINE_EDITOR_DONE)
			monitor_execute(line);
	}
}
