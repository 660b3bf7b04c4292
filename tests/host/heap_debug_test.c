/* SPDX-License-Identifier: MIT */
/*
 * CONFIG_HEAP_DEBUG above a heap variant is a heap too: every case of heap_conformance.h. That it
 * finds misuse is tested in heap_debug_hostonly.c, where a report does not end the kernel.
 */
#include "heap_locked.h"

#include "heap_conformance.h"

HEAP_LOCKED(heap_debug)

static const struct heap_api heap = { HEAP_LOCKED_API, .watches = true };

TEST_SUITE(heap_debug, heap_conformance_cases);
