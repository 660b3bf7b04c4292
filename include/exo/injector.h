/* SPDX-License-Identifier: MIT */
/*
 * The injector: a lock-free queue of intrusive nodes, many producers, one consumer who takes all.
 *
 * Producers push onto a list, newest first; the consumer takes the whole list with one exchange and
 * turns it round, so that it sees each producer's nodes in the order of their pushes. A push says
 * whether the queue was empty before: only then does the consumer have to be told. No node is ever
 * looked at by a producer other than its own, so there is no ABA problem.
 *
 * Memory order: what a producer wrote before its push is seen by the consumer that took the node.
 * A push is a full barrier.
 */
#ifndef EXO_INJECTOR_H
#define EXO_INJECTOR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct inject_node {
	struct inject_node *next;
};

struct injector {
	struct inject_node *_Atomic newest;
};

/* Any thread, any context. Returns true if the queue was empty. */
static inline bool injector_push(struct injector *injector, struct inject_node *node)
{
	struct inject_node *newest = atomic_load_explicit(&injector->newest, memory_order_relaxed);

	do
		node->next = newest;
	while (!atomic_compare_exchange_weak_explicit(&injector->newest, &newest, node,
						      memory_order_seq_cst, memory_order_relaxed));
	return !newest;
}

/* The consumer alone. Returns all nodes, linked by next, oldest first; NULL if there are none. */
static inline struct inject_node *injector_take(struct injector *injector)
{
	struct inject_node *node =
		atomic_exchange_explicit(&injector->newest, NULL, memory_order_acquire);
	struct inject_node *oldest = NULL;

	while (node) {
		struct inject_node *next = node->next;

		node->next = oldest;
		oldest = node;
		node = next;
	}
	return oldest;
}

#endif
