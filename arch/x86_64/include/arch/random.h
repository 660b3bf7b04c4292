/* SPDX-License-Identifier: MIT */
/* A random word from what the CPU has: RDRAND, else RDSEED, and always the time-stamp counter. */
#ifndef ARCH_RANDOM_H
#define ARCH_RANDOM_H

#include <arch/cpu.h>

#define CPUID1_ECX_RDRAND (1u << 30)
#define CPUID7_EBX_RDSEED (1u << 18)
/* Either may have nothing for a moment; so often is asked (SDM vol. 1, 7.3.17). */
#define RANDOM_TRIES 10

/*
 * For secrets of this boot. On a CPU with neither instruction it is only as hard to guess as the
 * cycle in which this was executed; its upper half is then better than its lower one.
 */
static inline uint64_t cpu_random_word(void)
{
	const uint32_t seven = cpuid(0, 0).eax >= 7 ? cpuid(7, 0).ebx : 0;
	uint64_t value = 0;
	bool good = false;

	if (cpuid(1, 0).ecx & CPUID1_ECX_RDRAND)
		for (unsigned int i = 0; i < RANDOM_TRIES && !good; i++)
			__asm__ volatile("rdrand %0" : "=r"(value), "=@ccc"(good));
	if (seven & CPUID7_EBX_RDSEED)
		for (unsigned int i = 0; i < RANDOM_TRIES && !good; i++)
			__asm__ volatile("rdseed %0" : "=r"(value), "=@ccc"(good));
	return value ^
	       cpu_tsc() * 0x9e3779b97f4a7c15; /* 2^64 over the golden ratio: spreads bits */
}

#endif
