/* SPDX-License-Identifier: MIT */
/*
 * What all spinlocks have in common: the names of the ranks, for reports
 * (tests/tools/locking_test.py compares them), and whether CPUs are virtual.
 */
#include <exo/lock_rank.h>
#include <exo/spin_virtual.h>

bool spin_virtual;

#define NAME(rank) [LOCK_RANK_##rank] = #rank

const char *const lock_rank_names[NR_LOCK_RANKS] = {
	NAME(NONE),	    NAME(TEST),	   NAME(CAP_TABLE),   NAME(USER_SPACE),
	NAME(OBJECT),	    NAME(BANK),	   NAME(ENDING),      NAME(STACKS),
	NAME(KERNEL_SPACE), NAME(HEAP),	   NAME(FRAMES),      NAME(CONSOLE),
	NAME(TEST_IRQ),	    NAME(THREADS), NAME(MUTEX_GRAPH), NAME(ENV_THREADS),
	NAME(IRQ_BINDING),  NAME(NTF),	   NAME(ENDPOINT),    NAME(WAIT),
	NAME(IRQ),	    NAME(TIMER),   NAME(SCHED),	      NAME(INPUT),
	NAME(LOG),
};
