/* SPDX-License-Identifier: MIT */
/* Earliest deadline first: the run queue, and what is inline. The theory is in policy_edf.c. */
#ifndef POLICY_EDF_H
#define POLICY_EDF_H

#include "policy_common.h"

#define POLICY_KEEPS_RUNNING 0
#define POLICY_HANDS 0 /* it accounts for each thread's time */

/* For host tests of another configuration. */
#ifndef CONFIG_SCHED_EDF_LIMIT
#define CONFIG_SCHED_EDF_LIMIT 95
#endif

/* So that timers, and the periods of several threads together, cost a bounded part of a CPU. */
#define EDF_PERIOD_MIN (100 * NS_PER_US)
#define EDF_PERIOD_MAX (1ull << 40) /* exclusive; 18 minutes; keeps edf_density() in 64 bits */

/* Utilisation is counted in units of 2^-48 of a CPU. */
#define EDF_WHOLE (1ull << 48)

enum edf_place {
	EDF_NOWHERE, /* in no queue: running, blocked, on its way */
	EDF_READY,
	EDF_THROTTLED,
	EDF_BACKGROUND,
};

struct run_queue {
	struct priority_queue ready; /* threads with a deadline, and those with lent urgency */
	struct priority_queue throttled; /* key: when the next period begins */
	struct list_node background; /* threads without a deadline, in turn */
	struct thread *running; /* NULL: idle, or between two turns */
	uint64_t charged; /* @running has paid up to this time */
	struct timer budget; /* the end of @running's */
	struct timer refill; /* the first of @throttled */
	struct cpu *cpu;
	_Atomic unsigned int length; /* of ready and background; written by @cpu */
};

/* Runs at once, whatever it has promised and whatever it has left: see policy_edf.c. */
static inline bool edf_is_lent(const struct thread *thread)
{
	return thread->urgency > thread->own_urgency;
}

/* What runs first: the smaller. No deadline is as small as an urgency. */
static inline uint64_t edf_key(const struct thread *thread)
{
	if (unlikely(edf_is_lent(thread)))
		return (uint64_t)UINT8_MAX - thread->urgency;
	return thread->sched.edf.now.period ? thread->sched.edf.due : UINT64_MAX;
}

static inline bool policy_preempts(const struct thread *ready, const struct thread *current)
{
	return ready->sched.edf.place == EDF_READY && edf_key(ready) < edf_key(current);
}

/* Who was picked is in no queue already. */
static inline void policy_remove(struct run_queue *queue, struct thread *thread)
{
	(void)queue, (void)thread;
}

static inline void policy_hand(struct run_queue *queue, struct thread *thread, struct thread *next)
{
	(void)queue, (void)thread, (void)next;
}

static inline void policy_visit(const struct run_queue *queue, policy_visitor *visit, void *context)
{
	struct pq_node *node = NULL;

	while ((node = pq_walk(&queue->ready, node)))
		visit(pq_entry(node, struct thread, sched.edf.node), context);
	while ((node = pq_walk(&queue->throttled, node)))
		visit(pq_entry(node, struct thread, sched.edf.node), context);
	list_for_each(background, &queue->background)
		visit(list_entry(background, struct thread, sched.edf.background), context);
}

static inline unsigned int policy_length(const struct run_queue *queue)
{
	return atomic_load_explicit(&queue->length, memory_order_relaxed);
}

void policy_enqueue(struct run_queue *queue, struct thread *thread, enum enqueue_reason why);
struct thread *policy_pick(struct run_queue *queue);
struct thread *policy_yield(struct run_queue *queue, struct thread *current);
bool policy_slice_end(struct run_queue *queue, struct thread *current);
void policy_running(struct run_queue *queue, struct thread *next);
void policy_stopped(struct run_queue *queue, struct thread *previous);

/* The ledger of what is promised (policy_edf_ledger.c). */

/* The part of a CPU that a contract needs, in units of 1 / EDF_WHOLE, rounded up; 0 for none. */
uint64_t edf_density(const struct edf_contract *contract);

/* Puts the wanted contract of @thread in force. On its home CPU, interrupts off. */
void edf_ledger_take_over(struct thread *thread);

/**
 * edf_ledger_move() - @thread has come to another CPU than the one that it has reserved
 * Reserves the same here; if there is no room, the thread has no contract any more. On @cpu,
 * interrupts off.
 */
void edf_ledger_move(struct thread *thread, cpu_t cpu);

/* What is promised of @cpu, in units of 1 / EDF_WHOLE. */
uint64_t edf_ledger_reserved(cpu_t cpu);

#endif
