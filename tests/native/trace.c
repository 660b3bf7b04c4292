/* SPDX-License-Identifier: MIT */
/*
 * The traces: what is allocated, resized and freed, and in what order. The same on each host, from
 * a fixed seed, without floating point. All numbers in here are guesses of what matters; what each
 * trace stands for is said above it.
 */
#include <string.h>

#include "native.h"

#define MOST_OPERATIONS (1u << 19)
#define MOST_SLOTS (1u << 17)

struct maker {
	struct trace *trace;
	uint64_t random; /* state of the generator */
	uint64_t live; /* bytes */
	uint32_t *sizes; /* of each slot; 0: free */
};

/* xorshift64* */
static uint32_t random_number(struct maker *maker, uint32_t below)
{
	maker->random ^= maker->random >> 12;
	maker->random ^= maker->random << 25;
	maker->random ^= maker->random >> 27;
	return (uint32_t)((maker->random * 0x2545f4914f6cdd1dull >> 32) * below >> 32);
}

/* From 2^@first to less than 2^@end, each power of two as likely as the next. */
static uint32_t random_size(struct maker *maker, uint32_t first, uint32_t end)
{
	const uint32_t power = first + random_number(maker, end - first);

	return (1u << power) + random_number(maker, 1u << power);
}

static void add(struct maker *maker, enum operation_kind kind, uint32_t slot, uint32_t size)
{
	struct trace *trace = maker->trace;
	const uint32_t old = slot < MOST_SLOTS ? maker->sizes[slot] : 0;

	if (trace->count == MOST_OPERATIONS || slot >= MOST_SLOTS ||
	    (kind == ALLOCATE) != (old == 0) || (kind == FREE) != (size == 0))
		fail("trace %s is wrong at operation %u", trace->name, trace->count);
	trace->operations[trace->count++] =
		(struct operation){ .kind = kind, .slot = slot, .size = size };
	if (slot >= trace->slots)
		trace->slots = slot + 1;
	maker->live += size;
	maker->live -= old;
	maker->sizes[slot] = size;
	if (maker->live > trace->peak_live)
		trace->peak_live = maker->live;
	trace->checksum = (trace->checksum ^ ((uint64_t)kind << 62 | (uint64_t)slot << 32 | size)) *
			  0x100000001b3ull;
}

/* Frees what there is in the slots from @first on, in random order. */
static void free_from(struct maker *maker, uint32_t first)
{
	static uint32_t left[MOST_SLOTS];
	uint32_t count = 0;

	for (uint32_t slot = first; slot < maker->trace->slots; slot++)
		if (maker->sizes[slot] != 0)
			left[count++] = slot;
	while (count > 0) {
		const uint32_t i = random_number(maker, count);

		add(maker, FREE, left[i], 0);
		left[i] = left[--count];
	}
}

/* Random sizes and lifetimes, 16 B to 32 KiB, from a heap that stays as full as it is. */
static void make_random(struct maker *maker, uint32_t scale)
{
	const uint32_t population = 10000 / scale, replacements = 90000 / scale;

	for (uint32_t slot = 0; slot < population; slot++)
		add(maker, ALLOCATE, slot, random_size(maker, 4, 15));
	for (uint32_t i = 0; i < replacements; i++) {
		const uint32_t slot = random_number(maker, population);

		add(maker, FREE, slot, 0);
		add(maker, ALLOCATE, slot, random_size(maker, 4, 15));
	}
}

/* Producer and consumer: messages of a few sizes in bursts; the first in is the first out. */
static void make_queue(struct maker *maker, uint32_t scale)
{
	static const uint32_t sizes[] = {
		48, 64, 64, 64, 96, 96, 256, 256, 1024, 1536, 2048, 4096
	};
	const uint32_t messages = 100000 / scale, room = 4096;
	uint32_t made = 0, used = 0;

	while (used < messages) {
		uint32_t burst = 1 + random_number(maker, 256);

		for (; burst > 0 && made < messages && made - used < room; burst--)
			add(maker, ALLOCATE, made++ % room, sizes[random_number(maker, 12)]);
		burst = 1 + random_number(maker, 256);
		for (; burst > 0 && used < made; burst--)
			add(maker, FREE, used++ % room, 0);
	}
}

/* What a kernel asks for while it starts: mostly small objects, some tables, a few buffers. */
static uint32_t boot_size(struct maker *maker)
{
	const uint32_t kind = random_number(maker, 100);

	if (kind < 50)
		return 16 + 8 * random_number(maker, 15);
	if (kind < 80)
		return random_size(maker, 7, 9);
	if (kind < 93)
		return random_size(maker, 9, 12);
	if (kind < 98)
		return 4096;
	return random_size(maker, 13, 15);
}

/* @count temporary blocks from slot @first on; freed in the order, against it, or at random. */
static void temporary_burst(struct maker *maker, uint32_t first, uint32_t count)
{
	const uint32_t order = random_number(maker, 3);

	for (uint32_t i = 0; i < count; i++)
		add(maker, ALLOCATE, first + i, boot_size(maker));
	if (order == 2)
		free_from(maker, first);
	for (uint32_t i = 0; i < count && order < 2; i++)
		add(maker, FREE, first + (order == 0 ? i : count - 1 - i), 0);
}

/*
 * A start: many blocks that stay, every sixteenth soon given up again, then bursts of temporary
 * blocks while the others stay.
 */
static void make_boot(struct maker *maker, uint32_t scale)
{
	const uint32_t lasting = 40000 / scale, bursts = 240 / scale;

	for (uint32_t slot = 0; slot < lasting; slot++) {
		add(maker, ALLOCATE, slot, boot_size(maker));
		if (slot % 16 == 15)
			add(maker, FREE, slot - random_number(maker, 16), 0);
	}
	for (uint32_t i = 0; i < bursts; i++)
		temporary_burst(maker, lasting, 100 + random_number(maker, 200));
}

/*
 * All in, all out in random order, again and again with other sizes: everything that can be joined
 * is joined, and everything is divided anew.
 */
static void make_waves(struct maker *maker, uint32_t scale)
{
	const uint32_t population = 10000 / scale;

	for (uint32_t wave = 0; wave < 10; wave++) {
		for (uint32_t slot = 0; slot < population; slot++)
			add(maker, ALLOCATE, slot, random_size(maker, 4, 13));
		free_from(maker, 0);
	}
}

/* Strings and arrays: they grow by half their size, are cut to what they need, and go. */
static void make_resize(struct maker *maker, uint32_t scale)
{
	const uint32_t population = 2000, steps = 200000 / scale;

	for (uint32_t i = 0; i < steps; i++) {
		const uint32_t slot = random_number(maker, population);
		const uint32_t size = maker->sizes[slot], choice = random_number(maker, 16);

		if (size == 0)
			add(maker, ALLOCATE, slot, random_size(maker, 4, 8));
		else if (choice == 0 || size > 16384)
			add(maker, FREE, slot, 0);
		else if (choice == 1)
			add(maker, RESIZE, slot, size - size / 4 < 16 ? 16 : size - size / 4);
		else
			add(maker, RESIZE, slot, size + size / 2);
	}
}

bool trace_make(struct trace *trace, const char *name, uint32_t scale)
{
	static const struct {
		const char *name;
		void (*make)(struct maker *maker, uint32_t scale);
	} makers[] = {
		{ "random", make_random }, { "queue", make_queue },   { "boot", make_boot },
		{ "waves", make_waves },   { "resize", make_resize },
	};
	struct maker maker = { .trace = trace, .random = 88172645463325252ull };

	for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++) {
		if (strcmp(makers[i].name, name) != 0)
			continue;
		*trace = (struct trace){ .name = makers[i].name };
		trace->operations = host_memory(MOST_OPERATIONS * sizeof(struct operation));
		maker.sizes = host_memory(MOST_SLOTS * sizeof(uint32_t));
		makers[i].make(&maker, scale);
		trace->counted = trace->count;
		free_from(&maker, 0);
		return true;
	}
	return false;
}
