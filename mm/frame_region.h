/* SPDX-License-Identifier: MIT */
/*
 * The data of the frame allocator, for its two files: frame.c allocates and frees, frame_setup.c
 * sets up and reports.
 *
 * A region is a run of physical memory, with holes, of one node. It has a pool of its free frames
 * (exo/frame_pool.h) and a byte of state for each frame:
 *
 *	STATE_NONE	free, a hole, or inside of an allocated block but not its first frame
 *	1 .. 19		first frame of an allocated block of order state - 1
 *	STATE_RESERVED	memory that is not in circulation
 *	STATE_CACHED	at hand in a CPU's cache
 *
 * So a right frame_free() is known by one comparison, and a large block costs no more than a small
 * one; only when that comparison fails are the pool and the states around asked what is wrong.
 * Regions are sorted by address; each node's are linked from the highest down, the order in which
 * they are tried, so that low memory is used last.
 */
#ifndef MM_FRAME_REGION_H
#define MM_FRAME_REGION_H

#include <exo/frame.h>
#include <exo/spinlock.h>

/*
 * One lock for all pools: caches take from them and give back half a cache at a time, so it is
 * seldom taken. Under it are the pools, the states of frames that are in no cache, and what is
 * counted. Regions and nodes themselves are only added, at boot. The byte of state of a frame is
 * changed without the lock while the frame is passed between a CPU's cache and its user.
 */
extern struct spinlock frame_lock;

/* Without a cache the code that uses it is dropped. */
#ifndef CONFIG_FRAME_CACHE_SIZE
#define CONFIG_FRAME_CACHE_SIZE 2
#endif

enum {
	STATE_NONE = 0,
	STATE_RESERVED = 0xfe,
	STATE_CACHED = 0xff,
};
#define STATE_ALLOCATED(order) ((uint8_t)((order) + 1))

struct region {
	paddr_t base;
	uint64_t first, count; /* frames; @first is @base / PAGE_SIZE */
	uint8_t *state;
	struct frame_pool *pool;
	struct region *below; /* the next one of the same node */
	uint64_t total, reserved __guarded_by(frame_lock); /* frames */
	struct node *node;
};

struct node {
	struct region *top; /* the highest one */
	uint64_t allocs __guarded_by(frame_lock), frees __guarded_by(frame_lock);
	uint64_t failures __guarded_by(frame_lock), foreign __guarded_by(frame_lock);
};

/* All data of the allocator but the caches. */
struct frame_memory {
	struct region regions[CONFIG_FRAME_REGIONS];
	unsigned int nr_regions;
	struct node nodes[NUMA_MAX_NODES];
	unsigned int next_node __guarded_by(frame_lock); /* for FRAME_INTERLEAVE */
};

extern struct frame_memory frame_memory;

/* The region that holds the run @frame .. @frame + @count - 1, or NULL. */
static inline struct region *frame_region_of(uint64_t frame, uint64_t count)
{
	for (struct region *r = frame_memory.regions + frame_memory.nr_regions;
	     r-- > frame_memory.regions;)
		if (frame >= r->first)
			return frame - r->first < r->count && count <= r->count - (frame - r->first)
				       ? r
				       : NULL;
	return NULL;
}

/* Puts a run of a region, none of it free, into its pool. */
void frame_put_run(struct region *r, uint64_t frame, uint64_t count) __requires(frame_lock);

/* Takes a named run out of its pool: 0, -EXO_E_RANGE or -EXO_E_BUSY. */
int frame_take_run(uint64_t frame, uint64_t count, struct region **region) __requires(frame_lock);

/* Forgets what is cached; from here on caches hold memory of @local, except as frame_cache_attach()
 * says. */
void frame_cache_reset(struct node *local);

/* Adds what caches hold and count to the statistics of a node; other CPUs may be changing it. */
void frame_cache_stats(const struct node *node, struct frame_stats *stats) __requires(frame_lock);

#endif
