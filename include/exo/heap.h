/* SPDX-License-Identifier: MIT */
/*
 * The kernel heap: memory in any size, for what the kernel itself keeps. Grows from frames and
 * gives whole free runs back. How it works inside is a Kconfig choice (exo/heap_core.h), and
 * CONFIG_HEAP_DEBUG puts a layer above that finds misuse (exo/heap_debug.h).
 *
 * Locks: none yet; one CPU, and never from an interrupt handler.
 */
#ifndef EXO_HEAP_H
#define EXO_HEAP_H

#include <exo/heap_core.h>
#include <exo/heap_debug.h>

/* Inlined even without optimisation: the debug layer records its return address as the caller. */
#define HEAP_CALL static inline __attribute__((__always_inline__))

/**
 * heap_alloc() - allocate memory
 * @size: bytes; 0 counts as 1
 * @align: a power of two up to HEAP_MAX_ALIGN; 0 and less than 16 count as 16
 * The memory is not cleared. Returns NULL when there is none left: nothing has changed then.
 */
HEAP_CALL void *heap_alloc(size_t size, size_t align)
{
	return IS_ENABLED(CONFIG_HEAP_DEBUG) ? heap_debug_alloc(size, align)
					     : heap_core_alloc(size, align);
}

/* Frees a block of heap_alloc() or heap_resize(); NULL does nothing. */
HEAP_CALL void heap_free(void *block)
{
	if (IS_ENABLED(CONFIG_HEAP_DEBUG))
		heap_debug_free(block);
	else
		heap_core_free(block);
}

/**
 * heap_resize() - make a block larger or smaller, in place or by moving it
 * @block: NULL allocates; the new block is aligned to 16, whatever the old one was
 * @size: as for heap_alloc()
 * The first bytes, as many as the new size and heap_size() of the old block both have, are kept.
 * Returns NULL when there is no memory: the old block is as it was.
 */
HEAP_CALL void *heap_resize(void *block, size_t size)
{
	return IS_ENABLED(CONFIG_HEAP_DEBUG) ? heap_debug_resize(block, size)
					     : heap_core_resize(block, size);
}

/* How many bytes of @block may be used: at least what was asked for. */
HEAP_CALL size_t heap_size(const void *block)
{
	return IS_ENABLED(CONFIG_HEAP_DEBUG) ? heap_debug_size(block) : heap_core_size(block);
}

HEAP_CALL void heap_stats(struct heap_stats *stats)
{
	if (IS_ENABLED(CONFIG_HEAP_DEBUG))
		heap_debug_stats(stats);
	else
		heap_core_stats(stats);
}

/* Gives all that is kept for speed back: afterwards only pages with blocks in them are held. */
HEAP_CALL void heap_trim(void)
{
	if (IS_ENABLED(CONFIG_HEAP_DEBUG))
		heap_debug_trim();
	else
		heap_core_trim();
}

/* Walks all the heap knows; false if its bookkeeping contradicts itself. For tests. */
HEAP_CALL bool heap_check(void)
{
	return IS_ENABLED(CONFIG_HEAP_DEBUG) ? heap_debug_check() : heap_core_check();
}

#endif
