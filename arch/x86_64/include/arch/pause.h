/* SPDX-License-Identifier: MIT */
/*
 * Waiting for another CPU. Host tests have a header of this name (tests/host/include): there,
 * whoever is waited for may need the CPU.
 */
#ifndef ARCH_PAUSE_H
#define ARCH_PAUSE_H

/* Busy-wait hint (SDM vol. 2, PAUSE). */
static inline void cpu_pause(void)
{
	__asm__ volatile("pause");
}

#endif
