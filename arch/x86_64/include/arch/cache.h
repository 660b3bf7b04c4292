/* SPDX-License-Identifier: MIT */
/*
 * Which CPUs share their last-level cache, by the deterministic cache parameters: leaf 4 (SDM vol.
 * 2, CPUID) or, with the same layout, 0x8000001d (AMD APM vol. 3, E.4.15). Each subleaf is a cache;
 * the CPUs that share it have APIC IDs that differ in their lowest bits only.
 */
#ifndef ARCH_CACHE_H
#define ARCH_CACHE_H

#include <arch/cpu.h>

#define CACHE_LEAVES 8 /* a guess: instructions, data, second, third and fourth level are 5 */

/* How many low bits of the APIC ID differ among those who share the cache of the highest level. */
static inline unsigned int cache_shift(const struct cpuid_regs *leaves, unsigned int count)
{
	unsigned int highest = 0, shift = 0;

	for (unsigned int i = 0; i < count && leaves[i].eax & 0x1f; i++) {
		const unsigned int level = leaves[i].eax >> 5 & 7;
		const uint32_t last = leaves[i].eax >> 14 & 0xfff; /* CPUs that share it, less 1 */

		if (level > highest) {
			highest = level;
			shift = last ? 32 - (unsigned int)__builtin_clz(last) : 0;
		}
	}
	return shift;
}

/*
 * A number that two CPUs of the same kind have in common if they share their last-level cache, of
 * the CPU with this local APIC ID. A CPU that does not tell is taken for alone with its caches.
 */
static inline uint32_t cpu_cache_domain(uint32_t apic_id)
{
	struct cpuid_regs leaves[CACHE_LEAVES];
	uint32_t leaf = 4;

	if (cpuid(0, 0).eax < leaf || !(cpuid(leaf, 0).eax & 0x1f)) {
		leaf = 0x8000001d;
		/* AMD APM vol. 3, E.4.2: TopologyExtensions. */
		if (cpuid(0x80000000, 0).eax < leaf || !(cpuid(0x80000001, 0).ecx & 1u << 22))
			return apic_id;
	}
	for (uint32_t i = 0; i < CACHE_LEAVES; i++)
		leaves[i] = cpuid(leaf, i);
	return apic_id >> cache_shift(leaves, CACHE_LEAVES);
}

#endif
