/* SPDX-License-Identifier: MIT */
/*
 * Wait queues. Whoever takes a thread out of the queue, under its lock, wakes it: a waker, the
 * thread's own timer, or wait_cancel(). So each block is ended exactly once. A thread that just
 * sleeps is in no queue: there, whoever clears thread->asleep wakes it.
 *
 * Cancelling. Who wants a thread to end sets a bit of its attention and then looks whether it
 * waits; a thread that begins to wait says so and then looks at the bits. With full fences between
 * the two, one of them sees the other. Interrupts are off while a queue is looked at that may be
 * about to go: memory is reused only after every CPU has answered an interrupt.
 *
 * The timer is on the thread's home CPU, and so is the place where a woken thread arrives: it is
 * cancelled there (kernel/sched/core.c), before anything else can happen to the thread.
 */
#include "thread_internal.h"

#include <exo/ipc.h>
#include <exo/user.h>

#define URGENCY_SHIFT 56

/* More urgent first, then in the order of coming. Under the lock. */
static void insert(struct wait_queue *queue, struct thread *thread)
{
	thread->wait_node.key =
		(uint64_t)(uint8_t)~thread->urgency << URGENCY_SHIFT | queue->arrivals++;
	pq_insert(&queue->waiters, &thread->wait_node);
}

void wait_enter(struct wait_queue *queue)
{
	struct thread *thread = thread_current();

	assert_held(&queue->lock);
	insert(queue, thread);
	atomic_store_explicit(&thread->waiting_on, queue, memory_order_relaxed);
	thread->wait_result = 0;
	thread->cancellable = false;
}

/* Under the lock of @queue, in which @thread is. */
static void leave(struct wait_queue *queue, struct thread *thread)
{
	pq_remove(&queue->waiters, &thread->wait_node);
	atomic_store_explicit(&thread->waiting_on, NULL, memory_order_relaxed);
}

int wait_unwanted(const struct thread *thread)
{
	unsigned int wishes;

	if (!IS_ENABLED(CONFIG_OBJECTS) || likely(!thread->user))
		return 0;
	atomic_thread_fence(memory_order_seq_cst);
	wishes = atomic_load(&thread->attention);
	if (wishes & THREAD_KILL)
		return -EXO_E_DEAD;
	return wishes & THREAD_STOP ? -EXO_E_AGAIN : 0;
}

int wait_sleep(uint64_t deadline)
{
	struct thread *thread = thread_current();

	if (deadline != DEADLINE_NEVER)
		timer_arm(&thread->timeout, deadline);
	sched_block();
	return thread->wait_result;
}

int wait_block(struct wait_queue *queue, uint64_t deadline)
{
	struct thread *thread = thread_current();
	int error;

	wait_enter(queue);
	thread->cancellable = true;
	error = wait_unwanted(thread);
	if (unlikely(error))
		leave(queue, thread);
	spin_release(&queue->lock);
	return unlikely(error) ? error : wait_sleep(deadline);
}

struct thread *wait_take(struct wait_queue *queue)
{
	struct pq_node *node = pq_take(&queue->waiters);
	struct thread *thread;

	if (!node)
		return NULL;
	thread = pq_entry(node, struct thread, wait_node);
	atomic_store_explicit(&thread->waiting_on, NULL, memory_order_relaxed);
	return thread;
}

struct thread *wait_first(const struct wait_queue *queue)
{
	struct pq_node *node = pq_first(&queue->waiters);

	return node ? pq_entry(node, struct thread, wait_node) : NULL;
}

void wait_move(struct wait_queue *queue, struct thread *thread)
{
	const uint64_t flags = spin_lock_irq(&queue->lock);

	if (thread->waiting_on == queue) {
		pq_remove(&queue->waiters, &thread->wait_node);
		insert(queue, thread);
	}
	spin_unlock_irq(&queue->lock, flags);
}

/* Ends @thread's wait with @error, if it is in one that may be ended so. Interrupts off. */
static void end_wait(struct thread *thread, int error, bool cancel)
{
	struct wait_queue *queue = atomic_load(&thread->waiting_on);
	bool taken;

	if (queue) {
		spin_acquire(&queue->lock);
		taken = atomic_load(&thread->waiting_on) == queue &&
			(!cancel || thread->cancellable);
		if (taken) {
			leave(queue, thread);
			thread->wait_result = error;
		}
		spin_release(&queue->lock);
	} else {
		taken = atomic_exchange(&thread->asleep, false) ||
			(IS_ENABLED(CONFIG_IPC) && thread->user && thread->user->ipc &&
			 thread->user->ipc->end_wait(thread, error));
	}
	if (taken)
		sched_wake(thread);
}

void wait_timeout(struct timer *timer)
{
	end_wait(container_of(timer, struct thread, timeout), -EXO_E_TIMEOUT, false);
}

void wait_cancel(struct thread *thread, int error)
{
	const uint64_t flags = irq_save();

	end_wait(thread, error, true);
	irq_restore(flags);
}

void thread_sleep_until(uint64_t deadline)
{
	struct thread *thread = thread_current();
	uint64_t flags;

	assert_may_sleep();
	flags = irq_save();
	atomic_store_explicit(&thread->asleep, true, memory_order_relaxed);
	/* Who has cleared it meanwhile wakes the thread, so that must wait for it. */
	if (likely(!wait_unwanted(thread)) || !atomic_exchange(&thread->asleep, false)) {
		timer_arm(&thread->timeout, deadline);
		sched_block();
	}
	irq_restore(flags);
}

unsigned int wait_wake_one(struct wait_queue *queue)
{
	const uint64_t flags = spin_lock_irq(&queue->lock);
	struct thread *thread = wait_take(queue);

	spin_release(&queue->lock);
	if (thread)
		sched_wake_restore(thread, flags);
	else
		irq_restore(flags);
	return thread != NULL;
}

unsigned int wait_wake_all(struct wait_queue *queue)
{
	unsigned int woken = 0;

	while (wait_wake_one(queue))
		woken++;
	return woken;
}
