/* SPDX-License-Identifier: MIT */
/* Where interrupts between CPUs arrive. */
#ifndef ARCH_SMP_H
#define ARCH_SMP_H

#include <exo/smp.h>

/* Called by interrupts.c for each of them, ended already at the local APIC. Interrupts off. */
void smp_ipi(enum ipi ipi);

struct interrupt_frame;

#if IS_ENABLED(CONFIG_SMP)
/* A non-maskable interrupt: does not return if another CPU panics. */
void smp_nmi(const struct interrupt_frame *frame);
#else
static inline void smp_nmi(const struct interrupt_frame *frame)
{
	(void)frame;
}
#endif

#endif
