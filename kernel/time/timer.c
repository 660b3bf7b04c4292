/* SPDX-License-Identifier: MIT */
/*
 * Timers: each CPU's queue (timer_queue.h) with its device (arch/timer.h) and the clock.
 *
 * queues[] and devices[] are changed by their CPU only, interrupts off. A device that interrupts
 * too early, because it counts a little faster than the clock or because the wait was longer than
 * its range, is set again for the rest. Many timers that are due together are run in one interrupt:
 * interrupts stay off for that long.
 */
#include "timer_queue.h"

#include <arch/cpu.h>
#include <arch/timer.h>
#include <exo/log.h>
#include <exo/timer.h>

static struct timer_queue queues[NR_CPUS];
static const struct timer_device *devices[NR_CPUS]; /* NULL: no timer_init_cpu() yet */

/* Has the device interrupt at the first deadline, if there is one. Interrupts off. */
static void set_device(cpu_t cpu)
{
	const struct timer_device *device = devices[cpu];
	uint64_t wait;

	if (!device)
		return;
	wait = timer_queue_set(&queues[cpu], clock_ns(), device->longest);
	if (wait != DEADLINE_NEVER)
		device->set(wait);
}

void timer_init_cpu(void)
{
	const uint64_t flags = irq_save();
	const cpu_t cpu = cpu_current();

	timer_queue_init(&queues[cpu]);
	devices[cpu] = timer_device_start();
	if (cpu == 0)
		log_info("timer: %s, %llu us at most", devices[cpu]->name,
			 (unsigned long long)(devices[cpu]->longest / NS_PER_US));
	irq_restore(flags);
	if (cpu == 0)
		clock_keep();
}

void timer_arm(struct timer *timer, uint64_t deadline)
{
	const cpu_t cpu = cpu_current();

	if (timer_queue_arm(&queues[cpu], timer, deadline))
		set_device(cpu);
}

bool timer_cancel(struct timer *timer)
{
	return timer_queue_cancel(&queues[cpu_current()], timer);
}

uint64_t timer_next(void)
{
	return timer_queue_next(&queues[cpu_current()]);
}

struct timer_counts timer_counts(void)
{
	return queues[cpu_current()].counts;
}

const struct timer_queue *timer_queue_of(void)
{
	return &queues[cpu_current()];
}

const char *timer_device_name(void)
{
	const struct timer_device *device = devices[cpu_current()];

	return device ? device->name : "none";
}

void timer_interrupt(void)
{
	const cpu_t cpu = cpu_current();

	timer_queue_run(&queues[cpu], clock_ns());
	set_device(cpu);
}
