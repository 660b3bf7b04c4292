/* SPDX-License-Identifier: MIT */
/* Sets of CPUs, a bit each. None of the functions is atomic. */
#ifndef EXO_CPU_SET_H
#define EXO_CPU_SET_H

#include <exo/cpu.h>
#include <exo/string.h>

#define CPU_SET_WORDS ((NR_CPUS + 63) / 64)

struct cpu_set {
	uint64_t bits[CPU_SET_WORDS];
};

static inline void cpu_set_clear(struct cpu_set *set)
{
	*set = (struct cpu_set){ 0 };
}

/* All numbers there can be, online or not. */
static inline void cpu_set_all(struct cpu_set *set)
{
	for (unsigned int i = 0; i < CPU_SET_WORDS; i++)
		set->bits[i] = ~0ull;
}

static inline void cpu_set_add(struct cpu_set *set, cpu_t cpu)
{
	set->bits[cpu / 64] |= 1ull << cpu % 64;
}

static inline void cpu_set_remove(struct cpu_set *set, cpu_t cpu)
{
	set->bits[cpu / 64] &= ~(1ull << cpu % 64);
}

static inline bool cpu_set_has(const struct cpu_set *set, cpu_t cpu)
{
	return set->bits[cpu / 64] >> cpu % 64 & 1;
}

/* The lowest member that is >= @from; NR_CPUS if there is none. */
static inline cpu_t cpu_set_next(const struct cpu_set *set, cpu_t from)
{
	for (cpu_t cpu = from; cpu < NR_CPUS; cpu = (cpu | 63) + 1) {
		const uint64_t word = set->bits[cpu / 64] >> cpu % 64;

		if (word) {
			cpu += (cpu_t)__builtin_ctzll(word);
			return cpu < NR_CPUS ? cpu : NR_CPUS;
		}
	}
	return NR_CPUS;
}

#define cpu_set_for_each(cpu, set) \
	for (cpu_t cpu = cpu_set_next(set, 0); cpu < NR_CPUS; cpu = cpu_set_next(set, cpu + 1))

#endif
