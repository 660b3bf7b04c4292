/* SPDX-License-Identifier: MIT */
/*
 * The free frames of one run of physical memory: what an allocator variant implements
 * (mm/frame_bitmap.c or mm/frame_buddy.c, by Kconfig choice). mm/frame.c puts nodes, error checks,
 * statistics and the per-CPU cache on top.
 *
 * A frame is PAGE_SIZE bytes and has a number, its physical address / PAGE_SIZE. A block of order k
 * is 2^k frames and begins at a multiple of 2^k. A pool spans @count frames from @first on; each is
 * in the pool (free) or not (allocated, reserved, a hole: the pool does not care). The caller
 * guarantees what "must" says below; with CONFIG_ASSERT the pool checks what is cheap.
 *
 * Blocks are taken from the top of memory downwards, so that what devices with short addresses need
 * goes last; a variant may prefer a lower block whose taking splits less. Taking and putting take a
 * number of steps that hardly depends on the span: each time with the buddy system, on average with
 * the bitmap. Blocks of many frames, and runs, also need the time to write their part of the map.
 *
 * Pure code: it touches its metadata, never the frames. Locks: the caller's.
 */
#ifndef EXO_FRAME_POOL_H
#define EXO_FRAME_POOL_H

#include <exo/compiler.h>
#include <stdbool.h>

#define FRAME_ORDERS 19 /* 0 .. 18: 4 KiB .. 1 GiB */
#define FRAME_MAX_ORDER (FRAME_ORDERS - 1)
#define FRAME_NO_LIMIT UINT64_MAX
#define FRAME_POOL_MAX (1ull << 28) /* frames of a pool: 1 TiB */

struct frame_pool; /* the variant's own; lives in its metadata */

/* The variant's name, as in its Kconfig symbol: "bitmap" or "buddy". */
extern const char frame_pool_variant[];

/*
 * Bytes of metadata for a pool of @count frames from @first on, 1 <= @count <= FRAME_POOL_MAX: a
 * multiple of 8, at most 7 KiB for 256 frames and 0.1 % of 4096 * @count from 16,384 frames on.
 */
size_t frame_pool_metadata(uint64_t first, uint64_t count);

/* Makes an empty pool in @metadata: zeroed, page-aligned, of that size. */
struct frame_pool *frame_pool_init(uint64_t first, uint64_t count, void *metadata);

/**
 * frame_pool_take() - take a free block out of the pool
 * @order: 0 .. FRAME_MAX_ORDER
 * @align: the block begins at a multiple of 2^@align frames; @align >= @order, <= 30. More than the
 *	order may take time linear in the span, when much is free and little of it aligned
 * @limit: all its frames have numbers below this; FRAME_NO_LIMIT for none
 * @frame: number of its first frame; unchanged on failure
 * Returns false exactly if no such block is free.
 */
bool frame_pool_take(struct frame_pool *pool, unsigned int order, unsigned int align,
		     uint64_t limit, uint64_t *frame);

/*
 * Takes the @count >= 1 frames from @frame on out of the pool; they lie in its span and need not be
 * a block. Returns false, with nothing changed, unless all of them are free.
 */
bool frame_pool_take_run(struct frame_pool *pool, uint64_t frame, uint64_t count);

/* Puts a block into the pool. It must lie in the pool's span, and none of it may be free. */
void frame_pool_put(struct frame_pool *pool, uint64_t frame, unsigned int order);

/* Is this frame free? It must lie in the pool's span. */
bool frame_pool_is_free(const struct frame_pool *pool, uint64_t frame);

/*
 * blocks[k] = how many free blocks of order k there are, all counted as the largest aligned blocks
 * that are wholly free (at most order 18). May take time linear in the span.
 */
void frame_pool_count(const struct frame_pool *pool, uint64_t blocks[FRAME_ORDERS]);

/*
 * A bit for each frame, set while it is free: bit i of the array is frame @first_bit + i, where
 * @first_bit is set to the pool's first frame rounded down to a multiple of 64. The array is
 * page-aligned, padded with zero bits to whole pages, nothing else is in these pages, and it is
 * always up to date: it can be mapped read-only for others to see.
 */
const uint64_t *frame_pool_map(const struct frame_pool *pool, uint64_t *first_bit);

/* The order of the largest block that begins a run of @count >= 1 frames from @frame. */
static inline unsigned int frame_run_order(uint64_t frame, uint64_t count)
{
	const unsigned int fits = 63 - (unsigned int)__builtin_clzll(count);
	const unsigned int aligned = (unsigned int)__builtin_ctzll(frame | 1ull << FRAME_MAX_ORDER);

	return fits < aligned ? fits : aligned;
}

#endif
