/* SPDX-License-Identifier: MIT */
/* Control registers and TLBs, for mmu.c. */
#ifndef MMU_FLUSH_H
#define MMU_FLUSH_H

#include <exo/cpu.h>
#include <exo/page_table.h>

static inline void write_cr3(uint64_t value)
{
	__asm__ volatile("mov %0, %%cr3" : : "r"(value) : "memory");
}

static inline void write_cr4(uint64_t value)
{
	__asm__ volatile("mov %0, %%cr4" : : "r"(value) : "memory");
}

/* What goes with the roots into struct cpu_entry (CONFIG_PTI): all 0 without PCIDs. Constant. */
struct mmu_cr3_bits {
	uint64_t kernel, user;
};
extern struct mmu_cr3_bits mmu_cr3_bits;

/* What struct page_machine asks for. */
void mmu_flush(const struct page_batch *batch);
void mmu_lock(struct page_table *space);
void mmu_unlock(struct page_table *space);

#endif
