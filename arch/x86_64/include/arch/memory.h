/* SPDX-License-Identifier: MIT */
/* The direct map: how the kernel reaches physical memory. */
#ifndef ARCH_MEMORY_H
#define ARCH_MEMORY_H

#include <arch/layout.h>
#include <exo/boot_info.h>
#include <exo/config.h>
#include <stdbool.h>

/* The pointer to physical address @base, which phys_reachable() must allow. */
static inline void *phys_to_virt(paddr_t base)
{
	return (void *)(DIRECT_MAP_BASE + base);
}

/* What phys_to_virt() made it from. */
static inline paddr_t virt_to_phys(const void *pointer)
{
	return (uintptr_t)pointer - DIRECT_MAP_BASE;
}

/* The same beyond what boot.asm has mapped, by a look at the page tables (mmu.c). */
bool direct_map_holds(paddr_t base, uint64_t size);

/* True if the @size bytes at physical @base lie in the direct map. */
static inline bool phys_reachable(paddr_t base, uint64_t size)
{
	const uint64_t limit = GIB(CONFIG_BOOT_DIRECT_MAP_GIB);

	if (base <= limit && size <= limit - base)
		return true;
	return IS_ENABLED(CONFIG_PAGE_TABLE) && direct_map_holds(base, size);
}

/* The direct map as the parsers of firmware tables see it. */
extern const struct boot_memory_view boot_memory_direct;

#endif
