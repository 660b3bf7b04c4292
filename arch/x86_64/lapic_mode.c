/* SPDX-License-Identifier: MIT */
/* Which mode the local APIC is used in, and how to get there (SDM vol. 3, 10.4.3 and 10.12). */
#include <arch/lapic_mode.h>

#define CPUID1_ECX_X2APIC (1u << 21)
#define CPUID1_EDX_APIC (1u << 9)
#define APIC_BASE_MODE (APIC_BASE_ENABLED | APIC_BASE_X2APIC)

bool lapic_mode_exists(uint32_t cpuid1_edx)
{
	return cpuid1_edx & CPUID1_EDX_APIC;
}

enum lapic_mode lapic_mode_choose(uint32_t cpuid1_ecx, uint32_t cpuid1_edx, uint64_t apic_base,
				  bool x2apic)
{
	if (!lapic_mode_exists(cpuid1_edx))
		return LAPIC_ABSENT;
	if (!(apic_base & APIC_BASE_ENABLED))
		return LAPIC_OFF;
	/* A firmware that has turned it on may have CPUs that xAPIC cannot address, or a lock. */
	if (apic_base & APIC_BASE_X2APIC)
		return x2apic ? LAPIC_X2APIC : LAPIC_FOREIGN;
	return x2apic && cpuid1_ecx & CPUID1_ECX_X2APIC ? LAPIC_X2APIC : LAPIC_XAPIC;
}

struct lapic_mode_steps lapic_mode_enter(uint64_t apic_base, enum lapic_mode mode)
{
	const uint64_t off = apic_base & ~APIC_BASE_MODE;
	const uint64_t from = apic_base & APIC_BASE_MODE;
	uint64_t to = APIC_BASE_ENABLED;
	struct lapic_mode_steps steps = { 0, { 0, 0 } };

	if (mode == LAPIC_X2APIC)
		to |= APIC_BASE_X2APIC;
	if (from == to)
		return steps;
	if (from == APIC_BASE_MODE)
		steps.values[steps.count++] = off;
	else if (from == 0 && mode == LAPIC_X2APIC)
		steps.values[steps.count++] = off | APIC_BASE_ENABLED;
	steps.values[steps.count++] = off | to;
	return steps;
}
