/* SPDX-License-Identifier: MIT */
/* CPUID decoded (SDM vol. 2, CPUID; AMD APM vol. 3, appendix E). */
#include "cpu_features.h"

#include <exo/string.h>

enum { EAX, EBX, ECX, EDX };

#define LEAF_FEATURES 0x1
#define LEAF_STRUCTURED 0x7
#define LEAF_EXTENDED 0x80000000
#define LEAF_EXTENDED_FEATURES 0x80000001
#define LEAF_BRAND 0x80000002
#define LEAF_POWER 0x80000007

/* What the kernel uses or will use, by leaf; subleaf 0. */
const struct cpu_feature cpu_features[] = {
	{ "cx16", LEAF_FEATURES, ECX, 13 },
	{ "pcid", LEAF_FEATURES, ECX, 17 },
	{ "x2apic", LEAF_FEATURES, ECX, 21 },
	{ "tsc-deadline", LEAF_FEATURES, ECX, 24 },
	{ "xsave", LEAF_FEATURES, ECX, 26 },
	{ "rdrand", LEAF_FEATURES, ECX, 30 },
	{ "hypervisor", LEAF_FEATURES, ECX, 31 },
	{ "monitor", LEAF_FEATURES, ECX, 3 },
	{ "pge", LEAF_FEATURES, EDX, 13 },
	{ "pat", LEAF_FEATURES, EDX, 16 },
	{ "fsgsbase", LEAF_STRUCTURED, EBX, 0 },
	{ "smep", LEAF_STRUCTURED, EBX, 7 },
	{ "erms", LEAF_STRUCTURED, EBX, 9 },
	{ "invpcid", LEAF_STRUCTURED, EBX, 10 },
	{ "rdseed", LEAF_STRUCTURED, EBX, 18 },
	{ "smap", LEAF_STRUCTURED, EBX, 20 },
	{ "umip", LEAF_STRUCTURED, ECX, 2 },
	{ "pku", LEAF_STRUCTURED, ECX, 3 },
	{ "la57", LEAF_STRUCTURED, ECX, 16 },
	{ "syscall", LEAF_EXTENDED_FEATURES, EDX, 11 },
	{ "nx", LEAF_EXTENDED_FEATURES, EDX, 20 },
	{ "pdpe1gb", LEAF_EXTENDED_FEATURES, EDX, 26 },
	{ "rdtscp", LEAF_EXTENDED_FEATURES, EDX, 27 },
	{ "invariant-tsc", LEAF_POWER, EDX, 8 },
};
const unsigned int nr_cpu_features = ARRAY_SIZE(cpu_features);

/* A leaf above the highest of its range answers with another one's data. */
static bool has_leaf(uint32_t leaf, cpuid_reader *read)
{
	return read(leaf & LEAF_EXTENDED, 0).eax >= leaf;
}

bool cpu_feature_present(const struct cpu_feature *feature, cpuid_reader *read)
{
	struct cpuid_regs regs;
	uint32_t value[4];

	if (!has_leaf(feature->leaf, read))
		return false;
	regs = read(feature->leaf, 0);
	value[EAX] = regs.eax;
	value[EBX] = regs.ebx;
	value[ECX] = regs.ecx;
	value[EDX] = regs.edx;
	return value[feature->reg] >> feature->bit & 1;
}

static void read_brand(char brand[49], cpuid_reader *read)
{
	size_t blanks = 0;

	memset(brand, 0, 49);
	if (!has_leaf(LEAF_BRAND + 2, read))
		return;
	for (uint32_t i = 0; i < 3; i++) {
		struct cpuid_regs regs = read(LEAF_BRAND + i, 0);

		memcpy(brand + 16 * i, &regs, 16);
	}
	while (brand[blanks] == ' ')
		blanks++;
	memmove(brand, brand + blanks, 49 - blanks);
}

void cpu_identify(struct cpu_identity *identity, cpuid_reader *read)
{
	struct cpuid_regs regs = read(0, 0);
	uint32_t version = read(LEAF_FEATURES, 0).eax;

	memset(identity->vendor, 0, sizeof(identity->vendor));
	memcpy(identity->vendor, &regs.ebx, 4);
	memcpy(identity->vendor + 4, &regs.edx, 4);
	memcpy(identity->vendor + 8, &regs.ecx, 4);
	read_brand(identity->brand, read);
	identity->stepping = version & 0xf;
	identity->model = version >> 4 & 0xf;
	identity->family = version >> 8 & 0xf;
	if (identity->family == 0x6 || identity->family == 0xf)
		identity->model |= version >> 12 & 0xf0;
	if (identity->family == 0xf)
		identity->family += version >> 20 & 0xff;
}
