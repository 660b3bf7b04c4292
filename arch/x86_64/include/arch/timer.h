/* SPDX-License-Identifier: MIT */
/* The device that interrupts a CPU at a time, once: what kernel/time/timer.c needs of it. */
#ifndef ARCH_TIMER_H
#define ARCH_TIMER_H

#include <exo/compiler.h>

struct timer_device {
	const char *name;
	uint64_t longest; /* ns that it can wait */
	/*
	 * Interrupts this CPU in @ns <= longest nanoseconds or a little later, 0 for at once,
	 * instead of when it was last told to. timer_interrupt() is called then. Interrupts off.
	 */
	void (*set)(uint64_t ns);
};

/* Chooses this CPU's device and starts it; it interrupts only when it is set. Interrupts off. */
const struct timer_device *timer_device_start(void);

/* The PIT's channel 0, for the boot CPU of a machine without a local APIC. */
const struct timer_device *timer_pit_start(void);

#endif
