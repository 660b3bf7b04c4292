/* SPDX-License-Identifier: MIT */
/*
 * The interrupt flag of a host test's CPU, in place of arch/x86_64/include/arch/irq_flag.h: a
 * variable of each thread. Interrupts are on at first; none ever comes.
 */
#ifndef ARCH_IRQ_FLAG_H
#define ARCH_IRQ_FLAG_H

#include <exo/compiler.h>
#include <stdbool.h>

#define RFLAGS_IF 0x200ull

extern _Thread_local uint64_t host_flags;

static inline uint64_t irq_save(void)
{
	const uint64_t flags = host_flags;

	host_flags = flags & ~RFLAGS_IF;
	barrier();
	return flags;
}

static inline void irq_restore(uint64_t flags)
{
	barrier();
	host_flags = flags;
}

static inline void irq_enable(void)
{
	host_flags |= RFLAGS_IF;
}

static inline bool irq_enabled(void)
{
	return host_flags & RFLAGS_IF;
}

#endif
