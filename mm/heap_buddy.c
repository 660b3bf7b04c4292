/* SPDX-License-Identifier: MIT */
/*
 * The heap as a buddy system: blocks of 2^order bytes, halved and joined.
 *
 * A run is RUN_SIZE bytes of pages, aligned to their size. It begins with its header, whose map has
 * a byte for each MIN_BLOCK bytes: for those where a block begins, its kind and order; INSIDE for
 * all others. So a block needs no header, is aligned to its size, and heap_core_free() sees a
 * pointer that is no block. What follows the header is the fewest blocks that fill the run; they
 * never join with the header, and all free blocks of an empty run have joined to them again but for
 * hot ones.
 *
 * Free blocks are in a list for each order, with a bit mask of the lists that are not empty. One
 * more block of each order, the hot one, is at hand without being joined: an allocation after a
 * free of the same order neither splits nor joins. Before the heap grows, hot blocks are joined
 * after all.
 *
 * What is larger than half a run has pages of its own. They are aligned to a run's size, where the
 * header of a run would be, so the address tells the two kinds apart. Their orders are in a tree by
 * address (heap_large.h), whose nodes are blocks of MIN_BLOCK bytes.
 *
 * Every call takes a bounded number of steps: a few for each order, or for each bit of an address.
 */
#include <exo/string.h>

#include "heap_buddy.h"

struct buddy_heap heap_buddy;

const struct heap_traits heap_core_traits = { .name = "buddy", .frees = true };

static void link_free(void *block, unsigned int order)
{
	struct free_block *const node = block;

	node->previous = NULL;
	node->next = heap_buddy.free[order];
	if (node->next)
		node->next->previous = node;
	heap_buddy.free[order] = node;
	heap_buddy.orders |= 1ull << order;
	*map_at(block) = (uint8_t)(FREE | order);
}

static void unlink_free(void *block, unsigned int order)
{
	const struct free_block *const node = block;

	if (node->next)
		node->next->previous = node->previous;
	if (node->previous)
		node->previous->next = node->next;
	else
		heap_buddy.free[order] = node->next;
	if (!heap_buddy.free[order])
		heap_buddy.orders &= ~(1ull << order);
	*map_at(block) = INSIDE;
}

/* Makes a block free that is no longer used or hot, joined with its buddy as often as possible. */
static void join(void *block, unsigned int order)
{
	uintptr_t at = (uintptr_t)block;

	*map_at(block) = INSIDE;
	/* The buddy of a block that cannot grow lies in the header, where nothing is free. */
	for (;; order++) {
		void *const buddy = (void *)(at ^ 1ul << order);

		if (order == MAX_ORDER || *map_at(buddy) != (FREE | order))
			break;
		unlink_free(buddy, order);
		at &= ~(1ul << order);
	}
	link_free((void *)at, order);
}

/* Joins the hot blocks of @run, or all. */
static void join_hot(const struct run *run)
{
	for (unsigned int order = MIN_ORDER; order <= MAX_ORDER; order++) {
		void *const block = heap_buddy.hot[order];

		if (!block || (run && run_of(block) != run))
			continue;
		heap_buddy.hot[order] = NULL;
		join(block, order);
	}
}

/* The blocks of an empty run: each as large as its place allows. */
static inline uintptr_t next_whole(uintptr_t offset)
{
	return offset + (offset & -offset);
}

static bool grow(void)
{
	struct run *const run = heap_pages_alloc(CONFIG_HEAP_GROW_ORDER);

	if (!run)
		return false;
	heap_buddy.pages += RUN_SIZE / HEAP_PAGE_SIZE;
	memset(run, 0, sizeof(*run));
	run->next = heap_buddy.runs;
	if (run->next)
		run->next->previous = run;
	heap_buddy.runs = run;
	for (uintptr_t at = HEADER_SIZE; at < RUN_SIZE; at = next_whole(at))
		link_free((char *)run + at, (unsigned int)__builtin_ctzl(at));
	return true;
}

static void give_back(struct run *run)
{
	join_hot(run);
	for (uintptr_t at = HEADER_SIZE; at < RUN_SIZE; at = next_whole(at))
		unlink_free((char *)run + at, (unsigned int)__builtin_ctzl(at));
	if (run->next)
		run->next->previous = run->previous;
	if (run->previous)
		run->previous->next = run->next;
	else
		heap_buddy.runs = run->next;
	heap_buddy.pages -= RUN_SIZE / HEAP_PAGE_SIZE;
	heap_pages_free(run, CONFIG_HEAP_GROW_ORDER);
}

/* Splits the upper halves off a block until it has @order; they become free. */
static void split(char *block, unsigned int from, unsigned int order)
{
	while (from > order) {
		from--;
		link_free(block + (1ul << from), from);
	}
}

/* A block of @order from the lists, no longer in them; NULL if there is no memory. */
static __noinline void *take(unsigned int order)
{
	unsigned int from;
	void *block;

	if (!(heap_buddy.orders >> order)) {
		join_hot(NULL);
		if (!(heap_buddy.orders >> order) && !grow())
			return NULL;
	}
	from = order + (unsigned int)__builtin_ctzl(heap_buddy.orders >> order);
	block = heap_buddy.free[from];
	unlink_free(block, from);
	split(block, from, order);
	return block;
}

/* @order is at most MAX_ORDER. Not counted in the statistics. */
static inline void *take_block(unsigned int order)
{
	void *block = heap_buddy.hot[order];
	struct run *run;

	heap_buddy.hot[order] = NULL;
	if (!block) {
		block = take(order);
		if (!block)
			return NULL;
	}
	*map_at(block) = (uint8_t)(USED | order);
	run = run_of(block);
	if (run->blocks++ == 0 && heap_buddy.empty == run)
		heap_buddy.empty = NULL;
	return block;
}

static inline void put_block(void *block, unsigned int order)
{
	struct run *const run = run_of(block);

	if (!heap_buddy.hot[order]) {
		heap_buddy.hot[order] = block;
		*map_at(block) = (uint8_t)(HOT | order);
	} else {
		join(block, order);
	}
	if (--run->blocks)
		return;
	if (!heap_buddy.empty)
		heap_buddy.empty = run;
	else
		give_back(run);
}

static void *failed(void)
{
	heap_buddy.failures++;
	return NULL;
}

static __noinline void *alloc_large(size_t size)
{
	struct heap_large *large;
	unsigned int order;
	uintptr_t pages;

	if (size > HEAP_MAX_SIZE)
		return failed();
	order = (unsigned int)(64 - __builtin_clzl(size - 1)) - PAGE_ORDER;
	large = take_block(MIN_ORDER);
	if (!large)
		return failed();
	pages = (uintptr_t)heap_pages_alloc(order);
	if (!pages) {
		put_block(large, MIN_ORDER);
		return failed();
	}
	*large = (struct heap_large){ .pages = pages | order };
	*find_large((void *)pages) = large;
	heap_buddy.pages += 1ull << order;
	heap_buddy.in_use[order + PAGE_ORDER]++;
	heap_buddy.allocs++;
	return (void *)pages;
}

static __noinline void free_large(void *block)
{
	struct heap_large **const at = find_large(block), *large;
	unsigned int order;

	if (!*at)
		heap_damaged("freed, but no block in use", block);
	large = heap_large_remove(at);
	order = heap_large_order(large);
	put_block(large, MIN_ORDER);
	heap_buddy.pages -= 1ull << order;
	heap_buddy.in_use[order + PAGE_ORDER]--;
	heap_pages_free(block, order);
}

static inline bool is_large(const void *block)
{
	return (uintptr_t)block % RUN_SIZE == 0;
}

/* The order of a used block in a run. */
static inline unsigned int order_of(const void *block)
{
	const uint8_t state = *map_at(block);

	if (unlikely((uintptr_t)block % MIN_BLOCK || (state & KIND_MASK) != USED))
		heap_damaged((state & KIND_MASK) == INSIDE ? "not the start of a block"
							   : "free already",
			     block);
	return state & ORDER_MASK;
}

static inline unsigned int order_for(size_t bytes)
{
	return (unsigned int)(64 - __builtin_clzl((bytes < MIN_BLOCK ? MIN_BLOCK : bytes) - 1));
}

void *heap_core_alloc(size_t size, size_t align)
{
	const size_t bytes = size > align ? size : align;
	unsigned int order;
	void *block;

	if (unlikely(bytes > RUN_SIZE / 2))
		return alloc_large(bytes);
	order = order_for(bytes);
	block = take_block(order);
	if (unlikely(!block))
		return failed();
	heap_buddy.in_use[order]++;
	heap_buddy.allocs++;
	return block;
}

void heap_core_free(void *block)
{
	unsigned int order;

	if (unlikely(is_large(block))) {
		if (block)
			free_large(block);
		return;
	}
	order = order_of(block);
	heap_buddy.in_use[order]--;
	put_block(block, order);
}

size_t heap_core_size(const void *block)
{
	const struct heap_large *large;

	if (!is_large(block))
		return 1ul << order_of(block);
	large = *find_large(block);
	if (large)
		return (size_t)HEAP_PAGE_SIZE << heap_large_order(large);
	heap_damaged("not the start of a block", block);
}

/* Joins a used block with the free ones behind it until it has @order, if there are enough. */
static bool extend(char *block, unsigned int from, unsigned int order)
{
	for (unsigned int k = from; k < order; k++)
		if ((uintptr_t)block & 1ul << k || *map_at(block + (1ul << k)) != (FREE | k))
			return false;
	for (unsigned int k = from; k < order; k++)
		unlink_free(block + (1ul << k), k);
	return true;
}

static bool resize_in_place(void *block, size_t size)
{
	unsigned int from, order;

	if (is_large(block) || size > RUN_SIZE / 2)
		return false;
	from = order_of(block);
	order = order_for(size);
	if (order > from && !extend(block, from, order))
		return false;
	split(block, from, order);
	*map_at(block) = (uint8_t)(USED | order);
	heap_buddy.in_use[from]--;
	heap_buddy.in_use[order]++;
	return true;
}

void *heap_core_resize(void *block, size_t size)
{
	size_t old;
	void *moved;

	if (!block)
		return heap_core_alloc(size, HEAP_MIN_ALIGN);
	if (resize_in_place(block, size))
		return block;
	old = heap_core_size(block);
	if (size <= old && size > old / 2)
		return block;
	moved = heap_core_alloc(size, HEAP_MIN_ALIGN);
	if (!moved)
		return NULL;
	memcpy(moved, block, old < size ? old : size);
	heap_core_free(block);
	return moved;
}

void heap_core_stats(struct heap_stats *stats)
{
	*stats = (struct heap_stats){
		.pages = heap_buddy.pages,
		.allocs = heap_buddy.allocs,
		.failures = heap_buddy.failures,
	};
	for (unsigned int order = 0; order < ARRAY_SIZE(heap_buddy.in_use); order++) {
		stats->blocks += heap_buddy.in_use[order];
		stats->used += (uint64_t)heap_buddy.in_use[order] << order;
	}
	stats->frees = stats->allocs - stats->blocks;
}

void heap_core_trim(void)
{
	if (!heap_buddy.empty)
		return;
	give_back(heap_buddy.empty);
	heap_buddy.empty = NULL;
}
