/* SPDX-License-Identifier: MIT */
/* Which struct cpu is this CPU's. */
#ifndef ARCH_PERCPU_H
#define ARCH_PERCPU_H

#include <exo/cpu.h>

#define MSR_GS_BASE 0xc0000101

/* Makes @cpu what cpu_this() returns here. Each CPU once, before it uses anything of its own. */
void cpu_set_this(struct cpu *cpu);

#endif
