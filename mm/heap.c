/* SPDX-License-Identifier: MIT */
/* The lock of the kernel heap, whatever variant it is. exo/heap.h takes it. */
#include <exo/heap_core.h>

struct spinlock heap_lock = SPINLOCK_INIT(LOCK_RANK_HEAP);
