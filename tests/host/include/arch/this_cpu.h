/* SPDX-License-Identifier: MIT */
/*
 * This CPU of a host test, in place of arch/x86_64/include/arch/this_cpu.h: each thread of the test
 * is a CPU. The first one is boot_cpu; one that starts others gives each a struct cpu of its own,
 * by setting host_cpu there (tests/host/cpu.c).
 */
#ifndef ARCH_THIS_CPU_H
#define ARCH_THIS_CPU_H

struct cpu;

extern _Thread_local struct cpu *host_cpu;

#define this_cpu_read(field) (host_cpu->field)
#define this_cpu_read_stable(field) (host_cpu->field)
#define this_cpu_increment(field) ((void)host_cpu->field++)
#define this_cpu_decrement(field) (--host_cpu->field == 0)

#endif
