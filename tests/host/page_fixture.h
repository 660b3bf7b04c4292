/* SPDX-License-Identifier: MIT */
/*
 * What the suites of page tables share: a machine whose memory for tables is an array, which fails
 * when told to and remembers what it was to flush; one address space and its batch.
 */
#ifndef PAGE_FIXTURE_H
#define PAGE_FIXTURE_H

#include <exo/page_table.h>
#include <exo/string.h>

#define TABLES 20
#define UNLIMITED 1000000u
#define TABLE_BASE 0xabcd123450000ull /* their physical address: any that is far from 0 */
#define FRAMES 0x40000000000ull /* what is mapped; a multiple of all page sizes */
#define LOW                                                                                   \
	0x7f0040000000ull /* in the lower half with any number of levels; a multiple of 1 GiB \
			   */
#define HIGH 0xffffc00080000000ull
#define K4 KIB(4)
#define M2 MIB(2)
#define G1 GIB(1)

static uint64_t memory[TABLES][512] __aligned(4096) __section(".bss..pages.page_fixture");

static struct {
	struct page_machine page;
	bool used[TABLES];
	unsigned int nr_used;
	unsigned int left; /* allocations that may still succeed */
	bool bad_free;
	/* What the last flush was told, and how many tables were in use then. */
	unsigned int flushes, flush_used;
	struct page_batch batch;
} machine;

static struct page_table space;
static struct page_batch batch;

static inline int test_alloc(struct page_machine *page, paddr_t *table)
{
	(void)page;
	if (!machine.left)
		return -EXO_E_NOMEM;
	for (unsigned int i = 0; i < TABLES; i++)
		if (!machine.used[i]) {
			memset(memory[i], 0, sizeof(memory[i]));
			machine.used[i] = true;
			machine.nr_used++;
			machine.left--;
			*table = TABLE_BASE + i * sizeof(memory[i]);
			return 0;
		}
	return -EXO_E_NOMEM;
}

static inline void test_free(struct page_machine *page, paddr_t table)
{
	const uint64_t i = (table - TABLE_BASE) / sizeof(memory[0]);

	(void)page;
	if (table % 4096 || i >= TABLES || !machine.used[i]) {
		machine.bad_free = true;
		return;
	}
	machine.used[i] = false;
	machine.nr_used--;
}

static inline void test_flush(const struct page_batch *flushed)
{
	machine.flushes++;
	machine.flush_used = machine.nr_used;
	machine.batch = *flushed;
}

/* A new machine with an empty address space and an open batch. */
static inline void begin(unsigned int levels, enum page_level largest)
{
	memset(&machine, 0, sizeof(machine));
	machine.left = UNLIMITED;
	machine.page = (struct page_machine){
		.window = (uintptr_t)memory - TABLE_BASE,
		.limit = 1ull << 52,
		.levels = (uint8_t)levels,
		.largest = (uint8_t)largest,
		.no_execute = true,
		.global = true,
		.alloc = test_alloc,
		.free = test_free,
		.flush = test_flush,
	};
	page_table_init(&space, &machine.page, NULL);
	page_batch_begin(&batch, &space);
}

/* Ends the batch, which so flushes and frees, and opens another. */
static inline void next_batch(void)
{
	page_batch_end(&batch);
	page_batch_begin(&batch, &space);
}

/* True if the batch ends, and the space goes, without a trace. */
static inline bool end(void)
{
	page_batch_end(&batch);
	page_table_destroy(&space);
	return machine.nr_used == 0 && !machine.bad_free;
}

static inline struct page_mapping at(uint64_t address)
{
	struct page_mapping mapping = { 0 };

	if (page_table_query(&space, address, &mapping))
		mapping.size = 0;
	return mapping;
}

/* Is [@address, + @size) one page or hole after the other with these properties? 0 is a hole. */
static inline bool is_mapped(uint64_t address, paddr_t base, uint64_t size, unsigned int rights)
{
	while (size) {
		const struct page_mapping found = at(address);
		const uint64_t part = found.size < size ? found.size : size;

		if (!found.size || found.present != !!base || found.base != base ||
		    found.rights != rights)
			return false;
		address += part;
		base += base ? part : 0;
		size -= part;
	}
	return true;
}

/* A sum over all that is mapped around @address, page sizes included. */
static inline uint64_t picture(uint64_t address)
{
	uint64_t sum = 0;

	for (uint64_t offset = 0; offset < 4 * G1;) {
		struct page_mapping found = { 0 };

		if (page_table_query(&space, address - G1 + offset, &found))
			return 0;
		sum = sum * 31 + found.base + found.rights + found.size + found.present;
		offset += found.size;
	}
	return sum * 31 + machine.nr_used;
}

static inline int map(uint64_t address, uint64_t offset, uint64_t size, unsigned int rights)
{
	return page_table_map(&batch, address, FRAMES + offset, size, rights);
}

/* The entry of the page at @address, found as a CPU would. */
static inline uint64_t *entry_of(uint64_t address)
{
	paddr_t table = space.root;

	for (unsigned int shift = 3 + 9 * machine.page.levels;; shift -= 9) {
		uint64_t *entry = &memory[(table - TABLE_BASE) / 4096][address >> shift & 511];

		if (shift == 12 || !(*entry & 1) || (*entry & 0x80))
			return entry;
		table = *entry & 0x000ffffffffff000;
	}
}

#endif
