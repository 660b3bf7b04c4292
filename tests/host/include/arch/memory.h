/* SPDX-License-Identifier: MIT */
/*
 * Physical memory of a host test, in place of arch/x86_64/include/arch/memory.h: whatever the test
 * says it is (object_machine.c).
 */
#ifndef ARCH_MEMORY_H
#define ARCH_MEMORY_H

#include <arch/layout.h>
#include <exo/compiler.h>

void *host_memory(paddr_t base);
paddr_t host_address(const void *pointer);

static inline void *phys_to_virt(paddr_t base)
{
	return host_memory(base);
}

static inline paddr_t virt_to_phys(const void *pointer)
{
	return host_address(pointer);
}

#endif
