/* SPDX-License-Identifier: MIT */
/*
 * What every heap must do, as test cases. A suite defines `heap`, a const struct heap_api, and
 * includes this file: heap_test.c for the variant alone, heap_debug_test.c for CONFIG_HEAP_DEBUG
 * above it. Both also run in the kernel, on the heap that is in use there, so all counts are
 * differences; nobody else uses the heap meanwhile.
 *
 * A heap that never frees keeps what a case allocates, so its cases ask for less.
 */
#ifndef HEAP_CONFORMANCE_H
#define HEAP_CONFORMANCE_H

#include <exo/string.h>
#include <exo/test.h>

#include "heap_blocks.h"

struct heap_api {
	void *(*alloc)(size_t size, size_t align);
	void (*free)(void *block);
	void *(*resize)(void *block, size_t size);
	size_t (*size)(const void *block);
	void (*stats)(struct heap_stats *stats);
	void (*trim)(void);
	bool (*check)(void);
	bool watches; /* keeps freed blocks, and reads and writes all memory itself, which takes
			 time */
};
static const struct heap_api heap;

#define MAX_BLOCKS 1024

/* A block that is in use and filled with its pattern. */
struct test_block {
	void *at;
	size_t size; /* heap.size() */
	uint32_t seed;
};

static struct test_block blocks[MAX_BLOCKS];
static unsigned int nr_blocks;
static uint32_t next_seed;

static struct heap_stats stats_now(void)
{
	struct heap_stats stats;

	heap.stats(&stats);
	return stats;
}

static bool holds_what_is_used(void)
{
	const struct heap_stats stats = stats_now();

	return stats.pages * HEAP_PAGE_SIZE >= stats.used;
}

/* Allocates blocks[nr_blocks]. False if the heap gave NULL or what nobody asked for. */
static bool add_block(size_t size, size_t align)
{
	struct test_block *const block = &blocks[nr_blocks];
	const uintptr_t mask = (align > HEAP_MIN_ALIGN ? align : HEAP_MIN_ALIGN) - 1;

	if (nr_blocks == MAX_BLOCKS)
		return false;
	block->at = heap.alloc(size, align);
	if (!block->at || (uintptr_t)block->at & mask)
		return false;
	block->size = heap.size(block->at);
	if (block->size < size || block->size < 1)
		return false;
	block->seed = next_seed++;
	pattern_fill(block->at, block->size, block->seed);
	nr_blocks++;
	return true;
}

static bool block_holds(const struct test_block *block)
{
	return heap.size(block->at) == block->size &&
	       pattern_holds(block->at, block->size, block->size, block->seed);
}

/* Frees a block and puts the last one in its place. False if its contents have changed. */
static bool remove_block(unsigned int index)
{
	const bool holds = block_holds(&blocks[index]);

	heap.free(blocks[index].at);
	blocks[index] = blocks[--nr_blocks];
	return holds;
}

/* Frees all blocks and trims. False if one has changed. */
static bool remove_all(void)
{
	bool hold = true;

	while (nr_blocks)
		hold &= remove_block(nr_blocks - 1);
	heap.trim();
	return hold;
}

/* Sizes around each power of two up to @limit, allocated together. */
static bool add_sizes(size_t limit, size_t align)
{
	for (size_t power = 1; power <= limit; power *= 2)
		for (size_t size = power - 1; size <= power + 1; size++)
			if (!add_block(size, align))
				return false;
	return true;
}

static void heap_aligns_every_size(struct test *test)
{
	const size_t limit = !heap_core_traits.frees ? KIB(2) : heap.watches ? KIB(8) : KIB(64);

	TEST_TRUE(test, remove_all());
	for (size_t align = 1; align <= HEAP_MAX_ALIGN; align *= 2) {
		TEST_TRUE(test, add_sizes(limit, align));
		TEST_TRUE(test, heap.check());
		TEST_TRUE(test, remove_all());
		TEST_TRUE(test, heap.check());
	}
	TEST_TRUE(test, add_sizes(limit, 0));
	TEST_TRUE(test, remove_all());
}

static void heap_gives_large_blocks(struct test *test)
{
	static const size_t sizes[] = { MIB(1) - 1, MIB(1) + 1, 3000001, KIB(128) + 4096 };
	const unsigned int count = heap_core_traits.frees ? ARRAY_SIZE(sizes) : 1;

	TEST_TRUE(test, remove_all());
	for (unsigned int i = 0; i < count; i++) {
		TEST_TRUE(test, add_block(sizes[i], i % 2 ? HEAP_MAX_ALIGN : 16));
		TEST_TRUE(test, holds_what_is_used());
		TEST_TRUE(test, heap.check());
	}
	TEST_TRUE(test, remove_all());
	TEST_TRUE(test, heap.check());
}

/* @steps allocations and frees by chance, of blocks up to 2^@bits bytes; see heap.check() often. */
static bool shuffle(struct heap_random *random, unsigned int steps, unsigned int bits,
		    unsigned int most)
{
	for (unsigned int i = 0; i < steps; i++) {
		const size_t align = heap_random(random, 4) ? 0 : 1ull << heap_random(random, 13);

		if (heap_random(random, most) >= nr_blocks) {
			if (!add_block(heap_random_size(random, bits), align))
				return false;
		} else if (!remove_block(heap_random(random, nr_blocks))) {
			return false;
		}
		if (i % 16 == 0 && !heap.check())
			return false;
	}
	return true;
}

static void heap_blocks_do_not_overlap(struct test *test)
{
	struct heap_random random = { .state = 20250301 };

	TEST_TRUE(test, remove_all());
	if (heap_core_traits.frees) {
		TEST_TRUE(test, shuffle(&random, 2000, 10, 400));
		TEST_TRUE(test, shuffle(&random, 500, 14, 100));
	} else {
		TEST_TRUE(test, shuffle(&random, 500, 8, 100));
	}
	TEST_TRUE(test, remove_all());
	TEST_TRUE(test, heap.check());
}

static void heap_uses_freed_memory_again(struct test *test)
{
	static const size_t sizes[] = { 1, 100, 5000, KIB(100) };
	const unsigned int times = heap.watches ? 50 : 1000;

	TEST_TRUE(test, remove_all());
	for (unsigned int i = 0; heap_core_traits.frees && i < ARRAY_SIZE(sizes); i++) {
		uint64_t pages;

		TEST_TRUE(test, add_block(sizes[i], 0));
		heap.free(heap.alloc(sizes[i], 0));
		pages = stats_now().pages;
		for (unsigned int n = 0; n < times; n++) {
			void *const block = heap.alloc(sizes[i], 0);

			TEST_TRUE(test, block != NULL);
			heap.free(block);
			TEST_TRUE(test, heap.watches || stats_now().pages == pages);
		}
		TEST_TRUE(test, remove_all());
	}
	TEST_TRUE(test, heap.check());
}

/* How blocks are freed: as they were allocated, the other way round, by chance. */
enum free_order { FREE_OLDEST_FIRST, FREE_NEWEST_FIRST, FREE_BY_CHANCE };

static bool remove_in_order(enum free_order order)
{
	struct heap_random random = { .state = 4711 };
	bool hold = true;

	for (unsigned int i = 0; order == FREE_OLDEST_FIRST && i < nr_blocks / 2; i++) {
		const struct test_block swap = blocks[i];

		blocks[i] = blocks[nr_blocks - 1 - i];
		blocks[nr_blocks - 1 - i] = swap;
	}
	while (nr_blocks)
		hold &= remove_block(order == FREE_BY_CHANCE ? heap_random(&random, nr_blocks)
							     : nr_blocks - 1);
	return hold;
}

/* Many small blocks, enough for several runs. */
static void heap_gives_free_runs_back(struct test *test)
{
	const unsigned int count = 800;
	uint64_t pages;

	if (!heap_core_traits.frees)
		TEST_SKIP(test, "this heap never frees");
	TEST_TRUE(test, remove_all());
	pages = stats_now().pages;
	for (enum free_order order = FREE_OLDEST_FIRST; order <= FREE_BY_CHANCE; order++) {
		for (unsigned int i = 0; i < count; i++)
			TEST_TRUE(test, add_block(500, 0));
		TEST_TRUE(test, holds_what_is_used());
		TEST_TRUE(test, remove_in_order(order));
		TEST_TRUE(test, heap.check());
		if (!heap.watches && !heap_core_traits.caches)
			TEST_TRUE(test,
				  stats_now().pages <= pages + (1u << CONFIG_HEAP_GROW_ORDER));
		heap.trim();
		TEST_EQ(test, stats_now().pages, pages);
		TEST_TRUE(test, heap.check());
	}
}

/* A run with a block in it stays, and the block too. */
static void heap_trims_around_blocks(struct test *test)
{
	uint64_t pages;

	TEST_TRUE(test, remove_all());
	pages = stats_now().pages;
	TEST_TRUE(test, add_block(40, 0));
	TEST_TRUE(test, add_block(KIB(20), 4096));
	heap.trim();
	TEST_TRUE(test, heap.check());
	TEST_TRUE(test, block_holds(&blocks[0]) && block_holds(&blocks[1]));
	TEST_TRUE(test, add_block(40, 0));
	TEST_TRUE(test, remove_all());
	if (heap_core_traits.frees)
		TEST_EQ(test, stats_now().pages, pages);
}

/* Resizes blocks[0]. False if the heap gives NULL, or less than @size, or loses contents. */
static bool resize_block(size_t size)
{
	struct test_block *const block = &blocks[0];
	const size_t kept = block->size < size ? block->size : size;
	void *const at = heap.resize(block->at, size);

	if (!at || (uintptr_t)at % HEAP_MIN_ALIGN || heap.size(at) < size ||
	    !pattern_holds(at, block->size, kept, block->seed))
		return false;
	block->at = at;
	block->size = heap.size(at);
	block->seed = next_seed++;
	pattern_fill(block->at, block->size, block->seed);
	return true;
}

static void heap_resize_keeps_contents(struct test *test)
{
	static const size_t sizes[] = { 1,   16,   17,	 40,   39,  100, 1000, 1001, 4096, 5000,
					300, 9000, 8999, 4095, 128, 600, 64,   63,   0,	   2000 };
	const unsigned int most = heap_core_traits.frees ? 4096 : 64;

	TEST_TRUE(test, remove_all());
	for (size_t align = 16; align <= most; align *= 4) {
		TEST_TRUE(test, add_block(24, align));
		for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
			TEST_TRUE(test, resize_block(sizes[i]));
			TEST_TRUE(test, heap.check());
			/* Neighbours, to be moved away from. */
			if (i % 3 == 0)
				TEST_TRUE(test, add_block(sizes[i], 0));
		}
		TEST_TRUE(test, remove_all());
	}
}

static void heap_resize_keeps_large_contents(struct test *test)
{
	TEST_TRUE(test, remove_all());
	TEST_TRUE(test, add_block(KIB(60), 0));
	TEST_TRUE(test, resize_block(KIB(200)));
	TEST_TRUE(test, add_block(100, 0));
	TEST_TRUE(test, resize_block(heap_core_traits.frees ? MIB(1) : KIB(300)));
	TEST_TRUE(test, heap.check());
	TEST_TRUE(test, resize_block(KIB(70)));
	TEST_TRUE(test, resize_block(10));
	TEST_TRUE(test, heap.check());
	TEST_TRUE(test, remove_all());
}

static void heap_null_is_a_block_of_nothing(struct test *test)
{
	const struct heap_stats before = stats_now();
	struct heap_stats after;
	void *block;

	heap.free(NULL);
	after = stats_now();
	TEST_EQ(test, after.frees, before.frees);
	block = heap.resize(NULL, 33);
	TEST_TRUE(test, block != NULL);
	TEST_TRUE(test, heap.size(block) >= 33);
	after = stats_now();
	TEST_EQ(test, after.allocs, before.allocs + 1);
	TEST_EQ(test, after.blocks, before.blocks + 1);
	heap.free(block);
	TEST_EQ(test, stats_now().blocks, before.blocks);
}

static void heap_counts(struct test *test)
{
	struct heap_stats before, after;
	uint64_t moves = 0, used = 0;

	TEST_TRUE(test, remove_all());
	before = stats_now();
	for (unsigned int i = 1; i <= 40; i++)
		TEST_TRUE(test, add_block(i * 9, 0));
	for (unsigned int i = 0; i < 10; i++)
		TEST_TRUE(test, remove_block(i));
	for (unsigned int size = 1; size < 3000; size = size * 5 / 4 + 1) {
		void *const at = blocks[0].at;

		TEST_TRUE(test, resize_block(size % 4 ? size : size / 4));
		moves += blocks[0].at != at;
	}
	for (unsigned int i = 0; i < nr_blocks; i++)
		used += blocks[i].size;
	after = stats_now();
	TEST_EQ(test, after.blocks, before.blocks + 30);
	TEST_EQ(test, after.used, before.used + used);
	TEST_EQ(test, after.allocs, before.allocs + 40 + moves);
	TEST_EQ(test, after.frees, before.frees + 10 + moves);
	TEST_EQ(test, after.failures, before.failures);
	TEST_TRUE(test, holds_what_is_used());
	TEST_TRUE(test, remove_all());
	after = stats_now();
	TEST_EQ(test, after.blocks, before.blocks);
	TEST_EQ(test, after.used, before.used);
	TEST_EQ(test, after.frees, before.frees + 40 + moves);
}

static void heap_refuses_impossible_sizes(struct test *test)
{
	static const size_t sizes[] = {
		HEAP_MAX_SIZE + 1, HEAP_MAX_SIZE * 2, SIZE_MAX / 2 + 1, SIZE_MAX - 8192,
		SIZE_MAX - 4096,   SIZE_MAX - 4095,   SIZE_MAX - 64,	SIZE_MAX - 15,
		SIZE_MAX - 8,	   SIZE_MAX - 7,      SIZE_MAX - 1,	SIZE_MAX,
	};
	struct heap_stats before, after;
	uint64_t failures = 0;

	TEST_TRUE(test, remove_all());
	TEST_TRUE(test, add_block(100, 0));
	before = stats_now();
	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (size_t align = 1; align <= HEAP_MAX_ALIGN; align *= 2) {
			TEST_TRUE(test, heap.alloc(sizes[i], align) == NULL);
			failures++;
		}
		TEST_TRUE(test, heap.resize(blocks[0].at, sizes[i]) == NULL);
		TEST_TRUE(test, heap.resize(NULL, sizes[i]) == NULL);
		failures += 2;
		TEST_TRUE(test, block_holds(&blocks[0]));
	}
	after = stats_now();
	TEST_EQ(test, after.failures, before.failures + failures);
	TEST_EQ(test, after.allocs, before.allocs);
	TEST_EQ(test, after.frees, before.frees);
	TEST_EQ(test, after.blocks, before.blocks);
	TEST_EQ(test, after.pages, before.pages);
	TEST_TRUE(test, heap.check());
	TEST_TRUE(test, remove_all());
}

static const struct test_case heap_conformance_cases[] = {
	TEST_CASE(heap_aligns_every_size),	    TEST_CASE(heap_gives_large_blocks),
	TEST_CASE(heap_blocks_do_not_overlap),	    TEST_CASE(heap_uses_freed_memory_again),
	TEST_CASE(heap_gives_free_runs_back),	    TEST_CASE(heap_trims_around_blocks),
	TEST_CASE(heap_resize_keeps_contents),	    TEST_CASE(heap_resize_keeps_large_contents),
	TEST_CASE(heap_null_is_a_block_of_nothing), TEST_CASE(heap_counts),
	TEST_CASE(heap_refuses_impossible_sizes),
};

#endif
