/* SPDX-License-Identifier: MIT */
/* The names of the lock ranks, for reports. tests/tools/locking_test.py compares them. */
#include <exo/lock_rank.h>

#define NAME(rank) [LOCK_RANK_##rank] = #rank

const char *const lock_rank_names[NR_LOCK_RANKS] = {
	NAME(NONE),    NAME(TEST),     NAME(STACKS),  NAME(KERNEL_SPACE), NAME(HEAP), NAME(FRAMES),
	NAME(CONSOLE), NAME(TEST_IRQ), NAME(THREADS), NAME(MUTEX_GRAPH),  NAME(WAIT), NAME(IRQ),
	NAME(TIMER),   NAME(SCHED),    NAME(INPUT),   NAME(LOG),
};
