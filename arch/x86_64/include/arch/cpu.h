/* SPDX-License-Identifier: MIT */
/* The CPU's own instructions that C needs: CPUID, TSC, control registers, interrupt flag, halting.
 */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include <arch/irq_flag.h>
#include <arch/pause.h>
#include <exo/compiler.h>
#include <exo/config.h>

struct cpuid_regs {
	uint32_t eax, ebx, ecx, edx;
};

/* CPUID (SDM vol. 2). Leaves above the maximum of their range give another leaf's data: check. */
static inline struct cpuid_regs cpuid(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid_regs r;

	__asm__ volatile("cpuid"
			 : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
			 : "a"(leaf), "c"(subleaf));
	return r;
}

/* The time-stamp counter, not ordered with the instructions around it. */
static inline uint64_t cpu_tsc(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

/* The same after all loads before it: what another CPU has told of its time is in the past. */
static inline uint64_t cpu_tsc_ordered(void)
{
	__asm__ volatile("lfence" : : : "memory");
	return cpu_tsc();
}

static inline uint64_t cpu_read_cr0(void)
{
	uint64_t value;

	__asm__ volatile("mov %%cr0, %0" : "=r"(value));
	return value;
}

static inline uint64_t cpu_read_cr2(void)
{
	uint64_t value;

	__asm__ volatile("mov %%cr2, %0" : "=r"(value));
	return value;
}

static inline uint64_t cpu_read_cr3(void)
{
	uint64_t value;

	__asm__ volatile("mov %%cr3, %0" : "=r"(value));
	return value;
}

/* A model-specific register; one that the CPU does not have is a general-protection fault. */
static inline uint64_t cpu_read_msr(uint32_t number)
{
	uint32_t low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number));
	return (uint64_t)high << 32 | low;
}

static inline void cpu_write_msr(uint32_t number, uint64_t value)
{
	__asm__ volatile("wrmsr"
			 :
			 : "c"(number), "a"((uint32_t)(value & UINT32_MAX)),
			   "d"((uint32_t)(value >> 32))
			 : "memory");
}

/*
 * Waits for an interrupt with interrupts on and returns with them as they were before. STI takes
 * effect after the next instruction, so an interrupt cannot slip in between and be slept through.
 * Without CONFIG_IRQ nothing could wake the CPU: it only pauses.
 */
static inline void cpu_idle(void)
{
	uint64_t flags;

	if (!IS_ENABLED(CONFIG_IRQ)) {
		cpu_pause();
		return;
	}
	flags = irq_save();
	__asm__ volatile("sti; hlt; cli" : : : "memory");
	irq_restore(flags);
}

/* Stops this CPU for good. */
static inline _Noreturn void cpu_halt(void)
{
	for (;;)
		__asm__ volatile("cli; hlt" : : : "memory");
}

#endif
