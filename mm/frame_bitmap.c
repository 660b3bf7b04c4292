/* SPDX-License-Identifier: MIT */
/*
 * Free frames as a bitmap, with bitmaps of its full words above it.
 *
 * Level 0 has a bit for each frame, set while it is free; it is the map that is exported. A bit of
 * the level above says that a word, 64 blocks of the level below, is full. So there are levels of
 * blocks of 1, 64, 4096 and 2^18 frames: orders 0, 6, 12 and 18. A free block is a set bit of its
 * own level and of each level below; nothing is split or merged but by writing such bits.
 *
 * Blocks of the orders between are aligned runs of set bits in one word, found by a few shifts. In
 * which words, is told by further bitmaps: one for each of these orders, with a bit for each word.
 * They may be out of date in one direction, so that taking seldom has to touch them:
 *
 *	A word that is not full and whose largest aligned run has 2^k bits, k >= 1, has its bit in
 *	the bitmap of k or of a larger run, of the same level.
 *
 * Putting a block sets such a bit if it makes a run that no bit covers, and so does taking the
 * first block of a full word. A search moves each word that it finds in the wrong bitmap to the
 * right one: in the long run a few words at most for each block that is put or taken. It begins
 * with the smallest runs that do; within a bitmap, and for single frames, the highest address is
 * first. Only an alignment beyond the block's size may have to step over words without an aligned
 * run.
 *
 * All these bitmaps are trees (exo/bitmap_tree.h), one for each order: those of a level are
 * tree[6 * level] for its blocks and the following five for the runs in its words; the next one,
 * for full words, is the first of the next level.
 *
 * Metadata: level 0 of tree[0], in whole pages; the other levels; struct frame_pool; the other
 * trees. Bit 0 of a level is block first[level], which is rounded down to a multiple of 64.
 */
#include <arch/layout.h>
#include <exo/bitmap_tree.h>
#include <exo/frame_pool.h>
#include <exo/panic.h>

#define RADIX 6 /* a word is 2^6 blocks */
#define LEVELS (FRAME_MAX_ORDER / RADIX + 1)

_Static_assert(FRAME_MAX_ORDER % RADIX == 0, "the highest order must have a level of its own");

struct frame_pool {
	uint64_t first_frame, count;
	uint64_t first[LEVELS]; /* block number of bit 0 */
	struct bitmap_tree tree[FRAME_ORDERS];
};

const char frame_pool_variant[] = "bitmap";

/* --- setting up --------------------------------------------------------------------------------*/

static uint64_t first_block(uint64_t first, unsigned int level)
{
	return (first >> RADIX * level) & ~63ull;
}

/* The bits of tree[@order]: one for each word of its level, which is a block of the level above. */
static uint64_t nr_bits(uint64_t first, uint64_t count, unsigned int order)
{
	const unsigned int level = (order + RADIX - 1) / RADIX;
	const uint64_t last = (first + count - 1) >> RADIX * level;
	const uint64_t bits = last + 1 - first_block(first, level);
	const uint64_t page_bits = PAGE_SIZE * 8;

	return order > 0 ? bits : (bits + page_bits - 1) / page_bits * page_bits;
}

__boot size_t frame_pool_metadata(uint64_t first, uint64_t count)
{
	size_t size = sizeof(struct frame_pool);

	for (unsigned int k = 0; k < FRAME_ORDERS; k++)
		size += bitmap_tree_size(nr_bits(first, count, k));
	return size;
}

__boot struct frame_pool *frame_pool_init(uint64_t first, uint64_t count, void *metadata)
{
	char *at = (char *)metadata + bitmap_tree_size(nr_bits(first, count, 0));
	struct frame_pool *pool = (void *)at;

	ASSERT(count >= 1 && count <= FRAME_POOL_MAX);
	ASSERT((uintptr_t)metadata % PAGE_SIZE == 0);
	pool->first_frame = first;
	pool->count = count;
	for (unsigned int level = 0; level < LEVELS; level++)
		pool->first[level] = first_block(first, level);
	bitmap_tree_init(&pool->tree[0], nr_bits(first, count, 0), metadata);
	at += sizeof(*pool);
	for (unsigned int k = 1; k < FRAME_ORDERS; k++) {
		const uint64_t bits = nr_bits(first, count, k);

		bitmap_tree_init(&pool->tree[k], bits, at);
		at += bitmap_tree_size(bits);
	}
	return pool;
}

/* --- runs in a word ----------------------------------------------------------------------------*/

/* The bits at which an aligned run of 2^@order set bits begins; @order <= 6. */
static inline uint64_t runs(uint64_t word, unsigned int order)
{
	for (unsigned int k = 0; k < order; k++)
		word &= word >> (1u << k);
	return word & bitmap_starts[order];
}

/* The order of the largest aligned run; 0 also if there is none. */
static inline unsigned int largest_run(uint64_t word)
{
	unsigned int order = 0;

	for (; order < RADIX; order++) {
		word &= word >> (1u << order);
		if ((word & bitmap_starts[order + 1]) == 0)
			break;
	}
	return order;
}

/* The order, at most 5, of the largest aligned run that has the 2^@order set bits at @bit % 64. */
static inline unsigned int run_around(uint64_t word, uint64_t bit, unsigned int order)
{
	for (; order < RADIX - 1; order++) {
		const uint64_t start = bit >> (order + 1) << (order + 1);

		if (~word & bitmap_mask(start, order + 1))
			break;
	}
	return order;
}

/* Notes that a word has a run of 2^@order bits, 1 .. 5, in the trees of its level. */
static void note_run(struct bitmap_tree *trees, unsigned int order, uint64_t bit)
{
	for (unsigned int k = order; k < RADIX; k++)
		if (bitmap_tree_test(&trees[k], bit))
			return;
	bitmap_tree_set(&trees[order], bit);
}

/* --- blocks ------------------------------------------------------------------------------------*/

/* Is this run in the pool's span? For assertions. */
static inline bool inside(const struct frame_pool *pool, uint64_t frame, uint64_t count)
{
	return frame >= pool->first_frame && frame - pool->first_frame < pool->count &&
	       count <= pool->count - (frame - pool->first_frame);
}

/* The bit that stands for @frame on a level. */
static inline uint64_t bit_of(const struct frame_pool *pool, unsigned int level, uint64_t frame)
{
	return (frame >> RADIX * level) - pool->first[level];
}

/* Sets the bits of a block on all levels. */
static __noinline void add(struct frame_pool *pool, uint64_t frame, unsigned int order)
{
	unsigned int level = 0;

	/* All of it on the levels below its own; then the block, and the words that it fills. */
	for (; order >= RADIX; level++, order -= RADIX)
		bitmap_tree_set_run(&pool->tree[RADIX * level], bit_of(pool, level, frame),
				    1ull << order);
	for (;; order = 0) {
		struct bitmap_tree *const tree = &pool->tree[RADIX * level];
		const uint64_t bit = bit_of(pool, level, frame);
		uint64_t *const word = &tree->level[0][bit / 64];
		const uint64_t old = *word, new = old | bitmap_mask(bit, order);

		ASSERT((old & bitmap_mask(bit, order)) == 0);
		*word = new;
		if (old == 0)
			bitmap_tree_set_above(tree, bit / 64);
		if (++level == LEVELS)
			return;
		if (new == UINT64_MAX)
			continue;
		order = run_around(new, bit, order);
		if (order > 0)
			note_run(tree, order, bit_of(pool, level, frame));
		return;
	}
}

/* Clears them. */
static void drop(struct frame_pool *pool, uint64_t frame, unsigned int order)
{
	unsigned int level = 0;

	for (; order >= RADIX; level++, order -= RADIX)
		bitmap_tree_clear_run(&pool->tree[RADIX * level], bit_of(pool, level, frame),
				      1ull << order);
	for (;; order = 0) {
		struct bitmap_tree *const tree = &pool->tree[RADIX * level];
		const uint64_t bit = bit_of(pool, level, frame);
		uint64_t *const word = &tree->level[0][bit / 64];
		const uint64_t old = *word, new = old & ~bitmap_mask(bit, order);

		*word = new;
		if (new == 0)
			bitmap_tree_clear_above(tree, bit / 64);
		if (++level == LEVELS || old != UINT64_MAX)
			return;
		note_run(tree, RADIX - 1, bit_of(pool, level, frame));
	}
}

/* --- taking ------------------------------------------------------------------------------------*/

/* What a search is for, counted in blocks of a level. */
struct wanted {
	unsigned int level;
	unsigned int order; /* 0 .. 5 */
	unsigned int align;
	uint64_t last; /* number of the highest block to begin with */
};

/* Searches the words with a bit in tree @k of the level, 1 .. 6. Returns as search() does. */
static uint64_t search_words(struct frame_pool *pool, const struct wanted *wanted, unsigned int k)
{
	struct bitmap_tree *const trees = &pool->tree[RADIX * wanted->level];
	const uint64_t first_word = pool->first[wanted->level] / 64;
	const uint64_t first = pool->first[wanted->level + 1], last = wanted->last / 64;
	const unsigned int align = wanted->align < RADIX ? wanted->align : RADIX;
	uint64_t bit = last - first;

	while ((bit = bitmap_tree_find_aligned(&trees[k], bit, first, wanted->align - align)) !=
	       BITMAP_TREE_NONE) {
		const uint64_t number = first + bit;
		const uint64_t word = trees[0].level[0][number - first_word];
		const unsigned int order = largest_run(word);
		uint64_t found;

		if (order != k) {
			bitmap_tree_clear(&trees[k], bit);
			if (order > 0 && order < RADIX)
				bitmap_tree_set(&trees[order], bit);
			/* Too small, or its turn comes later. */
			if (order < wanted->order || order > k)
				continue;
		}
		found = runs(word, wanted->order) & bitmap_starts[align];
		if (number == last)
			found &= UINT64_MAX >> (63 - wanted->last % 64);
		if (found != 0)
			return number * 64 + bitmap_highest(found);
		if (bit-- == 0)
			break;
	}
	return BITMAP_TREE_NONE;
}

/* Returns the number of the first block of what is wanted, or BITMAP_TREE_NONE. */
static uint64_t search(struct frame_pool *pool, const struct wanted *wanted)
{
	struct bitmap_tree *const trees = &pool->tree[RADIX * wanted->level];
	const uint64_t first = pool->first[wanted->level];
	uint64_t found = BITMAP_TREE_NONE;

	if (wanted->last < first)
		return BITMAP_TREE_NONE;
	if (wanted->order == 0) {
		found = bitmap_tree_find_aligned(&trees[0], wanted->last - first, first,
						 wanted->align);
		return found == BITMAP_TREE_NONE ? found : first + found;
	}
	for (unsigned int k = wanted->order; k <= RADIX && found == BITMAP_TREE_NONE; k++)
		if (!bitmap_tree_is_empty(&trees[k]))
			found = search_words(pool, wanted, k);
	return found;
}

/* Apart, as is add(), so that the way of single frames needs no registers saved. */
static __noinline bool take_block(struct frame_pool *pool, unsigned int order, unsigned int align,
				  uint64_t limit, uint64_t *frame)
{
	const unsigned int level = order / RADIX, shift = RADIX * level;
	const struct wanted wanted = { .level = level,
				       .order = order - shift,
				       .align = align - shift,
				       .last = (limit - (1ull << order)) >> shift };
	uint64_t block;

	if (limit < 1ull << order)
		return false;
	block = search(pool, &wanted);
	if (block == BITMAP_TREE_NONE)
		return false;
	*frame = block << shift;
	drop(pool, *frame, order);
	return true;
}

bool frame_pool_take(struct frame_pool *pool, unsigned int order, unsigned int align,
		     uint64_t limit, uint64_t *frame)
{
	struct bitmap_tree *const frames = &pool->tree[0];
	uint64_t i, word;
	unsigned int highest;

	ASSERT(order < FRAME_ORDERS && align >= order);
	if (unlikely(align != 0) || unlikely(limit != FRAME_NO_LIMIT))
		return take_block(pool, order, align, limit, frame);
	/* A single frame from a word that is not full and does not become empty: no more to do. */
	i = frames->top;
	word = frames->level[0][i];
	if (unlikely((word & (word - 1)) == 0) || unlikely(word == UINT64_MAX))
		return take_block(pool, 0, 0, FRAME_NO_LIMIT, frame);
	highest = bitmap_highest(word);
	frames->level[0][i] = word & ~(1ull << highest);
	*frame = pool->first[0] + i * 64 + highest;
	return true;
}

bool frame_pool_take_run(struct frame_pool *pool, uint64_t frame, uint64_t count)
{
	ASSERT(count >= 1 && inside(pool, frame, count));
	if (!bitmap_all_set(pool->tree[0].level[0], frame - pool->first[0], count))
		return false;
	while (count > 0) {
		const unsigned int order = frame_run_order(frame, count);

		drop(pool, frame, order);
		frame += 1ull << order;
		count -= 1ull << order;
	}
	return true;
}

/* --- putting -----------------------------------------------------------------------------------*/

void frame_pool_put(struct frame_pool *pool, uint64_t frame, unsigned int order)
{
	const uint64_t bit = frame - pool->first[0];
	uint64_t *const word = &pool->tree[0].level[0][bit / 64];

	ASSERT(order < FRAME_ORDERS && frame % (1ull << order) == 0 &&
	       inside(pool, frame, 1ull << order));
	ASSERT(!frame_pool_is_free(pool, frame));
	/* A single frame that makes no run and is not the first one of its word: no more to do. */
	if (likely(order == 0 && *word != 0) && !(*word >> (bit ^ 1) % 64 & 1)) {
		*word |= 1ull << bit % 64;
		return;
	}
	add(pool, frame, order);
}

/* --- asking ------------------------------------------------------------------------------------*/

bool frame_pool_is_free(const struct frame_pool *pool, uint64_t frame)
{
	ASSERT(inside(pool, frame, 1));
	return bitmap_tree_test(&pool->tree[0], frame - pool->first[0]);
}

void frame_pool_count(const struct frame_pool *pool, uint64_t blocks[FRAME_ORDERS])
{
	for (unsigned int k = 0; k < FRAME_ORDERS; k++)
		blocks[k] = 0;
	for (unsigned int level = 0; level < LEVELS; level++) {
		const struct bitmap_tree *const tree = &pool->tree[RADIX * level];

		for (uint64_t i = 0; i <= tree->top; i++) {
			const uint64_t word = tree->level[0][i];
			uint64_t larger = 0;

			if (level == LEVELS - 1) {
				blocks[FRAME_MAX_ORDER] += bitmap_weight(word);
				continue;
			}
			/* A full word is a block of the level above. */
			if (word == 0 || word == UINT64_MAX)
				continue;
			for (unsigned int k = RADIX; k-- > 0;) {
				const uint64_t all = bitmap_weight(runs(word, k));

				blocks[RADIX * level + k] += all - 2 * larger;
				larger = all;
			}
		}
	}
}

const uint64_t *frame_pool_map(const struct frame_pool *pool, uint64_t *first)
{
	*first = pool->first[0];
	return pool->tree[0].level[0];
}
