/* SPDX-License-Identifier: MIT */
/*
 * What CPUID says about the time-stamp counter. Pure code.
 * Sources: SDM vol. 2, CPUID leaves 1, 0x15, 0x16, 0x80000007; vol. 3, 18.7.3 (the crystal's
 * frequency where leaf 0x15 omits it is not guessed here); the leaves from 0x40000000 on are a
 * convention of hypervisors, 0x40000010 one of VMware's that KVM and others follow.
 */
#include <arch/cpu.h>
#include <exo/clock_source.h>

#define CPUID1_EDX_TSC (1u << 4)
#define CPUID1_ECX_HYPERVISOR (1u << 31)
#define CPUID_HYPERVISOR 0x40000000u
#define CPUID_HYPERVISOR_TIMING 0x40000010u
#define CPUID_EXTENDED 0x80000000u
#define CPUID_POWER 0x80000007u
#define CPUID_POWER_EDX_INVARIANT_TSC (1u << 8)

/* A frequency that a counter may have, else 0: unknown. */
static __boot uint64_t sane(uint64_t hz)
{
	return hz >= CLOCK_HZ_MIN && hz <= CLOCK_HZ_MAX ? hz : 0;
}

__boot void clock_tsc_facts(struct clock_tsc_facts *facts,
			    struct cpuid_regs (*read)(uint32_t leaf, uint32_t subleaf))
{
	const uint32_t highest = read(0, 0).eax;
	const struct cpuid_regs features = read(1, 0);
	struct cpuid_regs r;

	*facts = (struct clock_tsc_facts){
		.present = features.edx & CPUID1_EDX_TSC,
		.hypervisor = features.ecx & CPUID1_ECX_HYPERVISOR,
	};
	if (highest >= 0x15) {
		r = read(0x15, 0);
		facts->crystal_hz = r.ecx;
		if (r.eax && r.ebx && r.ecx)
			facts->leaf15 = sane((uint64_t)r.ecx * r.ebx / r.eax);
	}
	if (highest >= 0x16)
		facts->leaf16 = sane((read(0x16, 0).eax & 0xffffull) * 1000000);
	if (read(CPUID_EXTENDED, 0).eax >= CPUID_POWER)
		facts->invariant = read(CPUID_POWER, 0).edx & CPUID_POWER_EDX_INVARIANT_TSC;
	if (!facts->hypervisor)
		return;
	/* Without a hypervisor these leaves hold another leaf's data. */
	r = read(CPUID_HYPERVISOR, 0);
	if (r.eax >= CPUID_HYPERVISOR_TIMING && r.eax < CPUID_HYPERVISOR + 0x10000)
		facts->hypervisor_hz = sane(read(CPUID_HYPERVISOR_TIMING, 0).eax * 1000ull);
}
