/* SPDX-License-Identifier: MIT */
/* What heap_buddy.c, whose opening says what it means, shares with heap_buddy_check.c. */
#ifndef HEAP_BUDDY_H
#define HEAP_BUDDY_H

#include <exo/heap_core.h>

#include "heap_large.h"

#define MIN_ORDER 5
#define MIN_BLOCK (1ul << MIN_ORDER)
#define PAGE_ORDER 12
#define RUN_SHIFT (PAGE_ORDER + CONFIG_HEAP_GROW_ORDER)
#define RUN_SIZE (1ul << RUN_SHIFT)
#define MAX_ORDER (RUN_SHIFT - 1) /* half a run */

/* A byte of the map: kind and order of the block that begins here. */
#define INSIDE 0
#define USED 0x40
#define FREE 0x80
#define HOT 0xc0
#define KIND_MASK 0xc0
#define ORDER_MASK 0x1f

struct run {
	struct run *next, *previous;
	uint32_t blocks; /* in use, tree nodes too */
	uint8_t map[RUN_SIZE / MIN_BLOCK];
};

struct free_block {
	struct free_block *next, *previous;
};

#define HEADER_SIZE ((sizeof(struct run) + MIN_BLOCK - 1) & -MIN_BLOCK)

_Static_assert(HEADER_SIZE <= RUN_SIZE / 2, "a block of half a run must fit");
_Static_assert(sizeof(struct heap_large) <= MIN_BLOCK, "must fit the smallest block");
_Static_assert(MAX_ORDER <= ORDER_MASK, "an order must fit a byte of the map");

struct buddy_heap {
	void *hot[MAX_ORDER + 1];
	struct free_block *free[MAX_ORDER + 1];
	uint64_t orders; /* bit k: free[k] is not empty */
	struct run *runs;
	struct run *empty; /* the one without used blocks that is kept */
	struct heap_large *large;
	uint64_t pages, allocs, failures;
	uint32_t in_use[PAGE_ORDER + HEAP_MAX_ORDER + 1]; /* blocks of 2^k bytes, either kind */
};
extern struct buddy_heap heap_buddy;

static inline struct run *run_of(const void *block)
{
	return (struct run *)((uintptr_t)block & -RUN_SIZE);
}

/* The byte of the map for @block. */
static inline uint8_t *map_at(const void *block)
{
	return &run_of(block)->map[(uintptr_t)block % RUN_SIZE / MIN_BLOCK];
}

/* Where the tree has, or would have, a block with pages of its own. */
static inline struct heap_large **find_large(const void *block)
{
	return heap_large_find(&heap_buddy.large, (uintptr_t)block, RUN_SHIFT);
}

#endif
