/* SPDX-License-Identifier: MIT */
/* The bitmap with summaries against a naive model: a byte for each bit, searched one by one. */
#include <exo/bitmap_tree.h>
#include <exo/string.h>
#include <exo/test.h>

#define MAX_BITS 9000
#define LARGE_BITS (64 * 64 * 64 + 65) /* four levels */
#define GUARD 0x5c5c5c5c5c5c5c5c

static uint64_t memory[LARGE_BITS / 64 + LARGE_BITS / 4096 + 8];
static uint8_t model[MAX_BITS];
static uint64_t model_bits;
static uint32_t random_state;

static uint32_t random(uint32_t below)
{
	random_state = random_state * 1664525 + 1013904223;
	return (uint32_t)(((uint64_t)random_state * below) >> 32);
}

static struct bitmap_tree new_tree(uint64_t bits)
{
	struct bitmap_tree tree;
	const size_t size = bitmap_tree_size(bits);

	memset(memory, 0, size);
	memory[size / 8] = GUARD;
	memset(model, 0, sizeof(model));
	model_bits = bits;
	memset(&tree, 0xff, sizeof(tree));
	bitmap_tree_init(&tree, bits, memory);
	return tree;
}

/* Each summary bit tells the truth, nothing is above @top, and the guard is whole. */
static bool consistent(const struct bitmap_tree *tree, uint64_t bits)
{
	uint64_t words = (bits + 63) / 64;

	for (uint64_t i = tree->top + 1; i < words; i++)
		if (tree->level[0][i] != 0)
			return false;
	for (unsigned int level = 0; level + 1 < tree->levels; level++) {
		const uint64_t *const above = tree->level[level + 1];

		for (uint64_t i = 0; i < words; i++)
			if ((tree->level[level][i] != 0) != (above[i / 64] >> i % 64 & 1))
				return false;
		words = (words + 63) / 64;
	}
	return words == 1 && memory[bitmap_tree_size(bits) / 8] == GUARD;
}

static uint64_t model_find(uint64_t bit, uint64_t first, unsigned int align)
{
	if (bit >= model_bits)
		bit = model_bits - 1;
	for (bit++; bit-- > 0;)
		if (model[bit] && (first + bit) % (1ull << align) == 0)
			return bit;
	return BITMAP_TREE_NONE;
}

static bool model_all(uint64_t bit, uint64_t count, uint8_t value)
{
	for (uint64_t i = 0; i < count; i++)
		if (model[bit + i] != value)
			return false;
	return true;
}

/* Turns over a random bit, or writes a run. */
static void change(struct bitmap_tree *tree, uint64_t longest)
{
	const uint64_t bit = random((uint32_t)model_bits);
	const uint64_t fits = longest < model_bits - bit ? longest : model_bits - bit;
	const uint64_t count = 1 + random((uint32_t)fits);

	if (count > 1 && random(2)) {
		bitmap_tree_set_run(tree, bit, count);
		memset(model + bit, 1, count);
	} else if (count > 1) {
		bitmap_tree_clear_run(tree, bit, count);
		memset(model + bit, 0, count);
	} else {
		if (model[bit])
			bitmap_tree_clear(tree, bit);
		else
			bitmap_tree_set(tree, bit);
		model[bit] = !model[bit];
	}
}

static bool same_answers(struct bitmap_tree *tree)
{
	const uint64_t bit = random(8) ? random((uint32_t)model_bits) : UINT64_MAX - random(200);
	const uint64_t first = random(1000) * 64ull;
	const unsigned int align = random(14);
	const uint64_t from = random((uint32_t)model_bits);
	const uint64_t count = 1 + random(random(2) ? 8 : (uint32_t)(model_bits - from));
	const uint64_t fits = count < model_bits - from ? count : model_bits - from;

	return bitmap_tree_find(tree, bit) == model_find(bit, 0, 0) &&
	       bitmap_tree_find_aligned(tree, bit, first, align) == model_find(bit, first, align) &&
	       bitmap_tree_test(tree, from) == model[from] &&
	       bitmap_all_set(tree->level[0], from, fits) == model_all(from, fits, 1);
}

static void bitmap_tree_agrees_with_model(struct test *test)
{
	static const uint16_t sizes[] = { 1, 63, 64, 65, 128, 1000, 4096, 4097, MAX_BITS };

	random_state = 1;
	for (unsigned int s = 0; s < ARRAY_SIZE(sizes); s++) {
		struct bitmap_tree tree = new_tree(sizes[s]);

		for (unsigned int i = 0; i < 600; i++) {
			/* Mostly small runs, at times as large as may be. */
			change(&tree, random(10) ? 1 + random(3) : sizes[s]);
			TEST_TRUE(test, same_answers(&tree));
			if (i % 50 == 0)
				TEST_TRUE(test, consistent(&tree, sizes[s]));
		}
		TEST_TRUE(test, consistent(&tree, sizes[s]));
	}
}

static void bitmap_tree_size_is_enough_and_small(struct test *test)
{
	TEST_EQ(test, bitmap_tree_size(1), 8);
	TEST_EQ(test, bitmap_tree_size(64), 8);
	TEST_EQ(test, bitmap_tree_size(65), 24);
	TEST_EQ(test, bitmap_tree_size(4096), 8 * 65);
	TEST_EQ(test, bitmap_tree_size(4097), 8 * (65 + 2 + 1));
	TEST_EQ(test, bitmap_tree_size(BITMAP_TREE_MAX), 8ull * (1 << 24 | 1 << 18 | 1 << 12 | 65));
}

static void bitmap_tree_clear_tells_the_last_one(struct test *test)
{
	struct bitmap_tree tree = new_tree(5000);

	TEST_TRUE(test, bitmap_tree_is_empty(&tree));
	bitmap_tree_set(&tree, 4999);
	bitmap_tree_set(&tree, 4998);
	bitmap_tree_set(&tree, 0);
	TEST_TRUE(test, !bitmap_tree_clear(&tree, 4999));
	TEST_TRUE(test, !bitmap_tree_clear(&tree, 4998));
	TEST_TRUE(test, !bitmap_tree_is_empty(&tree));
	TEST_TRUE(test, bitmap_tree_clear(&tree, 0));
	TEST_TRUE(test, bitmap_tree_is_empty(&tree));
	TEST_EQ(test, bitmap_tree_find(&tree, BITMAP_TREE_NONE), BITMAP_TREE_NONE);
}

/* Few bits far apart: searches go up and down all four levels. */
static void bitmap_tree_crosses_levels(struct test *test)
{
	static const uint64_t places[] = { 0,	 1,	63,	64,	4095,
					   4096, 70000, 262143, 262144, LARGE_BITS - 1 };
	struct bitmap_tree tree = new_tree(LARGE_BITS);

	TEST_EQ(test, tree.levels, 4);
	for (unsigned int set = 1; set < 1 << ARRAY_SIZE(places); set++) {
		uint64_t highest = BITMAP_TREE_NONE;

		/* As a counter does: from one set to the next, few bits change, in all places. */
		for (unsigned int p = 0; p < ARRAY_SIZE(places); p++) {
			if (!(set >> p & 1) && bitmap_tree_test(&tree, places[p]))
				bitmap_tree_clear(&tree, places[p]);
			else if (set >> p & 1 && !bitmap_tree_test(&tree, places[p]))
				bitmap_tree_set(&tree, places[p]);
		}
		for (unsigned int p = 0; p < ARRAY_SIZE(places); p++) {
			if (places[p] > 0)
				TEST_EQ(test, bitmap_tree_find(&tree, places[p] - 1), highest);
			if (set >> p & 1)
				highest = places[p];
			TEST_EQ(test, bitmap_tree_find(&tree, places[p]), highest);
		}
		TEST_EQ(test, bitmap_tree_find(&tree, BITMAP_TREE_NONE), highest);
	}
	TEST_TRUE(test, consistent(&tree, LARGE_BITS));
}

static void bitmap_tree_runs_of_many_words(struct test *test)
{
	struct bitmap_tree tree = new_tree(LARGE_BITS);

	for (uint64_t size = 1; size < LARGE_BITS; size = size * 2 + 5) {
		const uint64_t bit = (LARGE_BITS - size) / 2;

		bitmap_tree_set_run(&tree, bit, size);
		TEST_TRUE(test, consistent(&tree, LARGE_BITS));
		TEST_TRUE(test, bitmap_all_set(tree.level[0], bit, size));
		TEST_TRUE(test, !bitmap_all_set(tree.level[0], bit, size + 1));
		TEST_EQ(test, bitmap_tree_find(&tree, BITMAP_TREE_NONE), bit + size - 1);
		TEST_EQ(test, bitmap_tree_find(&tree, bit), bit);
		if (bit > 0)
			TEST_EQ(test, bitmap_tree_find(&tree, bit - 1), BITMAP_TREE_NONE);
		bitmap_tree_clear_run(&tree, bit, size);
		TEST_TRUE(test, consistent(&tree, LARGE_BITS));
		TEST_TRUE(test, bitmap_tree_is_empty(&tree));
	}
}

static void bitmap_words(struct test *test)
{
	for (unsigned int order = 0; order <= 6; order++) {
		uint64_t starts = 0;

		for (unsigned int i = 0; i < 64; i += 1u << order)
			starts |= 1ull << i;
		TEST_EQ(test, bitmap_starts[order], starts);
		TEST_EQ(test, bitmap_weight(starts), 64 >> order);
	}
	for (unsigned int i = 0; i < 64; i++) {
		TEST_EQ(test, bitmap_highest(UINT64_MAX >> i), 63 - i);
		TEST_EQ(test, bitmap_weight(UINT64_MAX >> i), 64 - i);
		TEST_EQ(test, bitmap_mask(i + 640, 0), 1ull << i);
	}
	TEST_EQ(test, bitmap_mask(64 + 8, 3), 0xff00);
	TEST_EQ(test, bitmap_mask(32, 5), 0xffffffff00000000);
	TEST_EQ(test, bitmap_weight(0), 0);
}

static const struct test_case bitmap_tree_cases[] = {
	TEST_CASE(bitmap_tree_agrees_with_model),
	TEST_CASE(bitmap_tree_size_is_enough_and_small),
	TEST_CASE(bitmap_tree_clear_tells_the_last_one),
	TEST_CASE(bitmap_tree_crosses_levels),
	TEST_CASE(bitmap_tree_runs_of_many_words),
	TEST_CASE(bitmap_words),
};
TEST_SUITE(bitmap_tree, bitmap_tree_cases);
