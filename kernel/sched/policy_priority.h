/* SPDX-License-Identifier: MIT */
/* Fixed priorities: see policy_priority.c. */
#ifndef SCHED_POLICY_PRIORITY_H
#define SCHED_POLICY_PRIORITY_H

#define PRIORITY_WORDS (PRIORITY_LEVELS / 64)

struct run_queue {
	uint64_t words; /* a bit for each word of @levels that is not 0 */
	uint64_t levels[PRIORITY_WORDS]; /* a bit for each list that is not empty */
	_Atomic unsigned int length; /* others may read it */
	struct list_node lists[PRIORITY_LEVELS]; /* by urgency; the next first */
};

static inline unsigned int policy_length(const struct run_queue *queue)
{
	return atomic_load_explicit(&queue->length, memory_order_relaxed);
}

static inline bool policy_preempts(const struct thread *ready, const struct thread *current)
{
	return ready->urgency > current->urgency;
}

static inline bool policy_slice_end(struct run_queue *queue, struct thread *current)
{
	return !list_empty(&queue->lists[current->urgency]);
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
