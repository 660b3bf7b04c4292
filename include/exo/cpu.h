/* SPDX-License-Identifier: MIT */
/* How many CPUs the kernel runs on, and which one this is. One, so far. */
#ifndef EXO_CPU_H
#define EXO_CPU_H

#define NR_CPUS 1

/* The number of the CPU that executes this, 0 .. NR_CPUS - 1. */
static inline unsigned int cpu_current(void)
{
	return 0;
}

#endif
