/* SPDX-License-Identifier: MIT */
/*
 * Plans memory at boot: regions, kept runs, the place of metadata.
 *
 * A region is a run of memory of one node. Memory on both sides of a hole shares a region if the
 * hole is no larger than the memory below it: metadata covers holes too, about 1.5 bytes a frame,
 * so it stays below a thousandth of the memory described (plus the rounding to pages). A region's
 * metadata lies at its own top, on its own node, or elsewhere if no free place there is large
 * enough. A region that would spend more than an eighth of itself on metadata is left alone.
 *
 * ACPI-reclaimable memory belongs to regions from the start, reserved until it is released.
 */
#include <exo/frame.h>
#include <exo/frame_setup.h>
#include <exo/memory_plan.h>
#include <exo/panic.h>
#include <exo/string.h>

#define WORTHWHILE 8 /* a guess: a region has at least so many times its metadata */

/* A run of one type and one node, in whole pages. */
struct piece {
	paddr_t base, end;
	unsigned int node;
	enum memory_type type;
};

/* --- going through the map ---------------------------------------------------------------------*/

static __boot bool is_memory(enum memory_type type)
{
	return type == MEMORY_USABLE || type == MEMORY_ACPI_RECLAIMABLE;
}

static __boot paddr_t page_up(paddr_t address)
{
	return (address + PAGE_SIZE - 1) & ~(paddr_t)(PAGE_SIZE - 1);
}

static __boot paddr_t page_down(paddr_t address)
{
	return address & ~(paddr_t)(PAGE_SIZE - 1);
}

/*
 * The next piece of memory from @piece->end on, @piece->end being 0 at the start. A page that two
 * ranges share belongs to none of them. False at the end.
 */
static __boot bool next_piece(const struct boot_info *info, struct piece *piece)
{
	for (unsigned int i = 0; i < info->nr_memory; i++) {
		const struct memory_range *range = &info->memory[i];
		const paddr_t end = page_down(range->base + range->length);
		paddr_t base = page_up(range->base);
		uint64_t length;

		if (base < piece->end)
			base = piece->end;
		if (!is_memory(range->type) || base >= end)
			continue;
		piece->node = numa_node_of(base, &length);
		piece->type = range->type;
		piece->base = base;
		piece->end = end - base > length ? base + length : end;
		return true;
	}
	return false;
}

__boot paddr_t memory_plan_top(const struct boot_info *info)
{
	struct piece piece = { .end = 0 };

	while (next_piece(info, &piece))
		;
	return piece.end;
}

/* --- what is kept ------------------------------------------------------------------------------*/

__boot void memory_plan_begin(struct memory_plan *plan, const struct boot_info *info, char *window,
			      paddr_t reach)
{
	*plan = (struct memory_plan){ .info = info, .window = window, .reach = reach };
	memory_plan_keep(plan, 0, PAGE_SIZE);
}

__boot void memory_plan_keep(struct memory_plan *plan, paddr_t base, uint64_t size)
{
	struct memory_run run = { page_down(base), page_up(base + size) };
	unsigned int first = 0, after;

	if (!size)
		return;
	while (first < plan->nr_kept && plan->kept[first].end < run.base)
		first++;
	for (after = first; after < plan->nr_kept && plan->kept[after].base <= run.end; after++) {
		if (plan->kept[after].base < run.base)
			run.base = plan->kept[after].base;
		if (plan->kept[after].end > run.end)
			run.end = plan->kept[after].end;
	}
	if (plan->nr_kept - (after - first) == MEMORY_PLAN_KEPT)
		panic("memory: more than %u runs to keep at boot", MEMORY_PLAN_KEPT);
	memmove(&plan->kept[first + 1], &plan->kept[after],
		(plan->nr_kept - after) * sizeof(plan->kept[0]));
	plan->kept[first] = run;
	plan->nr_kept = plan->nr_kept - (after - first) + 1;
}

/* The lowest kept run that overlaps [@base, @end), or NULL. */
static __boot const struct memory_run *kept_in(const struct memory_plan *plan, paddr_t base,
					       paddr_t end)
{
	for (unsigned int i = 0; i < plan->nr_kept; i++)
		if (plan->kept[i].base < end && plan->kept[i].end > base)
			return &plan->kept[i];
	return NULL;
}

/* The highest place for @size bytes in [@base, @end) that nothing kept overlaps. */
static __boot paddr_t highest_place(const struct memory_plan *plan, uint64_t size, paddr_t base,
				    paddr_t end)
{
	while (end > base && end - base >= size) {
		const struct memory_run *kept = kept_in(plan, end - size, end);

		if (!kept)
			return end - size;
		end = kept->base;
	}
	return MEMORY_PLAN_NONE;
}

__boot paddr_t memory_plan_take(struct memory_plan *plan, uint64_t size, paddr_t from, paddr_t to)
{
	paddr_t place = MEMORY_PLAN_NONE;
	struct piece piece = { .end = 0 };

	size = page_up(size);
	if (to > plan->reach)
		to = plan->reach;
	while (next_piece(plan->info, &piece)) {
		const paddr_t base = piece.base > from ? piece.base : from;
		const paddr_t end = piece.end < to ? piece.end : to;
		paddr_t found;

		if (piece.type != MEMORY_USABLE || base >= end)
			continue;
		found = highest_place(plan, size, base, end);
		if (found != MEMORY_PLAN_NONE)
			place = found;
	}
	if (place != MEMORY_PLAN_NONE)
		memory_plan_keep(plan, place, size);
	return place;
}

/* --- regions -----------------------------------------------------------------------------------*/

/* The region that begins with the next piece of memory, and all of it that belongs together. */
static __boot bool next_region(const struct memory_plan *plan, struct memory_region *region)
{
	struct piece piece = { .end = region->end };
	paddr_t limit;

	if (!next_piece(plan->info, &piece) || piece.base >= plan->reach)
		return false;
	*region =
		(struct memory_region){ .base = piece.base, .end = piece.base, .node = piece.node };
	limit = piece.base + FRAME_POOL_MAX * PAGE_SIZE;
	if (limit > plan->reach)
		limit = plan->reach;
	do {
		if (piece.end > limit)
			piece.end = limit;
		region->size += piece.end - piece.base;
		region->end = piece.end;
	} while (next_piece(plan->info, &piece) && piece.node == region->node &&
		 piece.base < limit && piece.base - region->end <= region->size);
	return true;
}

/* Remembers a region; beyond CONFIG_FRAME_REGIONS, the smallest one is left out. */
static __boot void add_region(struct memory_plan *plan, const struct memory_region *region)
{
	unsigned int victim = 0;

	if (plan->nr_regions < CONFIG_FRAME_REGIONS) {
		plan->regions[plan->nr_regions++] = *region;
		return;
	}
	for (unsigned int i = 1; i < CONFIG_FRAME_REGIONS; i++)
		if (plan->regions[i].size < plan->regions[victim].size)
			victim = i;
	if (plan->regions[victim].size >= region->size)
		return;
	memmove(&plan->regions[victim], &plan->regions[victim + 1],
		(plan->nr_regions - victim - 1) * sizeof(*region));
	plan->regions[plan->nr_regions - 1] = *region;
}

/* Finds room for a region's metadata; false if it is not worth it, or there is none. */
static __boot bool place_metadata(struct memory_plan *plan, struct memory_region *region)
{
	const size_t size = frame_metadata(region->base, region->end - region->base);

	if (size > region->size / WORTHWHILE)
		return false;
	region->metadata = memory_plan_take(plan, size, region->base, region->end);
	if (region->metadata == MEMORY_PLAN_NONE)
		region->metadata = memory_plan_take(plan, size, 0, plan->reach);
	if (region->metadata == MEMORY_PLAN_NONE)
		return false;
	plan->metadata += page_up(size);
	memset(plan->window + region->metadata, 0, size);
	return true;
}

static __boot void add_memory(struct memory_plan *plan, paddr_t base, paddr_t end, bool reserved)
{
	if (frame_add_memory(base, end - base, reserved))
		panic("memory: 0x%llx is in no region", (unsigned long long)base);
	plan->given += end - base;
	plan->free += reserved ? 0 : end - base;
}

/* Gives a piece of memory, which lies in a region, to the frame allocator. */
static __boot void add_piece(struct memory_plan *plan, const struct piece *piece)
{
	paddr_t base = piece->base;

	if (piece->type != MEMORY_USABLE) {
		add_memory(plan, base, piece->end, true);
		return;
	}
	while (base < piece->end) {
		const struct memory_run *kept = kept_in(plan, base, piece->end);
		const bool reserved = kept && kept->base <= base;
		paddr_t end = !kept ? piece->end : reserved ? kept->end : kept->base;

		if (end > piece->end)
			end = piece->end;
		add_memory(plan, base, end, reserved);
		base = end;
	}
}

/* All memory of the map, in whole pages. */
static __boot uint64_t described(const struct boot_info *info)
{
	struct piece piece = { .end = 0 };
	uint64_t size = 0;

	while (next_piece(info, &piece))
		size += piece.end - piece.base;
	return size;
}

__boot void memory_plan_frames(struct memory_plan *plan)
{
	struct memory_region region = { .end = 0 };

	while (next_region(plan, &region))
		add_region(plan, &region);
	/* All metadata first: its place may be in another region, which must know it. */
	for (unsigned int i = 0; i < plan->nr_regions; i++)
		if (!place_metadata(plan, &plan->regions[i]))
			plan->regions[i].size = 0;
	for (unsigned int i = 0; i < plan->nr_regions; i++) {
		const struct memory_region *r = &plan->regions[i];
		struct piece piece = { .end = r->base };

		if (!r->size || frame_add_region(r->base, r->end - r->base, r->node,
						 plan->window + r->metadata))
			continue;
		while (next_piece(plan->info, &piece) && piece.base < r->end) {
			if (piece.end > r->end)
				piece.end = r->end;
			add_piece(plan, &piece);
		}
	}
	plan->unused = described(plan->info) - plan->given;
}

__boot uint64_t memory_plan_reclaim(const struct boot_info *info)
{
	struct piece piece = { .end = 0 };
	uint64_t size = 0;

	while (next_piece(info, &piece))
		if (piece.type == MEMORY_ACPI_RECLAIMABLE &&
		    frame_release(piece.base, piece.end - piece.base) == 0)
			size += piece.end - piece.base;
	return size;
}
