/* SPDX-License-Identifier: MIT */
/*
 * The monitor's cpus command: what each CPU is and does. Other CPUs go on meanwhile, so the numbers
 * are of slightly different moments; a thread that is seen running cannot vanish while interrupts
 * are off here, because freeing its stack waits for this CPU (mm/stack.c), but it may be used anew.
 */
#include "sched_cpu.h"

#include <arch/cpu.h>
#include <exo/console.h>
#include <exo/monitor.h>
#include <exo/string.h>

#define NAME_SIZE 24

/* Copied with interrupts off, as the thread may end. */
static void running_name(const struct cpu *cpu, char name[NAME_SIZE])
{
	const uint64_t flags = irq_save();
	const struct thread *thread = cpu->current;
	const char *from = thread ? thread->name : "-";
	size_t length = strlen(from);

	if (length > NAME_SIZE - 1)
		length = NAME_SIZE - 1;
	memcpy(name, from, length);
	name[length] = '\0';
	irq_restore(flags);
}

static int cpus_command(int argc, char **argv)
{
	if (argc > 1) {
		console_printf("%s: takes no argument\n", argv[0]);
		return 1;
	}
	console_printf("cpu   apic  node  state     switches  ready  thread\n");
	for (cpu_t number = 0; number < nr_cpus_online; number++) {
		struct cpu *cpu = cpus[number];
		char name[NAME_SIZE];

		running_name(cpu, name);
		console_printf("%3u  %5u  %4u  %-5s %12llu  %5u  %s\n", number, cpu->apic_id,
			       cpu->node, cpu->current == cpu->idle ? "idle" : "busy",
			       (unsigned long long)cpu->switches, policy_length(cpu_queue(cpu)),
			       name);
	}
	return 0;
}
MONITOR_COMMAND(cpus, "", "CPUs: what each does, its node, threads that wait for it", cpus_command);
