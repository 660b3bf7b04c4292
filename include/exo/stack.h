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

#define STACK_BATCH 16 /* a guess: so many come and go at a time, for one flush of all TLBs */

/**
 * stack_alloc() - get stacks
 * @stacks: their lowest bytes; the contents are anything
 * @count: how many are wanted, 1 .. STACK_BATCH
 * Returns how many there are: fewer for want of memory or because there are CONFIG_THREADS_MAX. Not
 * in an interrupt, interrupts on; takes locks.
 */
unsigned int stack_alloc(uintptr_t *stacks, unsigned int count);

/* Gives stacks back, 1 .. STACK_BATCH at a time. The same conditions. */
void stack_free(const uintptr_t *stacks, unsigned int count);

/* Is @address in the guard page of a stack's slot, whether or not there is a stack? Any context. */
bool stack_guards(uintptr_t address);

/* Do the @size bytes at @address lie on a stack, or on the running thread's? Any context. */
bool stack_has(uintptr_t address, size_t size);

#endif
