/* SPDX-License-Identifier: MIT */
/*
 * CONFIG_HEAP_DEBUG above a heap variant is a heap too: every case of heap_conformance.h. On the
 * host alone: in a kernel that has it, heap_test.c goes through it, and under the heap's lock. That it
 * finds misuse is tested in heap_debug_hostonly.c, where a report does not end the kernel.
 */
#include <exo/heap_debug.h>

#include "heap_conformance.h"

static const struct heap_api heap = {
	.alloc = heap_debug_alloc,
	.free = heap_debug_free,
	.resize = heap_debug_resize,
	.size = heap_debug_size,
	.stats = heap_debug_stats,
	.trim = heap_debug_trim,
	.check = heap_debug_check,
	.watches = true,
};

TEST_SUITE(heap_debug, heap_conformance_cases);
