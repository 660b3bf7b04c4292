/* SPDX-License-Identifier: MIT */
/*
 * Mapping, unmapping, protecting, splitting and merging, against what exo/page_table.h promises:
 * with 4 and 5 levels and with each largest page. page_batch_test.c has the rest of it.
 */
#include "page_fixture.h"

#include <exo/test.h>

static const struct {
	unsigned int levels;
	enum page_level largest;
} kinds[] = {
	{ 4, PAGE_LEVEL_4K }, { 4, PAGE_LEVEL_2M }, { 4, PAGE_LEVEL_1G },
	{ 5, PAGE_LEVEL_4K }, { 5, PAGE_LEVEL_2M }, { 5, PAGE_LEVEL_1G },
};

#define FOR_EACH_KIND(k) for (unsigned int k = 0; k < ARRAY_SIZE(kinds); k++)

static void begin_kind(unsigned int k)
{
	begin(kinds[k].levels, kinds[k].largest);
}

static void page_table_new_space_is_empty(struct test *test)
{
	FOR_EACH_KIND(k)
	{
		const uint64_t half = kinds[k].levels == 4 ? 1ull << 47 : 1ull << 56;

		begin_kind(k);
		TEST_TRUE(test, is_mapped(0, 0, half, 0));
		TEST_TRUE(test, is_mapped(-half, 0, half, 0));
		TEST_EQ(test, at(half).size, 0);
		TEST_EQ(test, at(-half - 1).size, 0);
		TEST_EQ(test, machine.nr_used, 1);
		TEST_TRUE(test, end());
		TEST_EQ(test, machine.flushes, 0);
	}
}

/* A little before a 1 GiB boundary to a little behind the next one, or what fits the tables. */
static void page_table_uses_the_largest_pages(struct test *test)
{
	FOR_EACH_KIND(k)
	{
		const unsigned int largest = kinds[k].largest;
		const uint64_t whole = largest == PAGE_LEVEL_4K ? 0 : G1;
		const uint64_t size = K4 + M2 + whole + M2 + K4, start = LOW - M2 - K4;

		begin_kind(k);
		TEST_EQ(test, map(start, G1 - M2 - K4, size, PAGE_WRITE), 0);
		TEST_TRUE(test, is_mapped(start, FRAMES + G1 - M2 - K4, size, PAGE_WRITE));
		TEST_TRUE(test, is_mapped(start - M2, 0, M2, 0));
		TEST_TRUE(test, is_mapped(start + size, 0, M2, 0));
		TEST_EQ(test, at(start).level, PAGE_LEVEL_4K);
		TEST_EQ(test, at(LOW - M2).level,
			largest < PAGE_LEVEL_2M ? largest : PAGE_LEVEL_2M);
		TEST_EQ(test, at(LOW).level, largest);
		TEST_EQ(test, at(LOW + whole).level,
			largest < PAGE_LEVEL_2M ? largest : PAGE_LEVEL_2M);
		TEST_EQ(test, at(LOW + whole + M2).level, PAGE_LEVEL_4K);
		TEST_EQ(test, at(LOW + 5).base, FRAMES + G1 + 5);
		TEST_EQ(test, page_table_unmap(&batch, start, size), 0);
		TEST_TRUE(test, is_mapped(start, 0, size, 0));
		next_batch();
		TEST_EQ(test, machine.nr_used, 1);
		TEST_TRUE(test, end());
	}
}

static void page_table_takes_pages_that_both_sides_allow(struct test *test)
{
	begin(4, PAGE_LEVEL_1G);
	TEST_EQ(test, map(LOW, K4, M2, 0), 0);
	TEST_EQ(test, at(LOW).level, PAGE_LEVEL_4K);
	TEST_EQ(test, map(LOW + G1, M2, 2 * M2, 0), 0);
	TEST_EQ(test, at(LOW + G1).level, PAGE_LEVEL_2M);
	TEST_EQ(test, map(LOW + 2 * G1, 0, G1 - K4, 0), 0);
	TEST_EQ(test, at(LOW + 2 * G1).level, PAGE_LEVEL_2M);
	TEST_EQ(test, at(LOW + 3 * G1 - M2).level, PAGE_LEVEL_4K);
	TEST_TRUE(test, is_mapped(LOW, FRAMES + K4, M2, 0));
	TEST_TRUE(test, end());
}

static void page_table_refuses_bad_arguments(struct test *test)
{
	static const struct {
		uint64_t address, base, size;
		unsigned int rights;
		int error;
	} rows[] = {
		{ LOW + 1, FRAMES, K4, 0, -EXO_E_ALIGN },
		{ LOW, FRAMES + 1, K4, 0, -EXO_E_ALIGN },
		{ LOW, FRAMES, K4 + 8, 0, -EXO_E_ALIGN },
		{ LOW, FRAMES, 0, 0, -EXO_E_RANGE },
		{ (1ull << 47) - K4, FRAMES, 2 * K4, 0, -EXO_E_RANGE },
		{ 1ull << 47, FRAMES, K4, 0, -EXO_E_RANGE },
		{ -(1ull << 47) - K4, FRAMES, 2 * K4, 0, -EXO_E_RANGE },
		{ 0, FRAMES, -K4, 0, -EXO_E_RANGE },
		{ -K4, FRAMES, 2 * K4, 0, -EXO_E_RANGE },
		{ 2 * K4, FRAMES, -K4, 0, -EXO_E_RANGE },
		{ 0, FRAMES, 0, 0, -EXO_E_RANGE },
		{ LOW, 1ull << 52, K4, 0, -EXO_E_RANGE },
		{ LOW, (1ull << 52) - K4, 2 * K4, 0, -EXO_E_RANGE },
		{ LOW, -K4, 2 * K4, 0, -EXO_E_RANGE },
		{ LOW, FRAMES, K4, PAGE_WRITE | PAGE_EXECUTE, -EXO_E_PERM },
		{ LOW, FRAMES, M2, PAGE_RIGHTS, -EXO_E_PERM },
		{ HIGH, FRAMES, K4, PAGE_USER, -EXO_E_PERM },
		{ LOW, FRAMES, K4, PAGE_RIGHTS + 1, -EXO_E_ARG },
		{ LOW, FRAMES, K4, 1u << 31, -EXO_E_ARG },
		{ LOW + M2, FRAMES, K4, 0, -EXO_E_BUSY },
		{ LOW, FRAMES, G1, 0, -EXO_E_BUSY },
	};

	begin(4, PAGE_LEVEL_1G);
	TEST_EQ(test, map(LOW + M2, 0, 2 * K4, 0), 0);
	/* Twice: with no table at hand, and with that of LOW + M2. */
	for (unsigned int i = 0; i < 2 * ARRAY_SIZE(rows); i++) {
		const unsigned int row = i % ARRAY_SIZE(rows), rights = rows[row].rights;
		const uint64_t low = picture(LOW), high = picture(HIGH);
		const uint64_t address = rows[row].address, size = rows[row].size;
		const int error = rows[row].error;

		next_batch();
		if (i > row)
			TEST_EQ(test, page_table_protect(&batch, LOW + M2, K4, 0), 0);
		TEST_EQ(test, page_table_map(&batch, address, rows[row].base, size, rights), error);
		if (rows[row].base == FRAMES && error != -EXO_E_BUSY)
			TEST_EQ(test, page_table_protect(&batch, address, size, rights), error);
		if (rows[row].base == FRAMES && !rights && error != -EXO_E_BUSY)
			TEST_EQ(test, page_table_unmap(&batch, address, size), error);
		TEST_EQ(test, picture(LOW), low);
		TEST_EQ(test, picture(HIGH), high);
	}
	TEST_TRUE(test, end());
	TEST_EQ(test, machine.flushes, 0);
}

/* The last page of each half, and the first and last one of memory. */
static void page_table_reaches_every_corner(struct test *test)
{
	FOR_EACH_KIND(k)
	{
		const uint64_t half = kinds[k].levels == 4 ? 1ull << 47 : 1ull << 56;
		const uint64_t last = (1ull << 52) - K4;
		const uint64_t places[] = { 0, half - K4, -half, -K4 };

		begin_kind(k);
		for (unsigned int i = 0; i < ARRAY_SIZE(places); i++) {
			TEST_EQ(test, page_table_map(&batch, places[i], last, K4, 0), 0);
			TEST_TRUE(test, is_mapped(places[i], last, K4, 0));
		}
		TEST_EQ(test, page_table_protect(&batch, -K4, K4, PAGE_WRITE), 0);
		TEST_TRUE(test, is_mapped(-K4, last, K4, PAGE_WRITE));
		TEST_EQ(test, page_table_unmap(&batch, 0, half), 0);
		TEST_EQ(test, page_table_unmap(&batch, -half, half), 0);
		next_batch();
		TEST_EQ(test, machine.nr_used, 1);
		TEST_TRUE(test, end());
	}
}

/* Bits of the hardware's entries: SDM vol. 3, tables 4-17, 4-19, 4-20. */
static void page_table_writes_what_the_hardware_reads(struct test *test)
{
	static const struct {
		unsigned int rights;
		uint64_t bits;
	} rows[] = {
		{ 0, 1ull << 63 | 0x21 },
		{ PAGE_EXECUTE, 0x21 },
		{ PAGE_WRITE, 1ull << 63 | 0x63 },
		{ PAGE_WRITE | PAGE_USER, 1ull << 63 | 0x67 },
		{ PAGE_EXECUTE | PAGE_USER, 0x25 },
		{ PAGE_WRITE | PAGE_UNCACHED, 1ull << 63 | 0x73 },
		{ PAGE_WRITE_THROUGH, 1ull << 63 | 0x29 },
		{ PAGE_WRITE_THROUGH | PAGE_UNCACHED, 1ull << 63 | 0x39 },
	};
	static const uint64_t sizes[] = { K4, M2, G1 };

	for (unsigned int i = 0; i < 2 * 2 * ARRAY_SIZE(rows) * ARRAY_SIZE(sizes); i++) {
		const unsigned int row = i / 4 % ARRAY_SIZE(rows), rights = rows[row].rights;
		const uint64_t size = sizes[i / 4 / ARRAY_SIZE(rows)], address = i & 1 ? HIGH : LOW;
		uint64_t bits = rows[row].bits | (size > K4 ? 0x80 : 0);

		begin(4, PAGE_LEVEL_1G);
		machine.page.no_execute = machine.page.global = i & 2;
		if (!(i & 2))
			bits &= ~(1ull << 63);
		else if (address == HIGH)
			bits |= 0x100;
		if (!(address == HIGH && rights & PAGE_USER)) {
			TEST_EQ(test, map(address, 0, size, rights), 0);
			TEST_EQ(test, *entry_of(address), FRAMES | bits);
			TEST_EQ(test, at(address).rights, i & 2 ? rights : rights | PAGE_EXECUTE);
			TEST_EQ(test, page_table_protect(&batch, address, size, PAGE_WRITE), 0);
			TEST_EQ(test, page_table_protect(&batch, address, size, rights), 0);
			TEST_EQ(test, *entry_of(address), FRAMES | bits);
		}
		TEST_TRUE(test, end());
	}
}

static void page_table_refuses_what_is_mapped(struct test *test)
{
	static const uint64_t places[] = { 0, K4, M2 - K4, G1 - M2, G1 - K4 };
	static const uint64_t sizes[] = { K4, 3 * K4, M2, G1, 2 * G1 };

	begin(5, PAGE_LEVEL_1G);
	for (unsigned int i = 0; i < ARRAY_SIZE(places) * ARRAY_SIZE(sizes); i++) {
		const uint64_t place = LOW + places[i % ARRAY_SIZE(places)];
		const uint64_t size = sizes[i / ARRAY_SIZE(places)];
		uint64_t before;

		TEST_EQ(test, map(place, 0, K4, 0), 0);
		before = picture(LOW);
		/* Ends with it, begins with it, lies around it. */
		TEST_EQ(test, map(place - size + K4, 0, size, 0), -EXO_E_BUSY);
		TEST_EQ(test, map(place, 0, size, 0), -EXO_E_BUSY);
		TEST_EQ(test, map(place - size, 0, 3 * size, 0), -EXO_E_BUSY);
		TEST_EQ(test, page_table_protect(&batch, place - size + K4, 2 * size, 0),
			-EXO_E_DEAD);
		TEST_EQ(test, page_table_protect(&batch, place, K4 + size, 0), -EXO_E_DEAD);
		TEST_EQ(test, page_table_protect(&batch, place + K4, K4, 0), -EXO_E_DEAD);
		TEST_EQ(test, picture(LOW), before);
		TEST_EQ(test, page_table_unmap(&batch, place, K4), 0);
		next_batch();
		TEST_EQ(test, machine.nr_used, 1);
	}
	TEST_TRUE(test, end());
}

/* A page of 1 GiB of which a part at either end, or in the middle, changes. */
static void page_table_splits_large_pages(struct test *test)
{
	static const struct {
		uint64_t from, size;
		unsigned int tables; /* that it takes */
	} rows[] = {
		{ 0, K4, 2 },
		{ G1 - K4, K4, 2 },
		{ 0, M2, 1 },
		{ 0, M2 + K4, 2 },
		{ 5 * M2, 7 * M2, 1 },
		{ K4, K4, 2 },
		{ K4, M2, 3 },
		{ K4, G1 - 2 * K4, 3 },
		{ M2 - K4, 2 * K4, 3 },
		{ M2 + K4, M2 - K4, 2 },
		{ M2 + K4, M2 - 2 * K4, 2 },
		{ 0, G1, 0 },
	};

	for (unsigned int i = 0; i < 2 * ARRAY_SIZE(rows); i++) {
		const uint64_t from = rows[i / 2].from, size = rows[i / 2].size;
		const uint64_t rest = G1 - from - size;
		unsigned int used;

		begin(4, PAGE_LEVEL_1G);
		TEST_EQ(test, map(LOW, 0, G1, PAGE_WRITE), 0);
		used = machine.nr_used + rows[i / 2].tables;
		if (i & 1)
			TEST_EQ(test, page_table_protect(&batch, LOW + from, size, 0), 0);
		else
			TEST_EQ(test, page_table_unmap(&batch, LOW + from, size), 0);
		TEST_TRUE(test, is_mapped(LOW, FRAMES, from, PAGE_WRITE));
		TEST_TRUE(test, is_mapped(LOW + from, i & 1 ? FRAMES + from : 0, size, 0));
		TEST_TRUE(test,
			  is_mapped(LOW + from + size, FRAMES + from + size, rest, PAGE_WRITE));
		if (size < G1)
			TEST_EQ(test, machine.nr_used, used);
		/* The same rights again: nothing to split, nothing to flush. */
		next_batch();
		machine.flushes = 0;
		if (from)
			TEST_EQ(test, page_table_protect(&batch, LOW, K4, PAGE_WRITE), 0);
		TEST_EQ(test, machine.nr_used, i & 1 || size < G1 ? used : 1);
		page_batch_end(&batch);
		TEST_EQ(test, machine.flushes, 0);
		page_batch_begin(&batch, &space);
		TEST_TRUE(test, end());
	}
}

static void page_table_merges_what_fits(struct test *test)
{
	begin(4, PAGE_LEVEL_4K);
	TEST_EQ(test, map(LOW, 0, M2, PAGE_WRITE), 0);
	machine.page.largest = PAGE_LEVEL_2M;
	TEST_EQ(test, map(LOW + M2, M2, G1 - M2, PAGE_WRITE), 0);
	TEST_EQ(test, page_table_merge(&batch, LOW + K4, M2), 0);
	TEST_EQ(test, page_table_merge(&batch, LOW, M2 - K4), 0);
	TEST_EQ(test, page_table_merge(&batch, LOW + K4, 2 * M2), 0);
	TEST_EQ(test, page_table_merge(&batch, LOW + 1, M2), 0);
	TEST_EQ(test, page_table_merge(&batch, LOW - M2, G1), 1);
	TEST_EQ(test, at(LOW).level, PAGE_LEVEL_2M);
	machine.page.largest = PAGE_LEVEL_1G;
	TEST_EQ(test, page_table_merge(&batch, LOW, G1 - K4), 0);
	TEST_EQ(test, page_table_merge(&batch, LOW - G1, 3 * G1), 1);
	TEST_EQ(test, at(LOW).size, G1);
	TEST_TRUE(test, is_mapped(LOW, FRAMES, G1, PAGE_WRITE));
	next_batch();
	TEST_EQ(test, machine.nr_used, 2);
	TEST_TRUE(test, machine.batch.all);
	/* The tables were still there when the TLB was flushed. */
	TEST_EQ(test, machine.flush_used, 4);
	/* Split in both ways, then merged through both levels at once. */
	TEST_EQ(test, page_table_protect(&batch, LOW + M2, K4, 0), 0);
	TEST_EQ(test, page_table_protect(&batch, LOW + M2, K4, PAGE_WRITE), 0);
	TEST_EQ(test, page_table_merge(&batch, LOW, G1), 2);
	TEST_EQ(test, at(LOW).size, G1);
	TEST_TRUE(test, end());
}

static void page_table_merges_nothing_else(struct test *test)
{
	begin(4, PAGE_LEVEL_4K);
	for (unsigned int i = 0; i < 4; i++)
		TEST_EQ(test, map(LOW + i * M2, i * M2, M2, 0), 0);
	/* Other rights, a hole, other memory; memory that is not aligned. */
	TEST_EQ(test, page_table_protect(&batch, LOW + 511 * K4, K4, PAGE_WRITE), 0);
	TEST_EQ(test, page_table_unmap(&batch, LOW + M2 + 7 * K4, K4), 0);
	TEST_EQ(test, page_table_unmap(&batch, LOW + 2 * M2, K4), 0);
	TEST_EQ(test, map(LOW + 2 * M2, 0, K4, 0), 0);
	TEST_EQ(test, page_table_unmap(&batch, LOW + 3 * M2, M2), 0);
	TEST_EQ(test, map(LOW + 3 * M2, K4, M2, 0), 0);
	machine.page.largest = PAGE_LEVEL_2M;
	TEST_EQ(test, page_table_merge(&batch, LOW, 4 * M2), 0);
	TEST_EQ(test, at(LOW).level, PAGE_LEVEL_4K);
	/* Each becomes possible. */
	TEST_EQ(test, page_table_protect(&batch, LOW + 511 * K4, K4, 0), 0);
	TEST_EQ(test, map(LOW + M2 + 7 * K4, M2 + 7 * K4, K4, 0), 0);
	TEST_EQ(test, page_table_merge(&batch, LOW, 4 * M2), 2);
	machine.page.largest = PAGE_LEVEL_4K;
	TEST_EQ(test, page_table_merge(&batch, LOW, 4 * M2), 0);
	TEST_TRUE(test, end());
}

static const struct test_case page_table_cases[] = {
	TEST_CASE(page_table_new_space_is_empty),
	TEST_CASE(page_table_uses_the_largest_pages),
	TEST_CASE(page_table_takes_pages_that_both_sides_allow),
	TEST_CASE(page_table_refuses_bad_arguments),
	TEST_CASE(page_table_reaches_every_corner),
	TEST_CASE(page_table_writes_what_the_hardware_reads),
	TEST_CASE(page_table_refuses_what_is_mapped),
	TEST_CASE(page_table_splits_large_pages),
	TEST_CASE(page_table_merges_what_fits),
	TEST_CASE(page_table_merges_nothing_else),
};
TEST_SUITE(page_table, page_table_cases);
