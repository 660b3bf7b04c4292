/* SPDX-License-Identifier: MIT */
/* The command table as the monitor's own files see it, and what its commands need from its loop. */
#ifndef MONITOR_COMMANDS_H
#define MONITOR_COMMANDS_H

#include <exo/monitor.h>

/* The section that MONITOR_COMMAND() fills; bounds from the linker script. Not sorted. */
extern const struct monitor_command monitor_commands_start[], monitor_commands_end[];

/* Status of an unknown command, as in a shell. */
#define MONITOR_UNKNOWN 127

/* The command called @name, or NULL. */
const struct monitor_command *monitor_find(const char *name);

/* The command whose name comes next after @name in the alphabet ("": the first), or NULL. */
const struct monitor_command *monitor_next(const char *name);

/* Status of the command that ran before this one; 0 at first. */
int monitor_last_status(void);

#endif
