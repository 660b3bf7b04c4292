/* SPDX-License-Identifier: MIT */
/* The tree of the capabilities to an object (cap_tree.c), for those who change it. */
#ifndef CAP_TREE_H
#define CAP_TREE_H

#include <exo/cap.h>

/* Puts @cap below @parent; NULL: among the originals. */
void cap_tree_insert(struct object *object, struct cap *parent, struct cap *cap)
	__requires(object->lock);

/* Takes it out; its children move up to its place. Returns its parent if that has none now. */
struct cap *cap_tree_remove(struct object *object, struct cap *cap) __requires(object->lock);

/* Is it where a list of siblings ends, and whose children are they? @object: the originals. */
static inline bool cap_link_ends(const struct cap *link)
{
	return (uintptr_t)link & 1;
}

static inline struct cap *cap_link_parent(const struct cap *link)
{
	return (struct cap *)((uintptr_t)link & ~(uintptr_t)1);
}

#endif
