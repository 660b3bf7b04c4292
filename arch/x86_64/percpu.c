/* SPDX-License-Identifier: MIT */
/* The CPUs' own data, and how each reaches it: through the GS base (CONFIG_SMP). */
#include <arch/cpu.h>
#include <arch/percpu.h>
#include <exo/preempt.h>

struct cpu boot_cpu = { .self = &boot_cpu, .preempt = PREEMPT_UNWANTED };
struct cpu *cpus[NR_CPUS] = { &boot_cpu };
unsigned int nr_cpus_online = 1;

void cpu_set_this(struct cpu *cpu)
{
	if (IS_ENABLED(CONFIG_SMP))
		cpu_write_msr(MSR_GS_BASE, (uintptr_t)cpu);
}

void cpu_init_boot(void)
{
	boot_cpu.apic_id = cpuid(1, 0).ebx >> 24;
	cpu_set_this(&boot_cpu);
}
