/* SPDX-License-Identifier: MIT */
/* Frames: what memory there is, and what has become of it (frame_region.h). */
#include <exo/frame_setup.h>
#include <exo/panic.h>
#include <exo/string.h>

#include "frame_region.h"

struct frame_memory frame_memory;
struct spinlock frame_lock = SPINLOCK_INIT(LOCK_RANK_FRAMES);

/* --- setting up --------------------------------------------------------------------------------*/

__boot void frame_setup(unsigned int node)
{
	ASSERT(node < numa_nodes());
	memset(&frame_memory, 0, sizeof(frame_memory));
	frame_cache_reset(&frame_memory.nodes[node]);
}

__boot size_t frame_metadata(paddr_t base, uint64_t size)
{
	return frame_pool_metadata(base / PAGE_SIZE, size / PAGE_SIZE) + size / PAGE_SIZE;
}

__boot int frame_add_region(paddr_t base, uint64_t size, unsigned int node, void *metadata)
{
	struct region *r = &frame_memory.regions[frame_memory.nr_regions];

	ASSERT(frame_memory.nr_regions == 0 || base / PAGE_SIZE >= r[-1].first + r[-1].count);
	ASSERT(node < numa_nodes());
	if (frame_memory.nr_regions == CONFIG_FRAME_REGIONS)
		return -EXO_E_NOMEM;
	*r = (struct region){ .base = base,
			      .first = base / PAGE_SIZE,
			      .count = size / PAGE_SIZE,
			      .node = &frame_memory.nodes[node],
			      .below = frame_memory.nodes[node].top };
	r->state = (uint8_t *)metadata + frame_pool_metadata(r->first, r->count);
	r->pool = frame_pool_init(r->first, r->count, metadata);
	frame_memory.nodes[node].top = r;
	frame_memory.nr_regions++;
	return 0;
}

/* As the largest blocks that it consists of. */
void frame_put_run(struct region *r, uint64_t frame, uint64_t count)
{
	while (count) {
		const unsigned int order = frame_run_order(frame, count);

		frame_pool_put(r->pool, frame, order);
		frame += 1ull << order;
		count -= 1ull << order;
	}
}

__boot int frame_add_memory(paddr_t base, uint64_t size, bool reserved)
{
	const uint64_t frame = base / PAGE_SIZE, count = size / PAGE_SIZE;
	struct region *r = frame_region_of(frame, count);

	if (!r)
		return -EXO_E_RANGE;
	spin_lock(&frame_lock);
	r->total += count;
	if (reserved) {
		memset(&r->state[frame - r->first], STATE_RESERVED, count);
		r->reserved += count;
	} else {
		frame_put_run(r, frame, count);
	}
	spin_unlock(&frame_lock);
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
	spin_lock(&frame_lock);
	error = frame_take_run(frame, count, &r);
	if (!error) {
		memset(&r->state[frame - r->first], STATE_RESERVED, count);
		r->reserved += count;
	}
	spin_unlock(&frame_lock);
	return error;
}

/* Is all of a run out of circulation? */
static bool is_reserved(const struct region *r, uint64_t frame, uint64_t count)
	__requires(frame_lock)
{
	for (uint64_t i = 0; i < count; i++)
		if (r->state[frame - r->first + i] != STATE_RESERVED)
			return false;
	return true;
}

int frame_release(paddr_t base, uint64_t size)
{
	const uint64_t frame = base / PAGE_SIZE, count = size / PAGE_SIZE;
	struct region *r;
	int error = -EXO_E_BUSY;

	if (base % PAGE_SIZE || size % PAGE_SIZE)
		return -EXO_E_ALIGN;
	if (!count)
		return 0;
	r = frame_region_of(frame, count);
	if (!r)
		return -EXO_E_RANGE;
	spin_lock(&frame_lock);
	if (is_reserved(r, frame, count)) {
		memset(&r->state[frame - r->first], STATE_NONE, count);
		r->reserved -= count;
		frame_put_run(r, frame, count);
		error = 0;
	}
	spin_unlock(&frame_lock);
	return error;
}

/* --- looking at it -----------------------------------------------------------------------------*/

void frame_stats(unsigned int node, struct frame_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	if (node >= numa_nodes())
		return;
	spin_lock(&frame_lock);
	for (const struct region *r = frame_memory.nodes[node].top; r; r = r->below) {
		uint64_t blocks[FRAME_ORDERS];

		frame_pool_count(r->pool, blocks);
		for (unsigned int order = 0; order < FRAME_ORDERS; order++) {
			stats->blocks[order] += blocks[order];
			stats->free += blocks[order] << order;
		}
		stats->total += r->total;
		stats->reserved += r->reserved;
	}
	stats->allocs = frame_memory.nodes[node].allocs;
	stats->frees = frame_memory.nodes[node].frees;
	stats->failures = frame_memory.nodes[node].failures;
	stats->foreign = frame_memory.nodes[node].foreign;
	frame_cache_stats(&frame_memory.nodes[node], stats);
	spin_unlock(&frame_lock);
	stats->free += stats->cached;
}

bool frame_map(unsigned int index, struct frame_map *map)
{
	const struct region *r = &frame_memory.regions[index];
	uint64_t first;

	if (index >= frame_memory.nr_regions)
		return false;
	map->bits = frame_pool_map(r->pool, &first);
	map->base = first * PAGE_SIZE;
	map->frames = r->first + r->count - first;
	map->node = (unsigned int)(r->node - frame_memory.nodes);
	return true;
}
