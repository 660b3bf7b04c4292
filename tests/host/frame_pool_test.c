/* SPDX-License-Identifier: MIT */
/*
 * What every variant of the pools of free frames must do. Pools of a GiB and a little more, which
 * have blocks of all orders, and small ones at odd places; only metadata, no memory behind it.
 */
#include "frame_pool_model.h"
#include <exo/test.h>

#define GIB_FRAMES (1ull << FRAME_MAX_ORDER)
#define WHOLE (3 * GIB_FRAMES) /* first frame of a block of the highest order */
#define MODEL_FRAMES 700
#define GUARD 0xa7
#define GUARD_SIZE 128

static uint8_t metadata[KIB(112)] __aligned(PAGE_SIZE);
static uint8_t model_bytes[MODEL_FRAMES];
static struct frame_pool *pool;

/* Makes the pool; false if the metadata would not fit. */
static bool new_pool(uint64_t first, uint64_t count)
{
	const size_t size = frame_pool_metadata(first, count);

	if (size + GUARD_SIZE > sizeof(metadata))
		return false;
	memset(metadata, 0, size);
	memset(metadata + size, GUARD, GUARD_SIZE);
	pool = frame_pool_init(first, count, metadata);
	return true;
}

static bool guard_is_whole(uint64_t first, uint64_t count)
{
	const uint8_t *const guard = metadata + frame_pool_metadata(first, count);

	for (size_t i = 0; i < GUARD_SIZE; i++)
		if (guard[i] != GUARD)
			return false;
	return true;
}

/* A pool of a single free block of the highest order. */
static bool new_whole_pool(void)
{
	if (!new_pool(WHOLE, GIB_FRAMES))
		return false;
	frame_pool_put(pool, WHOLE, FRAME_MAX_ORDER);
	return true;
}

/* Is there just one block of each order whose bit is set in @orders? */
static bool counts_are(uint32_t orders)
{
	uint64_t blocks[FRAME_ORDERS];

	frame_pool_count(pool, blocks);
	for (unsigned int k = 0; k < FRAME_ORDERS; k++)
		if (blocks[k] != (orders >> k & 1))
			return false;
	return true;
}

/* The frame that a plain take returns, or UINT64_MAX. */
static uint64_t take(unsigned int order)
{
	uint64_t frame = UINT64_MAX;

	frame_pool_take(pool, order, order, FRAME_NO_LIMIT, &frame);
	return frame;
}

static uint64_t take_where(unsigned int order, unsigned int align, uint64_t limit)
{
	uint64_t frame = UINT64_MAX;

	frame_pool_take(pool, order, align, limit, &frame);
	return frame;
}

static void frame_pool_metadata_is_small(struct test *test)
{
	static const uint64_t firsts[] = { 0, 1, 63, 64, 0x100, 0xfffff, WHOLE - 100, 1ull << 40 };

	for (unsigned int i = 0; i < ARRAY_SIZE(firsts); i++) {
		TEST_TRUE(test, frame_pool_metadata(firsts[i], 1) % 8 == 0);
		TEST_TRUE(test, frame_pool_metadata(firsts[i], 256) <= KIB(7));
		for (uint64_t count = 16384; count <= FRAME_POOL_MAX; count += count / 3) {
			TEST_TRUE(test, frame_pool_metadata(firsts[i], count) <=
						count * PAGE_SIZE / 1000);
			TEST_EQ(test, frame_pool_metadata(firsts[i], count) % 8, 0);
		}
	}
}

static void frame_pool_is_empty_at_first(struct test *test)
{
	TEST_TRUE(test, new_pool(WHOLE - 100, GIB_FRAMES + 200));
	TEST_TRUE(test, counts_are(0));
	for (unsigned int order = 0; order <= FRAME_MAX_ORDER; order++) {
		uint64_t frame = 12345;

		TEST_TRUE(test, !frame_pool_take(pool, order, order, FRAME_NO_LIMIT, &frame));
		TEST_TRUE(test, !frame_pool_take(pool, order, 30, WHOLE, &frame));
		TEST_EQ(test, frame, 12345);
	}
	TEST_TRUE(test, !frame_pool_take_run(pool, WHOLE, 1));
	TEST_TRUE(test, !frame_pool_is_free(pool, WHOLE - 100));
	TEST_TRUE(test, guard_is_whole(WHOLE - 100, GIB_FRAMES + 200));
}

/* Every order splits the one block there is, and merges it again. */
static void frame_pool_takes_every_order(struct test *test)
{
	const uint32_t all = 1u << FRAME_MAX_ORDER;

	TEST_TRUE(test, new_whole_pool());
	for (unsigned int order = 0; order <= FRAME_MAX_ORDER; order++) {
		const uint64_t frame = take(order);

		TEST_EQ(test, frame, WHOLE + GIB_FRAMES - (1ull << order));
		TEST_TRUE(test, counts_are(all - (1u << order)));
		TEST_TRUE(test, !frame_pool_is_free(pool, frame));
		if (order < FRAME_MAX_ORDER)
			TEST_TRUE(test, frame_pool_is_free(pool, frame - 1));
		frame_pool_put(pool, frame, order);
		TEST_TRUE(test, counts_are(all));
	}
	/* All of them at once: each is what is left of the one before. */
	for (unsigned int order = FRAME_MAX_ORDER; order-- > 0;)
		TEST_EQ(test, take(order), WHOLE + (1ull << order));
	TEST_EQ(test, pool_free_frames(pool), 1);
	TEST_EQ(test, take(0), WHOLE);
	TEST_EQ(test, take(0), UINT64_MAX);
	for (unsigned int order = FRAME_MAX_ORDER; order-- > 0;)
		frame_pool_put(pool, WHOLE + (1ull << order), order);
	TEST_TRUE(test, counts_are(all - 1));
	frame_pool_put(pool, WHOLE, 0);
	TEST_TRUE(test, counts_are(all));
	TEST_TRUE(test, guard_is_whole(WHOLE, GIB_FRAMES));
}

static void frame_pool_takes_from_the_top_down(struct test *test)
{
	const uint64_t count = 1 << 12, end = WHOLE + count;

	TEST_TRUE(test, new_pool(WHOLE, count));
	frame_pool_put(pool, WHOLE, 12);
	for (unsigned int order = 0; order <= 12; order++) {
		for (uint64_t taken = 1; taken <= count >> order; taken++)
			TEST_EQ(test, take(order), end - (taken << order));
		TEST_EQ(test, take(order), UINT64_MAX);
		for (uint64_t block = count >> order; block-- > 0;)
			frame_pool_put(pool, WHOLE + (block << order), order);
		TEST_TRUE(test, counts_are(1 << 12));
	}
}

static void frame_pool_merges_in_any_order(struct test *test)
{
	TEST_TRUE(test, new_pool(WHOLE, 1 << 13));
	for (unsigned int order = 0; order < 13; order++) {
		const uint64_t blocks = 1ull << (13 - order);

		/* An odd step visits every block. */
		for (uint64_t i = 0; i < blocks; i++)
			frame_pool_put(pool, WHOLE + ((i * 1237 % blocks) << order), order);
		TEST_TRUE(test, counts_are(1 << 13));
		TEST_EQ(test, take(13), WHOLE);
	}
}

/* No block reaches beyond the pool, whatever its first and its last frame. */
static void frame_pool_has_odd_ends(struct test *test)
{
	for (uint64_t first = 0; first < 70; first += 7)
		for (uint64_t count = 1; count < 200; count += 13) {
			uint32_t seen = 0;
			uint64_t frames = 0;

			TEST_TRUE(test, new_pool(WHOLE + first, count));
			pool_put_run(pool, WHOLE + first, count);
			TEST_EQ(test, pool_free_frames(pool), count);
			for (unsigned int order = FRAME_MAX_ORDER + 1; order-- > 0;)
				for (uint64_t frame; (frame = take(order)) != UINT64_MAX;) {
					TEST_TRUE(test, frame >= WHOLE + first);
					TEST_TRUE(test,
						  frame + (1ull << order) <= WHOLE + first + count);
					TEST_EQ(test, frame % (1ull << order), 0);
					frames += 1ull << order;
					seen |= 1u << order;
				}
			TEST_EQ(test, frames, count);
			TEST_TRUE(test, count == 1 || seen > 1);
			TEST_TRUE(test, counts_are(0));
			TEST_TRUE(test, guard_is_whole(WHOLE + first, count));
		}
}

/* With a single free block, the highest place is the only right answer. */
static void frame_pool_keeps_limits(struct test *test)
{
	static const uint64_t limits[] = { 1, 63, 64, 65, 4095, 4096, 100000, GIB_FRAMES };

	TEST_TRUE(test, new_whole_pool());
	for (unsigned int order = 0; order <= FRAME_MAX_ORDER; order++) {
		const uint64_t size = 1ull << order;

		TEST_EQ(test, take_where(order, order, 0), UINT64_MAX);
		TEST_EQ(test, take_where(order, order, WHOLE), UINT64_MAX);
		TEST_EQ(test, take_where(order, order, WHOLE + size - 1), UINT64_MAX);
		for (unsigned int i = 0; i < ARRAY_SIZE(limits); i++) {
			const uint64_t below = limits[i] >> order << order;
			const uint64_t frame = take_where(order, order, WHOLE + limits[i]);

			TEST_EQ(test, frame, below == 0 ? UINT64_MAX : WHOLE + below - size);
			if (below > 0)
				frame_pool_put(pool, frame, order);
		}
		TEST_TRUE(test, counts_are(1u << FRAME_MAX_ORDER));
	}
}

static void frame_pool_keeps_alignment(struct test *test)
{
	TEST_TRUE(test, new_whole_pool());
	for (unsigned int order = 0; order <= FRAME_MAX_ORDER; order++)
		for (unsigned int align = order; align <= 30; align++) {
			const uint64_t step = 1ull << align;
			const uint64_t place = (WHOLE + GIB_FRAMES - 1) & ~(step - 1);
			const uint64_t frame = take_where(order, align, FRAME_NO_LIMIT);

			TEST_EQ(test, frame, place >= WHOLE ? place : UINT64_MAX);
			if (place >= WHOLE)
				frame_pool_put(pool, frame, order);
		}
	TEST_TRUE(test, counts_are(1u << FRAME_MAX_ORDER));
}

/* Small free blocks that are not aligned are passed over; the one that is, is found. */
static void frame_pool_finds_the_aligned_one(struct test *test)
{
	static const uint8_t orders[] = { 0, 1, 4, 5, 6, 8 };
	const uint64_t count = 1 << 16;

	for (unsigned int i = 0; i < ARRAY_SIZE(orders); i++) {
		const unsigned int order = orders[i], align = order + 3;
		const uint64_t size = 1ull << order, wanted = WHOLE + (size << 4);

		TEST_TRUE(test, new_pool(WHOLE, count));
		for (uint64_t frame = WHOLE; frame < WHOLE + count; frame += size * 2)
			if (frame % (1ull << align) != 0)
				frame_pool_put(pool, frame, order);
		TEST_EQ(test, take_where(order, align, FRAME_NO_LIMIT), UINT64_MAX);
		TEST_EQ(test, take_where(order, 30, FRAME_NO_LIMIT), UINT64_MAX);
		frame_pool_put(pool, wanted, order);
		TEST_EQ(test, take_where(order, align, wanted + size - 1), UINT64_MAX);
		TEST_EQ(test, take_where(order, align, FRAME_NO_LIMIT), wanted);
		frame_pool_put(pool, wanted, order);
		TEST_EQ(test, take_where(order, align, wanted + size), wanted);
	}
}

static void frame_pool_takes_runs(struct test *test)
{
	const uint64_t first = WHOLE - 100, count = GIB_FRAMES + 200;

	TEST_TRUE(test, new_pool(first, count));
	pool_put_run(pool, first, count);
	/* All of it, and all but an end. */
	TEST_TRUE(test, frame_pool_take_run(pool, first, count));
	TEST_TRUE(test, counts_are(0));
	pool_put_run(pool, first, count);
	TEST_TRUE(test, frame_pool_take_run(pool, first + 1, count - 2));
	TEST_EQ(test, pool_free_frames(pool), 2);
	TEST_TRUE(test, frame_pool_is_free(pool, first));
	TEST_TRUE(test, frame_pool_is_free(pool, first + count - 1));
	pool_put_run(pool, first + 1, count - 2);
	/* In the middle, across words and blocks, and back. */
	for (uint64_t length = 1; length < 3 * GIB_FRAMES / 4; length = length * 3 + 1) {
		const uint64_t frame = WHOLE + GIB_FRAMES / 4 - length / 3;

		TEST_TRUE(test, frame_pool_take_run(pool, frame, length));
		TEST_EQ(test, pool_free_frames(pool), count - length);
		TEST_TRUE(test, !frame_pool_is_free(pool, frame));
		TEST_TRUE(test, !frame_pool_is_free(pool, frame + length - 1));
		TEST_TRUE(test, frame_pool_is_free(pool, frame - 1));
		TEST_TRUE(test, frame_pool_is_free(pool, frame + length));
		/* What touches it is refused, and nothing is changed. */
		TEST_TRUE(test, !frame_pool_take_run(pool, frame - 200, 201));
		TEST_TRUE(test, !frame_pool_take_run(pool, frame + length - 1, 200));
		TEST_TRUE(test, !frame_pool_take_run(pool, first, count));
		TEST_EQ(test, pool_free_frames(pool), count - length);
		pool_put_run(pool, frame, length);
	}
	TEST_TRUE(test, guard_is_whole(first, count));
	TEST_EQ(test, take(FRAME_MAX_ORDER), WHOLE);
}

/* What was never put does not come out, nor merges: drained from the largest or the smallest. */
static void frame_pool_respects_holes(struct test *test)
{
	const uint64_t first = WHOLE - 100, count = 1 << 14;
	const uint64_t hole = WHOLE + 5000, length = 77, end = first + count;

	TEST_TRUE(test, new_pool(first, count));
	for (unsigned int pass = 0; pass < 2; pass++) {
		uint64_t frame, frames = 0;

		pool_put_run(pool, first, hole - first);
		pool_put_run(pool, hole + length, end - hole - length);
		TEST_EQ(test, take(14), UINT64_MAX);
		for (unsigned int i = 0; i < 14; i++) {
			const unsigned int order = pass == 0 ? 13 - i : i;

			while ((frame = take(order)) != UINT64_MAX) {
				TEST_TRUE(test, frame + (1ull << order) <= hole ||
							frame >= hole + length);
				TEST_TRUE(test, frame >= first && frame + (1ull << order) <= end);
				frames += 1ull << order;
			}
		}
		TEST_EQ(test, frames, count - length);
		TEST_TRUE(test, counts_are(0));
	}
}

/* Every page of the map tells of frames and nothing else, when a few more bits take a page more. */
static void frame_pool_map_fills_pages(struct test *test)
{
	static const uint64_t firsts[] = { WHOLE, WHOLE + 1, WHOLE + 63, WHOLE - 1 };
	static const uint64_t counts[] = { 32768 - 63, 32768 - 1, 32768, 32768 + 1 };

	for (unsigned int i = 0; i < ARRAY_SIZE(firsts) * ARRAY_SIZE(counts); i++) {
		const uint64_t first = firsts[i / ARRAY_SIZE(counts)];
		const uint64_t count = counts[i % ARRAY_SIZE(counts)], end = first + count;
		uint64_t first_bit, bits;
		const uint64_t *map;

		TEST_TRUE(test, new_pool(first, count));
		pool_put_run(pool, first, count);
		map = frame_pool_map(pool, &first_bit);
		TEST_EQ(test, first_bit, first & ~63ull);
		TEST_EQ(test, (uintptr_t)map % PAGE_SIZE, 0);
		bits = (end - first_bit + PAGE_SIZE * 8 - 1) / (PAGE_SIZE * 8) * (PAGE_SIZE * 8);
		for (uint64_t word = 0; word < bits / 64; word++) {
			const uint64_t frame = first_bit + word * 64;
			uint64_t expected = frame < end ? UINT64_MAX : 0;

			if (frame < first)
				expected &= UINT64_MAX << (first - frame);
			if (frame < end && frame + 64 > end)
				expected &= UINT64_MAX >> (frame + 64 - end);
			TEST_EQ(test, map[word], expected);
		}
		TEST_TRUE(test, guard_is_whole(first, count));
	}
}

/* Pools with frame 0, with one frame, and at the end of what can be addressed. */
static void frame_pool_can_be_anywhere(struct test *test)
{
	static const uint64_t firsts[] = { 0, 1, 0xffffffff, (1ull << 40) - 3, (1ull << 52) - 1 };

	for (unsigned int i = 0; i < ARRAY_SIZE(firsts); i++) {
		uint64_t first_bit;

		TEST_TRUE(test, new_pool(firsts[i], 1));
		frame_pool_put(pool, firsts[i], 0);
		TEST_TRUE(test, counts_are(1));
		TEST_EQ(test, frame_pool_map(pool, &first_bit)[0], 1ull << firsts[i] % 64);
		TEST_EQ(test, first_bit, firsts[i] / 64 * 64);
		TEST_EQ(test, take_where(0, 0, firsts[i]), UINT64_MAX);
		TEST_EQ(test, take(0), firsts[i]);
		TEST_EQ(test, take(0), UINT64_MAX);
	}
}

static void frame_pool_agrees_with_model(struct test *test)
{
	struct frame_model model = {
		.is_free = model_bytes, .first = WHOLE - 333, .count = MODEL_FRAMES, .random = 1
	};
	const char *wrong = NULL;

	TEST_TRUE(test, new_pool(model.first, model.count));
	memset(model_bytes, 0, sizeof(model_bytes));
	model.pool = pool;
	for (unsigned int i = 0; i < 3000 && !wrong; i++) {
		wrong = model_step(&model);
		if (!wrong && i % 256 == 0)
			wrong = model_check(&model);
	}
	TEST_CHECK(test, !wrong, wrong, model.steps, 0);
	TEST_TRUE(test, guard_is_whole(model.first, model.count));
}

static const struct test_case frame_pool_cases[] = {
	TEST_CASE(frame_pool_metadata_is_small),     TEST_CASE(frame_pool_is_empty_at_first),
	TEST_CASE(frame_pool_takes_every_order),     TEST_CASE(frame_pool_takes_from_the_top_down),
	TEST_CASE(frame_pool_merges_in_any_order),   TEST_CASE(frame_pool_has_odd_ends),
	TEST_CASE(frame_pool_keeps_limits),	     TEST_CASE(frame_pool_keeps_alignment),
	TEST_CASE(frame_pool_finds_the_aligned_one), TEST_CASE(frame_pool_takes_runs),
	TEST_CASE(frame_pool_respects_holes),	     TEST_CASE(frame_pool_can_be_anywhere),
	TEST_CASE(frame_pool_map_fills_pages),	     TEST_CASE(frame_pool_agrees_with_model),
};
TEST_SUITE(frame_pool, frame_pool_cases);
