/* SPDX-License-Identifier: MIT */
/* What the native comparison measures of the kernel: exo/heap.h as the kernel itself calls it. */
#ifndef CALL_KERNEL_H
#define CALL_KERNEL_H

#include <exo/heap.h>

static inline void *call_allocate(size_t size)
{
	return heap_alloc(size, 0);
}

static inline void call_free(void *block)
{
	heap_free(block);
}

static inline void *call_resize(void *block, size_t size)
{
	return heap_resize(block, size);
}

#endif
