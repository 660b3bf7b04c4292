/* SPDX-License-Identifier: MIT */
/*
 * Frames: allocating and freeing, by any name and from any node (data: frame_region.h).
 *
 * Most calls are for a single frame, which the CPU's cache serves in a few instructions: memory of
 * the CPU's own node, taken from the pools and given back half a cache at a time. What is rare is
 * in functions of its own, so that the usual way needs neither stack nor saved registers.
 */
#include <exo/cpu.h>
#include <exo/frame_setup.h>
#include <exo/panic.h>
#include <exo/string.h>

#include "frame_region.h"

struct cached {
	paddr_t base;
	uint8_t *state;
};

/* What a CPU has to itself, with preemption off. */
struct frame_cache {
	struct cached *top; /* behind the last one; never NULL */
	/* Of the CPU's node: where a freed frame is looked for first; never NULL. */
	struct region *home;
	uint64_t allocs;
	uint64_t moved; /* frames that came from pools, less those that went back */
	struct node *local; /* the CPU's */
	struct cached frames[CONFIG_FRAME_CACHE_SIZE];
};

static struct frame_cache caches[NR_CPUS];

/* --- the cache of single frames ----------------------------------------------------------------*/

/* Preemption off. */
static inline struct frame_cache *this_cache(void)
{
	assert_preempt_off();
	return IS_ENABLED(CONFIG_SMP) ? this_cpu_read(frame_cache) : &caches[0];
}

static unsigned int cached(const struct frame_cache *cache)
{
	return (unsigned int)(cache->top - cache->frames);
}

static void reset(struct frame_cache *cache, struct node *local)
{
	*cache = (struct frame_cache){ .top = cache->frames,
				       .home = &frame_memory.regions[0], /* empty, so far */
				       .local = local };
}

void frame_cache_reset(struct node *local)
{
	for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++)
		reset(&caches[cpu], local);
	boot_cpu.frame_cache = &caches[0];
}

void frame_cache_attach(struct cpu *cpu)
{
	ASSERT(cpu->node < numa_nodes() && caches[cpu->number].top == caches[cpu->number].frames);
	reset(&caches[cpu->number], &frame_memory.nodes[cpu->node]);
	cpu->frame_cache = &caches[cpu->number];
}

void frame_cache_stats(const struct node *node, struct frame_stats *stats)
{
	for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++) {
		if (caches[cpu].local != node)
			continue;
		stats->cached += cached(&caches[cpu]);
		stats->allocs += caches[cpu].allocs;
		stats->frees += caches[cpu].allocs + cached(&caches[cpu]) - caches[cpu].moved;
	}
}

static __noinline void drain(struct frame_cache *cache, unsigned int keep) __requires(frame_lock)
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
	if (!IS_ENABLED(CONFIG_FRAME_CACHE))
		return;
	spin_lock(&frame_lock);
	drain(this_cache(), 0);
	spin_unlock(&frame_lock);
}

/* Takes frames from the cache's own node until it is half full; false if there are none. */
static bool refill(struct frame_cache *cache) __requires(frame_lock)
{
	struct region *r = cache->local->top;

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
			     uint64_t limit, paddr_t *base) __requires(frame_lock)
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
		      uint64_t limit, paddr_t *base) __requires(frame_lock)
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

/* frame_alloc_where() under the lock, its arguments checked except for the node and alignment. */
static int alloc_where(unsigned int order, const struct frame_where *where, paddr_t *base)
	__requires(frame_lock)
{
	const unsigned int align = where->align > order ? where->align : order;
	const uint64_t limit = where->limit ? where->limit / PAGE_SIZE : FRAME_NO_LIMIT;
	const bool bound = where->placement == FRAME_BIND;
	unsigned int node = where->node;

	if (where->placement == FRAME_INTERLEAVE) {
		node = frame_memory.next_node;
		frame_memory.next_node = node + 1 < numa_nodes() ? node + 1 : 0;
	}
	if (node >= numa_nodes() || align > 30)
		return -EXO_E_RANGE;
	if (take_near(node, bound, order, align, limit, base))
		return 0;
	/* What is missing may be at hand. */
	if (IS_ENABLED(CONFIG_FRAME_CACHE)) {
		drain(this_cache(), 0);
		if (take_near(node, bound, order, align, limit, base))
			return 0;
	}
	frame_memory.nodes[node].failures++;
	return -EXO_E_NOMEM;
}

int frame_alloc_where(unsigned int order, const struct frame_where *where, paddr_t *base)
{
	int error;

	if (order > FRAME_MAX_ORDER)
		return -EXO_E_ARG;
	spin_lock(&frame_lock);
	error = alloc_where(order, where, base);
	spin_unlock(&frame_lock);
	return error;
}

static __noinline int alloc_elsewhere(unsigned int order, paddr_t *base) __requires(frame_lock)
{
	const struct node *local = this_cache()->local;
	const struct frame_where near = { .node = (unsigned int)(local - frame_memory.nodes) };

	return alloc_where(order, &near, base);
}

/* From this CPU's node without its cache, else from elsewhere. */
static inline int alloc_near(unsigned int order, paddr_t *base) __requires(frame_lock)
{
	struct node *local = this_cache()->local;
	struct region *r = local->top;
	uint64_t frame;

	if (unlikely(!r) || !frame_pool_take(r->pool, order, order, FRAME_NO_LIMIT, &frame))
		return alloc_elsewhere(order, base);
	r->state[frame - r->first] = STATE_ALLOCATED(order);
	*base = frame * PAGE_SIZE;
	local->allocs++;
	return 0;
}

int frame_alloc_block(unsigned int order, paddr_t *base)
{
	int error;

	if (order == 0 && IS_ENABLED(CONFIG_FRAME_CACHE))
		return frame_alloc_one(base);
	if (order > FRAME_MAX_ORDER)
		return -EXO_E_ARG;
	spin_lock(&frame_lock);
	error = alloc_near(order, base);
	spin_unlock(&frame_lock);
	return error;
}

/* The cache has one at least. */
static inline void pop(struct frame_cache *cache, paddr_t *base)
{
	struct cached *last = cache->top - 1;

	cache->top = last;
	cache->allocs++;
	*last->state = STATE_ALLOCATED(0);
	*base = last->base;
}

/*
 * What frame_alloc_one() seldom does, in one call so that what it usually does needs no stack; or
 * just the end of it, if @base is NULL.
 */
static __noinline int alloc_seldom(paddr_t *base)
{
	struct frame_cache *cache;
	int error = 0;

	if (IS_ENABLED(CONFIG_PREEMPT) && !base) {
		sched_preempt();
		return 0;
	}
	cache = this_cache();
	spin_acquire(&frame_lock);
	if (!IS_ENABLED(CONFIG_FRAME_CACHE) || !refill(cache))
		error = alloc_near(0, base);
	else
		pop(cache, base);
	spin_unlock(&frame_lock); /* and preemption, which frame_alloc_one() turned off */
	return error;
}

int frame_alloc_one(paddr_t *base)
{
	struct frame_cache *cache;

	preempt_disable();
	cache = this_cache();
	if (IS_ENABLED(CONFIG_FRAME_CACHE) && likely(cache->top != cache->frames)) {
		pop(cache, base);
		if (likely(!preempt_enable_asks()))
			return 0;
		base = NULL;
	}
	return alloc_seldom(base);
}

/* Is @frame a part of memory, whatever it is used for? */
static bool is_memory(const struct region *r, uint64_t frame) __requires(frame_lock)
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

int frame_take_run(uint64_t frame, uint64_t count, struct region **region)
{
	struct region *r = frame_region_of(frame, count);

	*region = r;
	if (!r)
		return -EXO_E_RANGE;
	if (frame_pool_take_run(r->pool, frame, count))
		return 0;
	if (IS_ENABLED(CONFIG_FRAME_CACHE)) {
		drain(this_cache(), 0);
		if (frame_pool_take_run(r->pool, frame, count))
			return 0;
	}
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
	spin_lock(&frame_lock);
	error = frame_take_run(base / PAGE_SIZE, 1ull << order, &r);
	if (!error) {
		r->state[base / PAGE_SIZE - r->first] = STATE_ALLOCATED(order);
		r->node->allocs++;
	}
	spin_unlock(&frame_lock);
	return error;
}

/* --- freeing -----------------------------------------------------------------------------------*/

/* Which mistake a free was called with. */
static int wrong_free(paddr_t base, unsigned int order) __requires(frame_lock)
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

static __inline_always int free_block(paddr_t base, unsigned int order) __requires(frame_lock)
{
	const uint64_t frame = base / PAGE_SIZE;
	struct region *r = frame_region_of(frame, 1);
	uint8_t *state;

	if (unlikely(!r) || unlikely(base % PAGE_SIZE))
		return wrong_free(base, order);
	state = &r->state[frame - r->first];
	if (unlikely(order > FRAME_MAX_ORDER) || unlikely(*state != STATE_ALLOCATED(order)))
		return wrong_free(base, order);
	*state = STATE_NONE;
	frame_pool_put(r->pool, frame, order);
	r->node->frees++;
	return 0;
}

int frame_free_block(paddr_t base, unsigned int order)
{
	int error;

	if (order == 0 && IS_ENABLED(CONFIG_FRAME_CACHE))
		return frame_free_one(base);
	spin_lock(&frame_lock);
	error = free_block(base, order);
	spin_unlock(&frame_lock);
	return error;
}

/* The cache has room. */
static inline void push(struct frame_cache *cache, paddr_t base, uint8_t *state)
{
	struct cached *top = cache->top;

	*state = STATE_CACHED;
	top->base = base;
	top->state = state;
	cache->top = top + 1;
}

#define DONE UINT64_MAX /* no address */

/* What frame_free_one() seldom does, as alloc_seldom(); just the end of it if @base is DONE. */
static __noinline int free_seldom(paddr_t base)
{
	struct frame_cache *cache;
	struct region *r;
	uint8_t *state;
	int error = 0;

	if (IS_ENABLED(CONFIG_PREEMPT) && base == DONE) {
		sched_preempt();
		return 0;
	}
	cache = this_cache();
	r = frame_region_of(base / PAGE_SIZE, 1);
	spin_acquire(&frame_lock);
	state = r ? &r->state[base / PAGE_SIZE - r->first] : NULL;
	if (!r || base % PAGE_SIZE || *state != STATE_ALLOCATED(0)) {
		error = wrong_free(base, 0);
	} else if (!IS_ENABLED(CONFIG_FRAME_CACHE) || r->node != cache->local) {
		error = free_block(base, 0);
	} else {
		if (cached(cache) == CONFIG_FRAME_CACHE_SIZE)
			drain(cache, CONFIG_FRAME_CACHE_SIZE / 2);
		cache->home = r;
		push(cache, base, state);
	}
	spin_unlock(&frame_lock); /* and preemption, as in alloc_seldom() */
	return error;
}

int frame_free_one(paddr_t base)
{
	const struct region *home;
	struct frame_cache *cache;
	uint64_t offset, index;

	preempt_disable();
	cache = this_cache();
	home = cache->home;
	offset = base - home->base;
	/* Rotated, so that an address within a page becomes a huge number. */
	index = offset / PAGE_SIZE | offset * (UINT64_MAX / PAGE_SIZE + 1);
	if (IS_ENABLED(CONFIG_FRAME_CACHE) && likely(index < home->count) &&
	    likely(home->state[index] == STATE_ALLOCATED(0)) &&
	    likely(cache->top != cache->frames + CONFIG_FRAME_CACHE_SIZE)) {
		push(cache, base, &home->state[index]);
		if (likely(!preempt_enable_asks()))
			return 0;
		base = DONE;
	}
	return free_seldom(base);
}
