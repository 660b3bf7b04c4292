/* SPDX-License-Identifier: MIT */
/* The benchmark of timers: arming and cancelling one that is neither the only nor the first. */
#include <arch/cpu.h>
#include <exo/bench.h>
#include <exo/timer.h>

#define NR_OTHERS 64
#define OFTEN 8 /* the others come and go too, as threads' timeouts do */

static struct timer others[NR_OTHERS], subject;
static uint64_t base;
static unsigned int turn;

static void ignore(struct timer *timer)
{
	(void)timer;
}

/* Deadlines far away, in no order. */
static void arm_other(unsigned int i)
{
	timer_prepare(&others[i], ignore);
	timer_arm(&others[i], base + (1 + i * 37 % NR_OTHERS * 2) * NS_PER_S);
}

static void arm_others(void)
{
	const uint64_t flags = irq_save();

	base = clock_ns() + 1000 * NS_PER_S;
	for (unsigned int i = 0; i < NR_OTHERS; i++)
		arm_other(i);
	timer_prepare(&subject, ignore);
	irq_restore(flags);
}

static void cancel_others(void)
{
	const uint64_t flags = irq_save();

	for (unsigned int i = 0; i < NR_OTHERS; i++)
		timer_cancel(&others[i]);
	irq_restore(flags);
}

/* Between each two samples another timer is armed anew: the heap is in all of its shapes. */
static uint64_t timer_arm_cancel(void)
{
	const uint64_t flags = irq_save();
	const unsigned int i = turn++ % NR_OTHERS;
	const uint64_t deadline = base + (2 + i * 29 % NR_OTHERS * 2) * NS_PER_S;
	uint64_t start;

	if (turn % OFTEN == 0) {
		timer_cancel(&others[i]);
		arm_other(i);
	}
	start = bench_start();
	timer_arm(&subject, deadline);
	timer_cancel(&subject);
	start = bench_stop(start);
	irq_restore(flags);
	return start;
}
BENCHMARK_AROUND(timer_arm_cancel, "timer.arm_cancel", 1000, arm_others, cancel_others);
