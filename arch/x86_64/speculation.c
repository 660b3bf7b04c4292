/* SPDX-License-Identifier: MIT */
/*
 * What is asked of the CPUs for CONFIG_SPECULATION_FLUSH; speculation_plan.c decides. The acts are
 * in user.inc (VERW) and in user_switch() (IBPB).
 */
#include "speculation_plan.h"

#include <arch/cpu.h>
#include <arch/speculation.h>
#include <exo/cpu.h>
#include <exo/log.h>

#define MSR_ARCH_CAPABILITIES 0x10a

bool speculation_verw, speculation_ibpb;

/* Of the CPU that executes it. */
static unsigned int needed_here(void)
{
	struct speculation_facts facts = { 0 };

	if (cpuid(0, 0).eax >= 7) {
		facts.seven_ebx = cpuid(7, 0).ebx;
		facts.seven_edx = cpuid(7, 0).edx;
	}
	if (cpuid(0x80000000, 0).eax >= 0x80000008)
		facts.amd_ebx = cpuid(0x80000008, 0).ebx;
	if (speculation_has_capabilities(&facts))
		facts.capabilities = cpu_read_msr(MSR_ARCH_CAPABILITIES);
	return speculation_plan(&facts);
}

const char *speculation_missing_feature(void)
{
	return speculation_ibpb && !(needed_here() & SPECULATION_IBPB) ? "IBPB" : NULL;
}

void speculation_init_cpu(void)
{
	const unsigned int acts = needed_here();

	if (acts & SPECULATION_VERW)
		speculation_verw = true;
	if (this_cpu_number() != 0)
		return;
	speculation_ibpb = acts & SPECULATION_IBPB;
	log_info("user: this CPU %s VERW, and %s IBPB",
		 speculation_verw ? "needs" : "does not need",
		 speculation_ibpb ? "has" : "has not");
}
