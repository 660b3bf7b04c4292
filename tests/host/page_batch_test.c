/* SPDX-License-Identifier: MIT */
/*
 * What page tables do besides mapping, against what exo/page_table.h promises: nothing changes when
 * memory for tables runs out, batches flush exactly what they must before they free anything,
 * tables that are shared or made by others stay.
 */
#include "page_fixture.h"

#include <exo/test.h>

/* How many addresses of the flushed batch are in [@address, + @size). */
static uint64_t flushed(uint64_t address, uint64_t size)
{
	uint64_t count = 0;

	for (unsigned int i = 0; i < machine.batch.nr_runs; i++)
		for (uint64_t a = machine.batch.runs[i].first; a != machine.batch.runs[i].end;
		     a += K4)
			count += a - address < size;
	return count;
}

/* Calls that take tables; each leaves the space so that the next one works. */
static int call(unsigned int number)
{
	switch (number) {
	case 0:
		return map(LOW - M2 - K4, G1 - M2 - K4, G1 + 2 * M2 + 2 * K4, PAGE_WRITE);
	case 1:
		return page_table_protect(&batch, LOW + 5 * K4, G1 - M2, 0);
	case 2:
		return page_table_unmap(&batch, LOW - K4, K4);
	case 3:
		return page_table_unmap(&batch, LOW - M2 + K4, M2 - 3 * K4);
	case 4:
		return map(LOW - K4, 0, K4, PAGE_EXECUTE);
	case 5:
		return map(HIGH, 0, K4, 0);
	default:
		return map(HIGH + M2, 0, M2 + K4, 0);
	}
}

static void page_batch_failed_calls_change_nothing(struct test *test)
{
	unsigned int failures = 0;

	for (unsigned int levels = 4; levels <= 5; levels++) {
		begin(levels, PAGE_LEVEL_1G);
		for (unsigned int number = 0; number < 7; number++) {
			const uint64_t low = picture(LOW), high = picture(HIGH);
			unsigned int possible = 0;

			for (;;) {
				machine.left = possible;
				if (call(number) == 0)
					break;
				TEST_EQ(test, machine.left, 0);
				TEST_EQ(test, picture(LOW), low);
				TEST_EQ(test, picture(HIGH), high);
				possible++;
				failures++;
			}
			/* It took all that it asked for. */
			TEST_EQ(test, machine.left, 0);
			TEST_TRUE(test, picture(LOW) != low || picture(HIGH) != high);
		}
		machine.left = UNLIMITED;
		TEST_TRUE(test, end());
	}
	TEST_TRUE(test, failures > 20);
}

static void page_batch_no_root_without_memory(struct test *test)
{
	struct page_table other;

	begin(4, PAGE_LEVEL_4K);
	machine.left = 0;
	TEST_EQ(test, page_table_init(&other, &machine.page, NULL), -EXO_E_NOMEM);
	TEST_TRUE(test, end());
}

static void page_batch_flushes_what_changed(struct test *test)
{
	begin(4, PAGE_LEVEL_1G);
	TEST_EQ(test, map(LOW, 0, 64 * K4, PAGE_WRITE), 0);
	next_batch();
	TEST_EQ(test, machine.flushes, 0); /* nothing was there before */
	TEST_EQ(test, page_table_protect(&batch, LOW, K4, 0), 0);
	TEST_EQ(test, page_table_protect(&batch, LOW + K4, 2 * K4, 0), 0);
	TEST_EQ(test, page_table_unmap(&batch, LOW + 9 * K4, K4), 0);
	TEST_EQ(test, page_table_unmap(&batch, LOW + 9 * K4, K4), 0); /* a hole now */
	TEST_EQ(test, page_table_protect(&batch, LOW + 10 * K4, K4, PAGE_WRITE), 0); /* as it was */
	TEST_EQ(test, page_table_unmap(&batch, LOW + 100 * K4, 9 * K4), 0); /* a hole */
	next_batch();
	TEST_EQ(test, machine.flushes, 1);
	TEST_EQ(test, flushed(LOW, 3 * K4), 3);
	TEST_EQ(test, flushed(LOW + 9 * K4, K4), 1);
	TEST_EQ(test, flushed(0, UINT64_MAX), 4);
	TEST_TRUE(test, machine.batch.lower && !machine.batch.upper && !machine.batch.all);
	/* Backwards, each page is a run of its own, until there are too many. */
	for (unsigned int i = 64; i-- > 64 - PAGE_BATCH_RUNS;)
		TEST_EQ(test, page_table_unmap(&batch, LOW + i * K4, K4), 0);
	TEST_TRUE(test, !batch.all);
	TEST_EQ(test, page_table_unmap(&batch, LOW, K4), 0);
	TEST_TRUE(test, batch.all);
	next_batch();
	TEST_EQ(test, machine.flushes, 2);
	TEST_TRUE(test, end());
	TEST_EQ(test, machine.flushes, 2);
}

/* One address in each large page is enough, also for a page that is split. */
static void page_batch_flushes_large_pages_once(struct test *test)
{
	begin(4, PAGE_LEVEL_1G);
	TEST_EQ(test, map(LOW, 0, G1, 0), 0);
	TEST_EQ(test, map(HIGH, 0, 2 * M2, 0), 0);
	TEST_EQ(test, page_table_unmap(&batch, LOW, G1), 0);
	TEST_EQ(test, page_table_unmap(&batch, HIGH + M2 + K4, K4), 0);
	next_batch();
	TEST_EQ(test, flushed(LOW, G1), 1);
	TEST_EQ(test, flushed(HIGH + M2, M2), 1);
	TEST_EQ(test, flushed(0, UINT64_MAX), 2);
	TEST_TRUE(test, machine.batch.lower && machine.batch.upper);
	TEST_TRUE(test, end());
}

static void page_batch_frees_after_the_flush(struct test *test)
{
	begin(5, PAGE_LEVEL_1G);
	TEST_EQ(test, map(LOW, 0, K4, 0), 0);
	TEST_EQ(test, map(LOW + 2 * G1, 0, K4, 0), 0);
	TEST_EQ(test, machine.nr_used, 7);
	next_batch();
	TEST_EQ(test, page_table_unmap(&batch, LOW, K4), 0);
	TEST_EQ(test, page_table_unmap(&batch, LOW + 2 * G1, G1), 0);
	TEST_EQ(test, machine.nr_used, 7);
	next_batch();
	TEST_EQ(test, machine.flush_used, 7);
	TEST_TRUE(test, machine.batch.tables != 0);
	TEST_EQ(test, machine.nr_used, 1);
	TEST_TRUE(test, end());
}

/* The table at hand is emptied page by page; then its place is needed, in the same batch. */
static void page_batch_cursor_steps_aside(struct test *test)
{
	begin(4, PAGE_LEVEL_2M);
	for (unsigned int round = 0; round < 3; round++) {
		for (unsigned int i = 0; i < 512; i++)
			TEST_EQ(test, map(LOW + i * K4, i * K4, K4, i % 2 ? PAGE_WRITE : 0), 0);
		TEST_EQ(test, map(LOW, 0, M2, 0), -EXO_E_BUSY);
		TEST_EQ(test, page_table_merge(&batch, LOW, M2), 0);
		for (unsigned int i = 0; i < 512; i++)
			TEST_EQ(test, page_table_unmap(&batch, LOW + i * K4, K4), 0);
		TEST_EQ(test, map(LOW, 0, M2, PAGE_WRITE), 0);
		TEST_EQ(test, at(LOW).level, PAGE_LEVEL_2M);
		TEST_EQ(test, page_table_protect(&batch, LOW + K4, K4, 0), 0);
		TEST_EQ(test, page_table_protect(&batch, LOW + K4, K4, PAGE_WRITE), 0);
		TEST_EQ(test, page_table_merge(&batch, LOW, M2), 1);
		TEST_EQ(test, page_table_unmap(&batch, LOW, K4), 0);
		TEST_EQ(test, map(LOW, M2, K4, 0), 0);
		TEST_EQ(test, page_table_unmap(&batch, LOW, M2), 0);
		next_batch();
		TEST_EQ(test, machine.nr_used, 1);
	}
	TEST_EQ(test, map(HIGH, 0, K4, PAGE_USER), -EXO_E_PERM);
	TEST_EQ(test, map(HIGH, 0, K4, PAGE_WRITE), 0);
	TEST_EQ(test, map(HIGH + K4, 0, K4, PAGE_USER), -EXO_E_PERM);
	TEST_EQ(test, map(HIGH + K4, 0, K4, PAGE_WRITE), 0);
	TEST_EQ(test, page_table_unmap(&batch, HIGH, 2 * K4), 0);
	next_batch();
	TEST_EQ(test, machine.nr_used, 1);
	TEST_TRUE(test, end());
}

/* Addresses that are a table's size, or the whole address space, away from the table at hand. */
static void page_batch_cursor_knows_its_pages(struct test *test)
{
	static const uint64_t away[] = { M2,	     -M2, G1,	1ull << 39, 1ull << 52,
					 1ull << 63, 1,	  4095, -1 };

	begin(4, PAGE_LEVEL_2M);
	for (unsigned int i = 0; i < ARRAY_SIZE(away); i++) {
		const uint64_t here = LOW + 3 * K4, there = here + away[i];

		TEST_EQ(test, map(here, 0, K4, 0), 0);
		/* The second call has the table at hand. */
		TEST_EQ(test, page_table_protect(&batch, here, K4, 0), 0);
		TEST_EQ(test, page_table_map(&batch, here + K4, 1ull << 52, K4, 0), -EXO_E_RANGE);
		TEST_EQ(test, page_table_protect(&batch, here, K4, 0), 0);
		TEST_EQ(test, page_table_map(&batch, here + K4, FRAMES + 8, K4, 0), -EXO_E_ALIGN);
		TEST_EQ(test, page_table_protect(&batch, here, K4, 0), 0);
		TEST_TRUE(test, page_table_protect(&batch, there, K4, 0) < 0);
		TEST_EQ(test, page_table_protect(&batch, here, K4, 0), 0);
		TEST_TRUE(test, page_table_map(&batch, there, FRAMES, K4, 0) <= 0);
		TEST_TRUE(test, page_table_unmap(&batch, there, K4) <= 0);
		TEST_TRUE(test, is_mapped(here, FRAMES, K4, 0));
		TEST_TRUE(test, is_mapped(here + K4, 0, K4, 0));
		TEST_EQ(test, page_table_unmap(&batch, here, K4), 0);
		next_batch();
		TEST_EQ(test, machine.nr_used, 1);
	}
	TEST_TRUE(test, end());
}

static void page_batch_shares_the_upper_half(struct test *test)
{
	struct page_mapping found;
	struct page_batch other_batch;
	struct page_table other;

	begin(4, PAGE_LEVEL_1G);
	TEST_EQ(test, map(HIGH, 0, K4, PAGE_WRITE), 0);
	TEST_EQ(test, map(LOW, 0, K4, PAGE_USER), 0);
	TEST_EQ(test, page_table_init(&other, &machine.page, &space), 0);
	next_batch();
	/* What the kernel does below these tables, both see; its lower half is its own. */
	TEST_EQ(test, page_table_unmap(&batch, HIGH, K4), 0);
	TEST_EQ(test, map(HIGH + G1, 0, G1, 0), 0);
	TEST_EQ(test, page_table_query(&other, HIGH + G1, &found), 0);
	TEST_EQ(test, found.base, FRAMES);
	TEST_EQ(test, page_table_query(&other, HIGH, &found), 0);
	TEST_TRUE(test, !found.present);
	next_batch();
	page_batch_begin(&other_batch, &other);
	TEST_EQ(test, page_table_map(&other_batch, LOW, FRAMES + K4, K4, PAGE_USER), 0);
	TEST_EQ(test, page_table_unmap(&batch, HIGH + G1, G1), 0);
	page_batch_end(&other_batch);
	TEST_TRUE(test, is_mapped(LOW, FRAMES, K4, PAGE_USER));
	page_table_destroy(&other);
	TEST_TRUE(test, is_mapped(LOW, FRAMES, K4, PAGE_USER));
	/* The shared table is nobody's now, even when it is empty. */
	TEST_EQ(test, page_table_unmap(&batch, LOW, K4), 0);
	page_batch_end(&batch);
	TEST_EQ(test, machine.nr_used, 2);
	page_table_destroy(&space);
	TEST_EQ(test, machine.nr_used, 1);
	TEST_TRUE(test, !machine.bad_free);
}

/* A second root (CONFIG_PTI): the lower half follows the first one's, the upper half does not. */
static void page_batch_keeps_two_roots_alike(struct test *test)
{
	struct page_table upper, view;
	struct page_mapping found;

	if (!IS_ENABLED(CONFIG_PTI))
		return;
	begin(5, PAGE_LEVEL_1G);
	TEST_EQ(test, page_table_init(&upper, &machine.page, NULL), 0);
	machine.left = 0;
	TEST_EQ(test, page_table_add_user_root(&space, &upper), -EXO_E_NOMEM);
	TEST_EQ(test, space.user_root, 0);
	machine.left = UNLIMITED;
	TEST_EQ(test, page_table_add_user_root(&space, &upper), 0);
	view = (struct page_table){ .machine = &machine.page, .root = space.user_root };
	for (unsigned int i = 0; i < 2; i++) {
		TEST_EQ(test, map(LOW, 0, K4, PAGE_USER), 0);
		TEST_EQ(test, map(HIGH, 0, K4, PAGE_WRITE), 0);
		next_batch();
		TEST_EQ(test, page_table_query(&view, LOW, &found), 0);
		TEST_EQ(test, found.base, FRAMES);
		TEST_EQ(test, page_table_query(&view, HIGH, &found), 0);
		TEST_TRUE(test, !found.present);
		TEST_EQ(test, page_table_unmap(&batch, LOW, K4), 0);
		TEST_EQ(test, page_table_unmap(&batch, HIGH, K4), 0);
		TEST_EQ(test, page_table_query(&view, LOW, &found), 0);
		TEST_TRUE(test, !found.present);
		next_batch();
	}
	page_batch_end(&batch);
	TEST_EQ(test, machine.nr_used, 3);
	page_table_destroy(&space);
	page_table_destroy(&upper);
	TEST_EQ(test, machine.nr_used, 0);
	TEST_TRUE(test, !machine.bad_free);
}

/* Tables that boot code made: they allow less, are not counted and never go. */
static void page_batch_leaves_tables_of_others(struct test *test)
{
	const unsigned int slot = HIGH >> 39 & 511;
	paddr_t table;

	begin(4, PAGE_LEVEL_2M);
	TEST_EQ(test, test_alloc(&machine.page, &table), 0);
	memory[(space.root - TABLE_BASE) / K4][slot] = table | 1ull << 63 | 3; /* NX, write */
	TEST_EQ(test, map(HIGH, 0, K4, PAGE_EXECUTE), -EXO_E_PERM);
	TEST_EQ(test, map(HIGH, 0, M2 + K4, PAGE_WRITE), 0);
	TEST_EQ(test, page_table_protect(&batch, HIGH, K4, PAGE_EXECUTE), -EXO_E_PERM);
	TEST_EQ(test, page_table_protect(&batch, HIGH + M2, K4, PAGE_EXECUTE), -EXO_E_PERM);
	memory[(space.root - TABLE_BASE) / K4][slot] = table | 1; /* read-only */
	TEST_EQ(test, at(HIGH).rights, 0);
	TEST_EQ(test, map(HIGH + 2 * M2, 0, K4, PAGE_WRITE), -EXO_E_PERM);
	TEST_EQ(test, page_table_protect(&batch, HIGH + M2, K4, PAGE_WRITE), -EXO_E_PERM);
	TEST_EQ(test, page_table_unmap(&batch, HIGH, G1), 0);
	next_batch();
	TEST_EQ(test, machine.nr_used, 2);
	TEST_EQ(test, memory[(space.root - TABLE_BASE) / K4][slot], table | 1);
	page_batch_end(&batch);
	page_table_destroy(&space);
	TEST_EQ(test, machine.nr_used, 1);
}

static void page_batch_merges_no_tables_of_others(struct test *test)
{
	uint64_t *parent = NULL;

	begin(4, PAGE_LEVEL_4K);
	TEST_EQ(test, map(LOW, 0, M2, 0), 0);
	machine.page.largest = PAGE_LEVEL_2M;
	for (unsigned int i = 0; i < TABLES; i++)
		for (unsigned int j = 0; machine.used[i] && j < 512; j++)
			if (memory[i][j] >> 52 == (1024 | 512)) /* counted, and full */
				parent = &memory[i][j];
	TEST_TRUE(test, parent != NULL);
	*parent &= ~(1ull << 62);
	TEST_EQ(test, page_table_merge(&batch, LOW, M2), 0);
	*parent |= 1ull << 62;
	TEST_EQ(test, page_table_merge(&batch, LOW, M2), 1);
	TEST_TRUE(test, end());
}

static const struct test_case page_batch_cases[] = {
	TEST_CASE(page_batch_failed_calls_change_nothing),
	TEST_CASE(page_batch_no_root_without_memory),
	TEST_CASE(page_batch_flushes_what_changed),
	TEST_CASE(page_batch_flushes_large_pages_once),
	TEST_CASE(page_batch_frees_after_the_flush),
	TEST_CASE(page_batch_cursor_steps_aside),
	TEST_CASE(page_batch_cursor_knows_its_pages),
	TEST_CASE(page_batch_shares_the_upper_half),
	TEST_CASE(page_batch_keeps_two_roots_alike),
	TEST_CASE(page_batch_leaves_tables_of_others),
	TEST_CASE(page_batch_merges_no_tables_of_others),
};
TEST_SUITE(page_batch, page_batch_cases);
