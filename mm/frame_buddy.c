/* SPDX-License-Identifier: MIT */
/*
 * Free frames as a buddy system: for each order, a bitmap with summaries of its free blocks.
 *
 * Free memory is always held as the largest blocks: two buddies, the halves of a block of the next
 * order, are never both free; they are merged at once. So any block whose frames are all free lies
 * in exactly one free block, of its own order or above, and an order whose tree is empty has none
 * to give. Which ones are not empty is kept in a word.
 *
 * A block is taken from the smallest order that has one, the highest address first, and split down:
 * large blocks last. The steps are bounded by the number of orders and the levels of their trees,
 * plus the writing of the map; only an alignment beyond the block's size may have to step over free
 * blocks that are not aligned.
 *
 * Metadata: the map that is exported, in whole pages; struct frame_pool; the trees. Bit 0 of an
 * order's tree is its block @first, which is rounded down to a multiple of 64: so buddies share a
 * word, even if one of them is outside of the pool, and the bits of order 0 match the map's.
 */
#include <arch/layout.h>
#include <exo/bitmap_tree.h>
#include <exo/frame_pool.h>
#include <exo/panic.h>
#include <exo/string.h>

struct order {
	struct bitmap_tree free;
	uint64_t first;
};

struct frame_pool {
	uint64_t *map;
	uint32_t orders; /* bit k: order k has a free block */
	uint64_t first, count; /* frames */
	struct order order[FRAME_ORDERS];
};

const char frame_pool_variant[] = "buddy";

/* --- setting up --------------------------------------------------------------------------------*/

static uint64_t first_bit(uint64_t first, unsigned int order)
{
	return (first >> order) & ~63ull;
}

static uint64_t nr_bits(uint64_t first, uint64_t count, unsigned int order)
{
	return ((first + count - 1) >> order) + 1 - first_bit(first, order);
}

static size_t map_size(uint64_t first, uint64_t count)
{
	return ((nr_bits(first, count, 0) - 1) / (PAGE_SIZE * 8) + 1) * PAGE_SIZE;
}

__boot size_t frame_pool_metadata(uint64_t first, uint64_t count)
{
	size_t size = map_size(first, count) + sizeof(struct frame_pool);

	for (unsigned int k = 0; k < FRAME_ORDERS; k++)
		size += bitmap_tree_size(nr_bits(first, count, k));
	return size;
}

__boot struct frame_pool *frame_pool_init(uint64_t first, uint64_t count, void *metadata)
{
	struct frame_pool *pool = (void *)((char *)metadata + map_size(first, count));
	char *at = (char *)(pool + 1);

	ASSERT(count >= 1 && count <= FRAME_POOL_MAX);
	ASSERT((uintptr_t)metadata % PAGE_SIZE == 0);
	pool->map = metadata;
	pool->first = first;
	pool->count = count;
	for (unsigned int k = 0; k < FRAME_ORDERS; k++) {
		const uint64_t bits = nr_bits(first, count, k);

		pool->order[k].first = first_bit(first, k);
		bitmap_tree_init(&pool->order[k].free, bits, at);
		at += bitmap_tree_size(bits);
	}
	return pool;
}

/* Is this run in the pool's span? For assertions. */
static inline bool inside(const struct frame_pool *pool, uint64_t frame, uint64_t count)
{
	return frame >= pool->first && frame - pool->first < pool->count &&
	       count <= pool->count - (frame - pool->first);
}

/* --- blocks ------------------------------------------------------------------------------------*/

static inline void add(struct frame_pool *pool, unsigned int order, uint64_t block)
{
	bitmap_tree_set(&pool->order[order].free, block - pool->order[order].first);
	pool->orders |= 1u << order;
}

static inline void drop(struct frame_pool *pool, unsigned int order, uint64_t block)
{
	if (bitmap_tree_clear(&pool->order[order].free, block - pool->order[order].first))
		pool->orders &= ~(1u << order);
}

static inline bool has(const struct frame_pool *pool, unsigned int order, uint64_t block)
{
	return bitmap_tree_test(&pool->order[order].free, block - pool->order[order].first);
}

static void write_map(struct frame_pool *pool, uint64_t frame, unsigned int order, bool is_free)
{
	uint64_t *const word = &pool->map[(frame - pool->order[0].first) / 64];

	if (order >= 6) {
		memset(word, is_free ? 0xff : 0, 1ull << (order - 3));
		return;
	}
	ASSERT((*word & bitmap_mask(frame, order)) == (is_free ? 0 : bitmap_mask(frame, order)));
	*word ^= bitmap_mask(frame, order);
}

/* Takes the block at @frame out of the free block of order @from that it lies in. */
static void carve(struct frame_pool *pool, uint64_t frame, unsigned int order, unsigned int from)
{
	drop(pool, from, frame >> from);
	while (from-- > order)
		add(pool, from, frame >> from ^ 1);
	write_map(pool, frame, order, false);
}

/* --- taking ------------------------------------------------------------------------------------*/

static bool take_where(struct frame_pool *pool, unsigned int order, unsigned int align,
		       uint64_t limit, uint64_t *frame)
{
	const uint64_t size = 1ull << order, last = limit - size;

	if (limit < size)
		return false;
	for (unsigned int k = order; k < FRAME_ORDERS; k++) {
		struct order *const from = &pool->order[k];
		uint64_t bit, start;

		if (!(pool->orders >> k & 1) || last >> k < from->first)
			continue;
		/* An aligned place in a block of less than the alignment is its start. */
		bit = bitmap_tree_find_aligned(&from->free, (last >> k) - from->first, from->first,
					       align > k ? align - k : 0);
		if (bit == BITMAP_TREE_NONE)
			continue;
		start = ((from->first + bit + 1) << k) - size;
		if (start > last)
			start = last;
		*frame = start >> align << align;
		carve(pool, *frame, order, k);
		return true;
	}
	return false;
}

/* Apart, as is put_block(), so that the way of single frames needs no registers saved. */
static __noinline bool take_block(struct frame_pool *pool, unsigned int order, unsigned int align,
				  uint64_t limit, uint64_t *frame)
{
	const uint32_t orders = pool->orders >> order << order;
	struct order *from;
	unsigned int k;

	if (limit != FRAME_NO_LIMIT || align != order)
		return take_where(pool, order, align, limit, frame);
	if (orders == 0)
		return false;
	k = (unsigned int)__builtin_ctz(orders);
	from = &pool->order[k];
	*frame = from->first + bitmap_tree_find(&from->free, BITMAP_TREE_NONE) + 1;
	*frame = (*frame << k) - (1ull << order);
	carve(pool, *frame, order, k);
	return true;
}

bool frame_pool_take(struct frame_pool *pool, unsigned int order, unsigned int align,
		     uint64_t limit, uint64_t *frame)
{
	struct bitmap_tree *const singles = &pool->order[0].free;
	uint64_t i, word;
	unsigned int highest;

	ASSERT(order < FRAME_ORDERS && align >= order);
	if (unlikely(align != 0) || unlikely(limit != FRAME_NO_LIMIT))
		return take_block(pool, order, align, limit, frame);
	/* A single frame, and not the last one of its word: no more to do. */
	i = singles->top;
	word = singles->level[0][i];
	if (unlikely((word & (word - 1)) == 0))
		return take_block(pool, 0, 0, FRAME_NO_LIMIT, frame);
	highest = bitmap_highest(word);
	singles->level[0][i] = word & ~(1ull << highest);
	pool->map[i] &= ~(1ull << highest);
	*frame = pool->order[0].first + i * 64 + highest;
	return true;
}

bool frame_pool_take_run(struct frame_pool *pool, uint64_t frame, uint64_t count)
{
	ASSERT(count >= 1 && inside(pool, frame, count));
	if (!bitmap_all_set(pool->map, frame - pool->order[0].first, count))
		return false;
	while (count > 0) {
		const unsigned int order = frame_run_order(frame, count);
		unsigned int from = order;

		for (; !has(pool, from, frame >> from); from++)
			ASSERT(from < FRAME_MAX_ORDER);
		carve(pool, frame, order, from);
		frame += 1ull << order;
		count -= 1ull << order;
	}
	return true;
}

/* --- putting -----------------------------------------------------------------------------------*/

static __noinline void put_block(struct frame_pool *pool, uint64_t frame, unsigned int order)
{
	write_map(pool, frame, order, true);
	while (order < FRAME_MAX_ORDER && has(pool, order, frame >> order ^ 1)) {
		drop(pool, order, frame >> order ^ 1);
		order++;
	}
	add(pool, order, frame >> order);
}

void frame_pool_put(struct frame_pool *pool, uint64_t frame, unsigned int order)
{
	const uint64_t bit = frame - pool->order[0].first;
	uint64_t *const word = &pool->order[0].free.level[0][bit / 64];

	ASSERT(order < FRAME_ORDERS && frame % (1ull << order) == 0 &&
	       inside(pool, frame, 1ull << order));
	ASSERT(!frame_pool_is_free(pool, frame));
	/* A single frame without its buddy, and not the first one of its word: no more to do. */
	if (likely(order == 0 && *word != 0) && !(*word >> (bit ^ 1) % 64 & 1)) {
		*word |= 1ull << bit % 64;
		pool->map[bit / 64] |= 1ull << bit % 64;
		return;
	}
	put_block(pool, frame, order);
}

/* --- asking ------------------------------------------------------------------------------------*/

bool frame_pool_is_free(const struct frame_pool *pool, uint64_t frame)
{
	const uint64_t bit = frame - pool->order[0].first;

	ASSERT(inside(pool, frame, 1));
	return pool->map[bit / 64] >> bit % 64 & 1;
}

void frame_pool_count(const struct frame_pool *pool, uint64_t blocks[FRAME_ORDERS])
{
	for (unsigned int k = 0; k < FRAME_ORDERS; k++) {
		const struct bitmap_tree *const tree = &pool->order[k].free;

		blocks[k] = 0;
		for (uint64_t i = 0; i <= tree->top; i++)
			if (tree->level[0][i]) /* most have none */
				blocks[k] += bitmap_weight(tree->level[0][i]);
	}
}

const uint64_t *frame_pool_map(const struct frame_pool *pool, uint64_t *first)
{
	*first = pool->order[0].first;
	return pool->map;
}
