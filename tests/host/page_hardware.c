/* SPDX-License-Identifier: MIT */
/*
 * What a CPU makes of page tables (SDM vol. 3, chapter 4).
 *
 * Memory is an array of tables, some of which are in use; one that is not is poisoned. The TLB is
 * the worst that is allowed: it holds every translation that ever was, until a flush reaches it. So
 * every page that a call changes goes to a list, and a flush strikes out what one of its addresses
 * lies in. In the same way each table that is no longer where it was must lie below an address of
 * the next flush (or that flushes all), or its memory must not be freed.
 */
#include "page_hardware.h"

#include <sanitizer/asan_interface.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define ENTRIES 512
#define STALE_MAX 200000
#define ADDRESS 0x000ffffffffff000ull
#define COUNT(entry) ((entry) >> 52 & 1023)
#define COUNTED (1ull << 62)
#define NX (1ull << 63)

struct table_state {
	bool used, linked, left, flushed; /* left: it is known to be out of the tree */
	unsigned int level;
	uint64_t address; /* the first one that it maps */
};

static uint64_t memory[HW_TABLES][ENTRIES] __attribute__((aligned(4096)));
static struct table_state states[HW_TABLES];
static paddr_t memory_base;
static unsigned int next_table;

static struct hw_page seen[STALE_MAX], stale[STALE_MAX];
static unsigned int nr_seen, nr_stale;
static const struct page_table *hw_space; /* of the batch that is open */

struct page_machine hw_machine;
unsigned int hw_tables_used, hw_fail_in, hw_failures;
unsigned long hw_flushes;

void hw_fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("Bail out! ", stdout);
	vprintf(format, arguments);
	putchar('\n');
	fflush(stdout);
	va_end(arguments);
	abort();
}

/* ---- memory ---------------------------------------------------------------------------------- */

static unsigned int index_of(paddr_t table)
{
	const uint64_t i = (table - memory_base) / 4096;

	if (table % 4096 || i >= HW_TABLES || !states[i].used)
		hw_fail("0x%lx is no table", table);
	return (unsigned int)i;
}

static int table_alloc(struct page_machine *machine, paddr_t *table)
{
	(void)machine;
	if ((hw_fail_in && !--hw_fail_in) || hw_tables_used == HW_TABLES) {
		hw_failures++;
		return -EXO_E_NOMEM;
	}
	while (states[next_table].used)
		next_table = (next_table + 1) % HW_TABLES;
	ASAN_UNPOISON_MEMORY_REGION(memory[next_table], sizeof(memory[next_table]));
	for (unsigned int i = 0; i < ENTRIES; i++)
		memory[next_table][i] = 0;
	states[next_table] = (struct table_state){ .used = true };
	hw_tables_used++;
	*table = memory_base + next_table * 4096ull;
	return 0;
}

static void table_free(struct page_machine *machine, paddr_t table)
{
	struct table_state *state = &states[index_of(table)];

	(void)machine;
	if (hw_space && state->linked && !state->flushed)
		hw_fail("table 0x%lx of 0x%lx is freed without a flush", table, state->address);
	state->used = false;
	hw_tables_used--;
	ASAN_POISON_MEMORY_REGION(memory[state - states], sizeof(memory[0]));
}

/* ---- walking --------------------------------------------------------------------------------- */

static void check_table_entry(uint64_t entry, uint64_t address, unsigned int level)
{
	const uint64_t user = address >> 63 ? 0 : 4;

	if ((entry & 0x800000000000009full) != (3 | user))
		hw_fail("0x%lx, level %u: table entry 0x%lx has the wrong rights", address, level,
			entry);
	if (!(entry & COUNTED) || (entry & ADDRESS) >= hw_machine.limit)
		hw_fail("0x%lx, level %u: table entry 0x%lx", address, level, entry);
}

/* Reserved bits are 0; so are the PAT's bit and the protection key, which nobody uses. */
static void check_page_entry(uint64_t entry, uint64_t address, unsigned int level)
{
	const uint64_t size = 1ull << (3 + 9 * level), pat = level == 1 ? 0x80 : 0x1000;

	if (level > 3 || level > hw_machine.largest)
		hw_fail("0x%lx: page of level %u", address, level);
	if ((entry & ADDRESS & (size - 1)) || entry & pat || (entry & ADDRESS) >= hw_machine.limit)
		hw_fail("0x%lx, level %u: address in page entry 0x%lx", address, level, entry);
	if ((level > 1) != !!(level > 1 && entry & 0x80) || entry & 0x7ff0000000000e00ull)
		hw_fail("0x%lx, level %u: page entry 0x%lx has bits that must be 0", address, level,
			entry);
	if (!!(entry & 0x100) != (hw_machine.global && address >> 63))
		hw_fail("0x%lx: global bit of 0x%lx", address, entry);
	if (entry & NX && !hw_machine.no_execute)
		hw_fail("0x%lx: NX in 0x%lx on a machine without it", address, entry);
	if (!(entry & 0x20) || !(entry & 2) != !(entry & 0x40))
		hw_fail("0x%lx: accessed and dirty bits of 0x%lx", address, entry);
	if (entry & 2 && !(entry & NX) && hw_machine.no_execute)
		hw_fail("0x%lx: writable and executable", address);
	if (entry & 4 && address >> 63)
		hw_fail("0x%lx: open to user mode", address);
}

/* Notes that @table is at its place. */
static uint64_t *enter(paddr_t table, uint64_t address, unsigned int level)
{
	struct table_state *state = &states[index_of(table)];
	const unsigned int shift = 12 + 9 * level;

	state->linked = true;
	state->level = level;
	state->address = shift < 64 ? address >> shift << shift : 0;
	return memory[state - states];
}

struct hw_page hw_translate(const struct page_table *space, uint64_t address)
{
	unsigned int level = hw_machine.levels;
	paddr_t table = space->root;

	for (;; level--) {
		const unsigned int shift = 3 + 9 * level;
		const uint64_t entry = enter(table, address, level)[address >> shift & 511];
		struct hw_page page = { .address = address >> shift << shift,
					.size = 1ull << shift };

		if (!(entry & 1)) {
			if (entry)
				hw_fail("0x%lx: 0x%lx in a hole", address, entry);
			return page;
		}
		if (level == 1 || entry & 0x80) {
			check_page_entry(entry, address, level);
			page.base = entry & ADDRESS;
			page.rights = (entry & 0x1e) | (entry & NX ? 0 : PAGE_EXECUTE);
			return page;
		}
		check_table_entry(entry, address, level);
		table = entry & ADDRESS;
	}
}

static bool same_page(const struct hw_page *a, const struct hw_page *b)
{
	return a->address == b->address && a->size == b->size && a->base == b->base &&
	       a->rights == b->rights;
}

/* ---- the TLB --------------------------------------------------------------------------------- */

void hw_before(const struct page_table *space, uint64_t address, uint64_t size)
{
	uint64_t left = size;

	nr_seen = 0;
	while (left) {
		const struct hw_page page = hw_translate(space, address);
		const uint64_t step = page.address + page.size - address;

		if (page.base && nr_seen < STALE_MAX)
			seen[nr_seen++] = page;
		address += step;
		left = step < left ? left - step : 0;
	}
	hw_space = space;
}

/* Is the table still where it was? */
static bool is_linked(const struct page_table *space, unsigned int i)
{
	paddr_t table = space->root;

	for (unsigned int level = hw_machine.levels; level > states[i].level; level--) {
		const uint64_t entry =
			memory[index_of(table)][states[i].address >> (3 + 9 * level) & 511];

		if (!(entry & 1) || entry & 0x80)
			return false;
		table = entry & ADDRESS;
	}
	return table == memory_base + i * 4096ull;
}

/* A table that has left the tree still translates as the tree does, for those who remember it. */
static void check_left_table(const struct page_table *space, unsigned int i)
{
	const uint64_t size = 1ull << (3 + 9 * states[i].level);

	unsigned int present = 0;

	for (unsigned int j = 0; j < ENTRIES; j++)
		present += memory[i][j] & 1;
	if (present != 0 && present != ENTRIES)
		hw_fail("0x%lx: %u pages are left in a table that was merged", states[i].address,
			present);
	for (unsigned int j = 0; j < present; j++) {
		const uint64_t entry = memory[i][j], address = states[i].address + j * size;
		struct hw_page page;

		page = hw_translate(space, address);
		if (page.base + (address - page.address) != (entry & ADDRESS) ||
		    page.rights != ((entry & 0x1e) | (entry & NX ? 0 : PAGE_EXECUTE)))
			hw_fail("0x%lx: entry 0x%lx of a table that was merged", address, entry);
	}
}

void hw_after(const struct page_table *space, bool merged)
{
	for (unsigned int i = 0; merged && i < HW_TABLES; i++)
		if (states[i].used && states[i].linked && !states[i].left && !is_linked(space, i)) {
			states[i].left = true;
			check_left_table(space, i);
		}
	for (unsigned int i = 0; i < nr_seen; i++) {
		const struct hw_page now = hw_translate(space, seen[i].address);

		if (same_page(&now, &seen[i]))
			continue;
		if (nr_stale == STALE_MAX)
			hw_fail("more than %u pages change in a batch", STALE_MAX);
		stale[nr_stale++] = seen[i];
	}
}

static bool reaches(const struct page_batch *batch, uint64_t address, uint64_t size)
{
	if (batch->all)
		return true;
	for (unsigned int i = 0; i < batch->nr_runs; i++) {
		const struct page_run *run = &batch->runs[i];

		if (run->first - address < size || address - run->first < run->end - run->first)
			return true;
	}
	return false;
}

static void flush(const struct page_batch *batch)
{
	unsigned int kept = 0;

	hw_flushes++;
	for (unsigned int i = 0; i < nr_stale; i++)
		if (!reaches(batch, stale[i].address, stale[i].size))
			stale[kept++] = stale[i];
	nr_stale = kept;
	for (unsigned int i = 0; i < HW_TABLES; i++)
		if (states[i].used && states[i].linked && !is_linked(batch->space, i))
			states[i].flushed = reaches(batch, states[i].address,
						    1ull << (12 + 9 * states[i].level));
}

/* ---- everything ------------------------------------------------------------------------------ */

/* Returns how many tables there are at and below @table; *@present: its present entries. */
static unsigned int check_table(paddr_t table, uint64_t address, unsigned int level,
				unsigned int *present)
{
	const uint64_t *entries = enter(table, address, level);
	unsigned int tables = 1;

	*present = 0;
	for (unsigned int i = 0; i < ENTRIES; i++) {
		const uint64_t entry = entries[i];
		uint64_t at = address | (uint64_t)i << (3 + 9 * level);
		unsigned int below;

		if (level == hw_machine.levels && i >= ENTRIES / 2)
			at |= -1ull << (11 + 9 * level);
		if (!(entry & 1)) {
			if (entry)
				hw_fail("0x%lx: 0x%lx in a hole", at, entry);
			continue;
		}
		++*present;
		if (level == 1 || entry & 0x80) {
			check_page_entry(entry, at, level);
			continue;
		}
		check_table_entry(entry, at, level);
		tables += check_table(entry & ADDRESS, at, level - 1, &below);
		if (!below || below != COUNT(entry))
			hw_fail("0x%lx, level %u: a table with %u entries is said to have %lu", at,
				level, below, COUNT(entry));
	}
	return tables;
}

void hw_check(const struct page_table *space, bool all)
{
	unsigned int present, tables;

	if (nr_stale)
		hw_fail("%u pages are still in the TLB, 0x%lx among them", nr_stale,
			stale[0].address);
	if (!all)
		return;
	tables = check_table(space->root, 0, hw_machine.levels, &present);
	if (tables != hw_tables_used)
		hw_fail("%u tables are in use, %u in the tree", hw_tables_used, tables);
}

void hw_destroy(struct page_table *space)
{
	hw_space = NULL;
	page_table_destroy(space);
	if (hw_tables_used)
		hw_fail("%u tables are left", hw_tables_used);
}

void hw_reset(unsigned int levels, unsigned int largest, bool no_execute, bool global, paddr_t base)
{
	for (unsigned int i = 0; i < HW_TABLES; i++)
		states[i].used = false;
	ASAN_POISON_MEMORY_REGION(memory, sizeof(memory));
	memory_base = base;
	hw_fail_in = nr_seen = nr_stale = 0;
	hw_space = NULL;
	hw_machine = (struct page_machine){
		.window = (uintptr_t)memory - base,
		.limit = 1ull << 52,
		.levels = (uint8_t)levels,
		.largest = (uint8_t)largest,
		.no_execute = no_execute,
		.global = global,
		.alloc = table_alloc,
		.free = table_free,
		.flush = flush,
	};
}
