/* SPDX-License-Identifier: MIT */
/*
 * Entries of page tables, the path from the root to one of them, and lists of tables: what
 * page_table.c is made of. Private to it.
 *
 * Bits of an entry: SDM vol. 3, tables 4-14 to 4-20. Those that a CPU ignores are used as follows.
 *
 *	in an entry that points to a table:
 *		52..61	how many entries of that table are present, 0..512
 *		62	that table was made here: it is counted, and freed when it is empty
 *	in six entries of a table on a list:
 *		52..58	the list's link, seven bits in each
 *
 * Both fields are ignored in these places by Intel's and AMD's CPUs (AMD: APM vol. 2, 5.3), and
 * protection keys (59..62 of a leaf) stay 0. Tables without bit 62 were made by others (boot.asm)
 * or are shared by several roots: they are never freed, and nobody counts their entries.
 */
#ifndef PAGE_WALK_H
#define PAGE_WALK_H

#include <exo/page_table.h>

#define PAGE_ENTRIES 512u
#define LEVELS_MAX 5
#define LEVEL_BITS 9

#define ENTRY_PRESENT (1ull << 0)
#define ENTRY_WRITE (1ull << 1)
#define ENTRY_USER (1ull << 2)
#define ENTRY_ACCESSED (1ull << 5)
#define ENTRY_DIRTY (1ull << 6)
#define ENTRY_LARGE (1ull << 7) /* at levels 2 and 3: a page, not a table */
#define ENTRY_GLOBAL (1ull << 8)
#define ENTRY_ADDRESS 0x000ffffffffff000ull
#define ENTRY_NO_EXECUTE (1ull << 63)

#define ENTRY_COUNT_SHIFT 52
#define ENTRY_COUNT_ONE (1ull << ENTRY_COUNT_SHIFT)
#define ENTRY_COUNT (1023ull << ENTRY_COUNT_SHIFT)
#define ENTRY_COUNTED (1ull << 62)

/* What two leaves must have in common to give the same rights. */
#define ENTRY_RIGHTS                                \
	(ENTRY_PRESENT | ENTRY_WRITE | ENTRY_USER | \
	 (uint64_t)(PAGE_WRITE_THROUGH | PAGE_UNCACHED) | ENTRY_NO_EXECUTE)

/* The way from the root down to the entry that covers an address. */
struct path {
	uint64_t top; /* stands for an entry that points to the root */
	uint64_t *entry[LEVELS_MAX + 2]; /* at each level from @level to that of top */
	paddr_t user_root; /* the space's; only with CONFIG_PTI */
	unsigned int level; /* where it ends: at a page or at a hole */
	unsigned int allowed; /* enum page_rights: what the tables above let through */
};

/* A CPU may set the accessed and dirty bits of an entry at any time, and may walk it. */
static inline uint64_t entry_read(const uint64_t *entry)
{
	return __atomic_load_n(entry, __ATOMIC_RELAXED);
}

static inline void entry_write(uint64_t *entry, uint64_t value)
{
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

static inline bool in_upper_half(uint64_t address)
{
	return address >> 63;
}

/* The size of a page, or of what an entry covers, at a level. */
static inline unsigned int level_shift(unsigned int level)
{
	return 3 + LEVEL_BITS * level;
}

static inline uint64_t level_size(unsigned int level)
{
	return 1ull << level_shift(level);
}

/* How far an address is from the last multiple of that size. */
static inline uint64_t level_offset(uint64_t address, unsigned int level)
{
	return address & (level_size(level) - 1);
}

static inline unsigned int level_index(uint64_t address, unsigned int level)
{
	return address >> level_shift(level) & (PAGE_ENTRIES - 1);
}

/* Does an entry of a table at @level point to another table? If (entry & TABLE_BITS) is this. */
#define TABLE_BITS (ENTRY_PRESENT | ENTRY_LARGE)

static inline uint64_t table_mark(unsigned int level)
{
	return level > 1 ? ENTRY_PRESENT : ~0ull; /* in the lowest tables no entry does */
}

static inline bool entry_is_table(uint64_t entry, unsigned int level)
{
	return (entry & TABLE_BITS) == table_mark(level);
}

static inline uint64_t *entry_table(const struct page_machine *machine, uint64_t entry)
{
	return (uint64_t *)(uintptr_t)(machine->window + (entry & ENTRY_ADDRESS));
}

static inline unsigned int entry_count(uint64_t entry)
{
	return (unsigned int)((entry & ENTRY_COUNT) >> ENTRY_COUNT_SHIFT);
}

/* The rights of a leaf, as enum page_rights. */
static inline unsigned int entry_rights(uint64_t entry)
{
	return ((unsigned int)entry & (PAGE_RIGHTS & ~PAGE_EXECUTE)) |
	       (entry & ENTRY_NO_EXECUTE ? 0 : PAGE_EXECUTE);
}

/* Do two entries give the same rights? A hole (0) has none of a page's. */
static inline bool entry_same_rights(uint64_t a, uint64_t b)
{
	return ((a ^ b) & ENTRY_RIGHTS) == 0;
}

/* How many entries of the path's table, from the path's own on, [@address, + @size) touches. */
static inline unsigned int path_entries(const struct path *path, uint64_t address, uint64_t size)
{
	const unsigned int room = PAGE_ENTRIES - level_index(address, path->level);
	const uint64_t touched =
		((level_offset(address, path->level) + size - 1) >> level_shift(path->level)) + 1;

	return touched < room ? (unsigned int)touched : room;
}

/* How many bytes of the range the entries of the path's table cover that come before @end. */
static inline uint64_t path_bytes(const struct path *path, uint64_t address, uint64_t size,
				  const uint64_t *end)
{
	const uint64_t entries = (uint64_t)(end - path->entry[path->level]);
	const uint64_t bytes = entries * level_size(path->level);

	if (!entries)
		return 0;
	return bytes - level_offset(address, path->level) < size
		       ? bytes - level_offset(address, path->level)
		       : size;
}

/* Is it a canonical address with so many levels? */
bool page_canonical(const struct page_machine *machine, uint64_t address);

/* 0, -EXO_E_ALIGN or -EXO_E_RANGE. */
int page_check_range(const struct page_machine *machine, uint64_t address, uint64_t size);

/* 0, -EXO_E_ARG or -EXO_E_PERM. */
int page_check_rights(uint64_t address, unsigned int rights);

/* A page's entry with these rights, without its address and ENTRY_LARGE. */
uint64_t page_leaf(const struct page_machine *machine, uint64_t address, unsigned int rights);

/* Goes from the root as far down towards @address as there are tables. */
void path_find(struct path *path, const struct page_table *space, uint64_t address);

/* Adds to the count of the table that holds the path's last entry. */
void path_count(const struct path *path, int change);

/* Puts the first table of @list, empty, below the path, and goes down to its entry. */
void path_grow(struct path *path, const struct page_machine *machine, uint64_t address,
	       paddr_t *list);

/*
 * Pages that the ends of a range divide and that have other rights than @leaf: how many tables it
 * takes to split them at both ends, and the split at one of them.
 */
unsigned int page_split_check(const struct page_table *space, uint64_t from, uint64_t to,
			      uint64_t leaf);
void page_split(const struct page_table *space, uint64_t boundary, uint64_t leaf, paddr_t *tables);

/* Moves the path's table, if it is empty, and then empty ones above it, to @list. */
void path_prune(struct path *path, const struct page_machine *machine, paddr_t *list);

/* Lists of tables. 0 is an empty list. The push changes nothing that a CPU sees in a table. */
void tables_push(const struct page_machine *machine, paddr_t *list, paddr_t table);
paddr_t tables_pop(const struct page_machine *machine, paddr_t *list);

/* Allocates @count tables; on failure none, and the error is returned. */
int tables_reserve(struct page_machine *machine, unsigned long count, paddr_t *list);
void tables_free(struct page_machine *machine, paddr_t *list);

/*
 * Checks the range of a change and notes in which half it is.
 * Returns 0, -EXO_E_ALIGN or -EXO_E_RANGE.
 */
int page_batch_change(struct page_batch *batch, uint64_t address, uint64_t size);

/* Makes the tree agree with its counts: before anything but the batch's short paths changes it. */
void page_batch_leave_cursor(struct page_batch *batch);

#endif
