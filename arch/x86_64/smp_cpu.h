/* SPDX-License-Identifier: MIT */
/* What each CPU but the first has of its own, and the page at which it starts. */
#ifndef SMP_CPU_H
#define SMP_CPU_H

#include "smp_boot.h"
#include "smp_calls.h"

#include <arch/gdt.h>
#include <arch/stack.h>
#include <exo/cpu.h>

/* In a frame of its own, on the CPU's node. Kept for ever. */
struct ap {
	struct cpu cpu; /* first: with CONFIG_PTI its struct cpu_entry is a frame in front */
	uint64_t stack; /* where ap_trampoline.asm lets it begin */
	struct ap_start start;
	struct cpu_segments segments;
	struct cpu_stacks stacks;
	struct call_queue calls;
};

/* For ap_trampoline.asm: who may start, and the page tables to use. */
extern struct ap *ap_list[NR_CPUS];
extern uint32_t ap_count;
extern uint64_t ap_root;

/* Called by ap_trampoline.asm, interrupts off, on the CPU's own stack. */
_Noreturn void ap_main(struct ap *ap);

/**
 * ap_trampoline_make() - have a page below 1 MiB at which CPUs can start
 * The page is executable, and not writable, in page tables made for this, which share the kernel's.
 * Returns 0, -EXO_E_NOMEM.
 */
int ap_trampoline_make(paddr_t *page);

/* Gives page and page tables back. No CPU may still be on its way through it. */
void ap_trampoline_free(void);

/* A CPU that halted in the trampoline because it lacks what the settings need. */
bool ap_trampoline_refused(uint32_t apic_id);

#endif
