/* SPDX-License-Identifier: MIT */
/* The device that interrupts a CPU at a time, once: what kernel/time/timer.c needs of it. */
#ifndef ARCH_TIMER_H
#define ARCH_TIMER_H

#include <exo/compiler.h>
#include <stdbool.h>

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

/* --- the devices
 * --------------------------------------------------------------------------------*/

/* The PIT's channel 0, for the boot CPU of a machine without a local APIC. */
const struct timer_device *timer_pit_start(void);

/*
 * The local APIC's timer, or with @tsc_deadline the TSC compared with a register. The boot CPU
 * comes first: it measures the rate. NULL if the timer does not count. Only with CONFIG_APIC.
 */
const struct timer_device *timer_lapic_start(bool tsc_deadline);

/* --- pure code (timer_choice.c)
 * -----------------------------------------------------------------*/

enum timer_kind { TIMER_PIT, TIMER_LAPIC, TIMER_TSC_DEADLINE };

/**
 * timer_choose() - which device interrupts CPUs
 * @apic: interrupts come through the local APIC
 * @tsc_deadline: the CPU can compare the TSC with a deadline (CPUID leaf 1)
 * @tsc_hz: the TSC's frequency; 0: unknown
 */
enum timer_kind timer_choose(bool apic, bool tsc_deadline, uint64_t tsc_hz);

/* How the local APIC's timer is run. */
struct timer_divider {
	unsigned int shift; /* one count takes 2^shift ticks of its clock, 0 .. 7 */
	uint32_t code; /* of that, in the divide configuration register */
	uint64_t hz; /* counts a second */
	uint64_t longest; /* ns */
};

/*
 * The fastest counting for a clock of @hz (1 .. 2^34) with which 32 bits last for 4 seconds, so
 * that hardly any wait has to be split.
 */
struct timer_divider timer_divide(uint64_t hz);

#endif
