/* SPDX-License-Identifier: MIT */
/* Time since boot. */
#ifndef EXO_CLOCK_H
#define EXO_CLOCK_H

#include <exo/compiler.h>
#include <exo/config.h>
#include <stdbool.h>

extern uint64_t boot_tsc; /* boot.asm: the TSC at the kernel's first instruction */

#if IS_ENABLED(CONFIG_CLOCK)
/* Starts to measure the TSC's frequency, without waiting. Once, early. */
void clock_init(void);

/* Finds the other counters that tell the time. Boot list, before the ACPI tables are given away. */
void clock_find_counters(void);

/*
 * Decides on the TSC's frequency and on what the clock runs; at the end of the boot list, as late
 * as possible: if CPUID does not tell, it waits until enough time has passed to measure by.
 */
void clock_choose(void);

/* Nanoseconds since the kernel's first instruction; never goes back, on no CPU. Any context. */
uint64_t clock_ns(void);

/* The TSC's frequency in Hz; 0 before clock_choose(). */
uint64_t clock_tsc_hz(void);

/* What the clock runs on: a word. */
const char *clock_name(void);

/* TSC ticks that finding the frequency has taken, waiting included. */
uint64_t clock_calibration_cost(void);
#else
static inline void clock_init(void)
{
}

static inline void clock_find_counters(void)
{
}

static inline void clock_choose(void)
{
}

static inline uint64_t clock_ns(void)
{
	return 0;
}

static inline uint64_t clock_tsc_hz(void)
{
	return 0;
}
#endif

#if IS_ENABLED(CONFIG_TIMER)
/* Sees to it that a clock of few bits is read often enough. Boot CPU, which has its timers. */
void clock_keep(void);
#else
static inline void clock_keep(void)
{
}
#endif

/**
 * clock_check_cpu() - compare the TSCs of a CPU that starts and of one that runs already
 * @starts: whether this is the CPU that starts; it has not run threads
 * Called by both of them at about the same time, one CPU at a time. Takes some microseconds. If the
 * TSCs differ, or their rate may, the clock runs on another counter when it returns. A side that
 * waits in vain for the other gives up in the end; then the clock leaves the TSC, too.
 */
#if IS_ENABLED(CONFIG_SMP)
void clock_check_cpu(bool starts);
#endif

#endif
