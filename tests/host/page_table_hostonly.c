/* SPDX-License-Identifier: MIT */
/*
 * Page tables against a naive model: a sorted list of intervals. Random maps, unmaps, protects and
 * merges in batches, with little memory for tables and with injected failures; after each call what
 * page_table_query() says is compared with the model, and what a CPU would make of the tables, its
 * TLB included (page_hardware.c), with what it should.
 *
 * Arguments: the number of calls for each kind of machine, and the seed.
 */
#include "page_hardware.h"

#include <stdio.h>
#include <stdlib.h>

#define K4 4096ull
#define M2 (512 * K4)
#define G1 (512 * M2)
#define INTERVALS_MAX 20000
#define CALLS 84000 /* for each kind of machine */
#define KINDS                                                                              \
	12 /* of machines: 2 numbers of levels, 3 largest pages, with features and without \
	    */
#define NR_WINDOWS 6 /* of 4 GiB */
#define SAMPLES 12 /* places that are looked at in a large range */

struct interval {
	uint64_t address, size;
	paddr_t base;
	unsigned int rights;
};

static struct interval model[INTERVALS_MAX];
static unsigned int nr_model;
static struct page_table space;
static struct page_batch batch;
static unsigned long calls, succeeded, out_of_memory, merged;
static uint64_t seed;

static uint64_t random_below(uint64_t limit)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (seed * 2685821657736338717ull >> 20) % limit;
}

/* ---- the model ------------------------------------------------------------------------------- */

/* The first interval that ends behind @address. Differences, for the top of the address space. */
static unsigned int model_find(uint64_t address)
{
	unsigned int low = 0, high = nr_model;

	while (low < high) {
		const unsigned int middle = (low + high) / 2;

		if (model[middle].address + (model[middle].size - 1) < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Makes room for an interval in front of number @i. */
static void model_open(unsigned int i)
{
	if (nr_model == INTERVALS_MAX)
		hw_fail("the model is full");
	for (unsigned int j = nr_model++; j > i; j--)
		model[j] = model[j - 1];
}

/* Takes out the intervals @first .. @end - 1. */
static void model_close(unsigned int first, unsigned int end)
{
	while (end < nr_model)
		model[first++] = model[end++];
	nr_model = first;
}

/* Makes @address the start of an interval, if it lies in one. Returns the interval's number. */
static unsigned int model_cut(uint64_t address)
{
	const unsigned int i = model_find(address);
	uint64_t before;

	if (i == nr_model || model[i].address >= address)
		return i;
	model_open(i);
	model[i] = model[i + 1];
	before = address - model[i].address;
	model[i].size = before;
	model[i + 1].address += before;
	model[i + 1].base += before;
	model[i + 1].size -= before;
	return i + 1;
}

/* The numbers of the intervals in the range, which gets ends there: *first .. *end - 1. */
static void model_range(uint64_t address, uint64_t size, unsigned int *first, unsigned int *end)
{
	*first = model_cut(address);
	*end = address + size ? model_cut(address + size) : nr_model;
}

/* Joins interval @i to the one before it, if they belong together. */
static void model_join(unsigned int i)
{
	const struct interval *a, *b = &model[i];

	if (i == 0 || i >= nr_model)
		return;
	a = b - 1;
	if (a->address + a->size != b->address || a->base + a->size != b->base ||
	    a->rights != b->rights)
		return;
	model[i - 1].size += b->size;
	model_close(i, i + 1);
}

static bool model_is_free(uint64_t address, uint64_t size)
{
	const unsigned int i = model_find(address);

	return i == nr_model || model[i].address > address + (size - 1);
}

static bool model_is_full(uint64_t address, uint64_t size)
{
	for (unsigned int i = model_find(address); size; i++) {
		uint64_t part;

		if (i == nr_model || model[i].address > address)
			return false;
		part = model[i].size - (address - model[i].address);
		if (part >= size)
			return true;
		address += part;
		size -= part;
	}
	return true;
}

static void model_unmap(uint64_t address, uint64_t size)
{
	unsigned int first, end;

	model_range(address, size, &first, &end);
	model_close(first, end);
}

static void model_map(uint64_t address, paddr_t base, uint64_t size, unsigned int rights)
{
	const unsigned int i = model_find(address);

	model_open(i);
	model[i] = (struct interval){ address, size, base, rights };
	model_join(i + 1);
	model_join(i);
}

static void model_protect(uint64_t address, uint64_t size, unsigned int rights)
{
	unsigned int first, end;

	model_range(address, size, &first, &end);
	for (unsigned int i = first; i < end; i++)
		model[i].rights = rights;
	for (unsigned int i = end + 1; i-- > first;)
		model_join(i);
}

/* ---- comparing ------------------------------------------------------------------------------- */

/* Compares what is at @address; returns how far that goes. */
static uint64_t compare(uint64_t address)
{
	const unsigned int i = model_find(address);
	const bool present = i < nr_model && model[i].address <= address;
	const struct hw_page page = hw_translate(&space, address);
	struct page_mapping found;
	uint64_t rest;

	if (page_table_query(&space, address, &found))
		hw_fail("0x%lx is not canonical", address);
	if (found.present != present || found.size != page.address + page.size - address ||
	    found.base != (page.base ? page.base + (address - page.address) : 0) ||
	    found.rights != page.rights)
		hw_fail("0x%lx: query says 0x%lx for 0x%lx bytes, rights 0x%x", address, found.base,
			found.size, found.rights);
	rest = i == nr_model ? -address : model[i].address - address;
	if (present) {
		if (found.base != model[i].base + (address - model[i].address) ||
		    found.rights != model[i].rights)
			hw_fail("0x%lx: maps to 0x%lx, rights 0x%x", address, found.base,
				found.rights);
		rest = model[i].size - (address - model[i].address);
	}
	/* A page never goes beyond what is mapped; a hole ends where the next interval begins. */
	if (found.size > rest && rest)
		hw_fail("0x%lx: 0x%lx bytes instead of 0x%lx", address, found.size, rest);
	return found.size;
}

static void compare_range(uint64_t address, uint64_t size)
{
	for (unsigned int i = 0; size && i < SAMPLES; i++) {
		const uint64_t step = compare(address);

		if (step >= size)
			return;
		address += step;
		size -= step;
		if (i % 4 == 3) { /* on at some other place */
			const uint64_t jump = random_below(size / K4) * K4;

			address += jump;
			size -= jump;
		}
	}
}

/* Each page of a new mapping is as large as it can be. */
static void compare_levels(uint64_t address, paddr_t base, uint64_t size)
{
	const uint64_t start = address, whole = size;

	for (unsigned int i = 0; size && i < SAMPLES; i++) {
		const struct hw_page page = hw_translate(&space, address);
		unsigned int level = hw_machine.largest;

		while (((address | base) & ((1ull << (3 + 9 * level)) - 1)) ||
		       size < 1ull << (3 + 9 * level))
			level--;
		if (page.size != 1ull << (3 + 9 * level) || page.address != address)
			hw_fail("0x%lx of 0x%lx + 0x%lx: a page of 0x%lx bytes", address, start,
				whole, page.size);
		address += page.size;
		base += page.size;
		size -= page.size;
	}
}

/* ---- calls ----------------------------------------------------------------------------------- */

struct range {
	uint64_t address, size;
};

/* Where ranges lie: around boundaries of the tables of all levels, and at the ends of both halves.
 */
static uint64_t window(unsigned int number)
{
	const uint64_t half = 1ull << (hw_machine.levels == 4 ? 47 : 56);
	const uint64_t windows[NR_WINDOWS] = { 0,     (1ull << 39) - 2 * G1, half - 4 * G1,
					       -half, -(half / 2) - 2 * G1,  -4 * G1 };

	return windows[number];
}

static uint64_t random_size(void)
{
	const unsigned int kind = (unsigned int)random_below(100);

	if (kind < 60)
		return K4;
	if (kind < 94)
		return (1 + random_below(kind < 90 ? 40 : 600)) * K4;
	if (kind < 98)
		return (1 + random_below(3)) * M2 + random_below(2) * K4;
	return random_below(2) ? G1 : (1 + random_below(2 * G1 / K4)) * K4;
}

static bool in_a_window(struct range r)
{
	for (unsigned int w = 0; w < NR_WINDOWS; w++) {
		const uint64_t offset = r.address - window(w);

		if (offset < 4 * G1 && r.size <= 4 * G1 - offset)
			return true;
	}
	return false;
}

static struct range anywhere(void)
{
	struct range r = { .size = random_size() };

	do {
		r.address = window((unsigned int)random_below(NR_WINDOWS));
		r.address += random_below(4 * G1 / K4) * K4;
		if (random_below(3))
			r.address =
				(r.address & -M2) + (random_below(2) ? 0 : random_below(4) * K4);
		if (!random_below(4))
			r.address &= -G1;
	} while (!in_a_window(r));
	return r;
}

enum kind { MAP, UNMAP, PROTECT, MERGE, NR_KINDS };

/* Mostly where the call will succeed: behind what is mapped, or within it; else beside the last. */
static struct range random_range(enum kind kind)
{
	static struct range r;
	const struct interval *i = &model[random_below(nr_model + 1)];

	r.address += r.size;
	r.size = random_size();
	if (nr_model && i < &model[nr_model] && random_below(3)) {
		r.address = i->address + (kind == MAP ? i->size : random_below(i->size / K4) * K4);
		if (kind != MAP && random_below(4) && r.size > i->address + i->size - r.address)
			r.size = i->address + i->size - r.address;
	}
	if (!random_below(nr_model < 20 ? 2 : 20) || !in_a_window(r))
		r = anywhere();
	return r;
}

static unsigned int random_rights(void)
{
	static unsigned int rights;

	if (!random_below(8))
		rights = (unsigned int)random_below(PAGE_RIGHTS + 1);
	return rights;
}

static int wrong_rights(uint64_t address, unsigned int rights)
{
	if ((rights & PAGE_WRITE && rights & PAGE_EXECUTE) || (rights & PAGE_USER && address >> 63))
		return -EXO_E_PERM;
	return 0;
}

/* As a CPU sees them. */
static unsigned int effective(unsigned int rights)
{
	return hw_machine.no_execute ? rights : rights | PAGE_EXECUTE;
}

/* Compares a call's result with the expected one; running out of memory is always possible. */
static bool check_result(int result, int expected, unsigned int failures, struct range r)
{
	calls++;
	if (result == -EXO_E_NOMEM && !expected && hw_failures != failures) {
		out_of_memory++;
		return false;
	}
	if (result != expected)
		hw_fail("0x%lx + 0x%lx: %d instead of %d", r.address, r.size, result, expected);
	succeeded += !result;
	return !result;
}

static void call_map(struct range r)
{
	/* Memory beside what is mapped beside it, most of the time. */
	const paddr_t base =
		(r.address & ((1ull << 45) - 1)) + (random_below(9) ? 1ull << 46 : 5 * K4);
	const unsigned int rights = random_rights(), failures = hw_failures;
	int expected = wrong_rights(r.address, rights);

	if (!expected && !model_is_free(r.address, r.size))
		expected = -EXO_E_BUSY;
	if (!check_result(page_table_map(&batch, r.address, base, r.size, rights), expected,
			  failures, r))
		return;
	model_map(r.address, base, r.size, effective(rights));
	compare_levels(r.address, base, r.size);
}

static void call_unmap(struct range r)
{
	const unsigned int failures = hw_failures;

	if (check_result(page_table_unmap(&batch, r.address, r.size), 0, failures, r))
		model_unmap(r.address, r.size);
}

static void call_protect(struct range r)
{
	const unsigned int rights = random_rights(), failures = hw_failures;
	int expected = wrong_rights(r.address, rights);

	if (!expected && !model_is_full(r.address, r.size))
		expected = -EXO_E_DEAD;
	if (check_result(page_table_protect(&batch, r.address, r.size, rights), expected, failures,
			 r))
		model_protect(r.address, r.size, effective(rights));
}

static void call_merge(struct range r)
{
	unsigned int before;

	if (random_below(2) && model_is_full(r.address, r.size))
		call_protect(r); /* makes its pages alike */
	before = hw_tables_used;
	merged += page_table_merge(&batch, r.address, r.size);
	if (hw_tables_used != before)
		hw_fail("merging freed tables before the flush");
	calls++;
}

static void random_call(void)
{
	static enum kind phase;
	enum kind kind;
	struct range r;

	/* Phases in which one kind of call prevails fill and empty tables. */
	if (!random_below(200))
		phase = (enum kind)random_below(NR_KINDS - 1);
	kind = random_below(3) ? phase : (enum kind)random_below(NR_KINDS);
	r = random_range(kind);
	if (kind == MERGE) { /* whole tables, or a little less */
		const uint64_t less = random_below(9) ? 0 : K4;

		r.size = random_below(20) ? M2 : G1;
		r.address = (r.address & -r.size) + less;
		r.size -= less;
	}
	hw_fail_in = random_below(30) ? 0 : 1 + (unsigned int)random_below(4);
	hw_before(&space, r.address, r.size);
	if (kind == MAP)
		call_map(r);
	else if (kind == UNMAP)
		call_unmap(r);
	else if (kind == PROTECT)
		call_protect(r);
	else
		call_merge(r);
	hw_fail_in = 0;
	hw_after(&space, kind == MERGE);
	compare_range(r.address, r.size);
}

/* ---- runs ------------------------------------------------------------------------------------ */

static void compare_everything(void)
{
	for (unsigned int w = 0; w < NR_WINDOWS; w++)
		for (uint64_t offset = 0; offset < 4 * G1;)
			offset += compare(window(w) + offset);
}

static void run(unsigned long count, uint64_t first_seed, unsigned int number)
{
	const unsigned int levels = 4 + number % 2, largest = 1 + number / 2 % 3;
	const bool all = number < 6; /* of the CPU's features */
	const unsigned long failures = out_of_memory;
	unsigned long batches = 0, before = calls;
	paddr_t base;

	seed = (first_seed + number) * 0x9e3779b97f4a7c15ull;
	base = (1 + random_below((1ull << 40) - 2 * HW_TABLES)) * K4; /* uses all bits in turn */
	hw_reset(levels, largest, all, all, base);
	nr_model = 0;
	if (page_table_init(&space, &hw_machine, NULL))
		hw_fail("no memory for a root");
	page_batch_begin(&batch, &space);
	while (calls < before + count) {
		random_call();
		if (random_below(8))
			continue;
		page_batch_end(&batch);
		hw_check(&space, batches % 64 == 0);
		if (batches++ % 512 == 0)
			compare_everything();
		page_batch_begin(&batch, &space);
	}
	page_batch_end(&batch);
	hw_check(&space, true);
	compare_everything();
	hw_destroy(&space);
	printf("ok %u - %u levels, pages of level %u, %s NX: %lu of %lu calls out of memory\n",
	       number + 1, levels, largest, all ? "with" : "without", out_of_memory - failures,
	       calls - before);
}

int main(int argc, char **argv)
{
	const unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 0) : CALLS;
	const uint64_t first_seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("1..%u\n# seed %lu\n", KINDS, first_seed);
	for (unsigned int number = 0; number < KINDS; number++)
		run(count, first_seed, number);
	printf("# %lu calls, %lu succeeded, %lu flushes, %lu tables merged\n", calls, succeeded,
	       hw_flushes, merged);
	return 0;
}
