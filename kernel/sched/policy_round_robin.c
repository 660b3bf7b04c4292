/* SPDX-License-Identifier: MIT */
/*
 * Round robin: each CPU has a list of ready threads; the first runs for a slice and goes to the end.
 *
 * Bound: a ready thread waits until each that is before it has had a turn, of two slices at most.
 * Nobody overtakes, so with n threads in the list that is 2 n slices.
 */
#include "policy.h"

const char policy_name[] = "round robin";

static inline void set_length(struct run_queue *queue, int change)
{
	const unsigned int length =
		atomic_load_explicit(&queue->length, memory_order_relaxed) + (unsigned int)change;

	atomic_store_explicit(&queue->length, length, memory_order_relaxed);
}

static inline struct thread *thread_of(struct list_node *node)
{
	return list_entry(node, struct thread, sched.list.node);
}

void policy_init(struct run_queue *queue, struct cpu *cpu)
{
	(void)cpu;
	list_init(&queue->threads);
}

int policy_admit(struct thread *thread, const struct sched_parameters *parameters)
{
	(void)thread, (void)parameters;
	return 0;
}

void policy_leave(struct thread *thread)
{
	(void)thread;
}

void policy_enqueue(struct run_queue *queue, struct thread *thread, enum enqueue_reason why)
{
	(void)why;
	thread->sched.list.queued = true;
	list_add_last(&queue->threads, &thread->sched.list.node);
	set_length(queue, 1);
}

static struct thread *remove(struct run_queue *queue, struct thread *thread)
{
	list_remove(&thread->sched.list.node);
	thread->sched.list.queued = false;
	set_length(queue, -1);
	return thread;
}

struct thread *policy_pick(struct run_queue *queue)
{
	if (list_empty(&queue->threads))
		return NULL;
	return remove(queue, thread_of(queue->threads.next));
}

struct thread *policy_yield(struct run_queue *queue, struct thread *current)
{
	struct list_node *first = queue->threads.next;

	if (first == &queue->threads)
		return current;
	list_remove(first);
	thread_of(first)->sched.list.queued = false;
	current->sched.list.queued = true;
	list_add_last(&queue->threads, &current->sched.list.node);
	return thread_of(first);
}

bool policy_take(struct run_queue *queue, struct thread *thread)
{
	if (!thread->sched.list.queued)
		return false;
	remove(queue, thread);
	return true;
}

/* The newest: it has the least to lose by starting anew elsewhere. */
struct thread *policy_give(struct run_queue *queue, const struct cpu *to)
{
	for (struct list_node *node = queue->threads.previous; node != &queue->threads;
	     node = node->previous)
		if (cpu_set_has(&thread_of(node)->affinity, to->number))
			return remove(queue, thread_of(node));
	return NULL;
}
