/* SPDX-License-Identifier: MIT */
/*
 * Telling the frame allocator what memory there is. For mm/memory.c at boot, and for tests.
 */
#ifndef EXO_FRAME_SETUP_H
#define EXO_FRAME_SETUP_H

#include <exo/compiler.h>
#include <stdbool.h>

/* Forgets everything; @node is the one that frame_alloc() takes memory near to. */
void frame_setup(unsigned int node);

struct cpu;

/*
 * Gives a CPU its cache, of memory of its node. Before it allocates; @cpu has its number and node.
 * The boot CPU has one since frame_setup().
 */
void frame_cache_attach(struct cpu *cpu);

/* Bytes of metadata for a region of @size bytes at @base; both multiples of PAGE_SIZE. */
size_t frame_metadata(paddr_t base, uint64_t size);

/*
 * Adds a region: it lies above those added before, in no other, and is all a hole so far.
 * @metadata: zeroed, page-aligned, frame_metadata() bytes. -EXO_E_NOMEM when there are
 * CONFIG_FRAME_REGIONS.
 */
int frame_add_region(paddr_t base, uint64_t size, unsigned int node, void *metadata);

/*
 * Turns a hole, or a part of one, into memory: free, or reserved. Both arguments are multiples of
 * PAGE_SIZE. Returns 0, -EXO_E_RANGE if it is not within one region.
 */
int frame_add_memory(paddr_t base, uint64_t size, bool reserved);

#endif
