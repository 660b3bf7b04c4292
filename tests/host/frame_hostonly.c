/* SPDX-License-Identifier: MIT */
/*
 * The frame allocator against a naive model: a letter for each frame of the machine of
 * frame_machine.c, searched from one end to the other. Random right and wrong calls; after each the
 * result must be the model's, and every so often statistics and maps are compared in full.
 */
#include <stdio.h>
#include <stdlib.h>

#include <exo/frame.h>
#include <exo/string.h>

#include "check.h"
#include "frame_machine.h"

#define NODE_FRAMES (MIB(32) / PAGE_SIZE)
#define FRAMES (FRAME_MACHINE_NODES * NODE_FRAMES)
#define SEEDS 4
#define OPERATIONS 300000

enum { HOLE = 0, FREE, RESERVED, TAIL, HEAD }; /* HEAD + order */

static uint8_t model[FRAMES];
static uint64_t random_state;

static uint64_t random_below(uint64_t bound)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (random_state >> 11) % bound;
}

/* The model's index of an address, or FRAMES. */
static uint64_t index_of(paddr_t base)
{
	if (base >= GIB(4))
		base = base - GIB(4) + MIB(96);
	else if (base >= MIB(96))
		return FRAMES;
	return base / PAGE_SIZE < FRAMES ? base / PAGE_SIZE : FRAMES;
}

static paddr_t address_of(uint64_t index)
{
	return index * PAGE_SIZE + (index >= 3 * NODE_FRAMES ? GIB(4) - MIB(96) : 0);
}

static void model_start(void)
{
	for (uint64_t i = 0; i < FRAMES; i++) {
		const uint64_t offset = i % NODE_FRAMES * PAGE_SIZE;

		model[i] = FREE;
		if (offset >= MIB(1) && offset < MIB(1) + FRAME_MACHINE_RESERVED)
			model[i] = RESERVED;
		if (i == 0 || (offset >= MIB(16) && offset < MIB(17)))
			model[i] = HOLE;
	}
}

static bool all_are(uint64_t index, uint64_t count, uint8_t state)
{
	if (index + count > FRAMES || index / NODE_FRAMES != (index + count - 1) / NODE_FRAMES)
		return false;
	for (uint64_t i = index; i < index + count; i++)
		if (model[i] != state)
			return false;
	return true;
}

static void model_take(uint64_t index, unsigned int order)
{
	memset(&model[index], TAIL, 1ull << order);
	model[index] = (uint8_t)(HEAD + order);
}

/* Could this allocation be satisfied? */
static bool possible(unsigned int order, const struct frame_where *where)
{
	const uint64_t step = 1ull << (where->align > order ? where->align : order);

	for (uint64_t i = 0; i < FRAMES; i++) {
		const paddr_t base = address_of(i);

		if (base / PAGE_SIZE % step ||
		    (where->placement == FRAME_BIND && i / NODE_FRAMES != where->node) ||
		    (where->limit && base + (PAGE_SIZE << order) > where->limit))
			continue;
		if (all_are(i, 1ull << order, FREE))
			return true;
	}
	return false;
}

static void try_alloc(void)
{
	const unsigned int order = random_below(4) ? 0 : (unsigned)random_below(13);
	struct frame_where where = { .placement = random_below(3) };
	const bool plain = random_below(2);
	paddr_t base = 1;
	uint64_t index;
	int error;

	where.node = (unsigned)random_below(FRAME_MACHINE_NODES);
	if (random_below(8) == 0)
		where.align = (unsigned)random_below(14);
	if (random_below(8) == 0)
		where.limit = address_of(random_below(FRAMES)) + random_below(PAGE_SIZE);
	if (plain)
		where = (struct frame_where){ .placement = FRAME_NEAR };
	error = plain ? frame_alloc(order, &base) : frame_alloc_where(order, &where, &base);
	if (error) {
		CHECK(error == -EXO_E_NOMEM && base == 1);
		CHECK(!possible(order, &where));
		return;
	}
	index = index_of(base);
	CHECK(all_are(index, 1ull << order, FREE));
	CHECK(where.placement != FRAME_BIND || index / NODE_FRAMES == where.node);
	CHECK(base % (PAGE_SIZE << (where.align > order ? where.align : order)) == 0);
	CHECK(!where.limit || base + (PAGE_SIZE << order) <= where.limit);
	if (!failed_line)
		model_take(index, order);
}

/* What frame_free() should say. */
static int expected_free(paddr_t base, unsigned int order)
{
	const uint64_t index = index_of(base);

	if (order > FRAME_MAX_ORDER)
		return -EXO_E_ARG;
	if (base % (PAGE_SIZE << order))
		return -EXO_E_ALIGN;
	/* Frame 0 is in no region: the first one begins behind it. */
	if (index >= FRAMES || index == 0)
		return -EXO_E_RANGE;
	if (model[index] == HEAD + order)
		return 0;
	if (model[index] == FREE)
		return -EXO_E_DEAD;
	return model[index] >= TAIL ? -EXO_E_TYPE : -EXO_E_PERM;
}

static void try_free(void)
{
	uint64_t index = random_below(FRAMES);
	unsigned int order = (unsigned)random_below(FRAME_ORDERS + 1);
	paddr_t base;
	int expected;

	/* Mostly something that can be freed. */
	if (random_below(16)) {
		for (unsigned int tries = 0; model[index] < HEAD && tries < 2000; tries++)
			index = (index + 1) % FRAMES;
		if (model[index] >= HEAD)
			order = model[index] - HEAD;
	}
	base = address_of(index) + (random_below(64) ? 0 : random_below(PAGE_SIZE));
	if (random_below(64) == 0)
		base += MIB(random_below(8192));
	expected = expected_free(base, order);
	CHECK(frame_free(base, order) == expected);
	if (!expected)
		memset(&model[index_of(base)], FREE, 1ull << order);
}

static void try_named(void)
{
	const unsigned int order = (unsigned)random_below(8);
	const uint64_t index = random_below(FRAMES) & ~((1ull << order) - 1);
	const int error = frame_alloc_at(address_of(index), order);

	if (all_are(index, 1ull << order, FREE)) {
		CHECK(error == 0);
		model_take(index, order);
	} else {
		bool hole = index == 0;

		for (uint64_t i = index; i < index + (1ull << order); i++)
			hole |= model[i] == HOLE;
		CHECK(error == (hole ? -EXO_E_RANGE : -EXO_E_BUSY));
	}
}

static void try_reserve(void)
{
	const uint64_t index = 1 + random_below(FRAMES - 1), count = 1 + random_below(100);
	const bool release = random_below(2);
	const paddr_t base = address_of(index);
	const int error = release ? frame_release(base, count * PAGE_SIZE)
				  : frame_reserve(base, count * PAGE_SIZE);

	if (all_are(index, count, release ? RESERVED : FREE)) {
		CHECK(error == 0);
		memset(&model[index], release ? FREE : RESERVED, count);
	} else {
		CHECK(error == -EXO_E_BUSY || error == -EXO_E_RANGE);
	}
}

static void compare_all(void)
{
	struct frame_map map;

	for (unsigned int node = 0; node < FRAME_MACHINE_NODES; node++) {
		uint64_t free = 0, total = 0, reserved = 0;
		struct frame_stats stats;

		for (uint64_t i = node * NODE_FRAMES; i < (node + 1) * NODE_FRAMES; i++) {
			free += model[i] == FREE;
			reserved += model[i] == RESERVED;
			total += model[i] != HOLE;
		}
		frame_stats(node, &stats);
		CHECK(stats.free == free && stats.total == total && stats.reserved == reserved);
	}
	frame_cache_drain();
	for (unsigned int i = 0; frame_map(i, &map); i++)
		for (uint64_t bit = 0; bit < map.frames; bit++) {
			const uint64_t index = index_of(map.base + bit * PAGE_SIZE);

			CHECK((map.bits[bit / 64] >> bit % 64 & 1) == (model[index] == FREE));
		}
}

/* Frees what the model says is allocated; all memory must be whole again. */
static void free_all(void)
{
	struct frame_stats stats;

	for (uint64_t i = 0; i < FRAMES; i++)
		if (model[i] >= HEAD)
			CHECK(frame_free(address_of(i), model[i] - HEAD) == 0);
	for (unsigned int node = 0; node < FRAME_MACHINE_NODES; node++) {
		frame_stats(node, &stats);
		CHECK(stats.allocs == stats.frees);
	}
}

static void run(uint64_t seed)
{
	random_state = seed * 0x9e3779b97f4a7c15 + 1;
	frame_machine_start();
	model_start();
	for (unsigned int i = 0; i < OPERATIONS && !failed_line; i++) {
		/* Fills up in one half of the time and empties in the other. */
		const unsigned int filling = i / 40000 % 2 ? 8 : 11;
		const unsigned int what = (unsigned)random_below(20);

		if (what == 0)
			try_reserve();
		else if (what == 1)
			try_named();
		else if (what < filling)
			try_alloc();
		else
			try_free();
		if (i % 10000 == 0)
			compare_all();
	}
	compare_all();
	free_all();
}

int main(void)
{
	printf("1..%d\n", SEEDS);
	for (uint64_t seed = 1; seed <= SEEDS && !failed_line; seed++) {
		run(seed);
		printf("%s %llu - frame_model_seed_%llu\n", failed_line ? "not ok" : "ok",
		       (unsigned long long)seed, (unsigned long long)seed);
	}
	if (failed_line)
		printf("# tests/host/frame_hostonly.c:%u\n", failed_line);
	return failed_line ? EXIT_FAILURE : EXIT_SUCCESS;
}
