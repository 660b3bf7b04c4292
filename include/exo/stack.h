/* SPDX-License-Identifier: MIT */
/*
 * Memory for the stacks of threads: CONFIG_THREAD_STACK_SIZE bytes, rounded up to a power of two of
 * pages. With CONFIG_STACK_GUARD and CONFIG_PAGE_TABLE each lies above an unmapped page.
 */
#ifndef EXO_STACK_H
#define EXO_STACK_H

#include <arch/layout.h>
#include <exo/compiler.h>
#include <exo/config.h>
#include <stdbool.h>

/* With CONFIG_THREADS=n there are none. */
#ifndef CONFIG_THREAD_STACK_SIZE
#define CONFIG_THREAD_STACK_SIZE PAGE_SIZE
#define CONFIG_THREADS_MAX 16
#define CONFIG_THREAD_CACHE 0
#endif

/* The smallest power of two of pages, as a block's order. */
#define STACK_PAGES ((CONFIG_THREAD_STACK_SIZE + PAGE_SIZE - 1) / PAGE_SIZE)
#define STACK_ORDER (STACK_PAGES > 1 ? 32 - __builtin_clz(STACK_PAGES - 1) : 0)
#define STACK_SIZE ((uintptr_t)PAGE_SIZE << STACK_ORDER)

/**
 * stack_alloc() - get a stack
 * @stack: its lowest byte; the contents are anything
 * Returns 0, -EXO_E_NOMEM for want of memory or because there are CONFIG_THREADS_MAX. Not in an
 * interrupt, interrupts on; takes locks.
 */
int stack_alloc(uintptr_t *stack);

#define STACK_FREE_MAX 16 /* a guess: the TLBs of all CPUs are flushed once for so many */

/*
 * Gives stacks back, 1 .. STACK_FREE_MAX at a time, because all CPUs are interrupted for it. The
 * array is overwritten. The same conditions.
 */
void stack_free(uintptr_t *stacks, unsigned int count);

/* Is @address in the guard page of a stack's slot, whether or not there is a stack? Any context. */
bool stack_guards(uintptr_t address);

/* Do the @size bytes at @address lie on a stack, or on the running thread's? Any context. */
bool stack_has(uintptr_t address, size_t size);

#endif
