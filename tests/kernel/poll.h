/* SPDX-License-Identifier: MIT */
/* Waiting busily for an interrupt, for suites of kernels that may have no threads and no clock. */
#ifndef TESTS_POLL_H
#define TESTS_POLL_H

#include <arch/cpu.h>

/*
 * In ticks of the TSC, of which there are 5 in a ns at most. What has not happened after so many
 * never will: a guess. A host may stop the CPU that is waited for, and not the one that waits.
 */
#define POLL_PATIENCE 60000000000ll

/* Waits until @condition holds; false if it does not within @ticks of the TSC. */
#define POLL_UNTIL(condition, ticks)                                           \
	({                                                                     \
		const uint64_t poll_begin = cpu_tsc();                         \
		bool poll_met;                                                 \
                                                                               \
		while (!(poll_met = (condition)) &&                            \
		       (int64_t)(cpu_tsc() - poll_begin) < (int64_t)(ticks)) { \
			cpu_pause();                                           \
			barrier();                                             \
		}                                                              \
		poll_met;                                                      \
	})

#endif
