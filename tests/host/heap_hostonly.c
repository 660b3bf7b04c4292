/* SPDX-License-Identifier: MIT */
/*
 * A heap variant against a model: random operations by the hundred thousand, in much and in little
 * memory, with and without failing page requests; and what a heap does when memory runs out, which
 * the suite that also runs in the kernel cannot provoke.
 *
 * The model knows every block and its pattern, the statistics, and the pages that are out. NULL is
 * accepted only if a request for pages was refused during the call.
 *
 * An argument replaces the seed; a second one the number of operations of each run.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
/* After <setjmp.h>, <stdarg.h>, <stddef.h> and <stdint.h>, which it needs. */
#include "heap_model.h"
#include <cmocka.h>

#include <exo/string.h>

#include "heap_blocks.h"

#define MAX_BLOCKS 4096

struct model_block {
	void *at;
	size_t size;
	uint32_t seed;
};

static struct model_block blocks[MAX_BLOCKS];
static unsigned int nr_blocks;
static struct heap_stats model; /* pages are heap_model.pages */
static struct heap_random chance;
static uint32_t next_seed;
static uint64_t seed = 20250401, operations = 150000;

/* What a run is like. */
struct scenario {
	const char *name;
	uint32_t limit; /* pages */
	uint32_t fail_one_in;
	unsigned int bits, rare_bits; /* sizes: up to 2^bits, and sometimes up to 2^rare_bits */
	unsigned int most; /* blocks */
	unsigned int aligns; /* powers of two from 1 on */
};

static const struct scenario scenarios[] = {
	{ "much memory", HEAP_MODEL_PAGES, 0, 10, 16, 2000, 13 },
	{ "small blocks", HEAP_MODEL_PAGES, 0, 7, 9, MAX_BLOCKS, 13 },
	{ "large blocks", HEAP_MODEL_PAGES, 0, 14, 20, 60, 13 },
	{ "little memory", 64, 0, 9, 14, 4000, 13 },
	{ "very little memory", 17, 0, 8, 13, 2000, 13 },
	{ "failing requests", 4096, 2, 13, 18, 400, 13 },
	{ "few blocks, empty runs", HEAP_MODEL_PAGES, 10, 14, 18, 8, 13 },
};

static void check_stats(void)
{
	struct heap_stats stats;

	heap_core_stats(&stats);
	assert_int_equal(stats.pages, heap_model.pages);
	assert_int_equal(stats.used, model.used);
	assert_int_equal(stats.blocks, model.blocks);
	assert_int_equal(stats.allocs, model.allocs);
	assert_int_equal(stats.frees, model.frees);
	assert_int_equal(stats.failures, model.failures);
}

/* Statistics that a variant already has when a run begins. */
static void adopt_stats(void)
{
	heap_core_stats(&model);
	assert_int_equal(model.blocks, nr_blocks);
}

static void check_block(const struct model_block *block)
{
	assert_int_equal(heap_core_size(block->at), block->size);
	assert_true(pattern_holds(block->at, block->size, block->size, block->seed));
}

static void record_block(struct model_block *block, void *at, size_t size, size_t align)
{
	block->at = at;
	assert_int_equal((uintptr_t)at & ((align > HEAP_MIN_ALIGN ? align : HEAP_MIN_ALIGN) - 1),
			 0);
	block->size = heap_core_size(at);
	assert_true(block->size >= size && block->size >= 1);
	assert_true(heap_model_owns(at, block->size));
	block->seed = next_seed++;
	pattern_fill(at, block->size, block->seed);
}

/* True if the block is there; NULL must have a reason. */
static bool add_block(size_t size, size_t align)
{
	const uint64_t refused = heap_model.refused;
	void *const at = heap_core_alloc(size, align);

	assert_true(nr_blocks < MAX_BLOCKS);
	if (!at) {
		assert_true(heap_model.refused > refused);
		model.failures++;
		return false;
	}
	record_block(&blocks[nr_blocks], at, size, align);
	model.allocs++;
	model.blocks++;
	model.used += blocks[nr_blocks++].size;
	return true;
}

static void remove_block(unsigned int index)
{
	check_block(&blocks[index]);
	heap_core_free(blocks[index].at);
	model.frees++;
	model.blocks--;
	model.used -= blocks[index].size;
	blocks[index] = blocks[--nr_blocks];
}

static void resize_block(unsigned int index, size_t size)
{
	struct model_block *const block = &blocks[index];
	const size_t kept = block->size < size ? block->size : size;
	const uint64_t refused = heap_model.refused;
	void *at;

	check_block(block);
	at = heap_core_resize(block->at, size);
	if (!at) {
		assert_true(heap_model.refused > refused);
		model.failures++;
		check_block(block);
		return;
	}
	assert_true(pattern_holds(at, block->size, kept, block->seed));
	model.allocs += at != block->at;
	model.frees += at != block->at;
	model.used -= block->size;
	record_block(block, at, size, HEAP_MIN_ALIGN);
	model.used += block->size;
}

static void check_all(void)
{
	for (unsigned int i = 0; i < nr_blocks; i++)
		check_block(&blocks[i]);
	assert_true(heap_core_check());
	check_stats();
}

/* Frees everything; a heap that frees must then have given all pages back. */
static void remove_all(void)
{
	while (nr_blocks)
		remove_block(heap_random(&chance, nr_blocks));
	assert_true(heap_core_check());
	check_stats();
	if (heap_core_traits.frees && !heap_core_traits.caches)
		assert_true(heap_model.runs <= 1);
	heap_core_trim();
	assert_true(heap_core_check());
	check_stats();
	if (heap_core_traits.frees)
		assert_int_equal(heap_model.pages, 0);
}

static size_t random_size(const struct scenario *scenario)
{
	const unsigned int kind = heap_random(&chance, 64);

	return kind == 0 ? 0
			 : heap_random_size(&chance,
					    kind == 1 ? scenario->rare_bits : scenario->bits);
}

/* @most moves the balance: with more blocks than that, frees are likelier. */
static void operate(const struct scenario *scenario, unsigned int most)
{
	const unsigned int kind = heap_random(&chance, 16);
	const unsigned int index = nr_blocks ? heap_random(&chance, nr_blocks) : 0;
	const size_t align = kind < 6 ? 1u << heap_random(&chance, scenario->aligns) : 0;
	const size_t size = random_size(scenario);

	if (nr_blocks && kind < 3)
		resize_block(index, size);
	else if (nr_blocks < MAX_BLOCKS && heap_random(&chance, 2 * most) >= nr_blocks)
		add_block(size, align);
	else if (nr_blocks)
		remove_block(index);
}

static void run_scenario(const struct scenario *scenario, uint64_t count)
{
	const uint64_t refused = heap_model.refused;

	heap_model.limit = scenario->limit << HEAP_MODEL_SCALE;
	if (heap_model.limit > HEAP_MODEL_PAGES)
		heap_model.limit = HEAP_MODEL_PAGES;
	heap_model.fail_one_in = scenario->fail_one_in;
	heap_model.most_pages = 0;
	adopt_stats();
	for (uint64_t i = 0; i < count; i++) {
		/* The population swells and shrinks, so that runs empty and fill. */
		operate(scenario, i / 4096 % 2 ? scenario->most / 8 + 1 : scenario->most);
		if (i % 16 == 0)
			check_stats();
		if (i % 256 == 0)
			assert_true(heap_core_check());
		if (i % 2048 == 0)
			check_all();
		if (i % 8192 == 0)
			heap_core_trim();
	}
	check_all();
	remove_all();
	print_message("# %s: at most %u pages, %llu requests refused\n", scenario->name,
		      heap_model.most_pages, (unsigned long long)(heap_model.refused - refused));
	heap_model.limit = HEAP_MODEL_PAGES;
	heap_model.fail_one_in = 0;
}

static void random_operations(void **state)
{
	/* As many operations as the memory of a heap that never frees allows. */
	static const struct scenario no_freeing = {
		"no freeing", HEAP_MODEL_PAGES, 20, 5, 8, 500, 6
	};

	(void)state;
	if (!heap_core_traits.frees) {
		run_scenario(&no_freeing, operations * 10);
		return;
	}
	for (unsigned int round = 0; round < 3; round++) {
		chance.state = seed + 2 * round;
		print_message("# seed %llu\n", (unsigned long long)chance.state);
		for (unsigned int i = 0; i < ARRAY_SIZE(scenarios); i++)
			run_scenario(&scenarios[i], operations);
	}
}

/* Fills memory to the last page with blocks of @size, then frees and fills again. */
static void exhaust(size_t size, size_t align, uint32_t limit)
{
	unsigned int first = 0;

	adopt_stats();
	heap_model.limit = heap_model.pages + limit;
	while (nr_blocks < MAX_BLOCKS && add_block(size, align))
		first++;
	assert_true(first > 0 && nr_blocks < MAX_BLOCKS);
	check_all();
	for (unsigned int i = 0; i < 3; i++)
		assert_false(add_block(size, align));
	resize_block(0, KIB(512) << HEAP_MODEL_SCALE);
	check_all();
	if (heap_core_traits.frees) {
		remove_block(0);
		assert_true(add_block(size, align));
		assert_false(add_block(size, align));
		remove_all();
		for (unsigned int i = 0; i < first; i++)
			assert_true(add_block(size, align));
		assert_false(add_block(size, align));
	}
	remove_all();
	heap_model.limit = HEAP_MODEL_PAGES;
}

static void running_out_leaves_the_heap_intact(void **state)
{
	(void)state;
	/* A heap that never frees can do this once: the small runs at its end stay. */
	if (!heap_core_traits.frees) {
		exhaust(1000 << HEAP_MODEL_SCALE, 0, 48 << HEAP_MODEL_SCALE);
		return;
	}
	exhaust(40 << HEAP_MODEL_SCALE, 0, 24 << HEAP_MODEL_SCALE);
	exhaust(1000 << HEAP_MODEL_SCALE, 0, 48 << HEAP_MODEL_SCALE);
	exhaust(100 << HEAP_MODEL_SCALE, 512, 40 << HEAP_MODEL_SCALE);
	exhaust(3000 << HEAP_MODEL_SCALE, 4096, 64 << HEAP_MODEL_SCALE);
	exhaust(10000 << HEAP_MODEL_SCALE, 0, 64 << HEAP_MODEL_SCALE);
	exhaust(KIB(60) << HEAP_MODEL_SCALE, 0, 100 << HEAP_MODEL_SCALE);
}

/* Every request for pages fails once, the first, the second, …, until a whole life succeeds. */
static void any_request_may_fail(void **state)
{
	static const size_t sizes[] = { 24, 200, 1000, 5000, KIB(40), KIB(300), 64 };
	uint32_t after = 0;
	bool complete;

	(void)state;
	do {
		adopt_stats();
		heap_model.fail_after = after++;
		complete = true;
		for (unsigned int n = 0; n < 90; n++)
			for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++)
				complete &=
					n % 10 && sizes[i] > 2000 ? true : add_block(sizes[i], 0);
		check_all();
		for (unsigned int i = 0; i < nr_blocks; i += 3)
			resize_block(i, blocks[i].size * 3 / 2);
		check_all();
		heap_model.fail_after = UINT32_MAX;
		remove_all();
	} while (!complete && heap_core_traits.frees);
	print_message("# %u requests were made to fail\n", after - 1);
}

static void no_memory_at_all(void **state)
{
	(void)state;
	heap_model.fail_after = 0;
	heap_core_trim();
	adopt_stats();
	if (heap_core_traits.frees)
		assert_false(add_block(1, 0));
	assert_false(add_block(HEAP_MAX_SIZE / 2, 0));
	assert_null(heap_core_alloc(HEAP_MAX_SIZE, 4096));
	assert_true(heap_core_check());
	heap_model.fail_after = UINT32_MAX;
	adopt_stats();
	assert_true(add_block(1, 0));
	remove_all();
}

/* What is free is there for every size, wherever it is kept, when there are no more pages. */
static void free_memory_serves_any_size(void **state)
{
	static const size_t sizes[] = { 16, 100, 500, 1000, 2000 }; /* a page has room for each */

	(void)state;
	if (!heap_core_traits.frees)
		return;
	for (unsigned int i = 0; i < ARRAY_SIZE(sizes) * ARRAY_SIZE(sizes); i++) {
		void *block;

		heap_core_trim();
		block = heap_core_alloc(sizes[i / ARRAY_SIZE(sizes)], 0);
		assert_non_null(block);
		heap_core_free(block);
		heap_model.limit = heap_model.pages;
		block = heap_core_alloc(sizes[i % ARRAY_SIZE(sizes)], 0);
		assert_non_null(block);
		heap_core_free(block);
		heap_model.limit = HEAP_MODEL_PAGES;
		assert_true(heap_core_check());
	}
	adopt_stats();
}

/* Blocks that almost fill a run, or do not quite fit one. */
static void sizes_at_the_edge_of_runs(void **state)
{
	const unsigned int least = heap_core_traits.frees ? 0 : CONFIG_HEAP_GROW_ORDER;

	(void)state;
	adopt_stats();
	for (unsigned int order = least; order <= CONFIG_HEAP_GROW_ORDER + 1; order++)
		for (size_t less = 0; less <= 96; less += 8)
			for (size_t align = 16; align <= HEAP_MAX_ALIGN; align *= 256) {
				add_block(((size_t)HEAP_PAGE_SIZE << order) - less, align);
				add_block(1, 0);
				if (nr_blocks > 20)
					remove_all();
			}
	remove_all();
}

static void a_block_outgrows_its_run(void **state)
{
	const size_t run = (size_t)HEAP_PAGE_SIZE << CONFIG_HEAP_GROW_ORDER;

	(void)state;
	adopt_stats();
	assert_true(add_block(8, 0));
	for (size_t size = 100; size < 2 * run; size += run / 16) {
		resize_block(0, size);
		check_all();
	}
	for (size_t size = 2 * run; size > run / 16; size -= run / 16) {
		resize_block(0, size);
		check_all();
	}
	remove_all();
}

static bool is_damage(void *block)
{
	jmp_buf jump;
	bool found;

	heap_model_catch = &jump;
	found = setjmp(jump) != 0;
	if (!found)
		heap_core_free(block);
	heap_model_catch = NULL;
	return found && heap_model_found.block == block;
}

/* Only the buddy system knows the state of every block without trusting what lies beside it. */
static void wrong_frees_are_noticed(void **state)
{
	const size_t run = (size_t)HEAP_PAGE_SIZE << CONFIG_HEAP_GROW_ORDER;
	uint8_t *kept, *hot, *free, *large;

	(void)state;
	if (strcmp(heap_core_traits.name, "buddy"))
		return;
	kept = heap_core_alloc(256, 0);
	hot = heap_core_alloc(256, 0);
	free = heap_core_alloc(256, 0);
	large = heap_core_alloc(4 * run, 0);
	assert_true(kept && hot && free && large);
	heap_core_free(hot);
	heap_core_free(free);
	assert_true(is_damage(hot));
	assert_true(is_damage(free));
	assert_true(is_damage(kept + 128));
	assert_true(is_damage(kept + 16));
	assert_true(is_damage(kept + 1));
	assert_true(is_damage(large + run));
	heap_core_free(large);
	assert_true(is_damage(large));
	assert_true(heap_core_check());
	heap_core_free(kept);
	heap_core_trim();
	assert_int_equal(heap_model.pages, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_memory_at_all),
		cmocka_unit_test(running_out_leaves_the_heap_intact),
		cmocka_unit_test(any_request_may_fail),
		cmocka_unit_test(a_block_outgrows_its_run),
		cmocka_unit_test(random_operations),
		cmocka_unit_test(free_memory_serves_any_size),
		cmocka_unit_test(sizes_at_the_edge_of_runs),
		cmocka_unit_test(wrong_frees_are_noticed),
	};
	char name[64];

	if (argc > 1)
		seed = strtoull(argv[1], NULL, 0) | 1; /* 0 would stay 0 */
	if (argc > 2)
		operations = strtoull(argv[2], NULL, 0);
	chance.state = seed;
	setvbuf(stdout, NULL, _IOLBF, 0);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	snprintf(name, sizeof(name), "the %s heap against a model", heap_core_traits.name);
	return _cmocka_run_group_tests(name, tests, ARRAY_SIZE(tests), NULL, NULL);
}
