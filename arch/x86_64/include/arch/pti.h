/* SPDX-License-Identifier: MIT */
/*
 * Page-table isolation (CONFIG_PTI): what the page tables hold while a program runs.
 *
 * An address space has two roots. Their lower halves are the same; the upper half of that for user
 * mode leads to nothing but what entering the kernel takes: the entry code, the IDT, and of each
 * CPU its struct cpu_entry and interrupt stacks.
 */
#ifndef ARCH_PTI_H
#define ARCH_PTI_H

#include <arch/gdt.h>
#include <arch/layout.h>
#include <exo/compiler.h>
#include <exo/config.h>
#include <exo/cpu.h>

/* The process-context identifier of user mode, where the CPU has them; the kernel's is 0. */
#define PTI_USER_PCID 1

/*
 * What a CPU needs before it has the kernel's page tables: the page in front of its struct cpu, so
 * that the entry code has it at a constant distance from what it has in GS. Both roots map it.
 */
struct cpu_entry {
	uint64_t kernel_cr3, user_cr3; /* of the space in use, as they are to be loaded */
	uint64_t word; /* where RSP is while SYSCALL has no stack */
	uint64_t trap_cr3; /* what the last NMI, #DB, #DF or #MC found in CR3: for tests */
	struct cpu_segments segments;
	/* The end is in the TSS: where interrupts of user mode arrive, and where they leave. */
	uint8_t stack[PAGE_SIZE - 4 * sizeof(uint64_t) - sizeof(struct cpu_segments)];
} __aligned(16);

_Static_assert(sizeof(struct cpu_entry) == PAGE_SIZE, "a page and nothing else");

/* In front of boot_cpu; only with CONFIG_PTI. */
extern struct cpu_entry boot_cpu_entry;

static inline struct cpu_entry *cpu_entry(struct cpu *cpu)
{
	return (struct cpu_entry *)((uintptr_t)cpu - PAGE_SIZE);
}

struct page_table;

#if IS_ENABLED(CONFIG_PTI)
/* Where boot_cpu is: the linker script has its struct cpu_entry in front of it. */
#define __boot_cpu_place __section(".data..cpu") __aligned(PAGE_SIZE)

/* The entry code, the IDT and the boot CPU. Once, between memory_init() and the first space. */
void pti_init(void);

/*
 * Another CPU, whose struct cpu_entry and interrupt stacks (the tops are in @ist) are mapped in the
 * kernel's space. By the boot CPU, before there are programs. Panics for want of memory, as does
 * pti_init().
 */
void pti_add_cpu(struct cpu *cpu, const uint64_t ist[NR_IST]);

/* Gives a space, which has no pages yet, its root for user mode. Returns 0, -EXO_E_NOMEM. */
int pti_space_init(struct page_table *space);
#else
#define __boot_cpu_place

static inline void pti_init(void)
{
}

static inline void pti_add_cpu(struct cpu *cpu, const uint64_t ist[NR_IST])
{
	(void)cpu, (void)ist;
}

static inline int pti_space_init(struct page_table *space)
{
	(void)space;
	return 0;
}
#endif

#endif
