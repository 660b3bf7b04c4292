/* SPDX-License-Identifier: MIT */
/* Stride scheduling: the run queue, and what is inline. The theory is in policy_stride.c. */
#ifndef POLICY_STRIDE_H
#define POLICY_STRIDE_H

#include "policy_common.h"

#define POLICY_KEEPS_RUNNING 0
#define POLICY_HANDS 0 /* it accounts for each thread's time */

/* 2 * (S / s + n) turns of two slices, with equal shares. */
#define POLICY_WAIT_SLICES(ready) (8 * ((ready) + 1))
#define POLICY_BOUNDS_TIME 1

#define STRIDE_SHARES_MAX 10000
#define STRIDE_SHARES_DEFAULT EXO_SHARES_DEFAULT /* of who asks for 0 */

struct run_queue {
	struct priority_queue ready; /* key: pass */
	struct thread *running; /* NULL: idle, or between two turns */
	uint64_t charged; /* @running has paid up to this time */
	uint64_t virtual_time; /* the pass of one that always gets its part */
	uint64_t remainder; /* of the division that made it */
	uint64_t shares; /* of the ready threads and @running */
	struct cpu *cpu;
	_Atomic unsigned int length; /* of ready; written by @cpu */
};

/* policy_enqueue() has just charged @current. */
static inline bool policy_preempts(const struct thread *ready, const struct thread *current)
{
	return ready->sched.stride.node.key < current->sched.stride.node.key;
}

static inline void policy_hand(struct run_queue *queue, struct thread *thread, struct thread *next)
{
	(void)queue, (void)thread, (void)next;
}

static inline void policy_visit(const struct run_queue *queue, policy_visitor *visit, void *context)
{
	struct pq_node *node = NULL;

	while ((node = pq_walk(&queue->ready, node)))
		visit(pq_entry(node, struct thread, sched.stride.node), context);
}

static inline unsigned int policy_length(const struct run_queue *queue)
{
	return atomic_load_explicit(&queue->length, memory_order_relaxed);
}

void policy_enqueue(struct run_queue *queue, struct thread *thread, enum enqueue_reason why);
void policy_remove(struct run_queue *queue, struct thread *thread);
struct thread *policy_pick(struct run_queue *queue);
struct thread *policy_yield(struct run_queue *queue, struct thread *current);
bool policy_slice_end(struct run_queue *queue, struct thread *current);
void policy_running(struct run_queue *queue, struct thread *next);
void policy_stopped(struct run_queue *queue, struct thread *previous);

#endif
