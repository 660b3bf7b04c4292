/* SPDX-License-Identifier: MIT */
/* The memory management unit: the kernel's address space, the TLB, zeroing of pages. */
#ifndef ARCH_MMU_H
#define ARCH_MMU_H

#include <arch/layout.h>
#include <exo/config.h>
#include <exo/tlb.h>

#define CR4_LA57 (1ull << 12)
#define CR4_PGE (1ull << 7)
#define CR4_PCIDE (1ull << 17)

static inline uint64_t cpu_read_cr4(void)
{
	uint64_t value;

	__asm__ volatile("mov %%cr4, %0" : "=r"(value));
	return value;
}

/* What the CPU has and the configuration lets it use; mmu_init() fills it in. */
struct mmu_features {
	struct tlb_features tlb;
	bool fast_bytes; /* ERMS: REP STOSB is the fastest way to fill memory */
};

extern struct mmu_features mmu_features;

/* The two ways to zero a page (SDM vol. 1, 7.3.9.3). */
static inline void page_zero_bytes(void *page)
{
	size_t count = PAGE_SIZE;

	__asm__ volatile("rep stosb" : "+D"(page), "+c"(count) : "a"(0) : "memory");
}

static inline void page_zero_quads(void *page)
{
	size_t count = PAGE_SIZE / 8;

	__asm__ volatile("rep stosq" : "+D"(page), "+c"(count) : "a"(0ull) : "memory");
}

/* The address space that boot.asm has made: the kernel's, and what new spaces share. */
extern struct page_table kernel_space;

/*
 * Turns on what this CPU has, finds out what page tables may look like, and takes over the kernel's
 * address space. Once, early in the boot list; needs no memory.
 */
#if IS_ENABLED(CONFIG_PAGE_TABLE)
void mmu_init(void);
#else
static inline void mmu_init(void)
{
}
#endif

/*
 * Does on another CPU what mmu_init() has done on the first. It has all features that are in use:
 * if not, mmu_missing_feature() has named one (else it returns NULL).
 */
void mmu_init_cpu(void);
const char *mmu_missing_feature(void);

/* Flushes all of this CPU's TLB. */
void mmu_flush_all(void);

/*
 * page_table_query() of kernel_space, safe while another CPU changes it: an answer is as old as the
 * call.
 */
int mmu_query(uint64_t address, struct page_mapping *mapping);

/*
 * Where frames for page tables come from and go to; they need not be zero, must be within the
 * direct map, and must not be frame 0. Until the first call there are none. From boot's own supply
 * first, then from the frame allocator.
 */
void mmu_set_table_memory(int (*alloc)(paddr_t *table), void (*free)(paddr_t table));

/**
 * mmu_map_direct() - have physical memory [@base, @base + @size) in the direct map
 * Writable, not executable, in the largest pages; what is mapped already stays as it is.
 * Returns 0, -EXO_E_ALIGN, -EXO_E_RANGE if it is more than the CPU or the direct map can address,
 * -EXO_E_NOMEM: then a first part of it may be mapped.
 */
int mmu_map_direct(paddr_t base, uint64_t size);

/* Makes @space the current one of this CPU. Its upper half must be the kernel's. Any context. */
void mmu_switch(struct page_table *space);

/* Zeroes a page in the way that suits this CPU; before mmu_init() in the one that suits all. */
static inline void page_zero(void *page)
{
	if (IS_ENABLED(CONFIG_PAGE_TABLE) && mmu_features.fast_bytes)
		page_zero_bytes(page);
	else
		page_zero_quads(page);
}

#endif
