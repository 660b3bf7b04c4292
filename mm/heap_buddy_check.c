/* SPDX-License-Identifier: MIT */
/*
 * heap_core_check() of the buddy heap (heap_buddy.c): what the runs' maps say, what the lists and
 * the tree hold and what was counted must be the same.
 */
#include <exo/string.h>

#include "heap_buddy.h"

/* What heap_core_check() finds on its way. */
struct census {
	uint64_t pages, used, blocks, free, hot;
};

static bool all_inside(const uint8_t *map, size_t count)
{
	uint64_t word;

	for (; count >= sizeof(word); map += sizeof(word), count -= sizeof(word)) {
		memcpy(&word, map, sizeof(word));
		if (word != INSIDE)
			return false;
	}
	while (count)
		if (map[--count] != INSIDE)
			return false;
	return true;
}

static bool check_run(const struct run *run, struct census *census)
{
	uintptr_t at = HEADER_SIZE;
	uint32_t blocks = 0;

	while (at < RUN_SIZE) {
		const char *const block = (const char *)run + at;
		const unsigned int kind = *map_at(block) & KIND_MASK;
		const unsigned int order = *map_at(block) & ORDER_MASK;

		if (order < MIN_ORDER || order > MAX_ORDER || at % (1ul << order))
			return false;
		if (!all_inside(map_at(block) + 1, (1ul << (order - MIN_ORDER)) - 1))
			return false;
		/* Two free buddies would have been joined. */
		if (kind == INSIDE || (kind == HOT && heap_buddy.hot[order] != block) ||
		    (kind == FREE && order < MAX_ORDER &&
		     *map_at((void *)((uintptr_t)block ^ 1ul << order)) == (FREE | order)))
			return false;
		blocks += kind == USED;
		census->used += kind == USED ? 1ul << order : 0;
		census->free += kind == FREE;
		census->hot += kind == HOT;
		at += 1ul << order;
	}
	census->blocks += blocks;
	census->pages += RUN_SIZE / HEAP_PAGE_SIZE;
	return blocks == run->blocks && (blocks || run == heap_buddy.empty);
}

static bool check_lists(const struct census *census)
{
	uint64_t free = 0, hot = 0;

	for (unsigned int order = 0; order <= MAX_ORDER; order++) {
		const struct free_block *previous = NULL, *node = heap_buddy.free[order];

		if ((heap_buddy.orders >> order & 1) != !!node)
			return false;
		for (; node; previous = node, node = node->next)
			if (node->previous != previous || *map_at(node) != (FREE | order) ||
			    ++free > census->free)
				return false;
		hot += !!heap_buddy.hot[order];
	}
	return free == census->free && hot == census->hot;
}

static bool check_large(struct census *census)
{
	const struct heap_large *to_do[64] = { heap_buddy.large };
	unsigned int count = heap_buddy.large ? 1 : 0;

	while (count) {
		const struct heap_large *const large = to_do[--count];
		const unsigned int order = heap_large_order(large);

		if (*map_at(large) != (USED | MIN_ORDER) ||
		    *find_large((void *)heap_large_address(large)) != large || count > 62)
			return false;
		for (unsigned int i = 0; i < 2; i++)
			if (large->child[i])
				to_do[count++] = large->child[i];
		census->pages += 1ull << order;
		census->used += ((uint64_t)HEAP_PAGE_SIZE << order) - MIN_BLOCK;
	}
	return true;
}

bool heap_core_check(void)
{
	struct census census = { 0 };
	struct heap_stats stats;

	for (const struct run *run = heap_buddy.runs; run; run = run->next)
		if (!check_run(run, &census) || (run->next && run->next->previous != run))
			return false;
	heap_core_stats(&stats);
	return check_lists(&census) && check_large(&census) && census.pages == stats.pages &&
	       census.used == stats.used && census.blocks == stats.blocks;
}
