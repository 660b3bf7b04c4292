/* SPDX-License-Identifier: MIT */
/*
 * libexo's sets of slots against a naive model, and its heap on pages from malloc(), for which this
 * file stands in for the page allocator.
 */
#include <exo/compiler.h>
#include <exo/string.h>
#include <libexo/heap.h>
#include <libexo/pages.h>
#include <libexo/slots.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS 1000u
#define BLOCKS 300u

static unsigned int nr_tests, nr_failed;
static uint32_t random_state = 1;
static long pages_out;

static void report(bool good, const char *name)
{
	printf("%sok %u %s\n", good ? "" : "not ", ++nr_tests, name);
	nr_failed += !good;
}

static uint32_t pick(uint32_t below)
{
	random_state = random_state * 1664525 + 1013904223;
	return (uint32_t)(((uint64_t)random_state * below) >> 32);
}

static struct {
	bool taken[SLOTS];
	struct {
		exo_cap_t first;
		uint64_t count;
	} runs[SLOTS];
	unsigned int nr_runs;
} model;

static bool model_has_room(uint64_t count)
{
	uint64_t run = 0;

	for (unsigned int i = 1; i < SLOTS; i++) {
		run = model.taken[i] ? 0 : run + 1;
		if (run == count)
			return true;
	}
	return false;
}

static bool take(struct exo_slots *slots)
{
	const uint64_t count = pick(8) ? 1 + pick(5) : 1 + pick(200);
	const exo_cap_t first = exo_slots_take(slots, count);

	if (!first)
		return !model_has_room(count);
	for (uint64_t i = 0; i < count; i++) {
		if (first + i >= SLOTS || model.taken[first + i])
			return false;
		model.taken[first + i] = true;
	}
	model.runs[model.nr_runs].first = first;
	model.runs[model.nr_runs++].count = count;
	return true;
}

static void give(struct exo_slots *slots)
{
	const unsigned int which = pick(model.nr_runs);
	const exo_cap_t first = model.runs[which].first;
	const uint64_t count = model.runs[which].count;

	exo_slots_give(slots, first, count);
	memset(model.taken + first, 0, count);
	model.runs[which] = model.runs[--model.nr_runs];
}

static void test_slots(void)
{
	static uint64_t used[(SLOTS + 63) / 64];
	struct exo_slots slots;
	bool good = true;

	exo_slots_init(&slots, used, SLOTS, 64);
	memset(model.taken, 1, 64);
	good = exo_slots_take(&slots, 0) == 0 && exo_slots_take(&slots, SLOTS + 1) == 0 &&
	       exo_slots_take(&slots, UINT64_MAX) == 0;
	for (unsigned int i = 0; i < 20000 && good; i++)
		if (model.nr_runs == 0 || pick(2))
			good = take(&slots);
		else
			give(&slots);
	report(good, "slots_agree_with_model");
	exo_slots_init(&slots, used, SLOTS, 64);
	report(exo_slots_take(&slots, SLOTS - 64) == 64 && exo_slots_take(&slots, 1) == 0,
	       "slots_can_all_be_taken");
}

int exo_pages_take(exo_cap_t bank, uint64_t count, void **address)
{
	(void)bank;
	if (count > 1000)
		return -EXO_E_NOMEM;
	*address = aligned_alloc(EXO_PAGE, count * EXO_PAGE);
	pages_out += (long)count;
	return 0;
}

void exo_pages_give(void *address, uint64_t count)
{
	pages_out -= (long)count;
	free(address);
}

static bool filled(const unsigned char *block, size_t size, unsigned int byte)
{
	for (size_t i = 0; i < size; i++)
		if (block[i] != (unsigned char)byte)
			return false;
	return true;
}

static void test_heap(void)
{
	static unsigned char *blocks[BLOCKS];
	static size_t sizes[BLOCKS];
	bool good = true;
	long after_first = 0;

	for (unsigned int i = 0; i < 40000 && good; i++) {
		const unsigned int b = pick(BLOCKS);

		if (blocks[b]) {
			good = filled(blocks[b], sizes[b], b);
			exo_free(blocks[b]);
			blocks[b] = NULL;
			continue;
		}
		sizes[b] = pick(10) ? pick(300) : pick(20000);
		blocks[b] = exo_allocate(sizes[b]);
		good = blocks[b] && (uintptr_t)blocks[b] % 16 == 0;
		if (good)
			memset(blocks[b], (int)b, sizes[b]);
	}
	report(good, "heap_blocks_are_apart");
	for (unsigned int b = 0; b < BLOCKS; b++)
		exo_free(blocks[b]);
	after_first = pages_out;
	for (unsigned int i = 0; i < 1000; i++)
		exo_free(exo_allocate(i * 37));
	report(pages_out == after_first, "heap_reuses_what_it_has");
	report(!exo_allocate(SIZE_MAX) && !exo_allocate((size_t)1 << 40) && exo_allocate(0),
	       "heap_says_when_there_is_none");
}

int main(void)
{
	printf("1..5\n");
	test_slots();
	test_heap();
	return nr_failed != 0;
}
