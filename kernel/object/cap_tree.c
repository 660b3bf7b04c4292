/* SPDX-License-Identifier: MIT */
/*
 * The tree of the capabilities to an object: siblings in a list, whose ends lead to the parent.
 *
 *	first->previous is the last one; last->next is (parent | 1), of originals (object | 1)
 *
 * So a capability is the first of its siblings if what is before it ends the list, and the parent
 * is known at both ends of a list: where it is needed, because elsewhere nothing of it changes.
 * Each function takes a bounded number of steps.
 */
#include "cap_tree.h"

/* The word that says which is the first of a list that ends with @end. */
static struct cap **first_of(struct object *object, const struct cap *end)
{
	struct cap *const parent = cap_link_parent(end);

	return (void *)parent == (void *)object ? &object->caps : &parent->child;
}

void cap_tree_insert(struct object *object, struct cap *parent, struct cap *cap)
{
	struct cap **const first = parent ? &parent->child : &object->caps;
	const uintptr_t end = parent ? (uintptr_t)parent : (uintptr_t)object;

	assert_held(&object->lock);
	cap->child = NULL;
	cap->next = *first;
	cap->previous = cap;
	if (*first) {
		cap->previous = (*first)->previous;
		(*first)->previous = cap;
	} else {
		cap->next = (struct cap *)(end | 1);
	}
	*first = cap;
}

struct cap *cap_tree_remove(struct object *object, struct cap *cap)
{
	struct cap *const before = cap->previous, *const next = cap->next;
	struct cap *const child = cap->child;
	const bool is_first = cap_link_ends(before->next), is_last = cap_link_ends(next);
	struct cap **first = &object->caps;

	assert_held(&object->lock);
	if (is_first || is_last)
		first = first_of(object, is_first ? before->next : next);
	if (child) {
		struct cap *const last = child->previous;

		last->next = next;
		if (!is_last)
			next->previous = last;
		else if (!is_first)
			(*first)->previous = last;
		if (!(is_first && is_last))
			child->previous = before;
		if (is_first)
			*first = child;
		else
			before->next = child;
		return NULL;
	}
	if (is_first && is_last) {
		*first = NULL;
		return first == &object->caps ? NULL : container_of(first, struct cap, child);
	}
	if (is_first)
		*first = next;
	else
		before->next = next;
	if (!is_last)
		next->previous = before;
	else
		(*first)->previous = before;
	return NULL;
}

struct cap *cap_next(const struct object *object, const struct cap *cap, const struct cap *top)
{
	assert_held(&object->lock);
	if (cap->child)
		return cap->child;
	while (cap != top) {
		if (!cap_link_ends(cap->next))
			return cap->next;
		cap = cap_link_parent(cap->next);
		if ((const void *)cap == (const void *)object)
			return NULL;
	}
	return NULL;
}
