/* SPDX-License-Identifier: MIT */
/* What interrupts between CPUs arrive at. */
#ifndef ARCH_SMP_H
#define ARCH_SMP_H

#include <exo/smp.h>

/* Called by interrupts.c for each of them, ended already at the local APIC. Interrupts off. */
void smp_ipi(enum ipi ipi);

#endif
