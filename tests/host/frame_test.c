/* SPDX-License-Identifier: MIT */
/*
 * The frame allocator as its users see it. In the kernel this runs on the machine's own memory,
 * which it leaves as it was; on the host on the machine of frame_machine.c.
 */
#include <exo/bitmap_tree.h>
#include <exo/frame.h>
#include <exo/string.h>
#include <exo/test.h>

#define MAX_BLOCKS 4096

static paddr_t blocks[MAX_BLOCKS];
static uint8_t orders[MAX_BLOCKS];

/* Totals over all nodes. */
static struct frame_stats totals(void)
{
	struct frame_stats sum = { 0 }, one;

	for (unsigned int node = 0; node < numa_nodes(); node++) {
		frame_stats(node, &one);
		sum.total += one.total;
		sum.free += one.free;
		sum.cached += one.cached;
		sum.reserved += one.reserved;
		sum.allocs += one.allocs;
		sum.frees += one.frees;
		sum.failures += one.failures;
		sum.foreign += one.foreign;
		for (unsigned int order = 0; order < FRAME_ORDERS; order++)
			sum.blocks[order] += one.blocks[order];
	}
	return sum;
}

/* The largest order of which a block is free somewhere. */
static unsigned int largest_order(void)
{
	const struct frame_stats stats = totals();
	unsigned int order = FRAME_MAX_ORDER;

	while (order > 0 && !stats.blocks[order])
		order--;
	return order;
}

static bool map_says_free(paddr_t base)
{
	struct frame_map map;

	for (unsigned int i = 0; frame_map(i, &map); i++) {
		const uint64_t bit = (base - map.base) / PAGE_SIZE;

		if (base >= map.base && bit < map.frames)
			return map.bits[bit / 64] >> bit % 64 & 1;
	}
	return false;
}

static void frame_every_order(struct test *test)
{
	const unsigned int largest = largest_order();
	const uint64_t free = totals().free;
	paddr_t base;

	for (unsigned int order = 0; order <= largest; order++) {
		TEST_EQ(test, frame_alloc(order, &base), 0);
		TEST_EQ(test, base & ((PAGE_SIZE << order) - 1), 0);
		TEST_TRUE(test, !map_says_free(base));
		TEST_EQ(test, totals().free, free - (1ull << order));
		TEST_EQ(test, frame_free(base, order), 0);
		TEST_EQ(test, totals().free, free);
	}
	base = 1;
	TEST_EQ(test, frame_alloc(FRAME_ORDERS, &base), -EXO_E_ARG);
	TEST_EQ(test, base, 1);
}

static void frame_wrong_frees(struct test *test)
{
	const uint64_t free = totals().free;
	struct frame_map map;
	paddr_t base, top = 0;

	TEST_EQ(test, frame_alloc(3, &base), 0);
	TEST_EQ(test, frame_free(base, 2), -EXO_E_TYPE);
	TEST_EQ(test, frame_free(base, 0), -EXO_E_TYPE);
	TEST_EQ(test, frame_free(base + PAGE_SIZE, 0), -EXO_E_TYPE);
	TEST_EQ(test, frame_free(base + 4 * PAGE_SIZE, 2), -EXO_E_TYPE);
	TEST_EQ(test, frame_free(base + PAGE_SIZE, 3), -EXO_E_ALIGN);
	TEST_EQ(test, frame_free(base + 1, 3), -EXO_E_ALIGN);
	TEST_EQ(test, frame_free(base, FRAME_ORDERS), -EXO_E_ARG);
	TEST_EQ(test, frame_free(base, ~0u), -EXO_E_ARG);
	TEST_EQ(test, totals().free, free - 8);
	TEST_EQ(test, frame_free(base, 3), 0);
	TEST_EQ(test, frame_free(base, 3), -EXO_E_DEAD);
	TEST_EQ(test, frame_free(base, 0), -EXO_E_DEAD);

	/* A single frame goes by way of the cache, if there is one. */
	TEST_EQ(test, frame_alloc(0, &base), 0);
	TEST_EQ(test, frame_free(base, 0), 0);
	TEST_EQ(test, frame_free(base, 0), -EXO_E_DEAD);
	frame_cache_drain();
	TEST_EQ(test, frame_free(base, 0), -EXO_E_DEAD);

	TEST_EQ(test, frame_alloc(0, &base), 0);
	TEST_EQ(test, frame_free(base, 0), 0);
	TEST_EQ(test, frame_reserve(base, PAGE_SIZE), 0);
	TEST_EQ(test, frame_free(base, 0), -EXO_E_PERM);
	TEST_EQ(test, frame_release(base, PAGE_SIZE), 0);

	for (unsigned int i = 0; frame_map(i, &map); i++)
		top = map.base + map.frames * PAGE_SIZE;
	TEST_EQ(test, frame_free((top + MIB(1)) & ~(MIB(1) - 1), 0), -EXO_E_RANGE);
	TEST_EQ(test, frame_free(~(paddr_t)0 & ~(PAGE_SIZE - 1ull), 0), -EXO_E_RANGE);
	TEST_EQ(test, totals().free, free);
}

static void frame_by_name(struct test *test)
{
	const uint64_t free = totals().free;
	paddr_t base, other;

	TEST_EQ(test, frame_alloc(4, &base), 0);
	TEST_EQ(test, frame_alloc_at(base, 4), -EXO_E_BUSY);
	TEST_EQ(test, frame_alloc_at(base + 3 * PAGE_SIZE, 0), -EXO_E_BUSY);
	TEST_EQ(test, frame_free(base, 4), 0);
	TEST_EQ(test, frame_alloc_at(base + 3 * PAGE_SIZE, 0), 0);
	TEST_EQ(test, frame_alloc_at(base, 4), -EXO_E_BUSY);
	TEST_EQ(test, frame_alloc_at(base, 1), 0);
	TEST_EQ(test, frame_free(base + 3 * PAGE_SIZE, 0), 0);
	TEST_EQ(test, frame_free(base, 1), 0);
	TEST_EQ(test, frame_alloc_at(base, 4), 0);
	TEST_EQ(test, frame_free(base, 4), 0);
	TEST_EQ(test, frame_alloc_at(base + PAGE_SIZE, 1), -EXO_E_ALIGN);
	TEST_EQ(test, frame_alloc_at(base, FRAME_ORDERS), -EXO_E_ARG);
	TEST_EQ(test, frame_alloc_at(1ull << 51, 0), -EXO_E_RANGE);

	/* One that a cache holds is free as well. */
	TEST_EQ(test, frame_alloc(0, &base), 0);
	TEST_EQ(test, frame_free(base, 0), 0);
	TEST_EQ(test, frame_alloc_at(base, 0), 0);
	TEST_EQ(test, frame_alloc(0, &other), 0);
	TEST_TRUE(test, other != base);
	TEST_EQ(test, frame_free(base, 0), 0);
	TEST_EQ(test, frame_free(other, 0), 0);
	TEST_EQ(test, totals().free, free);
}

static void frame_reserve_and_release(struct test *test)
{
	const struct frame_stats before = totals();
	paddr_t base;

	TEST_EQ(test, frame_alloc(4, &base), 0);
	TEST_EQ(test, frame_free(base, 4), 0);
	TEST_EQ(test, frame_reserve(base + PAGE_SIZE, 11 * PAGE_SIZE), 0);
	TEST_EQ(test, totals().reserved, before.reserved + 11);
	TEST_EQ(test, totals().free, before.free - 11);
	TEST_EQ(test, frame_reserve(base + 11 * PAGE_SIZE, 2 * PAGE_SIZE), -EXO_E_BUSY);
	TEST_EQ(test, frame_alloc_at(base, 4), -EXO_E_BUSY);
	TEST_EQ(test, frame_release(base, 2 * PAGE_SIZE), -EXO_E_BUSY);
	TEST_EQ(test, frame_release(base + PAGE_SIZE, 5 * PAGE_SIZE), 0);
	TEST_EQ(test, frame_release(base + PAGE_SIZE, 5 * PAGE_SIZE), -EXO_E_BUSY);
	TEST_EQ(test, frame_release(base + 6 * PAGE_SIZE, 6 * PAGE_SIZE), 0);
	TEST_EQ(test, frame_reserve(base + 1, PAGE_SIZE), -EXO_E_ALIGN);
	TEST_EQ(test, frame_reserve(base, PAGE_SIZE + 1), -EXO_E_ALIGN);
	TEST_EQ(test, frame_release(base + 1, PAGE_SIZE), -EXO_E_ALIGN);
	TEST_EQ(test, frame_reserve(base, 0), 0);
	TEST_EQ(test, frame_reserve(1ull << 51, PAGE_SIZE), -EXO_E_RANGE);
	TEST_EQ(test, frame_release(1ull << 51, PAGE_SIZE), -EXO_E_RANGE);
	TEST_EQ(test, frame_alloc_at(base, 4), 0);
	TEST_EQ(test, frame_free(base, 4), 0);
	TEST_EQ(test, totals().reserved, before.reserved);
	TEST_EQ(test, totals().free, before.free);
}

static void frame_limits_and_alignment(struct test *test)
{
	struct frame_where where = { .placement = FRAME_NEAR };
	paddr_t base;

	where.limit = MIB(1);
	TEST_EQ(test, frame_alloc_where(0, &where, &base), 0);
	TEST_TRUE(test, base + PAGE_SIZE <= MIB(1));
	TEST_EQ(test, frame_free(base, 0), 0);
	where.limit = PAGE_SIZE;
	TEST_EQ(test, frame_alloc_where(0, &where, &base), -EXO_E_NOMEM);
	/* Half of the second page below a limit is no page below it. */
	where.limit = PAGE_SIZE + PAGE_SIZE / 2;
	TEST_EQ(test, frame_alloc_where(0, &where, &base), -EXO_E_NOMEM);
	where.limit = 0;
	where.align = 9;
	TEST_EQ(test, frame_alloc_where(0, &where, &base), 0);
	TEST_EQ(test, base % MIB(2), 0);
	TEST_EQ(test, frame_free(base, 0), 0);
	where.align = 31;
	TEST_EQ(test, frame_alloc_where(0, &where, &base), -EXO_E_RANGE);
	where = (struct frame_where){ .node = numa_nodes() };
	TEST_EQ(test, frame_alloc_where(0, &where, &base), -EXO_E_RANGE);
}

static void frame_high_memory_goes_first(struct test *test)
{
	struct frame_where where = { .placement = FRAME_BIND, .node = 0, .limit = MIB(1) };
	struct frame_stats stats;
	paddr_t low, high;

	TEST_EQ(test, frame_alloc_where(0, &where, &low), 0);
	where.limit = 0;
	frame_stats(0, &stats);
	TEST_EQ(test, frame_alloc_where(0, &where, &high), 0);
	/* A single frame that is free is taken before a larger block is split, wherever it is. */
	TEST_TRUE(test, high > low || stats.blocks[0] > 0);
	TEST_EQ(test, frame_free(low, 0), 0);
	TEST_EQ(test, frame_free(high, 0), 0);
}

static void frame_placement(struct test *test)
{
	struct frame_where where = { .placement = FRAME_BIND };
	paddr_t base[2 * NUMA_MAX_NODES];
	uint64_t length;

	for (where.node = 0; where.node < numa_nodes(); where.node++) {
		const uint64_t foreign = totals().foreign;

		where.placement = FRAME_BIND;
		TEST_EQ(test, frame_alloc_where(0, &where, &base[0]), 0);
		TEST_EQ(test, numa_node_of(base[0], &length), where.node);
		where.placement = FRAME_NEAR;
		TEST_EQ(test, frame_alloc_where(0, &where, &base[1]), 0);
		TEST_EQ(test, numa_node_of(base[1], &length), where.node);
		TEST_EQ(test, frame_free(base[0], 0), 0);
		TEST_EQ(test, frame_free(base[1], 0), 0);
		TEST_EQ(test, totals().foreign, foreign);
	}
	where.placement = FRAME_INTERLEAVE;
	for (unsigned int i = 0; i < 2 * numa_nodes(); i++)
		TEST_EQ(test, frame_alloc_where(0, &where, &base[i]), 0);
	for (unsigned int i = 0; i < 2 * numa_nodes(); i++) {
		const unsigned int node = numa_node_of(base[i], &length);

		TEST_EQ(test, node, (numa_node_of(base[0], &length) + i) % numa_nodes());
		TEST_EQ(test, frame_free(base[i], 0), 0);
	}
}

/* Takes blocks, the largest first, until nothing is left; how many. */
static unsigned int take_all(const struct frame_where *where)
{
	unsigned int nr = 0;

	for (unsigned int order = FRAME_ORDERS; order-- > 0;)
		while (nr < MAX_BLOCKS && frame_alloc_where(order, where, &blocks[nr]) == 0)
			orders[nr++] = (uint8_t)order;
	return nr;
}

static void frame_everything_can_be_taken(struct test *test)
{
	const struct frame_stats before = totals();
	const struct frame_where near = { .placement = FRAME_NEAR };
	const unsigned int nr = take_all(&near);
	struct frame_stats empty;
	uint64_t taken = 0;
	paddr_t base;

	TEST_TRUE(test, nr < MAX_BLOCKS);
	empty = totals();
	for (unsigned int i = 0; i < nr; i++)
		taken += 1ull << orders[i];
	/* Give back first: a failed check must not leave the kernel without memory. */
	for (unsigned int i = 1; i < nr; i++)
		TEST_EQ(test, frame_free(blocks[i], orders[i]), 0);
	TEST_EQ(test, taken, before.free);
	TEST_EQ(test, empty.free, 0);
	TEST_EQ(test, empty.cached, 0);
	TEST_TRUE(test, empty.failures > before.failures);
	TEST_EQ(test, frame_alloc(0, &base), 0);
	TEST_EQ(test, frame_free(base, 0), 0);
	TEST_EQ(test, frame_free(blocks[0], orders[0]), 0);
	TEST_EQ(test, totals().free, before.free);
	TEST_EQ(test, totals().total, before.total);
	TEST_EQ(test, totals().allocs - before.allocs, totals().frees - before.frees);
}

/* A full node: bound allocations fail, others go to the nearest node that has memory. */
static void frame_falls_back_to_the_nearest(struct test *test)
{
	const struct frame_where bound = { .placement = FRAME_BIND, .node = 0 };
	const struct frame_where near = { .placement = FRAME_NEAR, .node = 0 };
	uint64_t foreign, length;
	unsigned int nr, node = 0;
	int bound_error, near_error;
	paddr_t base, unused;

	if (numa_nodes() == 1)
		TEST_SKIP(test, "one node");
	foreign = totals().foreign;
	nr = take_all(&bound);
	bound_error = frame_alloc_where(0, &bound, &unused);
	near_error = frame_alloc_where(0, &near, &base);
	if (!near_error) {
		node = numa_node_of(base, &length);
		near_error = frame_free(base, 0);
	}
	for (unsigned int i = 0; i < nr; i++)
		TEST_EQ(test, frame_free(blocks[i], orders[i]), 0);
	TEST_TRUE(test, nr < MAX_BLOCKS);
	TEST_EQ(test, bound_error, -EXO_E_NOMEM);
	TEST_EQ(test, near_error, 0);
	TEST_EQ(test, node, numa_nearest(0, 1));
	TEST_EQ(test, totals().foreign, foreign + 1);
}

/* The map's set bits and the statistics are two ways to say the same. */
static void frame_maps_agree_with_statistics(struct test *test)
{
	uint64_t set[NUMA_MAX_NODES] = { 0 };
	struct frame_stats stats;
	struct frame_map map;

	for (unsigned int i = 0; frame_map(i, &map); i++) {
		TEST_EQ(test, (uintptr_t)map.bits % PAGE_SIZE, 0);
		for (uint64_t word = 0; word < (map.frames + 63) / 64; word++)
			set[map.node] += bitmap_weight(map.bits[word]);
	}
	for (unsigned int node = 0; node < numa_nodes(); node++) {
		frame_stats(node, &stats);
		TEST_EQ(test, set[node], stats.free - stats.cached);
		TEST_TRUE(test, stats.total >= stats.free + stats.reserved);
	}
	frame_stats(numa_nodes(), &stats);
	TEST_EQ(test, stats.total, 0);
}

static const struct test_case frame_cases[] = {
	TEST_CASE(frame_every_order),
	TEST_CASE(frame_wrong_frees),
	TEST_CASE(frame_by_name),
	TEST_CASE(frame_reserve_and_release),
	TEST_CASE(frame_limits_and_alignment),
	TEST_CASE(frame_high_memory_goes_first),
	TEST_CASE(frame_placement),
	TEST_CASE(frame_everything_can_be_taken),
	TEST_CASE(frame_falls_back_to_the_nearest),
	TEST_CASE(frame_maps_agree_with_statistics),
};
TEST_SUITE(frame, frame_cases);
