/* SPDX-License-Identifier: MIT */
/* Time since boot. */
#ifndef EXO_CLOCK_H
#define EXO_CLOCK_H

#include <exo/compiler.h>
#include <exo/config.h>

#if IS_ENABLED(CONFIG_CLOCK)
/* Finds the TSC's frequency, or starts to measure it without waiting. Once, early. */
void clock_init(void);

/* Nanoseconds since the kernel's first instruction; never goes back. Any context. */
uint64_t clock_ns(void);

/* The TSC's frequency in Hz. Early after boot it waits for its measurement, 55 ms at most. */
uint64_t clock_tsc_hz(void);
#else
static inline void clock_init(void)
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

#endif
