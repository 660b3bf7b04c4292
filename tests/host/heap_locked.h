/* SPDX-License-Identifier: MIT */
/*
 * struct heap_api for heap_conformance.h: the functions of one layer of the heap, each under what
 * exo/heap.h has around them, because in the kernel the suite works on the heap that is in use.
 */
#ifndef HEAP_LOCKED_H
#define HEAP_LOCKED_H

#include <exo/heap.h>

#define LOCKED(result_type, call)          \
	do {                               \
		result_type locked_result; \
		heap_enter();              \
		locked_result = call;      \
		heap_leave();              \
		return locked_result;      \
	} while (0)

/* LAYER: heap_core or heap_debug. */
#define HEAP_LOCKED(LAYER)                                   \
	static void *locked_alloc(size_t size, size_t align) \
	{                                                    \
		LOCKED(void *, LAYER##_alloc(size, align));  \
	}                                                    \
	static void locked_free(void *block)                 \
	{                                                    \
		heap_enter();                                \
		LAYER##_free(block);                         \
		heap_leave();                                \
	}                                                    \
	static void *locked_resize(void *block, size_t size) \
	{                                                    \
		LOCKED(void *, LAYER##_resize(block, size)); \
	}                                                    \
	static size_t locked_size(const void *block)         \
	{                                                    \
		LOCKED(size_t, LAYER##_size(block));         \
	}                                                    \
	static void locked_stats(struct heap_stats *stats)   \
	{                                                    \
		heap_enter();                                \
		LAYER##_stats(stats);                        \
		heap_leave();                                \
	}                                                    \
	static void locked_trim(void)                        \
	{                                                    \
		heap_enter();                                \
		LAYER##_trim();                              \
		heap_leave();                                \
	}                                                    \
	static bool locked_check(void)                       \
	{                                                    \
		LOCKED(bool, LAYER##_check());               \
	}

#define HEAP_LOCKED_API                                                                           \
	.alloc = locked_alloc, .free = locked_free, .resize = locked_resize, .size = locked_size, \
	.stats = locked_stats, .trim = locked_trim, .check = locked_check

#endif
