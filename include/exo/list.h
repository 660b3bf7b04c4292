/* SPDX-License-Identifier: MIT */
/*
 * Doubly linked lists of nodes within other structures. A list is a node too: the one before the
 * first and after the last. No function checks its arguments; none takes a lock.
 */
#ifndef EXO_LIST_H
#define EXO_LIST_H

#include <exo/compiler.h>
#include <stdbool.h>

struct list_node {
	struct list_node *next, *previous;
};

#define LIST_INIT(list)                              \
	{                                            \
		.next = &(list), .previous = &(list) \
	}
#define list_entry(node, type, member) container_of(node, type, member)

/* Goes through a list whose nodes stay in it meanwhile. */
#define list_for_each(node, list) \
	for (struct list_node *node = (list)->next; node != (list); node = node->next)

static inline void list_init(struct list_node *list)
{
	list->next = list->previous = list;
}

static inline bool list_empty(const struct list_node *list)
{
	return list->next == list;
}

static inline void list_insert_between(struct list_node *node, struct list_node *previous,
				       struct list_node *next)
{
	node->next = next;
	node->previous = previous;
	previous->next = node;
	next->previous = node;
}

/* Puts @node at the end of @list, or in front of @list if that is a node within one. */
static inline void list_add_last(struct list_node *list, struct list_node *node)
{
	list_insert_between(node, list->previous, list);
}

static inline void list_add_first(struct list_node *list, struct list_node *node)
{
	list_insert_between(node, list, list->next);
}

/* Leaves the node's own links as they are. */
static inline void list_remove(struct list_node *node)
{
	node->previous->next = node->next;
	node->next->previous = node->previous;
}

#endif
