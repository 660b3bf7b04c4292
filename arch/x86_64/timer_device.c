/* SPDX-License-Identifier: MIT */
/* Starts the timer device of each CPU: the same kind on all of them, chosen by the boot CPU. */
#include <arch/cpu.h>
#include <arch/lapic.h>
#include <arch/timer.h>
#include <exo/clock.h>
#include <exo/cpu.h>

#define CPUID1_ECX_TSC_DEADLINE (1u << 24)

const struct timer_device *timer_device_start(void)
{
	static enum timer_kind kind;
	const struct timer_device *device = NULL;

	if (cpu_current() == 0)
		kind = timer_choose(lapic_present(), cpuid(1, 0).ecx & CPUID1_ECX_TSC_DEADLINE,
				    clock_tsc_hz());
	if (IS_ENABLED(CONFIG_APIC) && kind != TIMER_PIT)
		device = timer_lapic_start(kind == TIMER_TSC_DEADLINE);
	return device ? device : timer_pit_start();
}
