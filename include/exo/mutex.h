/* SPDX-License-Identifier: MIT */
/*
 * Mutexes: one owner at a time, who may sleep. The owner runs with the urgency of the most urgent
 * thread that waits for any of its mutexes, directly or through others (priority inheritance).
 * Threads only; not recursive.
 */
#ifndef EXO_MUTEX_H
#define EXO_MUTEX_H

#include <exo/wait.h>

struct mutex {
	_Atomic uintptr_t owner; /* struct thread *, plus 1 if somebody may be waiting; 0: free */
	struct wait_queue waiters;
	struct list_node held_node; /* in the owner's list, while the mutex is contended */
};

#define MUTEX_INIT                         \
	{                                  \
		.waiters = WAIT_QUEUE_INIT \
	}

void mutex_init(struct mutex *mutex);
void mutex_lock(struct mutex *mutex);

/* Returns 0, or -EXO_E_TIMEOUT at @deadline (ns). */
int mutex_lock_until(struct mutex *mutex, uint64_t deadline);
bool mutex_try_lock(struct mutex *mutex);

/* By the owner. */
void mutex_unlock(struct mutex *mutex);

#endif
