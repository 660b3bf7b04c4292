/* SPDX-License-Identifier: MIT */
/*
 * Timers: each CPU's queue (timer_queue.h) with its device (arch/timer.h) and the clock.
 *
 * cpu_timers[] are changed by their CPU only, interrupts off. A device that interrupts
 * too early, because it counts a little faster than the clock or because the wait was longer than
 * its range, is set again for the rest. Many timers that are due together are run in one interrupt:
 * interrupts stay off for that long.
 */
#include "timer_queue.h"

#include <arch/cpu.h>
#include <arch/timer.h>
#include <exo/log.h>
#include <exo/timer.h>

static struct cpu_timers {
	struct timer_queue queue;
	const struct timer_device *device; /* NULL: no timer_init_cpu() yet */
} cpu_timers[NR_CPUS];

/* This CPU's. Before timer_init_cpu() nothing is armed. */
static inline struct cpu_timers *here(void)
{
	return IS_ENABLED(CONFIG_SMP) ? this_cpu_read(timers) : &cpu_timers[0];
}

/* Has the device interrupt at the first deadline, if there is one. Interrupts off. */
static void set_device(struct cpu_timers *timers)
{
	const struct timer_device *device = timers->device;
	uint64_t wait;

	if (!device)
		return;
	wait = timer_queue_set(&timers->queue, clock_ns(), device->longest);
	if (wait != DEADLINE_NEVER)
		device->set(wait);
}

void timer_init_cpu(void)
{
	const uint64_t flags = irq_save();
	const cpu_t cpu = cpu_current();
	struct cpu_timers *timers = &cpu_timers[cpu];

	if (IS_ENABLED(CONFIG_SMP))
		cpu_this()->timers = timers;
	timer_queue_init(&timers->queue);
	timers->device = timer_device_start();
	if (cpu == 0)
		log_info("timer: %s, %llu us at most", timers->device->name,
			 (unsigned long long)(timers->device->longest / NS_PER_US));
	irq_restore(flags);
	if (cpu == 0)
		clock_keep();
}

void timer_arm(struct timer *timer, uint64_t deadline)
{
	struct cpu_timers *timers = here();

	if (timer_queue_arm(&timers->queue, timer, deadline))
		set_device(timers);
}

bool timer_cancel(struct timer *timer)
{
	return timer_queue_cancel(&here()->queue, timer);
}

uint64_t timer_next(void)
{
	return timer_queue_next(&here()->queue);
}

struct timer_counts timer_counts(void)
{
	return here()->queue.counts;
}

const struct timer_queue *timer_queue_of(void)
{
	return &here()->queue;
}

const char *timer_device_name(void)
{
	const struct timer_device *device = here()->device;

	return device ? device->name : "none";
}

void timer_interrupt(void)
{
	struct cpu_timers *timers = here();

	timer_queue_run(&timers->queue, clock_ns());
	set_device(timers);
}
