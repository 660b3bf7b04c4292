/* SPDX-License-Identifier: MIT */
/*
 * The overflow queue: a FIFO of intrusive nodes without a limit, many producers, many consumers.
 *
 * A producer exchanges @newest for its own node, then links the former newest to it: wait-free, and
 * a chain of nodes costs no more than one. Consumers take turns by a claim that nobody waits for:
 * who does not get it goes on without, for somebody else is just taking. Under the claim, @oldest
 * and what follows it is an ordinary list.
 *
 * newest: NULL exactly if nothing is in the queue. From NULL on by a producer, to NULL by the
 *	consumer that takes the last node.
 * oldest: written under the claim while @newest is not NULL; set by the producer that found NULL
 *	there. While that producer has not done so yet, or another has not linked its node, the
 *	nodes behind cannot be reached: a take then gives less than there is, or nothing. Producers
 *	therefore have interrupts off.
 *
 * Memory order: what a producer wrote before its push is seen by who took the node.
 */
#ifndef EXO_OVERFLOW_QUEUE_H
#define EXO_OVERFLOW_QUEUE_H

#include <exo/compiler.h>
#include <stdatomic.h>
#include <stdbool.h>

struct overflow_node {
	struct overflow_node *_Atomic next;
};

/* All zero is an empty one. */
struct overflow_queue {
	struct overflow_node *_Atomic newest;
	struct overflow_node *_Atomic oldest;
	_Atomic bool claimed;
};

/* Before overflow_queue_push(): puts @node behind @last, the end of a chain that is to be pushed.
 */
static inline void overflow_queue_link(struct overflow_node *last, struct overflow_node *node)
{
	atomic_store_explicit(&last->next, node, memory_order_relaxed);
}

/* After overflow_queue_take(): the node behind @node; NULL if it is the last one. */
static inline struct overflow_node *overflow_queue_next(const struct overflow_node *node)
{
	return atomic_load_explicit(&node->next, memory_order_relaxed);
}

/* Nothing was in the queue a moment ago. Anybody. */
static inline bool overflow_queue_empty(const struct overflow_queue *queue)
{
	return !atomic_load_explicit(&queue->newest, memory_order_relaxed);
}

/* Appends a chain of nodes, or one: @first == @last. Any context, interrupts off. */
static inline void overflow_queue_push(struct overflow_queue *queue, struct overflow_node *first,
				       struct overflow_node *last)
{
	struct overflow_node *previous;

	atomic_store_explicit(&last->next, NULL, memory_order_relaxed);
	previous = atomic_exchange_explicit(&queue->newest, last, memory_order_acq_rel);
	if (previous)
		atomic_store_explicit(&previous->next, first, memory_order_release);
	else
		atomic_store_explicit(&queue->oldest, first, memory_order_release);
}

/* Under the claim: the oldest node; NULL if none can be reached. */
static inline struct overflow_node *__overflow_queue_take_one(struct overflow_queue *queue)
{
	struct overflow_node *node = atomic_load_explicit(&queue->oldest, memory_order_acquire);
	struct overflow_node *next, *newest = node;

	if (!node)
		return NULL;
	next = atomic_load_explicit(&node->next, memory_order_acquire);
	/* Before it is set to NULL in @newest: from there on a producer may set it. */
	atomic_store_explicit(&queue->oldest, next, memory_order_relaxed);
	if (next ||
	    atomic_compare_exchange_strong_explicit(&queue->newest, &newest, NULL,
						    memory_order_release, memory_order_relaxed))
		return node;
	/* A producer has come behind @node, but not linked it yet. */
	atomic_store_explicit(&queue->oldest, node, memory_order_relaxed);
	return NULL;
}

/**
 * overflow_queue_take() - take the oldest nodes
 * @max: how many at most; > 0
 * Returns them as a chain (overflow_queue_next()), oldest first; NULL if there are none, none that
 * can be reached yet, or another consumer is at it. Anybody, interrupts off; never waits.
 */
static inline struct overflow_node *overflow_queue_take(struct overflow_queue *queue,
							unsigned int max)
{
	struct overflow_node *first, *last, *node;

	if (overflow_queue_empty(queue) ||
	    atomic_load_explicit(&queue->claimed, memory_order_relaxed) ||
	    atomic_exchange_explicit(&queue->claimed, true, memory_order_acquire))
		return NULL;
	first = last = __overflow_queue_take_one(queue);
	while (last && --max && (node = __overflow_queue_take_one(queue))) {
		/* It need not be so linked: the queue may have been empty between the two. */
		overflow_queue_link(last, node);
		last = node;
	}
	atomic_store_explicit(&queue->claimed, false, memory_order_release);
	if (last)
		atomic_store_explicit(&last->next, NULL, memory_order_relaxed);
	return first;
}

#endif
