/* SPDX-License-Identifier: MIT */
/* What the slab heap says of itself: statistics, and whether it contradicts itself. */
#include "heap_slab.h"

/* Blocks of a class that users have; the tree's nodes are its own users. */
static uint64_t with_users(unsigned int class)
{
	uint64_t blocks = 0;

	for (const struct slab *s = heap_slab.partial[class]; s; s = s->next)
		blocks += s->in_use;
	for (const struct slab *s = heap_slab.full[class]; s; s = s->next)
		blocks += s->in_use;
	for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++)
		blocks -= heap_slab.magazines[cpu][class].count;
	return blocks;
}

void heap_core_stats(struct heap_stats *stats)
{
	uint64_t large = 0;

	heap_slab_share();
	*stats = (struct heap_stats){ .pages = heap_slab.pages, .failures = heap_slab.failures };
	for (unsigned int order = 0; order <= HEAP_MAX_ORDER; order++) {
		large += heap_slab.large_in_use[order];
		stats->used += heap_slab.large_in_use[order] * HEAP_PAGE_SIZE << order;
	}
	for (unsigned int class = 0; class < NR_CLASSES; class ++) {
		uint64_t blocks = with_users(class);

		if (class_size(class) == (sizeof(struct heap_large) + 15) / 16 * 16)
			blocks -= large;
		stats->blocks += blocks;
		stats->used += blocks * class_size(class);
		for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++)
			stats->allocs += heap_slab.magazines[cpu][class].allocs;
	}
	stats->blocks += large;
	stats->allocs += heap_slab.large_allocs;
	stats->frees = stats->allocs - stats->blocks;
	heap_slab_unshare();
}

/* Is this where a block of the slab begins that has been used? */
static bool is_block(const struct slab *slab, const void *block)
{
	const size_t offset = (uintptr_t)block % SLAB_SIZE;
	const unsigned int class = slab->class;

	return offset >= class_start(class) &&
	       (offset - class_start(class)) % class_size(class) == 0 &&
	       (offset - class_start(class)) / class_size(class) <
		       class_blocks(class) - slab->fresh;
}

static bool check_slab(const struct slab *slab, unsigned int class)
{
	uint32_t free = 0;

	if ((uintptr_t)slab % SLAB_SIZE || slab->magic != SLAB_MAGIC || slab->class != class ||
	    slab->fresh > class_blocks(class))
		return false;
	for (const void *block = slab->free; block; block = *(void *const *)block)
		if (slab_of(block) != slab || !is_block(slab, block) ||
		    ++free > class_blocks(class))
			return false;
	return slab->in_use + free + slab->fresh == class_blocks(class);
}

/* Checks a list of slabs; adds their number to *@slabs. */
static bool check_list(const struct slab *slab, unsigned int class, bool full, uint64_t *slabs)
{
	const struct slab *previous = NULL;

	for (; slab; previous = slab, slab = slab->next) {
		if (!check_slab(slab, class) || slab->previous != previous || slab->in_use == 0 ||
		    full != (!slab->free && !slab->fresh))
			return false;
		++*slabs;
	}
	return true;
}

static bool check_magazine(const struct magazine *m, unsigned int class)
{
	uint32_t count = 0;

	for (const void *block = m->top; block; block = *(void *const *)block)
		if (slab_of(block)->magic != SLAB_MAGIC || slab_of(block)->class != class ||
		    !is_block(slab_of(block), block) || ++count > m->count)
			return false;
	return count == m->count && (count == 0 || m->room > 0);
}

/* Counts the tree's nodes by order, without recursion: down the left sides, up through a stack. */
static bool check_large(void)
{
	const struct heap_large *waiting[64];
	uint64_t counted[HEAP_MAX_ORDER + 1] = { 0 };
	unsigned int depth = 0;

	if (heap_slab.large)
		waiting[depth++] = heap_slab.large;
	while (depth) {
		const struct heap_large *const large = waiting[--depth];
		const unsigned int order = heap_large_order(large);

		if (order < SLAB_ORDER || order > HEAP_MAX_ORDER ||
		    *find_large((const void *)heap_large_address(large)) != large)
			return false;
		counted[order]++;
		for (unsigned int i = 0; i < 2; i++)
			if (large->child[i])
				waiting[depth++] = large->child[i];
	}
	for (unsigned int order = 0; order <= HEAP_MAX_ORDER; order++)
		if (counted[order] != heap_slab.large_in_use[order])
			return false;
	return true;
}

static bool check_all(void)
{
	uint64_t slabs = heap_slab.spare ? 1 : 0, pages = 0;

	for (unsigned int class = 0; class < NR_CLASSES; class ++) {
		if (!check_list(heap_slab.partial[class], class, false, &slabs) ||
		    !check_list(heap_slab.full[class], class, true, &slabs))
			return false;
		for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++)
			if (!check_magazine(&heap_slab.magazines[cpu][class], class))
				return false;
	}
	for (unsigned int order = 0; order <= HEAP_MAX_ORDER; order++)
		pages += heap_slab.large_in_use[order] << order;
	return pages + slabs * (SLAB_SIZE / HEAP_PAGE_SIZE) == heap_slab.pages && check_large();
}

bool heap_core_check(void)
{
	bool good;

	heap_slab_share();
	good = check_all();
	heap_slab_unshare();
	return good;
}
