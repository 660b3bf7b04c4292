/* SPDX-License-Identifier: MIT */
/* What the files of the clock have from each other. */
#ifndef TIME_CLOCK_H
#define TIME_CLOCK_H

#include <exo/clock_source.h>
#include <exo/config.h>

extern struct clock_tsc_facts clock_facts; /* from clock_init() on */

/* --- clock_measure.c: the TSC's frequency
 * -------------------------------------------------------*/

/* Starts the PIT. */
void clock_measure_start(void);

/* From now on @source is measured against too; at most MEASURE_SOURCES of them. */
void clock_measure_add(const struct clock_source *source);

/*
 * The time since clock_measure_start() in ns, from the PIT for its 55 ms, then from the TSC by what
 * the readings so far have shown. Interrupts off.
 */
uint64_t clock_measure_now(void);

/* Decides, and says so in the log. Waits only if nobody states the frequency and it is too early.
 */
uint64_t clock_measure_end(void);

/* --- clock.c
 * ------------------------------------------------------------------------------------*/

/* Goes on with the next best source: the TSCs of the CPUs do not agree, because of @reason. */
void clock_leave_tsc(const char *reason);

/* ns in which the clock's counter goes half round; 0 if that takes centuries. */
uint64_t clock_half_round(void);

/* Is the TSC the clock? */
bool clock_on_tsc(void);

#endif
