/* SPDX-License-Identifier: MIT */
/* The kernel's stacks: the boot stack and, with CONFIG_IST, one for each of NMI, #DF and #MC. */
#ifndef ARCH_STACK_H
#define ARCH_STACK_H

#include <exo/compiler.h>
#include <exo/config.h>
#include <stdbool.h>

/* With CONFIG_IST=n these stacks are dropped. */
#ifndef CONFIG_IST_STACK_SIZE
#define CONFIG_IST_STACK_SIZE 16
#endif

/* Unmaps the guard page of interrupt stack @index (0 .. NR_IST - 1); returns the stack's top. */
uint64_t ist_stack_prepare(unsigned int index);

/* True if the 16 bytes at @address lie on one kernel stack: a frame record can be read there. */
bool stack_holds(uint64_t address);

/* The name of the stack whose guard page holds @address, or NULL. */
const char *stack_guard_name(uint64_t address);

#endif
