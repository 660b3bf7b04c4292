/* SPDX-License-Identifier: MIT */
/*
 * What -fstack-protector-strong needs: the guard word and the function for a wrong one. The guard's
 * lowest byte stays 0, so that a string copy that overruns cannot reproduce it.
 */
#include <arch/cpu.h>
#include <exo/panic.h>
#include <exo/stack_protector.h>

#define CPUID1_ECX_RDRAND (1u << 30)

uintptr_t __stack_chk_guard = 0x5bd1e995c2b2ae00;
_Noreturn void __stack_chk_fail(void);

void __stack_chk_fail(void)
{
	panic("stack smashed: a local array overran its function's frame");
}

static uint64_t random_word(void)
{
	uint64_t value = 0;

	if (cpuid(1, 0).ecx & CPUID1_ECX_RDRAND)
		__asm__ volatile("rdrand %0" : "+r"(value) : : "cc");
	return value ^ cpu_tsc() * 0x9e3779b97f4a7c15;
}

void stack_protector_init(void)
{
	__stack_chk_guard ^= random_word() << 8;
}
