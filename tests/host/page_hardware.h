/* SPDX-License-Identifier: MIT */
/*
 * What a CPU makes of page tables, for the random test: a walk that checks every bit of every
 * entry, and a TLB that keeps whatever a CPU might keep. A violation prints what it is and aborts.
 */
#ifndef PAGE_HARDWARE_H
#define PAGE_HARDWARE_H

#include <exo/page_table.h>

#define HW_TABLES 96 /* memory for so many */

struct hw_page {
	uint64_t address, size; /* of the page, or of the hole */
	paddr_t base; /* 0: a hole */
	unsigned int rights;
};

extern struct page_machine hw_machine;
extern unsigned int hw_tables_used;
extern unsigned int hw_fail_in; /* the allocation that will fail, 1 is the next one; 0: none */
extern unsigned int hw_failures; /* allocations that have failed */
extern unsigned long hw_flushes;

/* A machine without tables; the tables' physical addresses begin at @base. */
void hw_reset(unsigned int levels, unsigned int largest, bool no_execute, bool global,
	      paddr_t base);

/* The page or hole at @address, as a CPU would translate it. */
struct hw_page hw_translate(const struct page_table *space, uint64_t address);

/*
 * Around each call: what may be in the TLB before it, and what of that is out of date after it. The
 * call has changed [@address, @address + @size) at most; @merged: by merging.
 */
void hw_before(const struct page_table *space, uint64_t address, uint64_t size);
void hw_after(const struct page_table *space, bool merged);

/* After the end of a batch: nothing out of date is left. @all: each table is right in every bit. */
void hw_check(const struct page_table *space, bool all);

/* Destroys the space, after which no table is in use. */
void hw_destroy(struct page_table *space);

_Noreturn void hw_fail(const char *format, ...) __format_printf(1, 2);

#endif
