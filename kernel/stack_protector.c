/* SPDX-License-Identifier: MIT */
/*
 * What -fstack-protector-strong needs: the guard word and the function for a wrong one. The guard's
 * lowest byte stays 0, so that a string copy that overruns cannot reproduce it.
 */
#include <arch/random.h>
#include <exo/panic.h>
#include <exo/stack_protector.h>

uintptr_t __stack_chk_guard = 0x5bd1e995c2b2ae00;
_Noreturn void __stack_chk_fail(void);

void __stack_chk_fail(void)
{
	panic("stack smashed: a local array overran its function's frame");
}

void stack_protector_init(void)
{
	__stack_chk_guard ^= cpu_random_word() << 8;
}
