/* SPDX-License-Identifier: MIT */
/* What heap_slab.c, whose opening says what it means, shares with heap_slab_check.c. */
#ifndef HEAP_SLAB_H
#define HEAP_SLAB_H

#include <exo/cpu.h>
#include <exo/heap_core.h>

#include "heap_large.h"

/* A guess: less leaves no room for 4 KiB blocks, more is bound to one size for too long. */
#define SLAB_ORDER \
	(CONFIG_HEAP_GROW_ORDER < 2 ? 2 : CONFIG_HEAP_GROW_ORDER > 4 ? 4 : CONFIG_HEAP_GROW_ORDER)
#define SLAB_SHIFT (12 + SLAB_ORDER)
#define SLAB_SIZE (1ul << SLAB_SHIFT)
#define SLAB_MAGIC 0x51ab51abu

/* 16 to 128 bytes in steps of 16, then four to a doubling up to a quarter of a slab. */
#define NR_LINEAR 8u
#define NR_REGULAR (12u + 4u * (SLAB_SHIFT - 10u))
/* And two more: what fits a slab three times and twice. */
#define NR_CLASSES (NR_REGULAR + 2u)

struct slab {
	uint32_t magic;
	uint32_t class;
	uint32_t in_use; /* blocks that are not here: with users or in magazines */
	uint32_t fresh; /* blocks at the end that have never been used, and are in no list */
	void *free; /* linked by their first words */
	struct slab *next, *previous; /* of its class: with free blocks, or without */
};

#define SLAB_HEADER 64ul
_Static_assert(sizeof(struct slab) <= SLAB_HEADER, "blocks begin behind the header");

/* Free blocks of a class at a CPU's hand, linked by their first words. */
struct magazine {
	void *top;
	uint32_t count;
	uint32_t room; /* how many more it takes; set when the first one comes */
	uint64_t allocs;
};

struct slab_heap {
	struct magazine magazines[NR_CPUS][NR_CLASSES]; /* each CPU's own; the rest is shared */
	struct slab *partial[NR_CLASSES]; /* slabs with free blocks */
	struct slab *full[NR_CLASSES];
	struct slab *spare; /* an empty one that is kept */
	struct heap_large *large;
	uint64_t pages, large_allocs, failures;
	uint64_t large_in_use[HEAP_MAX_ORDER + 1]; /* by order */
};
extern struct slab_heap heap_slab;

/* Around what CPUs share, unless the caller holds the lock (exo/heap_core.h). */
static inline void heap_slab_share(void) __no_thread_safety_analysis
{
	if (HEAP_PER_CPU)
		spin_acquire(&heap_lock);
}

static inline void heap_slab_unshare(void) __no_thread_safety_analysis
{
	if (HEAP_PER_CPU)
		spin_release(&heap_lock);
}

static inline size_t class_size(unsigned int class)
{
	if (class < NR_LINEAR)
		return 16ul * (class + 1);
	if (class < NR_REGULAR)
		return 32ul * (5 + class % 4) << (class - NR_LINEAR) / 4;
	return (SLAB_SIZE - SLAB_HEADER) / (NR_CLASSES + 1 - class) & -16ul;
}

/* What all blocks of a class are aligned to: the largest power of two that divides the size. */
static inline size_t class_align(unsigned int class)
{
	const size_t align = class_size(class) & -class_size(class);

	return align < HEAP_MAX_ALIGN ? align : HEAP_MAX_ALIGN;
}

/* Where the first block of a slab is. */
static inline size_t class_start(unsigned int class)
{
	return class_align(class) > SLAB_HEADER ? class_align(class) : SLAB_HEADER;
}

static inline uint32_t class_blocks(unsigned int class)
{
	return (uint32_t)((SLAB_SIZE - class_start(class)) / class_size(class));
}

static inline struct slab *slab_of(const void *block)
{
	return (struct slab *)((uintptr_t)block & -SLAB_SIZE);
}

/* Blocks with pages of their own are where the header of a slab would be. */
static inline bool is_large(const void *block)
{
	return (uintptr_t)block % SLAB_SIZE == 0;
}

static inline struct heap_large **find_large(const void *block)
{
	return heap_large_find(&heap_slab.large, (uintptr_t)block, SLAB_SHIFT);
}

#endif
