/* SPDX-License-Identifier: MIT */
/*
 * Counting semaphores: an atomic counter, and a wait queue for when it is not positive.
 *
 * Taking subtracts one; a result below 0 means to wait. Giving adds one; a value below 0 before
 * means that somebody waits, or is about to: a taker that has not queued yet finds in @granted what
 * was given for it. So count = what is there - takers that have not got theirs - grants not
 * fetched.
 */
#include "thread_internal.h"

#include <exo/semaphore.h>

void semaphore_init(struct semaphore *semaphore, int count)
{
	*semaphore = (struct semaphore)SEMAPHORE_INIT(count);
}

/* Under the lock: fetches a grant, if there is one. */
static bool fetch_grant(struct semaphore *semaphore)
{
	if (semaphore->granted == 0)
		return false;
	semaphore->granted--;
	return true;
}

/* As wait_block(), but nobody cancels it: what has been given to a taker must be taken. */
static int wait_here(struct wait_queue *queue, uint64_t deadline) __releases(queue->lock)
{
	wait_enter(queue);
	spin_release(&queue->lock);
	return wait_sleep(deadline);
}

/*
 * The time has run out. While the counter is negative there are fewer gives under way than takers,
 * and one of these may go. Else each taker has its give, which may only not have got here yet: to
 * go now would leave it for somebody else, and the counter says already that there is nobody. So we
 * wait for it, which is as long as a give takes.
 */
static int end_wait(struct semaphore *semaphore)
{
	struct wait_queue *queue = &semaphore->waiters;
	int count;

	spin_acquire(&queue->lock);
	if (fetch_grant(semaphore)) {
		spin_release(&queue->lock);
		return 0;
	}
	count = atomic_load_explicit(&semaphore->count, memory_order_relaxed);
	while (count < 0)
		if (atomic_compare_exchange_weak_explicit(&semaphore->count, &count, count + 1,
							  memory_order_relaxed,
							  memory_order_relaxed)) {
			spin_release(&queue->lock);
			return -EXO_E_TIMEOUT;
		}
	return wait_here(queue, DEADLINE_NEVER);
}

static __noinline int take_slowly(struct semaphore *semaphore, uint64_t deadline)
{
	struct wait_queue *queue = &semaphore->waiters;
	uint64_t flags;
	int error;

	assert_may_sleep();
	flags = spin_lock_irq(&queue->lock);
	if (fetch_grant(semaphore)) {
		spin_unlock_irq(&queue->lock, flags);
		return 0;
	}
	error = wait_here(queue, deadline);
	if (error)
		error = end_wait(semaphore);
	irq_restore(flags);
	return error;
}

int semaphore_take(struct semaphore *semaphore, uint64_t deadline)
{
	if (likely(atomic_fetch_sub_explicit(&semaphore->count, 1, memory_order_acquire) > 0))
		return 0;
	return take_slowly(semaphore, deadline);
}

bool semaphore_try(struct semaphore *semaphore)
{
	int count = atomic_load_explicit(&semaphore->count, memory_order_relaxed);

	while (count > 0)
		if (atomic_compare_exchange_weak_explicit(&semaphore->count, &count, count - 1,
							  memory_order_acquire,
							  memory_order_relaxed))
			return true;
	return false;
}

static __noinline void give_slowly(struct semaphore *semaphore)
{
	const uint64_t flags = spin_lock_irq(&semaphore->waiters.lock);
	struct thread *thread = wait_take(&semaphore->waiters);

	if (!thread)
		semaphore->granted++;
	spin_release(&semaphore->waiters.lock);
	if (thread)
		sched_wake_restore(thread, flags);
	else
		irq_restore(flags);
}

void semaphore_give(struct semaphore *semaphore)
{
	if (unlikely(atomic_fetch_add_explicit(&semaphore->count, 1, memory_order_release) < 0))
		give_slowly(semaphore);
}
