/* SPDX-License-Identifier: MIT */
/* The counters of a PC, beside the TSC, that can tell the time. */
#ifndef ARCH_CLOCK_H
#define ARCH_CLOCK_H

#include <exo/acpi.h>
#include <exo/clock_source.h>

/*
 * Channel 0 of the PIT counts down once, 54.9 ms, for measuring the TSC early in the boot.
 * pit_count_read() gives the ticks since pit_count_start(); false once they are over, or if there
 * is no PIT.
 */
void pit_count_start(void);
bool pit_count_read(uint64_t *ticks);

/* Each returns NULL if the machine has none that works. Before the tables are given away. */
const struct clock_source *clock_pit_find(void);
#if IS_ENABLED(CONFIG_HPET)
const struct clock_source *clock_hpet_find(const struct acpi_timers *timers);
#else
static inline const struct clock_source *clock_hpet_find(const struct acpi_timers *timers)
{
	(void)timers;
	return NULL;
}
#endif
#if IS_ENABLED(CONFIG_PM_TIMER)
const struct clock_source *clock_pm_find(const struct acpi_timers *timers);
#else
static inline const struct clock_source *clock_pm_find(const struct acpi_timers *timers)
{
	(void)timers;
	return NULL;
}
#endif

#endif
