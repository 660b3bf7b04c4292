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
};

extern struct mmu_features mmu_features;

/*
 * Zeroes a page. REP STOSQ and not STOSB: CPUs with fast strings do both alike, a line of the cache
 * at a time (SDM vol. 1, 7.3.9.3), and others are eight times as fast.
 */
static inline void page_zero(void *page)
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
struct cpu;
/* The same with interrupts off; @cpu is this one. */
void mmu_switch_masked(struct cpu *cpu, struct page_table *space);

/**
 * mmu_space_init() - make an address space for programs, with the kernel's upper half
 * @machine: the caller's own, with its alloc() and free(); the rest is filled in. No lock: the
 *	caller has one for the space. Tables must be in the direct map; alloc() clears them.
 * Root entries that the kernel's space gets later this one does not get: all that the kernel uses
 * are there once memory_init() has run. Returns 0, -EXO_E_NOMEM.
 */
int mmu_space_init(struct page_table *space, struct page_machine *machine);

/* What mmu_flush() does for a batch, for one page of the lower half. Interrupts off. */
void mmu_flush_page(struct page_table *space, uint64_t address);

/*
 * Has every CPU that still has @space loaded go to the kernel's: before page_table_destroy(). No
 * thread may run in it any more. Waits for other CPUs, see smp_call(); interrupts on or off.
 */
void mmu_leave(struct page_table *space);

#endif
