/* SPDX-License-Identifier: MIT */
/*
 * Page tables, bottom half: checks of arguments, the path from the root to an entry, tables that
 * are put into the tree and taken out of it, lists of tables.
 *
 * A CPU that walks the tables at the same time sees each change as a single store: a table is
 * filled before an entry points to it. A table that is taken out may still be in paging-structure
 * caches until the batch is flushed, so it must go on working: the link of a list hides in bits
 * that no CPU looks at, and everything else stays as it was.
 */
#include "page_walk.h"

#include <exo/panic.h>

#define LINK_BITS 7
#define LINK_ENTRIES 6 /* 42 bits for the 40 of a frame number */
#define LINK_SHIFT 52
#define LINK_MASK ((1ull << LINK_BITS) - 1)

/* The upper bits of a canonical address are as in its half: returns those that are not. */
static inline uint64_t wrong_bits(const struct page_machine *machine, uint64_t address,
				  uint64_t half)
{
	const uint64_t sign = 0 - (half >> 63);

	return (address ^ sign) >> (level_shift(machine->levels + 1u) - 1);
}

bool page_canonical(const struct page_machine *machine, uint64_t address)
{
	return !wrong_bits(machine, address, address);
}

int page_check_range(const struct page_machine *machine, uint64_t address, uint64_t size)
{
	const uint64_t last = address + size - 1;

	if ((address | size) % PAGE_SIZE)
		return -EXO_E_ALIGN;
	/* Without a page the last byte comes before the first, or, for address 0, in the other
	 * half. */
	if (last < address || wrong_bits(machine, address, address) ||
	    wrong_bits(machine, last, address))
		return -EXO_E_RANGE;
	return 0;
}

int page_check_rights(uint64_t address, unsigned int rights)
{
	const unsigned int both = PAGE_WRITE | PAGE_EXECUTE;

	if (rights & ~PAGE_RIGHTS)
		return -EXO_E_ARG;
	if ((rights & both) == both || (rights & PAGE_USER && in_upper_half(address)))
		return -EXO_E_PERM;
	return 0;
}

/*
 * Accessed and dirty are set from the start, so that no CPU ever writes to these entries: that
 * costs it time, and would need care here. Dirty is left out of read-only pages: with it, they
 * would be shadow stacks (SDM vol. 3, 4.6).
 */
uint64_t page_leaf(const struct page_machine *machine, uint64_t address, unsigned int rights)
{
	uint64_t leaf = (rights & ~(unsigned int)PAGE_EXECUTE) | ENTRY_PRESENT | ENTRY_ACCESSED;

	if (rights & PAGE_WRITE)
		leaf |= ENTRY_DIRTY;
	if (!(rights & PAGE_EXECUTE) && machine->no_execute)
		leaf |= ENTRY_NO_EXECUTE;
	if (in_upper_half(address) && machine->global)
		leaf |= ENTRY_GLOBAL;
	return leaf;
}

/* An entry for a new table below @address; the pages' entries alone decide about rights. */
static uint64_t table_entry(uint64_t address, paddr_t table)
{
	const uint64_t user = in_upper_half(address) ? 0 : ENTRY_USER;

	return table | ENTRY_PRESENT | ENTRY_WRITE | ENTRY_ACCESSED | ENTRY_COUNTED | user;
}

static void path_descend(struct path *path, const struct page_machine *machine, uint64_t address)
{
	uint64_t **at = &path->entry[path->level], entry = entry_read(*at), all = ~0ull, any = 0;
	unsigned int level = path->level, shift = level_shift(level);

	while (entry_is_table(entry, level)) {
		uint64_t *table = entry_table(machine, entry);

		level--;
		shift -= LEVEL_BITS;
		all &= entry;
		any |= entry;
		*--at = &table[address >> shift & (PAGE_ENTRIES - 1)];
		entry = entry_read(*at);
	}
	path->level = level;
	path->allowed &= (unsigned int)all | ~(unsigned int)(PAGE_WRITE | PAGE_USER);
	if (any & ENTRY_NO_EXECUTE)
		path->allowed &= ~(unsigned int)PAGE_EXECUTE;
}

void path_find(struct path *path, const struct page_table *space, uint64_t address)
{
	if (IS_ENABLED(CONFIG_PTI))
		path->user_root = space->user_root;
	path->top = space->root | ENTRY_PRESENT | ENTRY_WRITE | ENTRY_USER;
	path->level = space->machine->levels + 1u;
	path->entry[path->level] = &path->top;
	path->allowed = PAGE_RIGHTS;
	path_descend(path, space->machine, address);
}

void path_count(const struct path *path, int change)
{
	uint64_t *parent = path->entry[path->level + 1];

	if (*parent & ENTRY_COUNTED)
		entry_write(parent, *parent + (uint64_t)change * ENTRY_COUNT_ONE);
}

/* Has the other root, if there is one, say what the root says in the path's entry at @level. */
static inline void mirror_root(const struct path *path, const struct page_machine *machine,
			       unsigned int level)
{
	const uint64_t *entry = path->entry[level];
	const unsigned int index = (uintptr_t)entry / sizeof(*entry) % PAGE_ENTRIES;

	if (!IS_ENABLED(CONFIG_PTI) || level != machine->levels || !path->user_root)
		return;
	if (index < PAGE_ENTRIES / 2)
		entry_write(&entry_table(machine, path->user_root)[index], entry_read(entry));
}

void path_grow(struct path *path, const struct page_machine *machine, uint64_t address,
	       paddr_t *list)
{
	const paddr_t table = tables_pop(machine, list);

	entry_write(path->entry[path->level], table_entry(address, table));
	mirror_root(path, machine, path->level);
	path_count(path, 1);
	path_descend(path, machine, address);
}

/* Splits the path's page into pages of the next smaller size, and goes down to one of them. */
static void path_split(struct path *path, const struct page_machine *machine, uint64_t address,
		       paddr_t *list)
{
	const unsigned int level = path->level - 1;
	const uint64_t page = entry_read(path->entry[path->level]);
	const paddr_t table = tables_pop(machine, list);
	uint64_t *entries = entry_table(machine, table);
	uint64_t smaller = level == 1 ? page & ~ENTRY_LARGE : page;

	ASSERT(!(page & PAGE_SIZE)); /* the PAT bit of a large page, which nobody sets */
	for (unsigned int i = 0; i < PAGE_ENTRIES; i++) {
		entry_write(&entries[i], smaller);
		smaller += level_size(level);
	}
	entry_write(path->entry[path->level],
		    table_entry(address, table) | (uint64_t)PAGE_ENTRIES << ENTRY_COUNT_SHIFT);
	path_descend(path, machine, address);
}

/*
 * The level of the page that @boundary divides and that is to be split, because it has other rights
 * than @leaf; 1 if there is none. A boundary of the largest pages, which may be the end of the
 * address space, divides none.
 */
static unsigned int divided_level(struct path *path, const struct page_table *space,
				  uint64_t boundary, uint64_t leaf)
{
	uint64_t entry;

	if (!level_offset(boundary, PAGE_LEVEL_1G))
		return 1;
	path_find(path, space, boundary);
	entry = entry_read(path->entry[path->level]);
	if (!(entry & ENTRY_PRESENT) || entry_same_rights(entry, leaf))
		return 1;
	return level_offset(boundary, path->level) ? path->level : 1;
}

unsigned int page_split_check(const struct page_table *space, uint64_t from, uint64_t to,
			      uint64_t leaf)
{
	struct path path;
	const unsigned int at_from = divided_level(&path, space, from, leaf);
	const unsigned int at_to = divided_level(&path, space, to, leaf);
	unsigned int tables = 0;

	for (unsigned int level = 2; level <= PAGE_LEVEL_1G; level++) {
		const bool first = level <= at_from && level_offset(from, level);
		const bool second = level <= at_to && level_offset(to, level);
		const bool shared = first && from >> level_shift(level) == to >> level_shift(level);

		tables += first + (second && !shared);
	}
	return tables;
}

void page_split(const struct page_table *space, uint64_t boundary, uint64_t leaf, paddr_t *tables)
{
	struct path path;

	if (divided_level(&path, space, boundary, leaf) == 1)
		return;
	do
		path_split(&path, space->machine, boundary, tables);
	while (level_offset(boundary, path.level));
}

void path_prune(struct path *path, const struct page_machine *machine, paddr_t *list)
{
	for (;;) {
		uint64_t *parent = path->entry[path->level + 1];
		const uint64_t entry = *parent;

		if ((entry & (ENTRY_COUNTED | ENTRY_COUNT)) != ENTRY_COUNTED)
			return;
		entry_write(parent, 0);
		mirror_root(path, machine, path->level + 1);
		tables_push(machine, list, entry & ENTRY_ADDRESS);
		path->level++;
		path_count(path, -1);
	}
}

void tables_push(const struct page_machine *machine, paddr_t *list, paddr_t table)
{
	uint64_t *entries = entry_table(machine, table);
	uint64_t next = *list / PAGE_SIZE;

	for (unsigned int i = 0; i < LINK_ENTRIES; i++, next >>= LINK_BITS) {
		const uint64_t rest = entry_read(&entries[i]) & ~(LINK_MASK << LINK_SHIFT);

		entry_write(&entries[i], rest | (next & LINK_MASK) << LINK_SHIFT);
	}
	*list = table;
}

paddr_t tables_pop(const struct page_machine *machine, paddr_t *list)
{
	const paddr_t table = *list;
	uint64_t *entries = entry_table(machine, table);
	uint64_t next = 0;

	ASSERT(table);
	for (unsigned int i = LINK_ENTRIES; i-- > 0;) {
		const uint64_t entry = entry_read(&entries[i]);

		next = next << LINK_BITS | (entry >> LINK_SHIFT & LINK_MASK);
		entry_write(&entries[i], entry & ~(LINK_MASK << LINK_SHIFT));
	}
	*list = next * PAGE_SIZE;
	return table;
}

int tables_reserve(struct page_machine *machine, unsigned long count, paddr_t *list)
{
	paddr_t table;

	for (; count; count--) {
		const int error = machine->alloc(machine, &table);

		if (error) {
			tables_free(machine, list);
			return error;
		}
		tables_push(machine, list, table);
	}
	return 0;
}

void tables_free(struct page_machine *machine, paddr_t *list)
{
	while (*list)
		machine->free(machine, tables_pop(machine, list));
}
