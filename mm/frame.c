/* SPDX-License-Identifier: MIT */
/*
 * Frames: allocating and freeing, by any name and from any node (data: frame_region.h).
 *
 * Most calls are for a single frame, which the CPU's cache serves in a few instructions: memory of
 * the CPU's own node, taken from the pools and given back half a cache at a time. What is rare is
 * in functions of its own, so that the usual way needs neither stack nor saved registers.
 */
#include <exo/cpu.h>
#include <exo/panic.h>
#include <exo/string.h>

#include "frame_region.h"

struct cached {
	paddr_t base;
	uint8_t *state;
};

/* What a CPU has to itself. */
struct frame_cache {
	struct cached *top; /* behind the last one; never NULL */
	/* Of the CPU's node: where a freed frame is looked for first; never NULL. */
	struct region *home;
	uint64_t allocs;
	uint64_t moved; /* frames that came from pools, less those that went back */
	struct cached frames[CONFIG_FRAME_CACHE_SIZE];
};

static struct frame_cache caches[NR_CPUS];

/* --- the cache of single frames ----------------------------------------------------------------*/

static unsigned int cached(const struct frame_cache *cache)
{
	return (unsigned int)(cache->top - cache->frames);
}

void frame_cache_reset(void)
{
	for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++)
		caches[cpu] = (struct frame_cache){
			.top = caches[cpu].frames,
			.home = &frame_memory.regions[0] /* empty, so far */
		};
}

/* Caches hold memory of one node only: so far, there is one CPU. */
void frame_cache_stats(const struct node *node, struct frame_stats *stats)
{
	for (unsigned int cpu = 0; node == frame_memory.local && cpu < NR_CPUS; cpu++) {
		stats->cached += cached(&caches[cpu]);
		stats->allocs += caches[cpu].allocs;
		stats->frees += caches[cpu].allocs + cached(&caches[cpu]) - caches[cpu].moved;
	}
}

static __noinline void drain(struct frame_cache *cache, unsigned int keep)
{
	while (cached(cache) > keep) {
		const uint64_t frame = (--cache->top)->base / PAGE_SIZE;
		struct region *r = frame_region_of(frame, 1);

		ASSERT(r);
		*cache->top->state = STATE_NONE;
		frame_pool_put(r->pool, frame, 0);
		cache->moved--;
	}
}

void frame_cache_drain(void)
{
	if (IS_ENABLED(CONFIG_FRAME_CACHE))
		drain(&caches[cpu_current()], 0);
}

/* Takes frames from the cache's own node until it is half full; false if there are none. */
static bool refill(struct frame_cache *cache)
{
	struct region *r = frame_memory.local->top;

	while (r && cached(cache) < CONFIG_FRAME_CACHE_SIZE / 2) {
		uint64_t frame;

		if (!frame_pool_take(r->pool, 0, 0, FRAME_NO_LIMIT, &frame)) {
			r = r->below;
			continue;
		}
		cache->top->base = frame * PAGE_SIZE;
		cache->top->state = &r->state[frame - r->first];
		*cache->top->state = STATE_CACHED;
		cache->top++;
		cache->moved++;
	}
	return cached(cache) > 0;
}

/* --- allocating --------------------------------------------------------------------------------*/

/* Tries one node from the top down. */
static inline bool take_from(struct node *node, unsigned int order, unsigned int align,
			     uint64_t limit, paddr_t *base)
{
	uint64_t frame;

	for (struct region *r = node->top; r; r = r->below) {
		if (!frame_pool_take(r->pool, order, align, limit, &frame))
			continue;
		r->state[frame - r->first] = STATE_ALLOCATED(order);
		*base = frame * PAGE_SIZE;
		return true;
	}
	return false;
}

/* The same from a node and, unless it is @bound to it, from its neighbours. */
static bool take_near(unsigned int node, bool bound, unsigned int order, unsigned int align,
		      uint64_t limit, paddr_t *base)
{
	if (take_from(&frame_memory.nodes[node], order, align, limit, base)) {
		frame_memory.nodes[node].allocs++;
		return true;
	}
	for (unsigned int i = 1; !bound && i < numa_nodes(); i++) {
		struct node *other = &frame_memory.nodes[numa_nearest(node, i)];

		if (take_from(other, order, align, limit, base)) {
			frame_memory.nodes[node].foreign++;
			other->allocs++;
			return true;
		}
	}
	return false;
}

int frame_alloc_where(unsigned int order, const struct frame_where *where, paddr_t *base)
{
	const unsigned int align = where->align > order ? where->align : order;
	const uint64_t limit = where->limit ? where->limit / PAGE_SIZE : FRAME_NO_LIMIT;
	const bool bound = where->placement == FRAME_BIND;
	unsigned int node = where->node;

	if (order > FRAME_MAX_ORDER)
		return -EXO_E_ARG;
	if (where->placement == FRAME_INTERLEAVE) {
		node = frame_memory.next_node;
		frame_memory.next_node = node + 1 < numa_nodes() ? node + 1 : 0;
	}
	if (node >= numa_nodes() || align > 30)
		return -EXO_E_RANGE;
	if (take_near(node, bound, order, align, limit, base))
		return 0;
	/* What is missing may be at hand somewhere. */
	frame_cache_drain();
	if (IS_ENABLED(CONFIG_FRAME_CACHE) && take_near(node, bound, order, align, limit, base))
		return 0;
	frame_memory.nodes[node].failures++;
	return -EXO_E_NOMEM;
}

/* What frame_alloc() seldom does is apart, so that what it usually does needs no stack. */
static __noinline int alloc_elsewhere(unsigned int order, paddr_t *base)
{
	const struct frame_where near = { .node = (unsigned int)(frame_memory.local -
								 frame_memory.nodes) };

	return frame_alloc_where(order, &near, base);
}

/* From this CPU's node without its cache. */
static inline int alloc_local(unsigned int order, paddr_t *base)
{
	struct region *r = frame_memory.local->top;
	uint64_t frame;

	if (unlikely(order > FRAME_MAX_ORDER) || unlikely(!r) ||
	    unlikely(!frame_pool_take(r->pool, order, order, FRAME_NO_LIMIT, base)))
		return alloc_elsewhere(order, base);
	frame = *base;
	r->state[frame - r->first] = STATE_ALLOCATED(order);
	*base = frame * PAGE_SIZE;
	frame_memory.local->allocs++;
	return 0;
}

static __noinline int alloc_uncached(unsigned int order, paddr_t *base)
{
	if (order == 0 && refill(&caches[cpu_current()]))
		return frame_alloc(order, base);
	return alloc_local(order, base);
}

int frame_alloc(unsigned int order, paddr_t *base)
{
	struct frame_cache *cache = &caches[cpu_current()];
	struct cached *last = cache->top - 1;

	if (!IS_ENABLED(CONFIG_FRAME_CACHE))
		return alloc_local(order, base);
	if (order != 0 || unlikely(last < cache->frames))
		return alloc_uncached(order, base);
	cache->top = last;
	cache->allocs++;
	*last->state = STATE_ALLOCATED(0);
	*base = last->base;
	return 0;
}

/* Is @frame a part of memory, whatever it is used for? */
static bool is_memory(const struct region *r, uint64_t frame)
{
	if (r->state[frame - r->first] != STATE_NONE || frame_pool_is_free(r->pool, frame))
		return true;
	for (unsigned int order = 1; order <= FRAME_MAX_ORDER; order++) {
		const uint64_t head = frame & ~((1ull << order) - 1);
		const uint8_t state = head < r->first ? STATE_NONE : r->state[head - r->first];

		if (state >= STATE_ALLOCATED(order) && state <= STATE_ALLOCATED(FRAME_MAX_ORDER))
			return true;
	}
	return false;
}

/* Takes a named run out of its pool: 0, -EXO_E_RANGE or -EXO_E_BUSY. */
static int take_run(uint64_t frame, uint64_t count, struct region **region)
{
	struct region *r = frame_region_of(frame, count);

	*region = r;
	if (!r)
		return -EXO_E_RANGE;
	if (frame_pool_take_run(r->pool, frame, count))
		return 0;
	frame_cache_drain();
	if (IS_ENABLED(CONFIG_FRAME_CACHE) && frame_pool_take_run(r->pool, frame, count))
		return 0;
	for (uint64_t i = 0; i < count; i++)
		if (!is_memory(r, frame + i))
			return -EXO_E_RANGE;
	return -EXO_E_BUSY;
}

int frame_alloc_at(paddr_t base, unsigned int order)
{
	struct region *r;
	int error;

	if (order > FRAME_MAX_ORDER)
		return -EXO_E_ARG;
	if (base & ((PAGE_SIZE << order) - 1))
		return -EXO_E_ALIGN;
	error = take_run(base / PAGE_SIZE, 1ull << order, &r);
	if (error)
		return error;
	r->state[base / PAGE_SIZE - r->first] = STATE_ALLOCATED(order);
	r->node->allocs++;
	return 0;
}

/* --- freeing -----------------------------------------------------------------------------------*/

/* Which mistake frame_free() was called with. */
static __noinline int wrong_free(paddr_t base, unsigned int order)
{
	const uint64_t frame = base / PAGE_SIZE;
	const struct region *r;
	uint8_t state;

	if (order > FRAME_MAX_ORDER)
		return -EXO_E_ARG;
	if (base & ((PAGE_SIZE << order) - 1))
		return -EXO_E_ALIGN;
	r = frame_region_of(frame, 1);
	if (!r)
		return -EXO_E_RANGE;
	state = r->state[frame - r->first];
	if (state == STATE_CACHED || frame_pool_is_free(r->pool, frame))
		return -EXO_E_DEAD;
	if (state == STATE_RESERVED || !is_memory(r, frame))
		return -EXO_E_PERM;
	return -EXO_E_TYPE;
}

static inline int free_block(struct region *r, paddr_t base, unsigned int order)
{
	const uint64_t frame = base / PAGE_SIZE;
	uint8_t *state = &r->state[frame - r->first];

	if (unlikely(*state != STATE_ALLOCATED(order)) || unlikely(order > FRAME_MAX_ORDER))
		return wrong_free(base, order);
	*state = STATE_NONE;
	frame_pool_put(r->pool, frame, order);
	r->node->frees++;
	return 0;
}

/* What the cache does not take at once; apart, as alloc_uncached(). */
static __noinline int free_uncached(paddr_t base, unsigned int order)
{
	struct frame_cache *cache = &caches[cpu_current()];
	struct region *r = frame_region_of(base / PAGE_SIZE, 1);

	if (!r || base % PAGE_SIZE)
		return wrong_free(base, order);
	if (IS_ENABLED(CONFIG_FRAME_CACHE) && (order != 0 || r->node != frame_memory.local))
		return free_block(r, base, order);
	if (IS_ENABLED(CONFIG_FRAME_CACHE) && cached(cache) == CONFIG_FRAME_CACHE_SIZE)
		drain(cache, CONFIG_FRAME_CACHE_SIZE / 2);
	cache->home = r;
	return frame_free(base, order);
}

int frame_free(paddr_t base, unsigned int order)
{
	struct frame_cache *cache = &caches[cpu_current()];
	struct region *home = cache->home;
	struct cached *top = cache->top;
	const uint64_t offset = base - home->base;
	/* Rotated, so that an address within a page becomes a huge number. */
	const uint64_t index = offset / PAGE_SIZE | offset * (UINT64_MAX / PAGE_SIZE + 1);
	uint8_t *state;

	if (unlikely(index >= home->count))
		return free_uncached(base, order);
	if (!IS_ENABLED(CONFIG_FRAME_CACHE))
		return free_block(home, base, order);
	if (order != 0 || unlikely(top == cache->frames + CONFIG_FRAME_CACHE_SIZE))
		return free_uncached(base, order);
	state = &home->state[index];
	if (unlikely(*state != STATE_ALLOCATED(0)))
		return wrong_free(base, order);
	*state = STATE_CACHED;
	top->base = base;
	top->state = state;
	cache->top = top + 1;
	return 0;
}

/* --- reserving ---------------------------------------------------------------------------------*/

int frame_reserve(paddr_t base, uint64_t size)
{
	const uint64_t frame = base / PAGE_SIZE, count = size / PAGE_SIZE;
	struct region *r;
	int error;

	if (base % PAGE_SIZE || size % PAGE_SIZE)
		return -EXO_E_ALIGN;
	if (!count)
		return 0;
	error = take_run(frame, count, &r);
	if (error)
		return error;
	memset(&r->state[frame - r->first], STATE_RESERVED, count);
	r->reserved += count;
	return 0;
}

int frame_release(paddr_t base, uint64_t size)
{
	const uint64_t frame = base / PAGE_SIZE, count = size / PAGE_SIZE;
	struct region *r;

	if (base % PAGE_SIZE || size % PAGE_SIZE)
		return -EXO_E_ALIGN;
	if (!count)
		return 0;
	r = frame_region_of(frame, count);
	if (!r)
		return -EXO_E_RANGE;
	for (uint64_t i = 0; i < count; i++)
		if (r->state[frame - r->first + i] != STATE_RESERVED)
			return -EXO_E_BUSY;
	memset(&r->state[frame - r->first], STATE_NONE, count);
	r->reserved -= count;
	frame_put_run(r, frame, count);
	return 0;
}
