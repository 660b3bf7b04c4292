/* SPDX-License-Identifier: MIT */
/*
 * Round robin: each CPU has a list of ready threads, the running one included; the first runs for a
 * slice, then it is the next one's turn.
 *
 * Bound: a ready thread waits until each that is before it has had a turn, of two slices at most.
 * Nobody overtakes, so among n ready threads that is less than 2 n slices.
 */
#ifndef SCHED_POLICY_ROUND_ROBIN_H
#define SCHED_POLICY_ROUND_ROBIN_H

#include "turns.h"

#define POLICY_KEEPS_RUNNING 1
#define POLICY_HANDS 1
#define POLICY_LENDS 0

struct run_queue {
	struct turns turns;
	unsigned int length;
};

#define POLICY_TURNS offsetof(struct run_queue, turns)

static inline unsigned int policy_length(const struct run_queue *queue)
{
	return *(const volatile unsigned int *)&queue->length;
}

static inline void policy_remove(struct run_queue *queue, struct thread *thread)
{
	if (!turns_has(thread))
		return;
	queue->length--;
	turns_remove(&queue->turns, thread);
}

static inline void policy_enqueue(struct run_queue *queue, struct thread *thread,
				  enum enqueue_reason why)
{
	if (why != ENQUEUE_WOKEN && turns_has(thread)) {
		if (why == ENQUEUE_SLICE_END)
			turns_advance(&queue->turns, thread);
		return;
	}
	queue->length++;
	if (why == ENQUEUE_PREEMPTED)
		turns_add_first(&queue->turns, thread);
	else
		turns_add_last(&queue->turns, thread);
}

static inline struct thread *policy_pick(struct run_queue *queue)
{
	return queue->turns.first ? turns_thread(queue->turns.first) : NULL;
}

static inline void policy_hand(struct run_queue *queue, struct thread *thread, struct thread *next)
{
	turns_hand(&queue->turns, thread, next);
}

static inline struct thread *policy_yield(struct run_queue *queue, struct thread *current)
{
	return turns_advance(&queue->turns, current);
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

static inline void policy_visit(const struct run_queue *queue, policy_visitor *visit, void *context)
{
	turns_visit(&queue->turns, visit, context);
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
