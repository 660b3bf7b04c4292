/* SPDX-License-Identifier: MIT */
/*
 * The monitor's command table. A subsystem adds a command beside its own code:
 *
 *	static int irq_command(int argc, char **argv) { ... }
 *	MONITOR_COMMAND(irq, "", "interrupt counts", irq_command);
 *
 * With CONFIG_MONITOR=n the entry and its function are dropped by the compiler.
 */
#ifndef EXO_MONITOR_H
#define EXO_MONITOR_H

#include <exo/compiler.h>
#include <exo/config.h>

struct monitor_command {
	const char *name;
	const char *arguments; /* as shown by help, for example "[LINES]" */
	const char *help; /* one line */
	/* argv[0] is the name; argc >= 1. Returns the command's status: 0, or what went wrong. */
	int (*run)(int argc, char **argv);
};

#if IS_ENABLED(CONFIG_MONITOR)
#define MONITOR_COMMAND_KEEP __used __section(".monitor_commands")
#else
#define MONITOR_COMMAND_KEEP __unused
#endif

#define MONITOR_COMMAND(id, args, text, function)                                                \
	static const struct monitor_command monitor_command_##id MONITOR_COMMAND_KEEP __aligned( \
		8) = { .name = #id, .arguments = args, .help = text, .run = function }

/**
 * monitor_execute() - run one command line, or several separated by ';'
 * @line: at most CONFIG_MONITOR_LINE_SIZE - 1 characters
 * Returns the status of the last command; 127 for an unknown one.
 */
int monitor_execute(const char *line);

/* Reads and runs commands from the consoles for ever. */
_Noreturn void monitor_run(void);

#endif
