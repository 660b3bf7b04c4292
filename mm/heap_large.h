/* SPDX-License-Identifier: MIT */
/*
 * Blocks that have pages of their own, by address: a digital search tree.
 *
 * The way down from the root turns by one bit of the address after the other, lowest first; a node
 * hangs at the first free place on its way. So a way is never longer than an address has bits above
 * those that are always 0, and with addresses that lie close together about as long as the
 * logarithm of their number. Nodes are the owner's, and so are the root and any locks.
 */
#ifndef HEAP_LARGE_H
#define HEAP_LARGE_H

#include <exo/heap_core.h>

struct heap_large {
	uintptr_t pages; /* the address, plus the order of the run of pages */
	struct heap_large *child[2];
};

static inline unsigned int heap_large_order(const struct heap_large *large)
{
	return large->pages % HEAP_PAGE_SIZE;
}

static inline uintptr_t heap_large_address(const struct heap_large *large)
{
	return large->pages & -HEAP_PAGE_SIZE;
}

/*
 * Where the tree at @root has, or would have, the run of pages at @address. All of its addresses
 * are multiples of 2^@shift.
 */
static inline struct heap_large **heap_large_find(struct heap_large **root, uintptr_t address,
						  unsigned int shift)
{
	uintptr_t turns = address >> shift;
	struct heap_large **at = root;

	for (; *at && heap_large_address(*at) != address; turns >>= 1)
		at = &(*at)->child[turns & 1];
	return at;
}

/* Takes the node at @at out. A leaf below it, which fits everywhere on its way, takes its place. */
static inline struct heap_large *heap_large_remove(struct heap_large **at)
{
	struct heap_large *const removed = *at, **place = at, *leaf;

	while ((*place)->child[0] || (*place)->child[1])
		place = &(*place)->child[(*place)->child[0] ? 0 : 1];
	leaf = *place;
	*place = NULL;
	if (leaf != removed) {
		leaf->child[0] = removed->child[0];
		leaf->child[1] = removed->child[1];
		*at = leaf;
	}
	return removed;
}

#endif
