/* SPDX-License-Identifier: MIT */
/*
 * The heap that never frees: memory is handed out from front to back.
 *
 * A block is its size in 8 bytes, then the memory. Sizes are rounded so that the next block's
 * memory begins at a multiple of 16 again: `next`, where the next size goes, is always 8 beyond
 * one. What is left of a run of pages when it is too short for a block is lost, and so is a freed
 * block, unless it is the last one: that one is taken back, so blocks freed newest first cost
 * nothing.
 */
#include <exo/heap_core.h>
#include <exo/string.h>

#define HEADER sizeof(uint64_t)

static struct {
	uintptr_t next, end; /* of the run in use; both 0 before the first */
	uint64_t pages, used, allocs, frees, failures;
} heap;

const struct heap_traits heap_core_traits = { .name = "bump" };

static inline uint64_t *size_of(uintptr_t block)
{
	return (uint64_t *)(block - HEADER);
}

/* What a block of @size bytes can hold: 8, 24, 40, … */
static inline uint64_t round_size(size_t size)
{
	return ((size + 7) & -16ull) + HEADER;
}

/* Where a block goes if the memory from @next on, which is 8 beyond a multiple of 16, is free. */
static inline uintptr_t place(uintptr_t next, size_t align)
{
	if (align < HEAP_MIN_ALIGN)
		align = HEAP_MIN_ALIGN;
	return (next + HEADER + align - 1) & -align;
}

/* A new run with room for @size bytes at a multiple of @align. Returns the block's place or 0. */
static __noinline uintptr_t grow(uint64_t size, size_t align)
{
	const uint64_t bytes = place(HEADER, align) + size;
	unsigned int least = 0, order;
	uintptr_t run, block, end;

	while ((uint64_t)HEAP_PAGE_SIZE << least < bytes)
		least++;
	if (least > HEAP_MAX_ORDER)
		return 0;
	order = least > CONFIG_HEAP_GROW_ORDER ? least : CONFIG_HEAP_GROW_ORDER;
	run = (uintptr_t)heap_pages_alloc(order);
	if (!run && order > least) {
		order = least;
		run = (uintptr_t)heap_pages_alloc(order);
	}
	if (!run)
		return 0;
	heap.pages += 1ull << order;
	block = place(run + HEADER, align);
	end = run + ((uintptr_t)HEAP_PAGE_SIZE << order);
	/* Goes on where more is left. */
	if (end - (block + size) >= heap.end - heap.next) {
		heap.next = block + size;
		heap.end = end;
	}
	return block;
}

void *heap_core_alloc(size_t size, size_t align)
{
	const uint64_t room = round_size(size);
	uintptr_t block = place(heap.next, align);

	if (unlikely(size > HEAP_MAX_SIZE || block + room > heap.end)) {
		block = size > HEAP_MAX_SIZE ? 0 : grow(room, align);
		if (!block) {
			heap.failures++;
			return NULL;
		}
	} else {
		heap.next = block + room;
	}
	*size_of(block) = room;
	heap.used += room;
	heap.allocs++;
	return (void *)block;
}

void heap_core_free(void *block)
{
	const uintptr_t at = (uintptr_t)block;

	if (!block)
		return;
	heap.used -= *size_of(at);
	heap.frees++;
	if (at + *size_of(at) == heap.next)
		heap.next = at - HEADER;
}

size_t heap_core_size(const void *block)
{
	return *size_of((uintptr_t)block);
}

/* Only the last block changes its size in place; another one keeps what it has when it shrinks. */
void *heap_core_resize(void *block, size_t size)
{
	const uint64_t room = round_size(size);
	const uintptr_t at = (uintptr_t)block;
	uint64_t old;
	void *moved;

	if (!block)
		return heap_core_alloc(size, HEAP_MIN_ALIGN);
	old = *size_of(at);
	if (size <= HEAP_MAX_SIZE && at + old == heap.next && at + room <= heap.end) {
		heap.next = at + room;
		heap.used += room - old;
		*size_of(at) = room;
		return block;
	}
	if (size <= old)
		return block;
	moved = heap_core_alloc(size, HEAP_MIN_ALIGN);
	if (moved) {
		memcpy(moved, block, old);
		heap_core_free(block);
	}
	return moved;
}

void heap_core_stats(struct heap_stats *stats)
{
	*stats = (struct heap_stats){
		.pages = heap.pages,
		.used = heap.used,
		.blocks = heap.allocs - heap.frees,
		.allocs = heap.allocs,
		.frees = heap.frees,
		.failures = heap.failures,
	};
}

void heap_core_trim(void)
{
}

bool heap_core_check(void)
{
	return heap.frees <= heap.allocs && heap.used <= heap.pages * HEAP_PAGE_SIZE &&
	       heap.end - heap.next <= heap.pages * HEAP_PAGE_SIZE - heap.used &&
	       (heap.end == 0 || heap.next % HEAP_MIN_ALIGN == HEADER);
}
