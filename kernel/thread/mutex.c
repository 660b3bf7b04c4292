/* SPDX-License-Identifier: MIT */
/*
 * Mutexes with priority inheritance.
 *
 * Uncontended, a mutex is one compare-and-exchange of its owner, each way. Bit 0 of the owner word
 * says that somebody waits or may wait; it changes under the mutex's waiters.lock. Who waits for
 * what, and so who lends to whom, is under graph_lock, the one for all mutexes: loans run along
 * chains of owners, and contention is meant to be rare. A policy without urgencies (POLICY_LENDS is
 * 0) has no loans and does not need it.
 *
 * An owner's urgency is the highest of its own and those of the first waiters of its contended
 * mutexes; a change goes on to the owner of what it waits for itself. A mutex is handed to its most
 * urgent waiter on unlock, so nobody barges in.
 *
 * Lock order: graph_lock, then a mutex's waiters.lock. Interrupts are off under both.
 */
#include "thread_internal.h"

#include <exo/panic.h>

#define CONTENDED ((uintptr_t)1)

static struct spinlock graph_lock = SPINLOCK_INIT(LOCK_RANK_MUTEX_GRAPH);

/* Whether there is anything to take is known only to the policy: the analysis cannot follow. */
static inline void graph_acquire(void) __no_thread_safety_analysis
{
	if (POLICY_LENDS)
		spin_acquire(&graph_lock);
}

static inline void graph_release(void) __no_thread_safety_analysis
{
	if (POLICY_LENDS)
		spin_release(&graph_lock);
}

void mutex_init(struct mutex *mutex)
{
	*mutex = (struct mutex)MUTEX_INIT;
}

static struct thread *owner_of(const struct mutex *mutex)
{
	return (struct thread *)(atomic_load_explicit(&mutex->owner, memory_order_relaxed) &
				 ~CONTENDED);
}

/* --- urgency; all under graph_lock -------------------------------------------------------------*/

static uint8_t worth(const struct thread *thread)
{
	uint8_t urgency = thread->own_urgency;

	if (IS_ENABLED(CONFIG_OBJECTS) && atomic_load(&thread->attention) & THREAD_KILL)
		return UINT8_MAX;
	if (IS_ENABLED(CONFIG_IPC) && thread->lent > urgency)
		urgency = thread->lent;
	list_for_each(node, &thread->mutexes)
	{
		struct mutex *mutex = list_entry(node, struct mutex, held_node);
		const struct thread *first = wait_first(&mutex->waiters);

		if (first && first->urgency > urgency)
			urgency = first->urgency;
	}
	return urgency;
}

/* Works out the urgency of @thread anew, and of all who are before it in the way of its mutex. */
static void update(struct thread *thread)
{
	while (POLICY_LENDS && thread) {
		const uint8_t urgency = worth(thread);

		if (urgency == thread->urgency)
			return;
		thread->urgency = urgency;
		if (thread->blocked_on) {
			wait_move(&thread->blocked_on->waiters, thread);
			thread = owner_of(thread->blocked_on);
		} else {
			sched_requeue(thread);
			return;
		}
	}
}

void mutex_own_urgency_changed(struct thread *thread)
{
	const uint64_t flags = irq_save();

	graph_acquire();
	update(thread);
	graph_release();
	irq_restore(flags);
	sched_point();
}

void sched_lend(struct thread *thread, const struct thread *lender)
{
	if (!POLICY_LENDS || (!lender && !thread->lender))
		return;
	graph_acquire();
	thread->lender = lender;
	thread->lent = lender ? lender->urgency : 0;
	update(thread);
	graph_release();
}

void sched_take_back(struct thread *thread, const struct thread *lender)
{
	if (!POLICY_LENDS)
		return;
	graph_acquire();
	if (thread->lender == lender) {
		thread->lender = NULL;
		thread->lent = 0;
		update(thread);
	}
	graph_release();
}

/* --- locking -----------------------------------------------------------------------------------*/

bool mutex_try_lock(struct mutex *mutex)
{
	uintptr_t free = 0;

	return atomic_compare_exchange_strong_explicit(&mutex->owner, &free,
						       (uintptr_t)thread_current(),
						       memory_order_acquire, memory_order_relaxed);
}

/*
 * Under waiters.lock: takes @mutex if it has become free, else marks it as contended, which keeps
 * it from becoming free without that lock. Returns its owner; NULL if it is ours now.
 */
static struct thread *mark_contended(struct mutex *mutex, struct thread *thread)
{
	uintptr_t owner = atomic_load_explicit(&mutex->owner, memory_order_relaxed);

	for (;;) {
		const uintptr_t wanted = owner ? owner | CONTENDED : (uintptr_t)thread;

		if (owner & CONTENDED)
			return (struct thread *)(owner & ~CONTENDED);
		if (!atomic_compare_exchange_weak_explicit(&mutex->owner, &owner, wanted,
							   memory_order_acquire,
							   memory_order_relaxed))
			continue;
		if (!owner)
			return NULL;
		if (POLICY_LENDS)
			list_add_last(&((struct thread *)owner)->mutexes, &mutex->held_node);
		return (struct thread *)owner;
	}
}

/* A waiter has gone without the mutex: its loan ends; the last one ends the contention. */
static void withdraw(struct mutex *mutex, struct thread *thread)
{
	struct thread *owner;

	graph_acquire();
	thread->blocked_on = NULL;
	spin_acquire(&mutex->waiters.lock);
	owner = owner_of(mutex);
	if (!(atomic_load_explicit(&mutex->owner, memory_order_relaxed) & CONTENDED))
		owner = NULL;
	if (owner && !wait_first(&mutex->waiters)) {
		if (POLICY_LENDS)
			list_remove(&mutex->held_node);
		atomic_store_explicit(&mutex->owner, (uintptr_t)owner, memory_order_relaxed);
	}
	spin_release(&mutex->waiters.lock);
	update(owner);
	graph_release();
}

static __noinline int lock_slowly(struct mutex *mutex, uint64_t deadline)
{
	struct thread *thread = thread_current(), *owner;
	uint64_t flags;
	int error = 0;

	assert_may_sleep();
	ASSERT(owner_of(mutex) != thread);
	flags = irq_save();
	graph_acquire();
	spin_acquire(&mutex->waiters.lock);
	owner = mark_contended(mutex, thread);
	if (owner) {
		thread->blocked_on = mutex;
		wait_enter(&mutex->waiters);
	}
	spin_release(&mutex->waiters.lock);
	update(owner);
	graph_release();
	if (owner)
		error = wait_sleep(deadline);
	if (error)
		withdraw(mutex, thread);
	irq_restore(flags);
	return error;
}

int mutex_lock_until(struct mutex *mutex, uint64_t deadline)
{
	if (likely(mutex_try_lock(mutex)))
		return 0;
	return lock_slowly(mutex, deadline);
}

void mutex_lock(struct mutex *mutex)
{
	if (unlikely(!mutex_try_lock(mutex)))
		lock_slowly(mutex, DEADLINE_NEVER);
}

/* Under both locks: hands @mutex to the first waiter, if there still is one. */
static struct thread *hand_over(struct mutex *mutex) __requires(mutex->waiters.lock)
{
	struct thread *next = wait_take(&mutex->waiters);
	const bool more = wait_first(&mutex->waiters);

	if (POLICY_LENDS)
		list_remove(&mutex->held_node);
	atomic_store_explicit(&mutex->owner, (uintptr_t)next | (more ? CONTENDED : 0),
			      memory_order_release);
	if (!next)
		return NULL;
	next->blocked_on = NULL;
	if (POLICY_LENDS && more) {
		list_add_last(&next->mutexes, &mutex->held_node);
		next->urgency = worth(next); /* it is about to be queued */
	}
	return next;
}

static __noinline void unlock_slowly(struct mutex *mutex)
{
	struct thread *thread = thread_current(), *next;
	uint64_t flags;

	ASSERT(owner_of(mutex) == thread);
	flags = irq_save();
	graph_acquire();
	spin_acquire(&mutex->waiters.lock);
	next = hand_over(mutex);
	spin_release(&mutex->waiters.lock);
	update(thread);
	graph_release();
	if (next) {
		sched_wake_restore(next, flags);
	} else {
		irq_restore(flags);
		sched_point(); /* a loan may have ended */
	}
}

void mutex_unlock(struct mutex *mutex)
{
	uintptr_t owner = (uintptr_t)thread_current();

	if (unlikely(!atomic_compare_exchange_strong_explicit(
		    &mutex->owner, &owner, 0, memory_order_release, memory_order_relaxed)))
		unlock_slowly(mutex);
}
