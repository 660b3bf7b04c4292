/* SPDX-License-Identifier: MIT */
/*
 * Wait queues: threads that wait for something, the most urgent first, equals in the order of their
 * coming.
 *
 *	flags = spin_lock_irq(&queue->lock);
 *	... look whether there is anything to wait for ...
 *	error = wait_block(queue, deadline);	unlocks; interrupts stay off
 *	irq_restore(flags);
 *
 * and the waker: lock, change what is waited for, thread = wait_take(queue), unlock,
 *sched_wake(thread).
 */
#ifndef EXO_WAIT_H
#define EXO_WAIT_H

#include <exo/sched.h>
#include <exo/wait_queue.h>

static inline void wait_queue_init(struct wait_queue *queue)
{
	*queue = (struct wait_queue)WAIT_QUEUE_INIT;
}

/**
 * wait_block() - wait in @queue, whose lock the caller holds
 * @deadline: ns; DEADLINE_NEVER
 * Returns 0 once woken, -EXO_E_TIMEOUT, what wait_cancel() was given, and at once -EXO_E_DEAD or
 * -EXO_E_AGAIN in a thread of user mode that is to end or to stop (exo/user.h); the lock is
 * released, interrupts are off as before.
 */
int wait_block(struct wait_queue *queue, uint64_t deadline) __releases(queue->lock);

/*
 * The running thread has said where it waits: is there no point in it, as it is to end or to stop?
 * -EXO_E_DEAD, -EXO_E_AGAIN; 0. A full fence, if it is a program's.
 */
int wait_unwanted(const struct thread *thread);

/* Takes the first thread out, to be woken by the caller; NULL if none waits. Under the lock. */
struct thread *wait_take(struct wait_queue *queue) __requires(queue->lock);

/* The same of a queue in which never more than one thread waits. */
static inline struct thread *wait_take_only(struct wait_queue *queue)
{
	struct pq_node *const node = queue->waiters.first;
	struct thread *thread;

	if (unlikely(!node))
		return NULL;
	thread = pq_entry(node, struct thread, wait_node);
	queue->waiters.first = NULL;
	atomic_store_explicit(&thread->waiting_on, NULL, memory_order_relaxed);
	return thread;
}

/*
 * Ends the wait that @thread is in, if it is in wait_block() or sleeps; that then returns @error.
 * Not those for mutexes and semaphores, which end by themselves. Any CPU, any context.
 */
void wait_cancel(struct thread *thread, int error);

/* Wakes one, or all that wait now. Returns how many. Takes the lock; any context. */
unsigned int wait_wake_one(struct wait_queue *queue);
unsigned int wait_wake_all(struct wait_queue *queue);

#endif
