/* SPDX-License-Identifier: MIT */
/*
 * Page tables: map, unmap and protect, in batches. (page_space.c: query, merge, whole spaces.)
 *
 * Every change goes through three steps: check (nothing is written), get the tables that the check
 * has counted, change (nothing can fail). So an error leaves everything as it was, and no table is
 * ever in the tree without need. Unmapping and protecting are one function: an unmapped page is one
 * whose new entry is 0.
 *
 * A table knows in O(1) when it is empty: the entry that points to it has the number of its present
 * entries in bits that CPUs ignore (page_walk.h), so it needs no memory beside itself.
 *
 * The cursor. Neighbouring pages are the usual case, so a batch keeps the last table of 4 KiB pages
 * at hand: a call for one such page below it takes a short path without a walk, and a call for one
 * page elsewhere brings the cursor there first. While a table is at hand, its count is in the batch
 * and not in its parent's entry, and it stays in the tree even when it is empty:
 * page_batch_leave_cursor() puts both right, before anything else changes how many entries are
 * present. Only a table below which all rights are possible is taken, and the rights of the last
 * call are kept with what they make of an entry, so that the short path need not check them again.
 * Nobody else may change the tables while a batch is open.
 *
 * The CPU's own writes. It sets accessed bits in any entry and dirty bits in those of pages, at any
 * time, each with a locked instruction that fails when the entry has changed. An entry that is made
 * here has these bits from the start and is never written to. In those that boot.asm made, a bit
 * may get lost between a read and a write here. Nobody looks at these bits, so nothing else is
 * lost.
 *
 * The TLB. Recorded is one address in each page whose entry was present and has changed: one INVLPG
 * is enough for a page of any size (SDM vol. 3, 4.10.4.2). A page is split only because a part of
 * it changes: the address of that part flushes the large translation, too. Parts that do not change
 * may stay in the TLB in both sizes, which say the same. A table leaves the tree together with its
 * last page, of which an address is recorded: tlb.c relies on that.
 */
#include "page_walk.h"

#include <exo/panic.h>
#include <exo/string.h>

/* A number of pages; huge if @bytes is no multiple of them: the low bits come in at the top. */
static inline uint64_t pages_or_huge(uint64_t bytes)
{
	return bytes / PAGE_SIZE | bytes << 52;
}

/* ---- batches and the cursor ------------------------------------------------------------------ */

#define NO_END 1ull /* no address that is recorded: they are multiples of PAGE_SIZE */

/*
 * Records that the page at @address has changed, where @end is the end of the last run. Returns the
 * new end, which the caller keeps for the next page or puts into the batch.
 */
static inline uint64_t record(struct page_batch *batch, uint64_t end, uint64_t address)
{
	const unsigned int nr = batch->nr_runs;

	if (likely(address == end))
		return address + PAGE_SIZE;
	if (nr)
		batch->runs[nr - 1].end = end;
	if (nr == PAGE_BATCH_RUNS) {
		batch->all = true;
		return end;
	}
	batch->runs[nr].first = address;
	batch->nr_runs = nr + 1;
	return address + PAGE_SIZE;
}

void page_batch_leave_cursor(struct page_batch *batch)
{
	const uint64_t entry = batch->cursor_pages ? *batch->cursor_parent : 0;
	struct path path;

	batch->cursor_pages = 0;
	if (!(entry & ENTRY_COUNTED))
		return;
	entry_write(batch->cursor_parent,
		    (entry & ~ENTRY_COUNT) | (uint64_t)batch->cursor_present << ENTRY_COUNT_SHIFT);
	if (batch->cursor_present)
		return;
	path_find(&path, batch->space, batch->cursor);
	path_prune(&path, batch->space->machine, &batch->tables);
}

/*
 * Brings the cursor to the table that has the entry of the 4 KiB page at @address, with @rights,
 * which have been checked. Returns false if there is no such table, or not one where all rights are
 * possible.
 */
static bool cursor_move(struct page_batch *batch, uint64_t address, unsigned int rights)
{
	const unsigned int possible =
		in_upper_half(address) ? PAGE_RIGHTS & ~PAGE_USER : PAGE_RIGHTS;
	struct path path;

	if (address - batch->cursor >= batch->cursor_pages * PAGE_SIZE) {
		page_batch_leave_cursor(batch);
		path_find(&path, batch->space, address);
		if (path.level > 1 || (path.allowed & possible) != possible)
			return false;
		batch->cursor = address - level_offset(address, 2);
		batch->cursor_pages = PAGE_ENTRIES;
		batch->cursor_entries = path.entry[1] - level_index(address, 1);
		batch->cursor_parent = path.entry[2];
		batch->cursor_present = entry_count(*path.entry[2]);
	}
	batch->cursor_rights = rights;
	batch->cursor_leaf = page_leaf(batch->space->machine, address, rights);
	return true;
}

void page_batch_begin(struct page_batch *batch, struct page_table *space)
{
	if (space->machine->lock)
		space->machine->lock(space);
	ASSERT(!space->open);
	space->open = true;
	batch->space = space;
	batch->cursor = 0;
	batch->cursor_pages = 0;
	batch->frames = space->machine->limit / PAGE_SIZE;
	batch->end = NO_END;
	batch->nr_runs = 0;
	batch->all = false;
	batch->lower = false;
	batch->upper = false;
	batch->tables = 0;
}

void page_batch_close(struct page_batch *batch)
{
	ASSERT(batch->space && batch->space->open);
	page_batch_leave_cursor(batch);
	if (batch->nr_runs)
		batch->runs[batch->nr_runs - 1].end = batch->end;
	ASSERT(batch->nr_runs || batch->all || !batch->tables);
	batch->space->open = false;
}

void page_batch_finish(struct page_batch *batch)
{
	struct page_machine *machine = batch->space->machine;

	if (batch->nr_runs || batch->all)
		machine->flush(batch);
	tables_free(machine, &batch->tables);
	batch->space = NULL;
}

void page_batch_end(struct page_batch *batch)
{
	struct page_table *space = batch->space;

	page_batch_close(batch);
	page_batch_finish(batch);
	if (space->machine->unlock)
		space->machine->unlock(space);
}

int page_batch_change(struct page_batch *batch, uint64_t address, uint64_t size)
{
	const int error = page_check_range(batch->space->machine, address, size);

	if (error)
		return error;
	if (in_upper_half(address))
		batch->upper = true;
	else
		batch->lower = true;
	return 0;
}

/* ---- mapping --------------------------------------------------------------------------------- */

/* The level of the largest pages that may be used where @address is mapped to @base. */
static unsigned int largest_level(const struct page_machine *machine, uint64_t address,
				  paddr_t base)
{
	unsigned int level = machine->largest;

	while (level_offset(address ^ base, level))
		level--;
	return level;
}

/* The level of the page that begins at @address, when @size bytes from there are to be mapped. */
static unsigned int page_level(uint64_t address, uint64_t size, unsigned int largest)
{
	unsigned int level = largest;

	while (level_offset(address, level) || level_size(level) > size)
		level--;
	return level;
}

/*
 * How many tables it takes to map @size bytes at @address, where there are none below @level. A
 * table maps one page of the level above it. It is needed where the range touches that page, except
 * where the range covers it all and it may be mapped as a page.
 */
static unsigned long tables_needed(uint64_t address, uint64_t size, unsigned int level,
				   unsigned int largest)
{
	const uint64_t from = level_offset(address, LEVELS_MAX + 1), to = from + size;
	unsigned long tables = 0;

	for (unsigned int above = 2; above <= level; above++) {
		const unsigned int shift = level_shift(above);
		const uint64_t whole = (from + level_size(above) - 1) >> shift;

		tables += ((to - 1) >> shift) - (from >> shift) + 1;
		if (above <= largest && to >> shift > whole)
			tables -= (to >> shift) - whole;
	}
	return tables;
}

/* Is the range free, and may it have these rights? Counts the tables that mapping it takes. */
static int map_check(const struct page_table *space, uint64_t address, uint64_t size,
		     unsigned int rights, unsigned int largest, unsigned long *tables)
{
	while (size) {
		const uint64_t *entry, *end;
		struct path path;
		uint64_t bytes;

		path_find(&path, space, address);
		if (rights & ~path.allowed)
			return -EXO_E_PERM;
		entry = path.entry[path.level];
		end = entry + path_entries(&path, address, size);
		while (entry < end && !(*entry & ENTRY_PRESENT))
			entry++;
		bytes = path_bytes(&path, address, size, entry);
		if (!bytes)
			return -EXO_E_BUSY;
		*tables += tables_needed(address, bytes, path.level, largest);
		address += bytes;
		size -= bytes;
	}
	return 0;
}

static void map_fill(struct page_batch *batch, uint64_t address, paddr_t base, uint64_t size,
		     unsigned int rights, unsigned int largest, paddr_t *tables)
{
	const struct page_machine *machine = batch->space->machine;
	const uint64_t leaf = page_leaf(machine, address, rights);
	struct path path;
	uint64_t bytes;

	for (; size; address += bytes, base += bytes, size -= bytes) {
		const unsigned int level = page_level(address, size, largest);
		uint64_t entry = leaf | base, step, *to, *end;

		path_find(&path, batch->space, address);
		while (path.level > level)
			path_grow(&path, machine, address, tables);
		step = level_size(path.level);
		if (path.level > 1)
			entry |= ENTRY_LARGE;
		bytes = (PAGE_ENTRIES - level_index(address, path.level)) * step;
		if (bytes > size)
			bytes = size & -step;
		to = path.entry[path.level];
		end = to + bytes / step;
		path_count(&path, (int)(end - to));
		for (; to < end; to++, entry += step)
			entry_write(to, entry);
	}
	ASSERT(!*tables);
}

static __noinline int map_range(struct page_batch *batch, uint64_t address, paddr_t base,
				uint64_t size, unsigned int rights)
{
	struct page_machine *machine = batch->space->machine;
	unsigned long tables = 0;
	unsigned int largest;
	paddr_t list = 0;
	int error;

	if (base % PAGE_SIZE)
		return -EXO_E_ALIGN;
	error = page_batch_change(batch, address, size);
	if (!error && (base >= machine->limit || size > machine->limit - base))
		error = -EXO_E_RANGE;
	if (!error)
		error = page_check_rights(address, rights);
	if (error)
		return error;
	if (size == PAGE_SIZE && cursor_move(batch, address, rights))
		return page_table_map(batch, address, base, size, rights);
	page_batch_leave_cursor(batch);
	largest = largest_level(machine, address, base);
	error = map_check(batch->space, address, size, rights, largest, &tables);
	if (!error)
		error = tables_reserve(machine, tables, &list);
	if (!error)
		map_fill(batch, address, base, size, rights, largest, &list);
	return error;
}

int page_table_map(struct page_batch *batch, uint64_t address, paddr_t base, uint64_t size,
		   unsigned int rights)
{
	const uint64_t page = pages_or_huge(address - batch->cursor);
	uint64_t *entry;

	if (page >= batch->cursor_pages || size != PAGE_SIZE ||
	    pages_or_huge(base) >= batch->frames || rights != batch->cursor_rights)
		return map_range(batch, address, base, size, rights);
	entry = &batch->cursor_entries[page];
	if (unlikely(*entry & ENTRY_PRESENT))
		return -EXO_E_BUSY;
	batch->cursor_present++;
	entry_write(entry, batch->cursor_leaf | base);
	return 0;
}

/* ---- unmapping and protecting ---------------------------------------------------------------- */

/* The first of the entries that is no page. @table: table_mark() of their level. */
static inline const uint64_t *skip_pages(const uint64_t *entry, const uint64_t *end, uint64_t table)
{
	while (entry < end && (*entry & ENTRY_PRESENT) && (*entry & TABLE_BITS) != table)
		entry++;
	return entry;
}

/* May the range have these rights, and is there a page everywhere? */
static int protect_check(const struct page_table *space, uint64_t address, uint64_t size,
			 unsigned int rights)
{
	while (size) {
		const uint64_t *entry, *end;
		struct path path;
		uint64_t bytes;

		path_find(&path, space, address);
		if (rights & ~path.allowed)
			return -EXO_E_PERM;
		entry = path.entry[path.level];
		end = entry + path_entries(&path, address, size);
		if (path.level == 1)
			entry = skip_pages(entry, end, table_mark(1));
		else
			entry = skip_pages(entry, end, table_mark(2));
		bytes = path_bytes(&path, address, size, entry);
		if (!bytes)
			return -EXO_E_DEAD;
		address += bytes;
		size -= bytes;
	}
	return 0;
}

/* Pages beside each other in a table that are to be changed. */
struct change {
	uint64_t *entry, *end;
	uint64_t address, step; /* of the page of @entry; to that of the next one */
	uint64_t leaf; /* the new entry without its address, or 0 */
};

/*
 * Gives the pages the rights of @leaf, or unmaps them if it is 0, up to the first table; holes
 * stay. Returns how many it has changed. A large page of which the range covers only a part has
 * these rights already, or it would have been split.
 */
static inline int change_pages(struct page_batch *batch, struct change *c, uint64_t table)
{
	const uint64_t keep = c->leaf ? ENTRY_ADDRESS | ENTRY_LARGE : 0;
	uint64_t *entry = c->entry, address = c->address, end = batch->end;
	int changed = 0;

	for (; entry < c->end; entry++, address += c->step) {
		const uint64_t old = entry_read(entry), new = (old & keep) | c->leaf;

		if ((old & TABLE_BITS) == table)
			break;
		if (!(old & ENTRY_PRESENT) || new == old)
			continue;
		entry_write(entry, new);
		end = record(batch, end, address);
		changed++;
	}
	batch->end = end;
	c->entry = entry;
	return changed;
}

/* The range and the rights have been checked. */
static int change_range(struct page_batch *batch, uint64_t address, uint64_t size, uint64_t leaf)
{
	struct page_machine *machine = batch->space->machine;
	const uint64_t end = address + size;
	const unsigned int needed = page_split_check(batch->space, address, end, leaf);
	paddr_t tables = 0;
	struct path path;
	uint64_t bytes;

	if (needed) {
		const int error = tables_reserve(machine, needed, &tables);

		if (error)
			return error;
		page_split(batch->space, address, leaf, &tables);
		page_split(batch->space, end, leaf, &tables);
		ASSERT(!tables);
	}
	for (; size; address += bytes, size -= bytes) {
		struct change c = { .leaf = leaf };
		int changed;

		path_find(&path, batch->space, address);
		c.entry = path.entry[path.level];
		c.end = c.entry + path_entries(&path, address, size);
		c.address = address - level_offset(address, path.level);
		c.step = level_size(path.level);
		if (path.level == 1)
			changed = change_pages(batch, &c, table_mark(1));
		else
			changed = change_pages(batch, &c, table_mark(2));
		bytes = path_bytes(&path, address, size, c.entry);
		if (leaf || !changed)
			continue;
		path_count(&path, -changed);
		path_prune(&path, machine, &batch->tables);
	}
	return 0;
}

static __noinline int unmap_range(struct page_batch *batch, uint64_t address, uint64_t size)
{
	const int error = page_batch_change(batch, address, size);

	if (error)
		return error;
	if (size == PAGE_SIZE && cursor_move(batch, address, 0))
		return page_table_unmap(batch, address, size);
	page_batch_leave_cursor(batch);
	return change_range(batch, address, size, 0);
}

int page_table_unmap(struct page_batch *batch, uint64_t address, uint64_t size)
{
	const uint64_t page = pages_or_huge(address - batch->cursor);
	uint64_t *entry;

	if (page >= batch->cursor_pages || size != PAGE_SIZE)
		return unmap_range(batch, address, size);
	entry = &batch->cursor_entries[page];
	if (!(entry_read(entry) & ENTRY_PRESENT))
		return 0;
	entry_write(entry, 0);
	batch->cursor_present--;
	batch->end = record(batch, batch->end, address);
	return 0;
}

static __noinline int protect_range(struct page_batch *batch, uint64_t address, uint64_t size,
				    unsigned int rights)
{
	int error = page_batch_change(batch, address, size);

	if (!error)
		error = page_check_rights(address, rights);
	if (error)
		return error;
	if (size == PAGE_SIZE && cursor_move(batch, address, rights))
		return page_table_protect(batch, address, size, rights);
	error = protect_check(batch->space, address, size, rights);
	if (error)
		return error;
	return change_range(batch, address, size,
			    page_leaf(batch->space->machine, address, rights));
}

int page_table_protect(struct page_batch *batch, uint64_t address, uint64_t size,
		       unsigned int rights)
{
	const uint64_t page = pages_or_huge(address - batch->cursor);
	uint64_t *entry, old, new;

	if (page >= batch->cursor_pages || size != PAGE_SIZE || rights != batch->cursor_rights)
		return protect_range(batch, address, size, rights);
	entry = &batch->cursor_entries[page];
	old = entry_read(entry);
	if (unlikely(!(old & ENTRY_PRESENT)))
		return -EXO_E_DEAD;
	new = (old & (ENTRY_ADDRESS | ENTRY_LARGE)) | batch->cursor_leaf;
	if (new == old)
		return 0;
	entry_write(entry, new);
	batch->end = record(batch, batch->end, address);
	return 0;
}
