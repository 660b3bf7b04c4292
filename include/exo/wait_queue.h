/* SPDX-License-Identifier: MIT */
/* What a wait queue is made of; what can be done with it is in exo/wait.h. */
#ifndef EXO_WAIT_QUEUE_H
#define EXO_WAIT_QUEUE_H

#include <exo/priority_queue.h>
#include <exo/spinlock.h>

struct wait_queue {
	struct spinlock lock;
	struct priority_queue waiters; /* key: urgency, then order of coming */
	uint64_t arrivals;
};

#define WAIT_QUEUE_INIT                               \
	{                                             \
		.lock = SPINLOCK_INIT(LOCK_RANK_WAIT) \
	}

#endif
