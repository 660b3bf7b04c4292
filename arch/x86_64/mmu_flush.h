/* SPDX-License-Identifier: MIT */
/* Control registers and TLBs, for mmu.c. */
#ifndef MMU_FLUSH_H
#define MMU_FLUSH_H

#include <exo/page_table.h>

static inline void write_cr3(uint64_t value)
{
	__asm__ volatile("mov %0, %%cr3" : : "r"(value) : "memory");
}

static inline void write_cr4(uint64_t value)
{
	__asm__ volatile("mov %0, %%cr4" : : "r"(value) : "memory");
}

/* What struct page_machine asks for. */
void mmu_flush(const struct page_batch *batch);
void mmu_lock(struct page_table *space);
void mmu_unlock(struct page_table *space);

#endif
