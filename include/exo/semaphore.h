/* SPDX-License-Identifier: MIT */
/* Counting semaphores. */
#ifndef EXO_SEMAPHORE_H
#define EXO_SEMAPHORE_H

#include <exo/wait.h>

struct semaphore {
	_Atomic int count; /* what can be taken; negative: so many are waiting, or about to */
	int granted; /* given to waiters that have not queued yet; under waiters.lock */
	struct wait_queue waiters;
};

#define SEMAPHORE_INIT(n)                                \
	{                                                \
		.count = (n), .waiters = WAIT_QUEUE_INIT \
	}

/* @count: 0 .. INT_MAX / 2 */
void semaphore_init(struct semaphore *semaphore, int count);

/* Takes one, waiting for it until @deadline (ns, DEADLINE_NEVER). Returns 0 or -EXO_E_TIMEOUT. */
int semaphore_take(struct semaphore *semaphore, uint64_t deadline);

/* Takes one if that needs no waiting. Any context. */
bool semaphore_try(struct semaphore *semaphore);

/* Gives one: to the most urgent waiter, if there is any. Any context. */
void semaphore_give(struct semaphore *semaphore);

#endif
