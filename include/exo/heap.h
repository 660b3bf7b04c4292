/* SPDX-License-Identifier: MIT */
/*
 * The kernel heap: memory in any size, for what the kernel itself keeps. Grows from frames and
 * gives whole free runs back. How it works inside is a Kconfig choice (exo/heap_core.h), and
 * CONFIG_HEAP_DEBUG puts a layer above that finds misuse (exo/heap_debug.h).
 *
 * Locks: each function takes LOCK_RANK_HEAP, except where a slab heap's magazines serve, and then
 * maybe LOCK_RANK_FRAMES. Not in an interrupt handler. What belongs to other CPUs (magazines of the
 * slab heap) is neither trimmed nor found by an allocation that fails; heap_check() and exact
 * statistics need them to rest.
 */
#ifndef EXO_HEAP_H
#define EXO_HEAP_H

#include <exo/heap_core.h>
#include <exo/heap_debug.h>

/* Inlined even without optimisation: the debug layer records its return address as the caller. */
#define HEAP_CALL static __inline_always

/*
 * Around all that follows. With HEAP_PER_CPU a call stays on its CPU, and the variant takes the
 * lock for what it shares: the analysis is told the simpler story that is true without.
 */
HEAP_CALL void heap_enter(void) __acquires(heap_lock) __no_thread_safety_analysis
{
	if (HEAP_PER_CPU)
		preempt_disable();
	else
		spin_lock(&heap_lock);
}

HEAP_CALL void heap_leave(void) __releases(heap_lock) __no_thread_safety_analysis
{
	if (HEAP_PER_CPU)
		preempt_enable();
	else
		spin_unlock(&heap_lock);
}

/**
 * heap_alloc() - allocate memory
 * @size: bytes; 0 counts as 1
 * @align: a power of two up to HEAP_MAX_ALIGN; 0 and less than 16 count as 16
 * The memory is not cleared. Returns NULL when there is none left: nothing has changed then.
 */
HEAP_CALL void *heap_alloc(size_t size, size_t align)
{
	void *block;

	heap_enter();
	block = IS_ENABLED(CONFIG_HEAP_DEBUG) ? heap_debug_alloc(size, align)
					      : heap_core_alloc(size, align);
	heap_leave();
	return block;
}

/* Frees a block of heap_alloc() or heap_resize(); NULL does nothing. */
HEAP_CALL void heap_free(void *block)
{
	heap_enter();
	if (IS_ENABLED(CONFIG_HEAP_DEBUG))
		heap_debug_free(block);
	else
		heap_core_free(block);
	heap_leave();
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
	heap_enter();
	block = IS_ENABLED(CONFIG_HEAP_DEBUG) ? heap_debug_resize(block, size)
					      : heap_core_resize(block, size);
	heap_leave();
	return block;
}

/* How many bytes of @block may be used: at least what was asked for. */
HEAP_CALL size_t heap_size(const void *block)
{
	size_t size;

	heap_enter();
	size = IS_ENABLED(CONFIG_HEAP_DEBUG) ? heap_debug_size(block) : heap_core_size(block);
	heap_leave();
	return size;
}

HEAP_CALL void heap_stats(struct heap_stats *stats)
{
	heap_enter();
	if (IS_ENABLED(CONFIG_HEAP_DEBUG))
		heap_debug_stats(stats);
	else
		heap_core_stats(stats);
	heap_leave();
}

/* Gives all that is kept for speed back: afterwards only pages with blocks in them are held. */
HEAP_CALL void heap_trim(void)
{
	heap_enter();
	if (IS_ENABLED(CONFIG_HEAP_DEBUG))
		heap_debug_trim();
	else
		heap_core_trim();
	heap_leave();
}

/* Walks all the heap knows; false if its bookkeeping contradicts itself. For tests. */
HEAP_CALL bool heap_check(void)
{
	bool good;

	heap_enter();
	good = IS_ENABLED(CONFIG_HEAP_DEBUG) ? heap_debug_check() : heap_core_check();
	heap_leave();
	return good;
}

#endif
