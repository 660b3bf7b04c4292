/* SPDX-License-Identifier: MIT */
/*
 * Threads that take turns: a circular list of which the first one's turn it is. Its links are in
 * thread->sched.list; that a thread is in a list, its next pointer says.
 */
#ifndef SCHED_TURNS_H
#define SCHED_TURNS_H

#include <exo/thread.h>

struct turns {
	struct list_node *first; /* NULL: nobody */
};

static inline struct thread *turns_thread(struct list_node *node)
{
	return list_entry(node, struct thread, sched.list.node);
}

static inline bool turns_has(const struct thread *thread)
{
	return thread->sched.list.node.next;
}

static inline void turns_visit(const struct turns *turns,
			       void (*visit)(struct thread *thread, void *context), void *context)
{
	struct list_node *node = turns->first;

	if (!node)
		return;
	do {
		visit(turns_thread(node), context);
		node = node->next;
	} while (node != turns->first);
}

/* A new thread is in no list. */
static inline void turns_set_up(struct thread *thread)
{
	thread->sched.list.node.next = NULL;
}

/* @thread is in no list. Returns whether the list was empty. */
static inline bool turns_add_last(struct turns *turns, struct thread *thread)
{
	struct list_node *node = &thread->sched.list.node, *first = turns->first;

	if (!first) {
		list_init(node);
		turns->first = node;
		return true;
	}
	list_insert_between(node, first->previous, first);
	return false;
}

static inline bool turns_add_first(struct turns *turns, struct thread *thread)
{
	const bool empty = turns_add_last(turns, thread);

	turns->first = &thread->sched.list.node;
	return empty;
}

/* @thread is in the list. Returns whether it was the only one. */
static inline bool turns_remove(struct turns *turns, struct thread *thread)
{
	struct list_node *node = &thread->sched.list.node, *next = node->next;

	list_remove(node);
	node->next = NULL;
	if (turns->first == node)
		turns->first = next == node ? NULL : next;
	return next == node;
}

/* @next, which is in no list, takes the place of @thread, which is the first. */
static inline void turns_hand(struct turns *turns, struct thread *thread, struct thread *next)
{
	struct list_node *from = &thread->sched.list.node, *to = &next->sched.list.node;

	if (from->next == from) {
		list_init(to);
	} else {
		*to = *from;
		to->next->previous = to;
		to->previous->next = to;
	}
	from->next = NULL;
	turns->first = to;
}

/* The next one's turn, after @thread's, which is the first. Returns it; may be the same. */
static inline struct thread *turns_advance(struct turns *turns, struct thread *thread)
{
	turns->first = thread->sched.list.node.next;
	return turns_thread(turns->first);
}

#endif
