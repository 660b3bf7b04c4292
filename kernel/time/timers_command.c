/* SPDX-License-Identifier: MIT */
/*
 * The monitor's timers command: each CPU's device, deadlines and counts. A queue is only looked at
 * by its CPU: each copies what is shown, called there with interrupts off.
 */
#include "timer_queue.h"

#include <arch/cpu.h>
#include <exo/clock.h>
#include <exo/console.h>
#include <exo/monitor.h>
#include <exo/smp.h>

#define SHOWN 4 /* deadlines a CPU */

struct picture {
	const char *device;
	unsigned int armed;
	uint64_t deadlines[SHOWN]; /* the first, ascending; the rest DEADLINE_NEVER */
	struct timer_counts counts;
};

static void insert(struct picture *picture, uint64_t deadline)
{
	unsigned int at = SHOWN;

	for (; at > 0 && picture->deadlines[at - 1] > deadline; at--)
		if (at < SHOWN)
			picture->deadlines[at] = picture->deadlines[at - 1];
	if (at < SHOWN)
		picture->deadlines[at] = deadline;
}

static void take_picture(void *argument)
{
	const struct timer_queue *queue = timer_queue_of();
	struct picture *picture = argument;

	*picture = (struct picture){ .device = timer_device_name(), .counts = queue->counts };
	for (unsigned int i = 0; i < SHOWN; i++)
		picture->deadlines[i] = DEADLINE_NEVER;
	for (struct pq_node *n = pq_walk(&queue->timers, NULL); n; n = pq_walk(&queue->timers, n)) {
		insert(picture, n->key);
		picture->armed++;
	}
}

static void print_cpu(cpu_t cpu)
{
	const struct timer_counts *counts;
	struct picture picture;
	struct cpu_set set;
	uint64_t flags, now;

	cpu_set_clear(&set);
	cpu_set_add(&set, cpu);
	flags = irq_save();
	if (cpu == cpu_current())
		take_picture(&picture);
	irq_restore(flags);
	smp_call(&set, take_picture, &picture); /* if it is another */
	counts = &picture.counts;
	console_printf("cpu %u: %s, %u armed, %llu interrupts (%llu in vain), %llu expired, "
		       "%llu us late at most\n",
		       cpu, picture.device, picture.armed, (unsigned long long)counts->interrupts,
		       (unsigned long long)counts->in_vain, (unsigned long long)counts->expired,
		       (unsigned long long)(counts->lateness / NS_PER_US));
	now = clock_ns();
	for (unsigned int i = 0; i < SHOWN && picture.deadlines[i] != DEADLINE_NEVER; i++)
		console_printf("  in %lld us\n",
			       (long long)(picture.deadlines[i] - now) / (long long)NS_PER_US);
}

static int timers_command(int argc, char **argv)
{
	const unsigned int online = IS_ENABLED(CONFIG_SMP) ? nr_cpus_online : 1;

	(void)argv;
	if (argc > 1) {
		console_printf("timers: takes no argument\n");
		return 1;
	}
	console_printf("clock: %s\n", clock_name());
	for (cpu_t cpu = 0; cpu < online; cpu++)
		print_cpu(cpu);
	return 0;
}
MONITOR_COMMAND(timers, "", "the clock, and each CPU's timers", timers_command);
