/* SPDX-License-Identifier: MIT */
/*
 * How to flush a TLB: the decision is pure code (mm/tlb.c), the instructions are the machine's
 * (arch/x86_64/mmu.c). SDM vol. 3, 4.10.4.
 */
#ifndef EXO_TLB_H
#define EXO_TLB_H

#include <exo/page_table.h>

#define CR3_NO_FLUSH (1ull << 63) /* SDM vol. 3, 4.10.4.1: MOV to CR3 */
#define TLB_ADDRESSES_MAX 32 /* a guess: beyond it, flushing all is cheaper */

/* What the CPU has, and the configuration lets it use. */
struct tlb_features {
	bool global; /* CR4.PGE is on */
	bool pcid; /* CR4.PCIDE is on */
	bool invpcid;
};

enum tlb_action {
	TLB_NOTHING,
	TLB_ADDRESSES, /* INVLPG for each address of the batch's runs */
	TLB_ADDRESSES_PCID, /* INVPCID type 0 for each: not the current address space */
	TLB_SPACE, /* write CR3 again, without its no-flush bit */
	TLB_SPACE_PCID, /* INVPCID type 1: another address space than the current one */
	TLB_ALL, /* INVPCID type 2: every PCID, global entries too */
	TLB_ALL_TOGGLE, /* the same by changing CR4.PGE and changing it back */
	TLB_LATER, /* not the current space, and no INVPCID: flush when it is switched to */
};

/* @current: is the batch's address space the one in CR3? */
enum tlb_action tlb_decide(const struct page_batch *batch, bool current,
			   const struct tlb_features *features);

/* The value of CR3 for an address space; @keep: entries tagged with its PCID stay valid. */
static inline uint64_t tlb_cr3(const struct page_table *space, bool keep,
			       const struct tlb_features *features)
{
	if (!features->pcid)
		return space->root;
	return space->root | space->pcid | (keep ? CR3_NO_FLUSH : 0);
}

#endif
