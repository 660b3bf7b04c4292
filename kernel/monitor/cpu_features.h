/* SPDX-License-Identifier: MIT */
/* CPUID decoded: vendor, brand, family, and the features that matter to a kernel. Pure. */
#ifndef CPU_FEATURES_H
#define CPU_FEATURES_H

#include <arch/cpu.h>
#include <stdbool.h>

/* How CPUID is read: the instruction in the kernel, a table in the tests. */
typedef struct cpuid_regs cpuid_reader(uint32_t leaf, uint32_t subleaf);

struct cpu_identity {
	char vendor[13];
	char brand[49]; /* without leading blanks; "" if the CPU has none */
	unsigned int family, model, stepping; /* as displayed: extended fields added */
};

void cpu_identify(struct cpu_identity *identity, cpuid_reader *read);

struct cpu_feature {
	const char *name;
	uint32_t leaf;
	uint8_t reg; /* 0 EAX, 1 EBX, 2 ECX, 3 EDX */
	uint8_t bit;
};

extern const struct cpu_feature cpu_features[];
extern const unsigned int nr_cpu_features;

/* False also when the CPU does not have the feature's leaf. */
bool cpu_feature_present(const struct cpu_feature *feature, cpuid_reader *read);

#endif
