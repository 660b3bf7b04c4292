/* SPDX-License-Identifier: MIT */
/* The heap variant on its own: every case of heap_conformance.h. */
#include "heap_locked.h"

#include "heap_conformance.h"

HEAP_LOCKED(heap_core)

static const struct heap_api heap = { HEAP_LOCKED_API };

TEST_SUITE(heap, heap_conformance_cases);
