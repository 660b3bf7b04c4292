/* SPDX-License-Identifier: MIT */
/*
 * Which memory is whose at boot: what is kept, what becomes a region of frames, where its metadata
 * goes. Pure code over a struct boot_info and a window onto physical memory; mm/memory.c uses it.
 */
#ifndef EXO_MEMORY_PLAN_H
#define EXO_MEMORY_PLAN_H

#include <exo/boot_info.h>

/* Without a heap nothing is set aside for its growth. */
#ifndef CONFIG_HEAP_GROW_ORDER
#define CONFIG_HEAP_GROW_ORDER 0
#endif

/* Page 0, the image, modules, early allocations; for each region metadata. Neighbours merge. */
#define MEMORY_PLAN_KEPT (CONFIG_BOOT_MODULES + 2 * CONFIG_FRAME_REGIONS + 32)
#define MEMORY_PLAN_NONE UINT64_MAX

struct memory_run {
	paddr_t base, end; /* bytes; end > base */
};

struct memory_region {
	paddr_t base, end;
	uint64_t size; /* bytes of memory in it, without holes; 0: not used after all */
	unsigned int node;
	paddr_t metadata;
};

struct memory_plan {
	const struct boot_info *info;
	char *window; /* physical address p is at window + p ... */
	paddr_t reach; /* ... below this; memory from here on is not used */
	struct memory_run kept[MEMORY_PLAN_KEPT]; /* sorted, apart from each other */
	unsigned int nr_kept;
	struct memory_region regions[CONFIG_FRAME_REGIONS]; /* sorted */
	unsigned int nr_regions;
	/* Results of memory_plan_frames(), in bytes. */
	uint64_t given; /* memory that the frame allocator got, reserved parts included */
	uint64_t free; /* the part of it that is free */
	uint64_t metadata; /* the part of it that is bookkeeping */
	uint64_t unused; /* memory out of reach, or too scattered to be worth a region */
};

/* Begins a plan that keeps page 0. */
void memory_plan_begin(struct memory_plan *plan, const struct boot_info *info, char *window,
		       paddr_t reach);

/* Keeps [@base, @base + @size), wherever it is. Panics if it makes too many runs. */
void memory_plan_keep(struct memory_plan *plan, paddr_t base, uint64_t size);

/*
 * Takes the highest @size bytes, in whole pages, of usable memory in [@from, @to) and within reach,
 * and keeps them. Returns the address, or MEMORY_PLAN_NONE. The contents are as they were.
 */
paddr_t memory_plan_take(struct memory_plan *plan, uint64_t size, paddr_t from, paddr_t to);

/* Hands all memory to the frame allocator, whose frame_setup() has been called. */
void memory_plan_frames(struct memory_plan *plan);

/* Releases the frames of all ACPI-reclaimable ranges; returns how many bytes. */
uint64_t memory_plan_reclaim(const struct boot_info *info);

/* The end of the highest memory that could be used, in bytes. */
paddr_t memory_plan_top(const struct boot_info *info);

#endif
