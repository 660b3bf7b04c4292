/* SPDX-License-Identifier: MIT */
/*
 * What kernel code on the host finds where the CPU's own data would be: one CPU, whose interrupts
 * are on (include/arch/this_cpu.h, irq_flag.h). Part of every host program.
 */
#include <stdlib.h>

#include <arch/irq_flag.h>
#include <exo/preempt.h>

struct cpu boot_cpu = { .self = &boot_cpu, .preempt = PREEMPT_UNWANTED };
struct cpu *cpus[NR_CPUS] = { &boot_cpu };
unsigned int nr_cpus_online = 1;

_Thread_local struct cpu *host_cpu = &boot_cpu;
_Thread_local uint64_t host_flags = RFLAGS_IF;

/* Nothing ever wants a host test's CPU. Weak, for tests of what does. */
__attribute__((__weak__)) void sched_preempt(void)
{
	abort();
}
