/* SPDX-License-Identifier: MIT */
/* The monitor's threads command. */
#include "thread_internal.h"

#include <exo/console.h>
#include <exo/monitor.h>
#include <exo/string.h>

#define ROWS 16 /* that are copied while the list cannot change */

struct row {
	uint64_t id, switches, migrations;
	const char *name;
	cpu_t cpu;
	unsigned int state, attention;
	bool running, started;
	uint8_t urgency;
	size_t used;
};

struct rows {
	uint64_t after; /* the last id that was printed */
	unsigned int count;
	struct row rows[ROWS];
};

/* The list is in the order of ids. */
static void copy(struct thread *thread, void *context)
{
	struct rows *rows = context;
	struct cpu *home = atomic_load(&thread->home);
	struct row *row = &rows->rows[rows->count];

	if (thread->id <= rows->after || rows->count == ROWS)
		return;
	rows->count++;
	*row = (struct row){
		.id = thread->id,
		.name = thread->name,
		.switches = thread->switches,
		.migrations = thread->migrations,
		.cpu = home ? home->number : 0,
		.state = atomic_load(&thread->state),
		.attention = atomic_load(&thread->attention),
		.running = home && home->current == thread,
		.started = thread->started || !thread->stack,
		.urgency = thread->urgency,
		.used = thread_stack_used(thread),
	};
}

static const char *state_of(const struct row *row)
{
	static const char *const words[] = {
		[THREAD_SUSPENDED] = "suspended",
		[THREAD_READY] = "ready",
		[THREAD_BLOCKED] = "waiting",
		[THREAD_DEAD] = "ended",
	};

	if (!row->started)
		return "new";
	if (row->running)
		return "running";
	return words[row->state];
}

static int threads_command(int argc, char **argv)
{
	static struct rows rows;
	unsigned int total = 0;

	if (argc > 1) {
		console_printf("%s: takes no argument\n", argv[0]);
		return 1;
	}
	console_printf("policy: %s\n", policy_name);
	console_printf("   id name             state      cpu  prio  switches  moves  stack\n");
	rows.after = 0;
	do {
		rows.count = 0;
		thread_for_each(copy, &rows);
		for (unsigned int i = 0; i < rows.count; i++) {
			const struct row *row = &rows.rows[i];

			console_printf("%5llu %-16s %-9s %4u %5u %9llu %6llu",
				       (unsigned long long)row->id, row->name, state_of(row),
				       row->cpu, row->urgency, (unsigned long long)row->switches,
				       (unsigned long long)row->migrations);
			if (row->used)
				console_printf("  %zu of %zu\n", row->used, (size_t)STACK_SIZE);
			else
				console_printf("  %s\n", IS_ENABLED(CONFIG_THREAD_STACK_USAGE)
								 ? "boot"
								 : "-");
			rows.after = row->id;
		}
		total += rows.count;
	} while (rows.count == ROWS);
	console_printf("%u threads\n", total);
	return 0;
}
MONITOR_COMMAND(threads, "", "threads: state, CPU, priority, stack", threads_command);
