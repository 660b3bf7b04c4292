/* SPDX-License-Identifier: MIT */
/*
 * Bitmaps with summaries (exo/bitmap_tree.h): what is not on the shortest paths.
 *
 * Invariants: bit i of level l + 1 is set if and only if word i of level l is not zero; words of
 * level 0 beyond @top are zero, as are bits beyond the end. The top level is a single word, so a
 * search that finds nothing in it and everything below has found that there is nothing.
 */
#include <exo/bitmap_tree.h>
#include <exo/string.h>

const uint64_t bitmap_starts[7] = {
	0xffffffffffffffff, 0x5555555555555555, 0x1111111111111111, 0x0101010101010101,
	0x0001000100010001, 0x0000000100000001, 0x0000000000000001,
};

static uint64_t words_for(uint64_t bits)
{
	return (bits + 63) / 64;
}

size_t bitmap_tree_size(uint64_t bits)
{
	uint64_t words = 0;

	do {
		bits = words_for(bits);
		words += bits;
	} while (bits > 1);
	return words * sizeof(uint64_t);
}

void bitmap_tree_init(struct bitmap_tree *tree, uint64_t bits, void *memory)
{
	uint64_t *words = memory;

	*tree = (struct bitmap_tree){ .levels = 0 };
	do {
		bits = words_for(bits);
		tree->level[tree->levels++] = words;
		words += bits;
	} while (bits > 1);
}

/* The highest bit of level 0 below bit @bit of level @level, which is set. */
static uint64_t descend(const struct bitmap_tree *tree, unsigned int level, uint64_t bit)
{
	while (level-- > 0)
		bit = bit * 64 + bitmap_highest(tree->level[level][bit]);
	return bit;
}

uint64_t bitmap_tree_lower_top(struct bitmap_tree *tree)
{
	const uint64_t root = *tree->level[tree->levels - 1];
	uint64_t bit;

	if (root == 0) {
		tree->top = 0;
		return BITMAP_TREE_NONE;
	}
	bit = descend(tree, tree->levels - 1, bitmap_highest(root));
	tree->top = (uint32_t)(bit / 64);
	return bit;
}

uint64_t bitmap_tree_find(struct bitmap_tree *tree, uint64_t bit)
{
	if (bit / 64 > tree->top) {
		const uint64_t word = tree->level[0][tree->top];

		if (word == 0)
			return bitmap_tree_lower_top(tree);
		return (uint64_t)tree->top * 64 + bitmap_highest(word);
	}
	for (unsigned int level = 0;; level++) {
		const uint64_t word = tree->level[level][bit / 64] << (63 - bit % 64);

		if (word != 0)
			return descend(tree, level, bit - (63 ^ bitmap_highest(word)));
		bit /= 64;
		if (bit-- == 0)
			return BITMAP_TREE_NONE;
	}
}

uint64_t bitmap_tree_find_aligned(struct bitmap_tree *tree, uint64_t bit, uint64_t first,
				  unsigned int align)
{
	const uint64_t starts = bitmap_starts[align < 6 ? align : 6];
	const uint64_t below = (1ull << align) - 1;

	for (;;) {
		uint64_t word, beyond;

		bit = bitmap_tree_find(tree, bit);
		if (bit == BITMAP_TREE_NONE || align == 0)
			return bit;
		/* Down to the word that has an aligned bit, if this is not the one. */
		beyond = (first + bit) & below & ~63ull;
		if (beyond > bit)
			return BITMAP_TREE_NONE;
		bit -= beyond;
		word = tree->level[0][bit / 64] & starts & UINT64_MAX >> (63 - bit % 64);
		bit -= bit % 64;
		if (word != 0)
			return bit + bitmap_highest(word);
		if (bit-- == 0)
			return BITMAP_TREE_NONE;
	}
}

void bitmap_tree_set_above(struct bitmap_tree *tree, uint64_t i)
{
	if (i > tree->top)
		tree->top = (uint32_t)i;
	for (unsigned int level = 1; level < tree->levels; level++) {
		uint64_t *const word = &tree->level[level][i / 64];
		const uint64_t old = *word;

		*word = old | 1ull << i % 64;
		if (old != 0)
			break;
		i /= 64;
	}
}

bool bitmap_tree_clear_above(struct bitmap_tree *tree, uint64_t i)
{
	for (unsigned int level = 1; level < tree->levels; level++) {
		uint64_t *const word = &tree->level[level][i / 64];
		const uint64_t left = *word & ~(1ull << i % 64);

		*word = left;
		if (left != 0)
			return false;
		i /= 64;
	}
	return true;
}

/* Sets or clears the bits @from .. @to of an array. */
static void write_bits(uint64_t *words, uint64_t from, uint64_t to, bool set)
{
	const uint64_t first = from / 64, last = to / 64;
	uint64_t mask = UINT64_MAX << from % 64;

	if (first < last) {
		words[first] = set ? words[first] | mask : words[first] & ~mask;
		memset(&words[first + 1], set ? 0xff : 0, (last - first - 1) * sizeof(*words));
		mask = UINT64_MAX;
	}
	mask &= UINT64_MAX >> (63 - to % 64);
	words[last] = set ? words[last] | mask : words[last] & ~mask;
}

void bitmap_tree_set_run(struct bitmap_tree *tree, uint64_t bit, uint64_t count)
{
	uint64_t last = bit + count - 1;

	if (last / 64 > tree->top)
		tree->top = (uint32_t)(last / 64);
	for (unsigned int level = 0; level < tree->levels; level++) {
		write_bits(tree->level[level], bit, last, true);
		bit /= 64;
		last /= 64;
	}
}

void bitmap_tree_clear_run(struct bitmap_tree *tree, uint64_t bit, uint64_t count)
{
	uint64_t last = bit + count - 1;

	for (unsigned int level = 0; level < tree->levels; level++) {
		const uint64_t *const words = tree->level[level];

		write_bits(tree->level[level], bit, last, false);
		/* Of the words that were written only the outer two can have bits left. */
		bit = bit / 64 + (words[bit / 64] != 0);
		last /= 64;
		if (words[last] != 0 && last-- == 0)
			break;
		if (bit > last)
			break;
	}
}

bool bitmap_all_set(const uint64_t *words, uint64_t bit, uint64_t count)
{
	const uint64_t last = bit + count - 1;
	uint64_t mask = UINT64_MAX << bit % 64;

	for (uint64_t i = bit / 64; i < last / 64; i++) {
		if ((words[i] & mask) != mask)
			return false;
		mask = UINT64_MAX;
	}
	mask &= UINT64_MAX >> (63 - last % 64);
	return (words[last / 64] & mask) == mask;
}
