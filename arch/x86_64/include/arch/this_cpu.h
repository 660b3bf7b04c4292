/* SPDX-License-Identifier: MIT */
/*
 * Reaching fields of this CPU's struct cpu (exo/cpu.h), each with one instruction.
 *
 * With CONFIG_SMP the GS base points to it (SDM vol. 3, 3.4.4). One instruction is never divided by
 * an interrupt, so what it reads or changes is of one CPU, though the next one may be executed by
 * another unless interrupts or preemption are off. Host tests have a header of this name that needs
 * no GS (tests/host/include).
 */
#ifndef ARCH_THIS_CPU_H
#define ARCH_THIS_CPU_H

#include <exo/compiler.h>
#include <exo/config.h>

#if IS_ENABLED(CONFIG_SMP)
#define this_cpu_read(field)                                          \
	({                                                            \
		__typeof__(boot_cpu.field) this_cpu_value;            \
		__asm__ volatile("mov %%gs:%c1, %0"                   \
				 : "=r"(this_cpu_value)               \
				 : "i"(offsetof(struct cpu, field))); \
		this_cpu_value;                                       \
	})

/* For a field that looks the same to a thread wherever it runs: may be read once and kept. */
#define this_cpu_read_stable(field)                          \
	({                                                   \
		__typeof__(boot_cpu.field) this_cpu_value;   \
		__asm__("mov %%gs:%c1, %0"                   \
			: "=r"(this_cpu_value)               \
			: "i"(offsetof(struct cpu, field))); \
		this_cpu_value;                              \
	})

/* Of 32 bits. */
#define this_cpu_increment(field) \
	__asm__ volatile("incl %%gs:%c0" : : "i"(offsetof(struct cpu, field)) : "memory", "cc")

/* Of 32 bits; true if that makes it 0. */
#define this_cpu_decrement(field)                                   \
	({                                                          \
		bool this_cpu_zero;                                 \
		__asm__ volatile("decl %%gs:%c1"                    \
				 : "=@ccz"(this_cpu_zero)           \
				 : "i"(offsetof(struct cpu, field)) \
				 : "memory");                       \
		this_cpu_zero;                                      \
	})
#else
#define this_cpu_read(field) (boot_cpu.field)
#define this_cpu_read_stable(field) (boot_cpu.field)
#define this_cpu_increment(field) \
	__asm__ volatile("incl %0" : "+m"(boot_cpu.field) : : "memory", "cc")
#define this_cpu_decrement(field)                                               \
	({                                                                      \
		bool this_cpu_zero;                                             \
		__asm__ volatile("decl %1"                                      \
				 : "=@ccz"(this_cpu_zero), "+m"(boot_cpu.field) \
				 :                                              \
				 : "memory");                                   \
		this_cpu_zero;                                                  \
	})
#endif

#endif
