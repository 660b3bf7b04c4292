/* SPDX-License-Identifier: MIT */
/* Work stealing: see policy_stealing.c. */
#ifndef SCHED_POLICY_STEALING_H
#define SCHED_POLICY_STEALING_H

#include <exo/list.h>
#include <exo/numa.h>
#include <exo/overflow_queue.h>
#include <exo/steal_ring.h>
#include <exo/thread.h>

#include "policy_common.h"

/* A node's; no two share a line. */
struct stealing_node {
	struct overflow_queue overflow;
} __aligned(64);

extern struct stealing_node stealing_nodes[NUMA_MAX_NODES];

/* Since boot; changed by their own CPU. */
struct stealing_counters {
	uint64_t near,
		far; /* times that threads were taken from other CPUs: of this node, others */
	uint64_t stolen; /* threads that this were */
	uint64_t overflowed; /* threads of here that went into the overflow queue */
};

#define POLICY_KEEPS_RUNNING 0
#define POLICY_HANDS 1
#define POLICY_LENDS 0
#define POLICY_STEALS 1

struct run_queue {
	struct steal_ring ring; /* threads that may run everywhere */
	struct list_node pinned; /* those that may not */
	_Atomic unsigned int nr_pinned; /* others may read it */
	bool pinned_turn; /* @pinned comes before @ring when both have some */
	unsigned int picks; /* since the overflow queue had its turn */
	struct cpu *cpu;
	uint32_t cache; /* what this CPU has in common with those that share its last-level cache */
	struct stealing_counters counters;
};

/* What is in the node's overflow queue waits for each of its CPUs: it counts as one. */
static inline unsigned int policy_length(const struct run_queue *queue)
{
	return steal_ring_length(&queue->ring) +
	       atomic_load_explicit(&queue->nr_pinned, memory_order_relaxed) +
	       !overflow_queue_empty(&stealing_nodes[queue->cpu->node].overflow);
}

void policy_enqueue(struct run_queue *queue, struct thread *thread, enum enqueue_reason why);
struct thread *policy_pick(struct run_queue *queue);
struct thread *policy_yield(struct run_queue *queue, struct thread *current);

static inline void policy_remove(struct run_queue *queue, struct thread *thread)
{
	(void)queue, (void)thread;
}

/* Who runs is in no queue. */
static inline void policy_hand(struct run_queue *queue, struct thread *thread, struct thread *next)
{
	(void)queue, (void)thread, (void)next;
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

/* A node's overflow queue goes with the first CPU of the node. */
void policy_visit(const struct run_queue *queue, policy_visitor *visit, void *context);

static inline void policy_running(struct run_queue *queue, struct thread *next)
{
	(void)queue, (void)next;
}

static inline void policy_stopped(struct run_queue *queue, struct thread *previous)
{
	(void)queue, (void)previous;
}

#endif
