/* SPDX-License-Identifier: MIT */
/*
 * Wait queues. Whoever takes a thread out of the queue, under its lock, wakes it: a waker, or the
 * thread's own timer. So each block is ended exactly once.
 *
 * The timer is on the thread's home CPU, and so is the place where a woken thread arrives: it is
 * cancelled there (kernel/sched/core.c), before anything else can happen to the thread.
 */
#include "thread_internal.h"

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
	thread->waiting_on = queue;
	thread->wait_result = 0;
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
	wait_enter(queue);
	spin_release(&queue->lock);
	return wait_sleep(deadline);
}

struct thread *wait_take(struct wait_queue *queue)
{
	struct pq_node *node = pq_take(&queue->waiters);
	struct thread *thread;

	if (!node)
		return NULL;
	thread = pq_entry(node, struct thread, wait_node);
	thread->waiting_on = NULL;
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

void wait_timeout(struct timer *timer)
{
	struct thread *thread = container_of(timer, struct thread, timeout);
	struct wait_queue *queue = thread->waiting_on;
	bool taken = true;

	if (queue) {
		spin_acquire(&queue->lock);
		taken = thread->waiting_on != queue;
		if (!taken) {
			pq_remove(&queue->waiters, &thread->wait_node);
			thread->waiting_on = NULL;
			thread->wait_result = -EXO_E_TIMEOUT;
		}
		spin_release(&queue->lock);
	}
	/* One that just sleeps is in no queue, and nobody else wakes it. */
	if (!taken || thread->asleep)
		sched_wake(thread);
}

void thread_sleep_until(uint64_t deadline)
{
	struct thread *thread = thread_current();
	uint64_t flags;

	assert_may_sleep();
	flags = irq_save();
	thread->asleep = true;
	timer_arm(&thread->timeout, deadline);
	sched_block();
	thread->asleep = false;
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
