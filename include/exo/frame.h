/* SPDX-License-Identifier: MIT */
/*
 * Physical memory, in frames of PAGE_SIZE bytes and blocks of 2^order frames, aligned to their
 * size.
 *
 * Memory is a few regions, each of one NUMA node, each with a pool of its free frames
 * (exo/frame_pool.h: bitmap or buddy) and a byte of state a frame, which catches wrong frees. With
 * CONFIG_FRAME_CACHE each CPU keeps some single frames at hand; they count as free in the
 * statistics but not in the map.
 *
 * Contents are never touched: an allocated frame holds whatever it held before.
 * Locks: takes LOCK_RANK_FRAMES; usually none, with preemption off for a few instructions, as a
 * CPU's cache is its own. Not in an interrupt handler. What other CPUs have cached is not found by
 * an allocation that fails: at most CONFIG_FRAME_CACHE_SIZE frames each.
 */
#ifndef EXO_FRAME_H
#define EXO_FRAME_H

#include <arch/layout.h>
#include <exo/errno.h>
#include <exo/frame_pool.h>
#include <exo/numa.h>

/* Where an allocation may come from. */
enum frame_placement {
	FRAME_NEAR, /* from @node, else from the others, nearest first (SLIT) */
	FRAME_BIND, /* from @node or not at all */
	FRAME_INTERLEAVE, /* from each node in turn; then as FRAME_NEAR */
};

struct frame_where {
	enum frame_placement placement;
	unsigned int node; /* 0 .. numa_nodes() - 1; FRAME_INTERLEAVE ignores it */
	unsigned int align; /* at a multiple of 2^align frames, <= 30; less than the order: that */
	paddr_t limit; /* ends at or below this address; 0: anywhere */
};

struct frame_stats {
	uint64_t total; /* frames that are memory: all but the holes */
	uint64_t free, cached, reserved; /* cached ones are free too */
	uint64_t
		blocks[FRAME_ORDERS]; /* largest free blocks of each order, without cached frames */
	uint64_t allocs, frees; /* calls that succeeded */
	uint64_t failures; /* allocations that named this node and found nothing anywhere */
	uint64_t foreign; /* allocations that named this node and came from another */
};

/* A region's free frames, a bit each (frame_pool_map()): bit 0 is the frame at @base. */
struct frame_map {
	paddr_t base;
	uint64_t frames; /* bits */
	const uint64_t *bits; /* page-aligned, alone in its pages */
	unsigned int node;
};

/**
 * frame_alloc() - allocate a block near this CPU
 * @order: 0 .. FRAME_MAX_ORDER
 * @base: its physical address; unchanged on error
 * Returns 0, -EXO_E_ARG for an order that does not exist, -EXO_E_NOMEM.
 */
static inline int frame_alloc(unsigned int order, paddr_t *base);

/* What frame_alloc() and frame_free() are, by whether the caller's order is known to be 0. */
int frame_alloc_one(paddr_t *base);
int frame_alloc_block(unsigned int order, paddr_t *base);
int frame_free_one(paddr_t base);
int frame_free_block(paddr_t base, unsigned int order);

/* The same, from where @where says. -EXO_E_RANGE if the node or the alignment does not exist. */
int frame_alloc_where(unsigned int order, const struct frame_where *where, paddr_t *base);

/**
 * frame_alloc_at() - allocate a block by its name, which is its physical address
 * Returns 0, -EXO_E_ARG for a wrong order, -EXO_E_ALIGN if @base is no multiple of the block's
 * size, -EXO_E_RANGE if not all of it is memory, -EXO_E_BUSY if not all of it is free.
 */
int frame_alloc_at(paddr_t base, unsigned int order);

/**
 * frame_free() - free a block, whole as it was allocated
 * Returns 0, or what is wrong with the call; nothing is changed then:
 *	-EXO_E_ALIGN	@base is not where a block of this order begins
 *	-EXO_E_RANGE	there is no memory at @base
 *	-EXO_E_DEAD	it is free already: freed twice
 *	-EXO_E_TYPE	it was allocated with another order, or is inside of an allocated block
 *	-EXO_E_PERM	it was never allocated: a hole or a reserved frame
 *	-EXO_E_ARG	there is no such order
 */
static inline int frame_free(paddr_t base, unsigned int order);

/**
 * frame_reserve() - take a run of any length out of circulation
 * @base, @size: bytes, multiples of PAGE_SIZE
 * Returns 0, -EXO_E_ALIGN, -EXO_E_RANGE if not all of it is memory, -EXO_E_BUSY if not all is free.
 */
int frame_reserve(paddr_t base, uint64_t size);

/**
 * frame_release() - put a reserved run into circulation
 * Returns 0, -EXO_E_ALIGN, -EXO_E_RANGE, or -EXO_E_BUSY if not all of it is reserved.
 */
int frame_release(paddr_t base, uint64_t size);

/* Statistics of a node; all zero for one that does not exist. Takes time linear in its memory. */
void frame_stats(unsigned int node, struct frame_stats *stats);

/* The map of region @index; false if there are fewer. */
bool frame_map(unsigned int index, struct frame_map *map);

/*
 * Only with CONFIG_AUDIT: is a block allocated, as a block of this order? It is noted, until
 * frame_audit_end(); meanwhile it must not be freed: the caller owns it, or all CPUs stand still.
 * Returns 0, or
 *	-EXO_E_DEAD	it is free, or some of it is, perhaps in a CPU's cache
 *	-EXO_E_BUSY	it was asked about before: two say that they have it
 *	-EXO_E_TYPE	it was allocated with another order, or is inside of an allocated block, or
 *			another one is inside of it
 *	-EXO_E_PERM	it is out of circulation
 *	-EXO_E_ALIGN, -EXO_E_RANGE, -EXO_E_ARG	there is no such block
 */
int frame_audit_block(paddr_t base, unsigned int order);

/* Forgets what was asked about of a node that there is; returns how many frames that were. Takes
 * time linear in its memory. */
uint64_t frame_audit_end(unsigned int node);

/* Gives this CPU's cached frames back to their pools. */
void frame_cache_drain(void);

static inline int frame_alloc(unsigned int order, paddr_t *base)
{
	if (IS_ENABLED(CONFIG_FRAME_CACHE) && __builtin_constant_p(order) && order == 0)
		return frame_alloc_one(base);
	return frame_alloc_block(order, base);
}

static inline int frame_free(paddr_t base, unsigned int order)
{
	if (IS_ENABLED(CONFIG_FRAME_CACHE) && __builtin_constant_p(order) && order == 0)
		return frame_free_one(base);
	return frame_free_block(base, order);
}

#endif
