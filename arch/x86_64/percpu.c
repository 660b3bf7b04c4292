/* SPDX-License-Identifier: MIT */
/* The CPUs' own data, and how each reaches it: through the GS base (CONFIG_SMP). */
#include <arch/cpu.h>
#include <arch/percpu.h>
#include <arch/pti.h>
#include <exo/preempt.h>
#include <exo/spin_virtual.h>

struct cpu boot_cpu __boot_cpu_place = { .self = &boot_cpu, .preempt = PREEMPT_UNWANTED };
struct cpu *cpus[NR_CPUS] = { &boot_cpu };
unsigned int nr_cpus_online = 1;

void cpu_set_this(struct cpu *cpu)
{
	if (IS_ENABLED(CONFIG_SMP))
		cpu_write_msr(MSR_GS_BASE, (uintptr_t)cpu);
}

void cpu_init_boot(void)
{
	const struct cpuid_regs first = cpuid(1, 0);

	boot_cpu.apic_id = first.ebx >> 24;
	if (IS_ENABLED(CONFIG_SMP))
		spin_virtual =
			first.ecx >> 31; /* a hypervisor (SDM vol. 2, CPUID: reserved for it) */
	cpu_set_this(&boot_cpu);
}
