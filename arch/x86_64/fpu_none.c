/* SPDX-License-Identifier: MIT */
/*
 * Threads without floating-point and vector registers (CONFIG_FPU_NONE): whatever the boot loader
 * has left on is turned off, so that no thread can use them by chance. An x87 instruction is then
 * #NM, any other #UD (SDM vol. 3, 2.5 and table 2-3); exception.c says what that means.
 */
#include <arch/cpu.h>
#include <exo/fpu.h>

#define CR0_EM (1ull << 2)
#define CR0_TS (1ull << 3)

void fpu_init_cpu(void)
{
	uint64_t cr0;

	__asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
	__asm__ volatile("mov %0, %%cr0" : : "r"(cr0 | CR0_EM | CR0_TS) : "memory");
}
