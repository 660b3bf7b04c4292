/* SPDX-License-Identifier: MIT */
/*
 * A small heap: blocks of powers of two from lists, larger ones by the page. It grows when it must
 * and gives back only what came by the page. All threads may use it, upcall handlers not.
 */
#ifndef LIBEXO_HEAP_H
#define LIBEXO_HEAP_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* @size bytes, aligned to 16, contents undefined; NULL if the bank or the table is full. 0 is 1. */
void *exo_allocate(size_t size);

/* Gives back what exo_allocate() returned; NULL is allowed. */
void exo_free(void *block);

#ifdef __cplusplus
}
#endif

#endif
