/* SPDX-License-Identifier: MIT */
/*
 * Address spaces: made, destroyed, looked at, their full tables merged into large pages, and a
 * single page changed without a batch.
 *
 * A table that several roots point to belongs to none of them. So a space that takes over the
 * kernel's upper half clears ENTRY_COUNTED in both roots' entries: these tables stay for ever, and
 * the kernel goes on changing what is below them, in all spaces at once.
 *
 * Merging replaces 512 pages by one that maps the same frames with the same rights, so it never
 * matters which of both a CPU uses. Everything is flushed even so: some CPUs raise machine checks
 * when translations of both sizes meet in their TLB.
 */
#include "page_walk.h"

#include <exo/panic.h>

int page_table_init(struct page_table *space, struct page_machine *machine,
		    struct page_table *kernel)
{
	uint64_t *root, *shared;
	int error;

	error = machine->alloc(machine, &space->root);
	if (error)
		return error;
	space->machine = machine;
	if (IS_ENABLED(CONFIG_PTI))
		space->user_root = 0;
	space->pcid = 0;
	space->open = false;
	if (!kernel)
		return 0;
	root = entry_table(machine, space->root);
	shared = entry_table(machine, kernel->root);
	for (unsigned int i = PAGE_ENTRIES / 2; i < PAGE_ENTRIES; i++) {
		if (shared[i] & ENTRY_COUNTED)
			entry_write(&shared[i], shared[i] & ~(ENTRY_COUNTED | ENTRY_COUNT));
		root[i] = shared[i];
	}
	return 0;
}

int page_table_add_user_root(struct page_table *space, const struct page_table *upper)
{
	struct page_machine *machine = space->machine;
	const uint64_t *shared = entry_table(machine, upper->root);
	uint64_t *root;
	const int error = machine->alloc(machine, &space->user_root);

	if (error) {
		space->user_root = 0;
		return error;
	}
	root = entry_table(machine, space->user_root);
	for (unsigned int i = PAGE_ENTRIES / 2; i < PAGE_ENTRIES; i++)
		root[i] = shared[i];
	return 0;
}

/* The next table of our own that a table at @level points to, from entry *@next on; 0: none. */
static paddr_t next_table(const uint64_t *entries, unsigned int level, unsigned int *next)
{
	while (*next < PAGE_ENTRIES) {
		const uint64_t entry = entry_read(&entries[(*next)++]);

		if (entry & ENTRY_COUNTED && entry_is_table(entry, level))
			return entry & ENTRY_ADDRESS;
	}
	return 0;
}

void page_table_for_each(const struct page_table *space,
			 void (*visit)(paddr_t table, void *context), void *context)
{
	const struct page_machine *machine = space->machine;
	const paddr_t user_root = space->user_root; /* @visit may free the space's tables */
	unsigned int level = machine->levels;
	struct {
		paddr_t table;
		unsigned int next; /* entry to look at */
	} at[LEVELS_MAX + 1];

	at[level].table = space->root;
	at[level].next = 0;
	for (;;) {
		const uint64_t *entries = entry_table(machine, at[level].table);
		const paddr_t below = level > 1 ? next_table(entries, level, &at[level].next) : 0;

		if (below) {
			level--;
			at[level].table = below;
			at[level].next = 0;
			continue;
		}
		visit(at[level].table, context);
		if (level++ == machine->levels)
			break;
	}
	if (IS_ENABLED(CONFIG_PTI) && user_root)
		visit(user_root, context);
}

static void free_table(paddr_t table, void *machine)
{
	((struct page_machine *)machine)->free(machine, table);
}

void page_table_destroy(struct page_table *space)
{
	page_table_for_each(space, free_table, space->machine);
}

bool page_table_protect_page(struct page_table *space, uint64_t address, unsigned int rights)
{
	const struct page_machine *machine = space->machine;
	unsigned int shift = level_shift(machine->levels);
	uint64_t entry = space->root | ENTRY_PRESENT, *at;

	ASSERT(!space->open && !in_upper_half(address));
	for (;; shift -= LEVEL_BITS) {
		at = &entry_table(machine, entry)[address >> shift & (PAGE_ENTRIES - 1)];
		entry = entry_read(at);
		if (shift == level_shift(1))
			break;
		if ((entry & TABLE_BITS) != ENTRY_PRESENT)
			return false;
	}
	if (!(entry & ENTRY_PRESENT))
		return false;
	entry_write(at, (entry & ENTRY_ADDRESS) | page_leaf(machine, address, rights));
	return true;
}

int page_table_query(const struct page_table *space, uint64_t address, struct page_mapping *mapping)
{
	struct path path;
	uint64_t entry, offset;

	if (!page_canonical(space->machine, address))
		return -EXO_E_RANGE;
	path_find(&path, space, address);
	entry = entry_read(path.entry[path.level]);
	offset = level_offset(address, path.level);
	mapping->present = entry & ENTRY_PRESENT;
	mapping->base = 0;
	mapping->size = level_size(path.level) - offset;
	mapping->rights = 0;
	mapping->level = path.level;
	if (mapping->present) {
		mapping->base = (entry & ENTRY_ADDRESS & ~(level_size(path.level) - 1)) + offset;
		mapping->rights = entry_rights(entry) & path.allowed;
	}
	return 0;
}

/* Are these 512 pages of @level one page of the level above? */
static bool is_one_page(const uint64_t *entries, unsigned int level)
{
	const uint64_t unlike = ENTRY_ACCESSED | ENTRY_DIRTY;
	const uint64_t size =
		level == 1 ? 0 : ENTRY_LARGE; /* at level 1 the bit has to do with the PAT */
	uint64_t expected = entry_read(&entries[0]) & ~unlike;

	if ((expected & ENTRY_LARGE) != size || level_offset(expected & ENTRY_ADDRESS, level + 1))
		return false;
	for (unsigned int i = 0; i < PAGE_ENTRIES; i++, expected += level_size(level))
		if ((entry_read(&entries[i]) & ~unlike) != expected)
			return false;
	return true;
}

/* Merges the table to which the entry of @level on the path points, if it can be. */
static bool merge_table(struct page_batch *batch, struct path *path, unsigned int level)
{
	const struct page_machine *machine = batch->space->machine;
	const uint64_t full = ENTRY_COUNTED | (uint64_t)PAGE_ENTRIES << ENTRY_COUNT_SHIFT;
	uint64_t *parent = path->entry[level];
	const uint64_t entry = entry_read(parent);
	const uint64_t *entries = entry_table(machine, entry);

	if ((entry & (ENTRY_COUNTED | ENTRY_COUNT)) != full || !is_one_page(entries, level - 1))
		return false;
	entry_write(parent, entry_read(&entries[0]) | ENTRY_LARGE);
	tables_push(machine, &batch->tables, entry & ENTRY_ADDRESS);
	batch->all = true;
	return true;
}

/* Merges tables that map a page of @level each. */
static unsigned int merge_level(struct page_batch *batch, uint64_t address, uint64_t size,
				unsigned int level)
{
	const uint64_t skip = level_offset(-address, level);
	unsigned int merged = 0;
	struct path path;
	uint64_t step;

	if (skip >= size)
		return 0;
	address += skip;
	size -= skip;
	for (; size >= level_size(level); address += step, size = step < size ? size - step : 0) {
		path_find(&path, batch->space, address);
		step = level_size(level);
		if (path.level < level)
			merged += merge_table(batch, &path, level);
		else
			step = level_size(path.level) - level_offset(address, path.level);
	}
	return merged;
}

unsigned int page_table_merge(struct page_batch *batch, uint64_t address, uint64_t size)
{
	unsigned int merged = 0;

	if (page_batch_change(batch, address, size))
		return 0;
	page_batch_leave_cursor(batch);
	for (unsigned int level = 2; level <= batch->space->machine->largest; level++)
		merged += merge_level(batch, address, size, level);
	return merged;
}
