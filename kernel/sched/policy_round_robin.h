/* SPDX-License-Identifier: MIT */
/* Round robin: see policy_round_robin.c. */
#ifndef SCHED_POLICY_ROUND_ROBIN_H
#define SCHED_POLICY_ROUND_ROBIN_H

struct run_queue {
	struct list_node threads; /* the next first */
	_Atomic unsigned int length; /* others may read it */
};

static inline unsigned int policy_length(const struct run_queue *queue)
{
	return atomic_load_explicit(&queue->length, memory_order_relaxed);
}

static inline bool policy_preempts(const struct thread *ready, const struct thread *current)
{
	(void)ready, (void)current;
	return false;
}

static inline bool policy_slice_end(struct run_queue *queue, struct thread *current)
{
	(void)queue, (void)current;
	return true;
}

static inline void policy_running(struct run_queue *queue, struct thread *next)
{
	(void)queue, (void)next;
}

static inline void policy_stopped(struct run_queue *queue, struct thread *previous)
{
	(void)queue, (void)previous;
}

#endif
