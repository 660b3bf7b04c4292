/* SPDX-License-Identifier: MIT */
/*
 * A naive model of a pool of free frames: a byte for each frame, searched one by one. Both are
 * given the same random operations; each answer is compared, and now and then everything that the
 * pool tells of itself. What a pool may choose, which of several free blocks it takes, is not
 * prescribed, only that the choice is a right one.
 *
 * The functions return NULL or what is wrong, in words. For the conformance suite, so no C library.
 */
#ifndef FRAME_POOL_MODEL_H
#define FRAME_POOL_MODEL_H

#include <arch/layout.h>
#include <exo/frame_pool.h>
#include <exo/string.h>

/* --- what all tests need -----------------------------------------------------------------------*/

/* Puts a run, as the largest blocks that it consists of. */
static inline void pool_put_run(struct frame_pool *pool, uint64_t frame, uint64_t count)
{
	while (count > 0) {
		const unsigned int order = frame_run_order(frame, count);

		frame_pool_put(pool, frame, order);
		frame += 1ull << order;
		count -= 1ull << order;
	}
}

static inline uint64_t pool_free_frames(const struct frame_pool *pool)
{
	uint64_t blocks[FRAME_ORDERS], frames = 0;

	frame_pool_count(pool, blocks);
	for (unsigned int k = 0; k < FRAME_ORDERS; k++)
		frames += blocks[k] << k;
	return frames;
}

/* --- the model ---------------------------------------------------------------------------------*/

struct frame_model {
	struct frame_pool *pool;
	uint8_t *is_free; /* @count bytes, 0 or 1 */
	uint64_t first, count;
	uint64_t random; /* state; not 0 */
	unsigned int puts; /* per cent of the operations, at present */
	unsigned int steps;
};

static inline uint64_t model_random(struct frame_model *model, uint64_t below)
{
	model->random ^= model->random << 13;
	model->random ^= model->random >> 7;
	model->random ^= model->random << 17;
	return model->random % below;
}

static inline bool model_inside(const struct frame_model *model, uint64_t frame, uint64_t count)
{
	return frame >= model->first && frame - model->first < model->count &&
	       count <= model->count - (frame - model->first);
}

/* Is the run within the span, and all of it free (or all of it not)? */
static inline bool model_all(const struct frame_model *model, uint64_t frame, uint64_t count,
			     uint8_t is_free)
{
	if (!model_inside(model, frame, count))
		return false;
	for (uint64_t i = 0; i < count; i++)
		if (model->is_free[frame - model->first + i] != is_free)
			return false;
	return true;
}

/* Is any block free that frame_pool_take() could take? */
static inline bool model_has_block(const struct frame_model *model, unsigned int order,
				   unsigned int align, uint64_t limit)
{
	const uint64_t size = 1ull << order, step = 1ull << align;
	const uint64_t end = model->first + model->count;

	for (uint64_t frame = (model->first + step - 1) & ~(step - 1); frame + size <= end;
	     frame += step)
		if (frame + size <= limit && model_all(model, frame, size, 1))
			return true;
	return false;
}

/* Is there a free frame above @frame whose buddy is not free? */
static inline bool model_single_above(const struct frame_model *model, uint64_t frame)
{
	for (frame++; model_inside(model, frame, 1); frame++)
		if (model_all(model, frame, 1, 1) && !model_all(model, frame ^ 1, 1, 1))
			return true;
	return false;
}

static inline void model_write(struct frame_model *model, uint64_t frame, uint64_t count,
			       uint8_t is_free)
{
	memset(&model->is_free[frame - model->first], is_free, count);
}

/* --- operations --------------------------------------------------------------------------------*/

static inline const char *model_take(struct frame_model *model, unsigned int order,
				     unsigned int align, uint64_t limit)
{
	const uint64_t size = 1ull << order, untouched = 0x123456789abcdef;
	uint64_t frame = untouched;

	if (!frame_pool_take(model->pool, order, align, limit, &frame)) {
		if (frame != untouched)
			return "take failed and changed @frame";
		return model_has_block(model, order, align, limit) ? "take missed a block" : NULL;
	}
	if (!model_all(model, frame, size, 1))
		return "took what was not free";
	if (frame % (1ull << align) != 0)
		return "took a block that is not aligned";
	if (frame + size > limit)
		return "took a block beyond the limit";
	if (align == 0 && limit == FRAME_NO_LIMIT && model_single_above(model, frame))
		return "took a frame and left a higher single one";
	model_write(model, frame, size, 0);
	return frame_pool_is_free(model->pool, frame + size - 1) ? "took it, still free" : NULL;
}

static inline const char *model_take_run(struct frame_model *model, uint64_t frame, uint64_t count)
{
	const bool expected = model_all(model, frame, count, 1);

	if (frame_pool_take_run(model->pool, frame, count) != expected)
		return expected ? "take_run missed a free run" : "take_run took what was not free";
	if (expected)
		model_write(model, frame, count, 0);
	return NULL;
}

static inline const char *model_put(struct frame_model *model, uint64_t frame, unsigned int order)
{
	frame_pool_put(model->pool, frame, order);
	model_write(model, frame, 1ull << order, 1);
	return frame_pool_is_free(model->pool, frame) ? NULL : "put it, not free";
}

/* Small blocks mostly, and all others too. */
static inline unsigned int model_random_order(struct frame_model *model)
{
	const uint64_t choice = model_random(model, 8);

	if (choice < 4)
		return 0;
	return (unsigned int)model_random(model, choice < 7 ? 6 : FRAME_ORDERS);
}

static inline const char *model_random_put(struct frame_model *model)
{
	const uint64_t start = model_random(model, model->count);
	unsigned int order = model_random_order(model);
	uint64_t frame = model->first + start;

	/* The next frame that can be put, and the largest block there up to the order. */
	for (uint64_t i = 0; model->is_free[frame - model->first]; i++) {
		if (i == model->count)
			return NULL;
		frame = model->first + (start + i) % model->count;
	}
	while (!model_all(model, frame >> order << order, 1ull << order, 0))
		order--;
	return model_put(model, frame >> order << order, order);
}

static inline const char *model_random_take(struct frame_model *model)
{
	const unsigned int order = model_random_order(model);
	unsigned int align = order;
	uint64_t limit = FRAME_NO_LIMIT;

	if (model_random(model, 8) == 0) {
		const uint64_t frame = model_random(model, model->count);
		const uint64_t most = model_random(model, 3) ? 20 : model->count;

		return model_take_run(model, model->first + frame,
				      1 + model_random(model, most < model->count - frame
								      ? most
								      : model->count - frame));
	}
	if (model_random(model, 4) == 0)
		align += (unsigned int)model_random(model, model_random(model, 3) ? 5 : 31 - order);
	if (model_random(model, 4) == 0)
		limit = model_random(model, 20)
				? model->first + model_random(model, model->count + 100)
				: model_random(model, model->first + 1);
	return model_take(model, order, align, limit);
}

/* One random operation; long spells of filling and of emptying alternate. */
static inline const char *model_step(struct frame_model *model)
{
	static const uint8_t percentages[] = { 5, 40, 50, 60, 95 };

	if (model->steps++ % 512 == 0)
		model->puts = percentages[model_random(model, sizeof(percentages))];
	return model_random(model, 100) < model->puts ? model_random_put(model)
						      : model_random_take(model);
}

/* --- everything that a pool tells --------------------------------------------------------------*/

static inline const char *model_check_count(const struct frame_model *model)
{
	uint64_t expected[FRAME_ORDERS] = { 0 }, blocks[FRAME_ORDERS];
	uint64_t size;

	/* From the left, the first free frame begins the largest block that it lies in. */
	for (uint64_t frame = model->first; model_inside(model, frame, 1); frame += size) {
		unsigned int order = 0;

		size = 1;
		if (!model_all(model, frame, 1, 1))
			continue;
		while (order < FRAME_MAX_ORDER && frame % (size * 2) == 0 &&
		       model_all(model, frame + size, size, 1)) {
			order++;
			size *= 2;
		}
		expected[order]++;
	}
	memset(blocks, 0xff, sizeof(blocks));
	frame_pool_count(model->pool, blocks);
	return memcmp(blocks, expected, sizeof(blocks)) ? "the counts are wrong" : NULL;
}

static inline const char *model_check_map(const struct frame_model *model)
{
	uint64_t first = 1, pages;
	const uint64_t *const map = frame_pool_map(model->pool, &first);

	if (first != (model->first & ~63ull))
		return "the map begins with the wrong frame";
	if ((uintptr_t)map % PAGE_SIZE != 0)
		return "the map is not aligned to a page";
	pages = (model->first + model->count - first - 1) / (PAGE_SIZE * 8) + 1;
	for (uint64_t i = 0; i < pages * PAGE_SIZE / 8; i++) {
		uint64_t word = 0;

		for (unsigned int bit = 0; bit < 64; bit++)
			if (model_all(model, first + i * 64 + bit, 1, 1))
				word |= 1ull << bit;
		if (map[i] != word)
			return "the map is wrong";
	}
	return NULL;
}

static inline const char *model_check(const struct frame_model *model)
{
	const char *const wrong = model_check_map(model);

	return wrong ? wrong : model_check_count(model);
}

#endif
