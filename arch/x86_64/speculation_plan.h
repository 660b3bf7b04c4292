/* SPDX-License-Identifier: MIT */
/* What a CPU needs so that programs learn nothing by speculation of others. Pure code. */
#ifndef SPECULATION_PLAN_H
#define SPECULATION_PLAN_H

#include <stdbool.h>
#include <stdint.h>

/* What CPUID and IA32_ARCH_CAPABILITIES say; 0 for what the CPU does not have. */
struct speculation_facts {
	uint32_t seven_ebx, seven_edx; /* CPUID leaf 7 */
	uint32_t amd_ebx; /* CPUID leaf 0x80000008 */
	uint64_t capabilities;
};

enum speculation_act {
	SPECULATION_IBPB = 1 << 0, /* between two address spaces: forget where branches went */
	SPECULATION_VERW = 1 << 1, /* on the way to user mode: overwrite the CPU's buffers */
};

/* True if the CPU has IA32_ARCH_CAPABILITIES. */
bool speculation_has_capabilities(const struct speculation_facts *facts);

/* The acts (enum speculation_act) that this CPU can do and needs. */
unsigned int speculation_plan(const struct speculation_facts *facts);

#endif
