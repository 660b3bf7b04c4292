/* SPDX-License-Identifier: MIT */
/*
 * Each variant of the pools of free frames against the naive model, a million random operations and
 * more; and a pool of a TiB. An argument replaces the seeds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
/* After <setjmp.h>, <stdarg.h>, <stddef.h> and <stdint.h>, which it needs. */
#include <cmocka.h>

#include "frame_pool_model.h"

#define GIB_FRAMES (1ull << FRAME_MAX_ORDER)

static unsigned long operations;
static uint64_t only_seed;

/* --- against the model -------------------------------------------------------------------------*/

static void fail_at(const struct frame_model *model, const char *wrong, uint64_t seed)
{
	fail_msg("%s: seed %llu, frames %#llx + %llu, operation %u", wrong,
		 (unsigned long long)seed, (unsigned long long)model->first,
		 (unsigned long long)model->count, model->steps);
}

/* @steps operations on a new pool, compared as a whole after each @interval of them. */
static void compare(uint64_t first, uint64_t count, unsigned int steps, unsigned int interval,
		    uint64_t seed)
{
	const size_t size = frame_pool_metadata(first, count);
	struct frame_model model = { .first = first, .count = count, .random = seed };
	char *metadata = NULL;

	/* Just as large as promised, so that the sanitizer sees any byte beyond. */
	assert_int_equal(posix_memalign((void **)&metadata, PAGE_SIZE, size), 0);
	memset(metadata, 0, size);
	model.is_free = calloc(count, 1);
	assert_non_null(model.is_free);
	model.pool = frame_pool_init(first, count, metadata);
	for (unsigned int i = 1; i <= steps; i++) {
		const char *wrong = model_step(&model);

		if (!wrong && i % interval == 0)
			wrong = model_check(&model);
		if (wrong)
			fail_at(&model, wrong, seed);
	}
	operations += steps;
	free(model.is_free);
	free(metadata);
}

static void compare_with_seeds(uint64_t first, uint64_t count, unsigned int steps,
			       unsigned int interval)
{
	static const uint64_t seeds[] = { 1, 20240229, 0x9e3779b97f4a7c15, 0xfeedface };

	if (only_seed != 0) {
		compare(first, count, steps, interval, only_seed);
		return;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(seeds); i++)
		compare(first, count, steps, interval, seeds[i] + first);
}

/* A few words, and ends in the middle of one: everything happens often. */
static void small_pools_agree_with_model(void **state)
{
	(void)state;
	compare_with_seeds(0, 1, 2000, 16);
	compare_with_seeds(77, 130, 60000, 64);
	compare_with_seeds(GIB_FRAMES - 101, 333, 100000, 64);
	compare_with_seeds(0, 1000, 60000, 128);
}

/* Several levels of summaries; blocks of up to 64 MiB. */
static void large_pools_agree_with_model(void **state)
{
	(void)state;
	compare_with_seeds(0x100, 5000, 80000, 500);
	compare_with_seeds((1 << 20) - 12345, 1 << 15, 20000, 1000);
}

/* All orders. */
static void pools_beyond_a_gib_agree_with_model(void **state)
{
	(void)state;
	compare(3 * GIB_FRAMES - 70000, 2 * GIB_FRAMES, 3000, 1000, only_seed ? only_seed : 7);
}

/* --- a TiB -------------------------------------------------------------------------------------*/

#define TIB_FIRST (GIB_FRAMES + 4321)
#define HOLES 40

/* Puts everything but a few holes; returns how many frames. */
static uint64_t put_with_holes(struct frame_pool *pool)
{
	const uint64_t step = FRAME_POOL_MAX / HOLES;
	uint64_t frames = 0;

	for (uint64_t i = 0; i < HOLES; i++) {
		const uint64_t hole = i * i * 317 + 1;

		pool_put_run(pool, TIB_FIRST + i * step, step - hole);
		frames += step - hole;
	}
	return frames;
}

/* Takes and puts blocks of an order and below, as many as fit into @taken. */
static void take_and_put(struct frame_pool *pool, unsigned int order)
{
	static uint64_t taken[4000];
	const uint64_t before = pool_free_frames(pool);
	unsigned int n = 0;

	for (; n < ARRAY_SIZE(taken); n++) {
		if (!frame_pool_take(pool, order, order, FRAME_NO_LIMIT, &taken[n]))
			break;
		assert_int_equal(taken[n] % (1ull << order), 0);
		assert_in_range(taken[n], TIB_FIRST, TIB_FIRST + FRAME_POOL_MAX - 1);
	}
	assert_true(n > 900);
	assert_int_equal(pool_free_frames(pool), before - ((uint64_t)n << order));
	/* Every second one first, so that nothing merges until all the rest come. */
	for (unsigned int i = 0; i < n; i += 2)
		frame_pool_put(pool, taken[i], order);
	for (unsigned int i = 1; i < n; i += 2)
		frame_pool_put(pool, taken[i], order);
	assert_int_equal(pool_free_frames(pool), before);
}

static void pool_of_a_tib(void **state)
{
	const size_t size = frame_pool_metadata(TIB_FIRST, FRAME_POOL_MAX);
	void *metadata = mmap(NULL, size, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct frame_pool *const pool = frame_pool_init(TIB_FIRST, FRAME_POOL_MAX, metadata);
	uint64_t frames, frame, before[FRAME_ORDERS], after[FRAME_ORDERS];

	(void)state;
	assert_true(metadata != MAP_FAILED);
	assert_true(size <= FRAME_POOL_MAX * PAGE_SIZE / 1000);
	printf("# %s: %zu bytes of metadata for 1 TiB\n", frame_pool_variant, size);
	assert_false(frame_pool_take(pool, 0, 0, FRAME_NO_LIMIT, &frame));
	frames = put_with_holes(pool);
	assert_int_equal(pool_free_frames(pool), frames);
	frame_pool_count(pool, before);
	for (unsigned int order = 0; order <= FRAME_MAX_ORDER; order += 3)
		take_and_put(pool, order);
	frame_pool_count(pool, after);
	assert_memory_equal(before, after, sizeof(before));

	/* Below 16 MiB beyond the first frame; at multiples of 4 TiB, 64 GiB; by name. */
	assert_true(frame_pool_take(pool, 3, 3, TIB_FIRST + 4096, &frame));
	assert_in_range(frame, TIB_FIRST, TIB_FIRST + 4096 - 8);
	frame_pool_put(pool, frame, 3);
	assert_false(frame_pool_take(pool, 3, 3, TIB_FIRST + 4, &frame));
	assert_false(frame_pool_take(pool, 0, 30, FRAME_NO_LIMIT, &frame));
	assert_true(frame_pool_take(pool, 0, 24, FRAME_NO_LIMIT, &frame));
	assert_int_equal(frame % (1 << 24), 0);
	frame_pool_put(pool, frame, 0);
	assert_true(frame_pool_take_run(pool, TIB_FIRST + 5, 5 * GIB_FRAMES));
	assert_false(frame_pool_take_run(pool, TIB_FIRST, 6));
	pool_put_run(pool, TIB_FIRST + 5, 5 * GIB_FRAMES);
	frame_pool_count(pool, after);
	assert_memory_equal(before, after, sizeof(before));

	/* All of it, from the largest blocks down. */
	for (unsigned int order = FRAME_ORDERS; order-- > 0;)
		while (frame_pool_take(pool, order, order, FRAME_NO_LIMIT, &frame))
			frames -= 1ull << order;
	assert_int_equal(frames, 0);
	assert_int_equal(pool_free_frames(pool), 0);
	munmap(metadata, size);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_pools_agree_with_model),
		cmocka_unit_test(large_pools_agree_with_model),
		cmocka_unit_test(pools_beyond_a_gib_agree_with_model),
		cmocka_unit_test(pool_of_a_tib),
	};
	int failed;

	if (argc > 1)
		only_seed = strtoull(argv[1], NULL, 0) | 1; /* 0 would stay 0 */
	setvbuf(stdout, NULL, _IOLBF, 0);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	failed = cmocka_run_group_tests_name("frame pools against the model", tests, NULL, NULL);
	printf("# %s: %lu operations compared\n", frame_pool_variant, operations);
	return failed;
}
