/* SPDX-License-Identifier: MIT */
/* What the files of a bank tell each other. */
#ifndef BANK_INTERNAL_H
#define BANK_INTERNAL_H

#include <exo/bank.h>
#include <exo/cpu.h>
#include <exo/env.h>
#include <exo/stack.h>

/* A page of cells; begins with this, in place of its first cell. */
struct bank_page {
	struct list_node node; /* in bank->cells[] while a cell is free, else in bank->full */
	uint64_t free; /* a bit a cell; under the bank's lock */
	paddr_t base;
	uint8_t size; /* index into bank->cells[]: cells of BANK_CELL_MIN << size bytes */
	uint8_t numa;
};

#define BANK_CELL_MIN 64u

_Static_assert(BANK_CELL_MIN << (BANK_SIZES - 1) == BANK_CELL_MAX, "sizes of cells");
_Static_assert(sizeof(struct bank_page) <= BANK_CELL_MIN, "fits into the smallest cell");
_Static_assert(BANK_CELL_MIN >= OBJECT_ALIGN && PAGE_SIZE / BANK_CELL_MIN <= 64, "a bit a cell");

/* The bits of all cells of a page. */
static inline uint64_t bank_page_cells(unsigned int size)
{
	const unsigned int cells = PAGE_SIZE / (BANK_CELL_MIN << size);

	return (cells == 64 ? ~0ull : (1ull << cells) - 1) & ~1ull;
}

void bank_init(struct bank *bank);

/* bank_charge() of a node that there is, without giving back what is held without need. */
int bank_try_charge(struct bank *bank, uint64_t frames, unsigned int *node);

/* Gives back what @bank holds without need; false if there is nothing. */
bool bank_drop_spare(struct bank *bank);

/*
 * For the audit, which is alone: the pages of cells of @bank, and the objects whose memory is not
 * back, whatever has become of them; each the next after the one given, NULL for the first and at
 * the end.
 */
struct bank_page *bank_next_page(struct bank *bank, const struct bank_page *page);
struct object *bank_next_object(struct bank *bank, const struct object *object);

/* Is there nothing left that a bank waits for, which is ending? Who brings that about calls
 * object_end_again() for it. */
bool bank_may_end(const struct bank *bank) __requires(bank->lock);

/* The node of this CPU. */
static inline unsigned int bank_near_node(void)
{
	return IS_ENABLED(CONFIG_SMP) ? cpu_this()->node : 0;
}

/* Where to look first, second …: bank_nr_tries() nodes, from 0 on. */
unsigned int bank_try_node(unsigned int node, unsigned int index);

static inline unsigned int bank_nr_tries(unsigned int node)
{
	return node == EXO_NODE_ANY ? numa_nodes() : 1;
}

/* How many frames a CPU may have at hand. */
#ifdef CONFIG_FRAME_CACHE_SIZE
static inline uint64_t bank_cache_frames(void)
{
	return CONFIG_FRAME_CACHE_SIZE;
}
#else
static inline uint64_t bank_cache_frames(void)
{
	return 0;
}
#endif

/* And what it may have of stacks of ended threads: those of a moment, while one is freed, included.
 */
static inline uint64_t bank_stack_frames(void)
{
	return (CONFIG_THREAD_CACHE + 2ull) * USER_THREAD_FRAMES;
}

#endif
