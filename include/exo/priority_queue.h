/* SPDX-License-Identifier: MIT */
/*
 * Priority queues: the node with the smallest key first. A pairing heap of intrusive nodes.
 *
 * Inserting is O(1), so is looking at the first; removing any node takes O(log n) amortised over
 * all operations, and O(n) in the worst case for a single one. Equal keys come out in no particular
 * order. Used for timers (key: when), for scheduling (deadline, pass) and for waiting threads.
 * No locks: the owner of the queue has them.
 */
#ifndef EXO_PRIORITY_QUEUE_H
#define EXO_PRIORITY_QUEUE_H

#include <exo/compiler.h>
#include <stdbool.h>

struct pq_node {
	uint64_t key;
	struct pq_node *child, *next; /* first child; next sibling */
	struct pq_node *previous; /* sibling before, or the parent of a first child */
};

struct priority_queue {
	struct pq_node *first; /* NULL: empty */
};

#define pq_entry(node, type, member) container_of(node, type, member)

/* @node->key is set and @node is in no queue. */
void pq_insert(struct priority_queue *queue, struct pq_node *node);

/* @node is in @queue. */
void pq_remove(struct priority_queue *queue, struct pq_node *node);

static inline struct pq_node *pq_first(const struct priority_queue *queue)
{
	return queue->first;
}

/* Takes the first node out; NULL if there is none. */
static inline struct pq_node *pq_take(struct priority_queue *queue)
{
	struct pq_node *node = queue->first;

	if (node)
		pq_remove(queue, node);
	return node;
}

/*
 * Visits every node, in no particular order: pq_walk(queue, NULL) is one, pq_walk(queue, node) the
 * next, NULL the end. The queue must not change meanwhile.
 */
struct pq_node *pq_walk(const struct priority_queue *queue, struct pq_node *node);

#endif
