/* SPDX-License-Identifier: MIT */
/*
 * What is below the kernel's heaps here: pages from the kernel's own frame pool over a mapping of
 * which every page is there before the first allocation, as all of the kernel's memory is. The
 * pages are of 4 KiB as everybody's in this comparison; the kernel's own mapping uses larger ones.
 */
#include <stdio.h>
#include <sys/mman.h>

#include <exo/frame_pool.h>
#include <exo/heap.h>

#include "native.h"

#define FRAME 4096ull
#define LEAST_MEMORY (16ull << 20)
#define MEMORY_PER_LIVE 4 /* a guess: no heap holds so many times what is in use */

static struct frame_pool *pool;
static uint8_t *memory;
static uint64_t held; /* frames */

void *heap_pages_alloc(unsigned int order)
{
	uint64_t frame;

	if (!frame_pool_take(pool, order, order, FRAME_NO_LIMIT, &frame))
		return NULL;
	held += 1ull << order;
	return memory + frame * FRAME;
}

void heap_pages_free(void *pages, unsigned int order)
{
	frame_pool_put(pool, (uint64_t)((uint8_t *)pages - memory) / FRAME, order);
	held -= 1ull << order;
}

void heap_damaged(const char *what, const void *block)
{
	fail("the heap is damaged: %s (%p)", what, block);
}

/* Frame 0 begins at a multiple of the whole size: blocks are aligned as their numbers say. */
void allocator_start(const struct trace *trace)
{
	uint64_t size = LEAST_MEMORY, frames;
	uint8_t *mapping;

	while (size < MEMORY_PER_LIVE * trace->peak_live)
		size *= 2;
	mapping = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (mapping == MAP_FAILED)
		fail("no memory for the heap");
	memory = mapping + (size - (uintptr_t)mapping % size);
	for (uint64_t at = 0; at < size; at += FRAME)
		*(volatile uint8_t *)(memory + at) = 1;
	frames = size / FRAME;
	pool = frame_pool_init(0, frames, host_memory(frame_pool_metadata(0, frames)));
	for (uint64_t frame = 0; frame < frames; frame++)
		frame_pool_put(pool, frame, 0);
}

void allocator_identify(char *text, size_t size)
{
	snprintf(text, size, "%s of this tree", heap_core_traits.name);
}

uint64_t allocator_held(void)
{
	return held * FRAME;
}

bool allocator_check(bool empty)
{
	struct heap_stats stats;

	if (!heap_check())
		return false;
	if (!empty)
		return true;
	heap_trim();
	heap_stats(&stats);
	return held == 0 && stats.pages == 0 && stats.blocks == 0 && heap_check();
}
