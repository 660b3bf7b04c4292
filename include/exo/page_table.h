/* SPDX-License-Identifier: MIT */
/*
 * Page tables of an x86-64 address space (SDM vol. 3, chapter 4): 4 or 5 levels, pages of 4 KiB,
 * 2 MiB and 1 GiB.
 *
 * Pure code over an abstract machine, struct page_machine: the kernel gives its direct map and its
 * CPU, the tests a buffer. Nothing here executes a TLB instruction: what must be flushed, and the
 * tables that have become empty, are gathered in a struct page_batch, and page_batch_end() hands
 * them to the machine. Until then a CPU may still use what was mapped before.
 *
 * Each call checks all of its arguments and gets all the tables it needs before it changes a
 * mapping: after an error the mappings, their page sizes and the tables are what they were.
 *
 * Addresses and sizes are in bytes, multiples of PAGE_SIZE. A range has at least one page, does not
 * wrap and lies in one half of the canonical addresses. The upper half is the kernel's: it is the
 * same in all address spaces, and user mode never reaches it.
 *
 * Locks: one for each address space, which covers a batch from beginning to end: the machine's, if
 * it has one for this space, or the caller's.
 */
#ifndef EXO_PAGE_TABLE_H
#define EXO_PAGE_TABLE_H

#include <arch/layout.h>
#include <exo/compiler.h>
#include <exo/errno.h>
#include <stdbool.h>

/*
 * What may be done at an address. Present memory is always readable. The bits but the first are
 * those of the hardware's entries. The last two choose the memory type by the PAT's reset values
 * (SDM vol. 3, 12.12.4): none is write-back, both are uncached whatever the MTRRs say.
 */
enum page_rights {
	PAGE_EXECUTE = 1 << 0, /* not together with PAGE_WRITE: -EXO_E_PERM */
	PAGE_WRITE = 1 << 1,
	PAGE_USER = 1 << 2, /* in user mode too; in the upper half: -EXO_E_PERM */
	PAGE_WRITE_THROUGH = 1 << 3,
	PAGE_UNCACHED = 1 << 4, /* devices */
};

#define PAGE_RIGHTS 0x1fu /* all of them */

enum page_level { PAGE_LEVEL_4K = 1, PAGE_LEVEL_2M = 2, PAGE_LEVEL_1G = 3 };

struct page_batch;
struct page_table;

/* What the tables are made of and made for; one for all address spaces of a machine. */
struct page_machine {
	uint64_t window; /* physical address p can be read and written at window + p */
	paddr_t limit; /* physical addresses are below it: 2^MAXPHYADDR, at most 2^52 */
	uint8_t levels; /* 4 or 5 */
	uint8_t largest; /* enum page_level: the largest page that may be used */
	bool no_execute; /* the CPU has NX; without it every page can be executed */
	bool global; /* pages of the upper half are global (CR4.PGE) */
	/* A zeroed frame for a table, not frame 0: 0 or -EXO_E_NOMEM. */
	int (*alloc)(struct page_machine *machine, paddr_t *table);
	/* Takes it back, with whatever is in it. */
	void (*free)(struct page_machine *machine, paddr_t table);
	/* Does what tlb_decide() (exo/tlb.h) says. */
	void (*flush)(const struct page_batch *batch);
	/* Around a batch, from before it is opened until it is done; NULL where nobody else comes.
	 */
	void (*lock)(struct page_table *space);
	void (*unlock)(struct page_table *space);
};

struct page_table {
	struct page_machine *machine;
	paddr_t root;
	paddr_t user_root; /* the lower half the same; 0: none (only with CONFIG_PTI) */
	uint16_t pcid; /* process-context identifier, 0 without CONFIG_PCID */
	bool open; /* a batch is open */
};

struct page_mapping {
	bool present;
	paddr_t base; /* of the byte at the address that was asked for; 0 if not present */
	uint64_t size; /* bytes from that address on to the end of this page, or of this hole */
	unsigned int rights; /* enum page_rights, as the CPU sees them; 0 if not present */
	enum page_level level; /* of the page */
};

/* Addresses that are PAGE_SIZE apart, from @first up to @end. */
struct page_run {
	uint64_t first, end;
};

#define PAGE_BATCH_RUNS 16 /* a guess: work that is more scattered flushes everything */

/* Work put off to the end of a batch. The cursor is page_table.c's own (see there). */
struct page_batch {
	struct page_table *space;
	uint64_t cursor; /* the first address that the table at hand maps */
	uint64_t cursor_pages; /* 512, or 0: no table is at hand */
	uint64_t *cursor_entries;
	uint64_t *cursor_parent; /* the entry that points to it */
	uint64_t cursor_leaf; /* an entry with the rights below; 0: none */
	unsigned int cursor_rights;
	unsigned int cursor_present; /* how many entries of the table are present */
	uint64_t frames; /* machine->limit / PAGE_SIZE */

	/* What to flush: an address in each page that has changed. The last run is open. */
	uint64_t end; /* of the open run */
	unsigned int nr_runs;
	bool all; /* more than fits: flush everything */
	bool lower, upper; /* whether calls had addresses in that half */
	paddr_t tables; /* taken out of use, to free after the flush; 0: none */
	struct page_run runs[PAGE_BATCH_RUNS];
};

/**
 * page_table_init() - make an address space
 * @kernel: the space whose upper half it shares, or NULL for an empty one. What the root of @kernel
 *	gets later, it does not get: the kernel makes its root entries before it shares them.
 * Returns 0 or -EXO_E_NOMEM.
 */
int page_table_init(struct page_table *space, struct page_machine *machine,
		    struct page_table *kernel);

/*
 * With CONFIG_PTI: gives a space in which nothing is mapped a second root, whose lower half will be
 * as the first one's, and the upper half as that of @upper, of which the same holds as of @kernel
 * above. It is the space's as the first is. Returns 0 or -EXO_E_NOMEM.
 */
int page_table_add_user_root(struct page_table *space, const struct page_table *upper);

/* Frees all tables that page_table_map() made, the roots included. No CPU may be using them. */
void page_table_destroy(struct page_table *space);

/**
 * page_table_map() - map [@address, @address + @size) to the physical memory from @base on
 * Uses the largest pages that fit and are allowed. The range must be free of mappings.
 * Returns 0, -EXO_E_ALIGN, -EXO_E_ARG (unknown rights), -EXO_E_RANGE (no such range, or memory
 * beyond the machine's limit), -EXO_E_PERM (W^X, user rights in the upper half, or tables of others
 * above that forbid it), -EXO_E_BUSY (something is mapped there), -EXO_E_NOMEM.
 */
int page_table_map(struct page_batch *batch, uint64_t address, paddr_t base, uint64_t size,
		   unsigned int rights);

/*
 * Removes whatever is mapped in the range; holes are no error. A large page of which only a part
 * goes is split. Tables that become empty are freed with the batch.
 * Returns 0, -EXO_E_ALIGN, -EXO_E_RANGE, -EXO_E_NOMEM (no table to split with).
 */
int page_table_unmap(struct page_batch *batch, uint64_t address, uint64_t size);

/*
 * Gives what is mapped in the range other rights; splits as page_table_unmap() where they differ.
 * Another memory type also takes a flush of the CPU's caches, which is the caller's to do.
 * Returns its errors, -EXO_E_ARG, -EXO_E_PERM as page_table_map(), and -EXO_E_DEAD if there is a
 * hole in the range.
 */
int page_table_protect(struct page_batch *batch, uint64_t address, uint64_t size,
		       unsigned int rights);

/*
 * The same for a single 4 KiB page of the lower half of a space whose tables were all made by
 * page_table_map(), without a batch: the caller, who keeps others from the tables, flushes
 * (mmu_flush_page()). @rights have been checked. False: there is no such page.
 */
bool page_table_protect_page(struct page_table *space, uint64_t address, unsigned int rights);

/*
 * Puts large pages, where they are allowed, in place of full tables that map only this range and
 * whose pages are adjacent in memory and have the same rights. Returns how many tables went; 0 too
 * if there is no such range.
 */
unsigned int page_table_merge(struct page_batch *batch, uint64_t address, uint64_t size);

/*
 * What is at @address (any byte), and how far that goes: repeat at @address + size to see a whole
 * range. Returns 0 or -EXO_E_RANGE.
 */
int page_table_query(const struct page_table *space, uint64_t address,
		     struct page_mapping *mapping);

/*
 * Calls @visit for each table that page_table_destroy() would free, the root (or roots) last;
 * @visit may free it. Nobody changes the space meanwhile.
 */
void page_table_for_each(const struct page_table *space,
			 void (*visit)(paddr_t table, void *context), void *context);

/* Opens a batch of changes to an address space. One at a time for each space. */
void page_batch_begin(struct page_batch *batch, struct page_table *space);

/*
 * Ends the changes. page_batch_finish() must follow; others may open a batch of the space before
 * that. Only for spaces whose machine has no lock: under the caller's.
 */
void page_batch_close(struct page_batch *batch);

/*
 * Flushes what the closed batch has gathered, which waits for other CPUs, then frees its tables:
 * without the caller's lock. Until it returns, a CPU may still use what was mapped before.
 */
void page_batch_finish(struct page_batch *batch);

/* Both, and gives the machine's lock back. The batch must be opened again for more. */
void page_batch_end(struct page_batch *batch);

#endif
