/* SPDX-License-Identifier: MIT */
/*
 * Pairing heap (Fredman, Sedgewick, Sleator, Tarjan, 1986): a tree in which no child is smaller
 * than its parent. Two trees are joined by making the larger root the first child of the smaller;
 * the children of a removed node are joined in pairs from left to right, and the pairs from right
 * to left.
 */
#include <exo/priority_queue.h>

/* Joins two trees, neither NULL, whose roots have no siblings. */
static struct pq_node *join(struct pq_node *a, struct pq_node *b)
{
	if (b->key < a->key) {
		struct pq_node *larger = a;

		a = b;
		b = larger;
	}
	b->next = a->child;
	if (b->next)
		b->next->previous = b;
	b->previous = a;
	a->child = b;
	a->next = NULL;
	return a;
}

/* Joins a list of siblings, at least one, into one tree. */
static struct pq_node *join_all(struct pq_node *node)
{
	struct pq_node *pairs = NULL, *tree;

	do {
		struct pq_node *first = node, *second = node->next;

		node = second ? second->next : NULL;
		first->next = NULL;
		if (second) {
			second->next = NULL;
			first = join(first, second);
		}
		first->next = pairs;
		pairs = first;
	} while (node);
	tree = pairs;
	pairs = tree->next;
	tree->next = NULL;
	while (pairs) {
		struct pq_node *pair = pairs;

		pairs = pair->next;
		pair->next = NULL;
		tree = join(tree, pair);
	}
	return tree;
}

void pq_insert(struct priority_queue *queue, struct pq_node *node)
{
	node->child = node->next = node->previous = NULL;
	queue->first = queue->first ? join(queue->first, node) : node;
}

void pq_remove(struct priority_queue *queue, struct pq_node *node)
{
	struct pq_node *children = node->child ? join_all(node->child) : NULL;

	if (node == queue->first) {
		queue->first = children;
		if (children)
			children->previous = NULL;
		return;
	}
	if (node->previous->child == node)
		node->previous->child = node->next;
	else
		node->previous->next = node->next;
	if (node->next)
		node->next->previous = node->previous;
	if (children)
		queue->first = join(queue->first, children);
}

struct pq_node *pq_walk(const struct priority_queue *queue, struct pq_node *node)
{
	if (!node)
		return queue->first;
	if (node->child)
		return node->child;
	while (node && !node->next) {
		/* Up to the parent: the node before the first sibling. */
		while (node->previous && node->previous->child != node)
			node = node->previous;
		node = node->previous;
	}
	return node ? node->next : NULL;
}
