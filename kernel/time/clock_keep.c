/* SPDX-License-Identifier: MIT */
/*
 * A timer that reads a clock of few bits often enough that no round of it is lost, on the boot CPU.
 * It is the only timer that the kernel arms for itself; a clock that runs on the TSC needs none.
 */
#include "clock.h"

#include <arch/cpu.h>
#include <exo/timer.h>

static void keep(struct timer *timer)
{
	timer_arm(timer, clock_ns() + clock_half_round());
}

void clock_keep(void)
{
	static struct timer keeper;
	const uint64_t flags = irq_save();

	if (clock_half_round() && !keeper.armed) {
		timer_prepare(&keeper, keep);
		keep(&keeper);
	}
	irq_restore(flags);
}
