/* SPDX-License-Identifier: MIT */
/* What a CPU is made to forget between programs and on the way to them (CONFIG_SPECULATION_FLUSH).
 */
#ifndef ARCH_SPECULATION_H
#define ARCH_SPECULATION_H

#include <arch/cpu.h>
#include <exo/compiler.h>
#include <exo/config.h>
#include <stdbool.h>

#define MSR_PRED_CMD 0x49 /* bit 0: IBPB (SDM vol. 4) */

/*
 * VERW on the way to user mode (user.inc), if a CPU needs it, and IBPB between two address spaces,
 * if all CPUs have it. Constant once the CPUs have started.
 */
extern bool speculation_verw, speculation_ibpb;

#if IS_ENABLED(CONFIG_SPECULATION_FLUSH)
/* Each CPU at its start: finds out what it needs. The first one decides about IBPB. */
void speculation_init_cpu(void);

/* What another CPU than the first lacks that is in use, or NULL. */
const char *speculation_missing_feature(void);
#else
static inline void speculation_init_cpu(void)
{
}

static inline const char *speculation_missing_feature(void)
{
	return NULL;
}
#endif

/* The CPU goes from one address space to another: what branches of one did says nothing to the
 * other. */
static inline void speculation_switch(void)
{
	if (IS_ENABLED(CONFIG_SPECULATION_FLUSH) && unlikely(speculation_ibpb))
		cpu_write_msr(MSR_PRED_CMD, 1);
}

#endif
