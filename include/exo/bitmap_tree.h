/* SPDX-License-Identifier: MIT */
/*
 * A bitmap with summaries: finds the highest set bit at or below a place in a few steps.
 *
 * Level 0 has a bit for each of the tree's bits; bit i of a level above says whether word i of the
 * level below is not zero. Five levels of 64-bit words cover 2^30 bits. A search goes up until a
 * summary has a bit and down again by bit-scan instructions: at most two words a level. A change
 * goes up only while words become zero or cease to be.
 *
 * Words of level 0 above @top are zero. Users take from the top, so that word usually has a bit and
 * the search ends before it began. @top rises when a bit above it is set and sinks when a search
 * finds out that it may.
 *
 * Nothing is checked but by the sanitizers of the host tests. No locks: the owner's.
 */
#ifndef EXO_BITMAP_TREE_H
#define EXO_BITMAP_TREE_H

#include <exo/compiler.h>
#include <stdbool.h>

#define BITMAP_TREE_LEVELS 5
#define BITMAP_TREE_MAX (1ull << 30) /* bits */
#define BITMAP_TREE_NONE UINT64_MAX

struct bitmap_tree {
	/* level[0]: the bits themselves, bit i in word i / 64 */
	uint64_t *level[BITMAP_TREE_LEVELS];
	uint32_t levels; /* in use; the top one is a single word */
	uint32_t top; /* a word of level 0 */
};

/* Bytes of memory that a tree of @bits bits (1 .. BITMAP_TREE_MAX) needs; a multiple of 8. */
size_t bitmap_tree_size(uint64_t bits);

/*
 * Makes an empty tree over @memory: bitmap_tree_size(@bits) zeroed bytes, aligned to 8. Level 0
 * comes first.
 */
void bitmap_tree_init(struct bitmap_tree *tree, uint64_t bits, void *memory);

/* The highest set bit <= @bit (any value: beyond the end means the end); or BITMAP_TREE_NONE. */
uint64_t bitmap_tree_find(struct bitmap_tree *tree, uint64_t bit);

/*
 * The same among the bits whose number is a multiple of 2^@align (0 .. 63), when bit 0 has the
 * number @first, a multiple of 64. Set bits elsewhere cost time: a step for each word that has some
 * or, if 2^@align is more than a word, for each 2^@align bits.
 */
uint64_t bitmap_tree_find_aligned(struct bitmap_tree *tree, uint64_t bit, uint64_t first,
				  unsigned int align);

/* Sets or clears the bits @bit .. @bit + @count - 1, @count >= 1, whatever they were before. */
void bitmap_tree_set_run(struct bitmap_tree *tree, uint64_t bit, uint64_t count);
void bitmap_tree_clear_run(struct bitmap_tree *tree, uint64_t bit, uint64_t count);

/* What is left to do when word @i of level 0 was zero and now is not, or the reverse. */
void bitmap_tree_set_above(struct bitmap_tree *tree, uint64_t i);
bool bitmap_tree_clear_above(struct bitmap_tree *tree, uint64_t i);

/* The search for the highest bit when word @top is zero; moves @top. */
uint64_t bitmap_tree_lower_top(struct bitmap_tree *tree);

/* --- single bits -------------------------------------------------------------------------------*/

static inline bool bitmap_tree_test(const struct bitmap_tree *tree, uint64_t bit)
{
	return tree->level[0][bit / 64] >> bit % 64 & 1;
}

static inline bool bitmap_tree_is_empty(const struct bitmap_tree *tree)
{
	return *tree->level[tree->levels - 1] == 0;
}

/* Sets one bit. */
static inline void bitmap_tree_set(struct bitmap_tree *tree, uint64_t bit)
{
	uint64_t *const word = &tree->level[0][bit / 64];
	const uint64_t old = *word;

	*word = old | 1ull << bit % 64;
	if (old == 0)
		bitmap_tree_set_above(tree, bit / 64);
}

/* Clears one bit, which must be set. Returns true if it was the last one. */
static inline bool bitmap_tree_clear(struct bitmap_tree *tree, uint64_t bit)
{
	uint64_t *const word = &tree->level[0][bit / 64];
	const uint64_t left = *word & ~(1ull << bit % 64);

	*word = left;
	return left == 0 && bitmap_tree_clear_above(tree, bit / 64);
}

/* --- words -------------------------------------------------------------------------------------*/

/* bitmap_starts[k]: the bits of a word whose number is a multiple of 2^k. */
extern const uint64_t bitmap_starts[7];

/* The number of the highest set bit. @word must not be 0. */
static inline unsigned int bitmap_highest(uint64_t word)
{
	return 63 ^ (unsigned int)__builtin_clzll(word);
}

/* How many bits are set; the compiler's own would be a call or an instruction not all CPUs have. */
static inline unsigned int bitmap_weight(uint64_t word)
{
	word -= word >> 1 & 0x5555555555555555;
	word = (word & 0x3333333333333333) + (word >> 2 & 0x3333333333333333);
	word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0f;
	return (unsigned int)(word * 0x0101010101010101 >> 56);
}

/* 2^@order ones from bit @bit % 64, a multiple of that; @order < 6. */
static inline uint64_t bitmap_mask(uint64_t bit, unsigned int order)
{
	return ((1ull << (1u << order)) - 1) << bit % 64;
}

/* Are all of the bits @bit .. @bit + @count - 1 of an array set? @count >= 1. */
bool bitmap_all_set(const uint64_t *words, uint64_t bit, uint64_t count);

#endif
