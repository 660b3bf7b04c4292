/* SPDX-License-Identifier: MIT */
/*
 * The kernel's stacks: each CPU has the one it starts on and, with CONFIG_IST, one for each of NMI,
 * #DF and #MC (and #DB, with CONFIG_PROTECTED). Those of the boot CPU are part of the image
 * (memory.c), the others mapped (cpu_stacks.c).
 */
#ifndef ARCH_STACK_H
#define ARCH_STACK_H

#include <arch/gdt.h>
#include <exo/compiler.h>
#include <exo/config.h>
#include <stdbool.h>

/* With CONFIG_IST=n these stacks are dropped. */
#ifndef CONFIG_IST_STACK_SIZE
#define CONFIG_IST_STACK_SIZE 16
#endif

/* The tops of another CPU's stacks. */
struct cpu_stacks {
	uint64_t start;
	uint64_t ist[NR_IST]; /* 0 without CONFIG_IST */
};

#if IS_ENABLED(CONFIG_SMP)
/**
 * cpu_stacks_map() - get stacks for another CPU, in memory near it
 * @slot: 0 .. NR_CPUS - 1, each once
 * Returns 0, -EXO_E_NOMEM.
 */
int cpu_stacks_map(unsigned int slot, unsigned int node, struct cpu_stacks *stacks);

/* What stack_holds() and stack_guard_name() say of these. */
bool cpu_stacks_hold(uint64_t address);
const char *cpu_stacks_guard_name(uint64_t address);
#else
static inline bool cpu_stacks_hold(uint64_t address)
{
	(void)address;
	return false;
}

static inline const char *cpu_stacks_guard_name(uint64_t address)
{
	(void)address;
	return NULL;
}
#endif

/*
 * Unmaps the guard page of the boot CPU's interrupt stack @index (0 .. NR_IST - 1); returns the
 * stack's top.
 */
uint64_t ist_stack_prepare(unsigned int index);

/* What a stack is called that belongs to enum ist @index + 1. */
extern const char *const ist_names[IST_DEBUG];

/* True if the 16 bytes at @address lie on one kernel stack: a frame record can be read there. */
bool stack_holds(uint64_t address);

/* The name of the stack whose guard page holds @address, or NULL. */
const char *stack_guard_name(uint64_t address);

#endif
