/* SPDX-License-Identifier: MIT */
/*
 * From what a CPU says of itself to what is done (CONFIG_SPECULATION_FLUSH).
 *
 * IBPB: CPUID.7.EDX[26] on Intel's CPUs, CPUID.80000008.EBX[12] on AMD's (SDM vol. 2, CPUID; AMD
 * APM vol. 3, E.4.7). No CPU says that it does not need it.
 *
 * VERW overwrites the buffers where CPUID.7.EDX[10], MD_CLEAR, says so, and the newer ones with
 * RFDS_CLEAR. It is needed where one of the holes is open: MDS unless MDS_NO, TAA where there are
 * transactions (RTM) unless TAA_NO, RFDS where RFDS_CLEAR says that VERW helps (SDM vol. 4,
 * IA32_ARCH_CAPABILITIES). A CPU with MD_CLEAR and without that MSR has none of these promises.
 */
#include "speculation_plan.h"

#define BIT(n) (1ull << (n))

#define EBX_RTM BIT(11)
#define EDX_MD_CLEAR BIT(10)
#define EDX_IBPB BIT(26)
#define EDX_ARCH_CAPABILITIES BIT(29)
#define AMD_IBPB BIT(12)
#define MDS_NO BIT(5)
#define TAA_NO BIT(8)
#define RFDS_NO BIT(27)
#define RFDS_CLEAR BIT(28)

bool speculation_has_capabilities(const struct speculation_facts *facts)
{
	return facts->seven_edx & EDX_ARCH_CAPABILITIES;
}

static bool needs_verw(const struct speculation_facts *facts)
{
	const uint64_t promises = facts->capabilities;

	if (!(facts->seven_edx & EDX_MD_CLEAR))
		return false;
	if (!(promises & MDS_NO))
		return true;
	if (facts->seven_ebx & EBX_RTM && !(promises & TAA_NO))
		return true;
	return (promises & (RFDS_CLEAR | RFDS_NO)) == RFDS_CLEAR;
}

unsigned int speculation_plan(const struct speculation_facts *facts)
{
	unsigned int acts = 0;

	if (facts->seven_edx & EDX_IBPB || facts->amd_ebx & AMD_IBPB)
		acts |= SPECULATION_IBPB;
	if (needs_verw(facts))
		acts |= SPECULATION_VERW;
	return acts;
}
