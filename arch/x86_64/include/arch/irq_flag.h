/* SPDX-License-Identifier: MIT */
/*
 * The interrupt flag of this CPU. Without CONFIG_IRQ there are no interrupts and nothing is done.
 * Host tests have a header of this name (tests/host/include): CLI would be a fault there.
 */
#ifndef ARCH_IRQ_FLAG_H
#define ARCH_IRQ_FLAG_H

#include <exo/compiler.h>
#include <exo/config.h>
#include <stdbool.h>

#define RFLAGS_IF 0x200ull

/* Disables interrupts and returns the flags for irq_restore(). Nests. */
static inline uint64_t irq_save(void)
{
	uint64_t flags = 0;

	if (IS_ENABLED(CONFIG_IRQ))
		__asm__ volatile("pushfq; popq %0; cli" : "=r"(flags) : : "memory");
	return flags;
}

static inline void irq_restore(uint64_t flags)
{
	if (IS_ENABLED(CONFIG_IRQ) && (flags & RFLAGS_IF))
		__asm__ volatile("sti" : : : "memory");
}

static inline void irq_enable(void)
{
	__asm__ volatile("sti" : : : "memory");
}

/* Can this CPU be interrupted now? */
static inline bool irq_enabled(void)
{
	uint64_t flags = 0;

	if (IS_ENABLED(CONFIG_IRQ))
		__asm__ volatile("pushfq; popq %0" : "=r"(flags) : : "memory");
	return flags & RFLAGS_IF;
}

#endif
