/* SPDX-License-Identifier: MIT */
/*
 * Pages for a heap on the host: what mm/heap_pages.c is in the kernel, with limits, failures on
 * request, and a careful look at what comes back. Runs lie at random places of one arena; pages are
 * filled with junk when given out and, under the address sanitizer, must not be touched otherwise.
 */
#ifndef HEAP_MODEL_H
#define HEAP_MODEL_H

#include <exo/heap_debug.h>
#include <setjmp.h>

#define HEAP_MODEL_PAGES 16384u /* 64 MiB */
#define HEAP_MODEL_ORDERS 15 /* 0 .. 14 */

/* Little memory is a few runs: with longer ones than 2^4 pages there must be more of it. */
#define HEAP_MODEL_SCALE (CONFIG_HEAP_GROW_ORDER > 4 ? CONFIG_HEAP_GROW_ORDER - 4 : 0)

struct heap_model {
	uint32_t limit; /* pages given out at most; HEAP_MODEL_PAGES at first */
	uint32_t fail_one_in; /* that many requests, by chance; 0: none */
	uint32_t fail_after; /* so many requests succeed, then none; UINT32_MAX: no such limit */
	uint32_t pages, runs; /* given out now */
	uint32_t most_pages; /* at any time since somebody cleared it */
	uint64_t requests, refused; /* calls of heap_pages_alloc(), and those that returned NULL */
};
extern struct heap_model heap_model;

/* True if all of the @size bytes at @at lie in one run that is given out. */
bool heap_model_owns(const void *at, size_t size);

/*
 * The damage that is expected: while this is set, heap_damaged() and heap_misused() fill
 * heap_model_found and jump to it; else they print the report and abort.
 */
extern jmp_buf *heap_model_catch;
extern struct heap_misuse heap_model_found;

#endif
