/* SPDX-License-Identifier: MIT */
/* The heap variant on its own: every case of heap_conformance.h. */
#include <exo/heap_core.h>

#include "heap_conformance.h"

static const struct heap_api heap = {
	.alloc = heap_core_alloc,
	.free = heap_core_free,
	.resize = heap_core_resize,
	.size = heap_core_size,
	.stats = heap_core_stats,
	.trim = heap_core_trim,
	.check = heap_core_check,
};

TEST_SUITE(heap, heap_conformance_cases);
