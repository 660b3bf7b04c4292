/* SPDX-License-Identifier: MIT */
/*
 * Benchmarks of the kernel heap: allocating a block and freeing it, in a heap that was used (many
 * blocks of random sizes, every second of them freed again) and in one that holds nothing. For the
 * heaps that free.
 */
#include <exo/bench.h>
#include <exo/heap.h>
#include <exo/panic.h>

#define POPULATION 512
#define LARGEST_ORDER 12 /* blocks of up to 2^12 bytes, of every power of two equally many */

static void *blocks[POPULATION];

/* The same at each boot, or the figures would not be the same. */
static uint32_t random_below(uint32_t limit)
{
	static uint32_t state = 1;

	state = state * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)state * limit >> 32);
}

static void populate(void)
{
	for (unsigned int i = 0; i < POPULATION; i++) {
		const uint32_t most = 2u << random_below(LARGEST_ORDER);

		blocks[i] = heap_alloc(most / 2 + 1 + random_below(most / 2), 0);
		if (!blocks[i])
			panic("benchmark: no memory for a block of up to %u bytes", most);
	}
	for (unsigned int freed = 0; freed < POPULATION / 2;) {
		const uint32_t i = random_below(POPULATION);

		freed += blocks[i] != NULL;
		heap_free(blocks[i]);
		blocks[i] = NULL;
	}
}

static void clear(void)
{
	for (unsigned int i = 0; i < POPULATION; i++) {
		heap_free(blocks[i]);
		blocks[i] = NULL;
	}
	heap_trim();
}

static inline uint64_t heap_pair(size_t size)
{
	const uint64_t start = bench_start();

	heap_free(heap_alloc(size, 0));
	return bench_stop(start);
}

#define HEAP_PAIR(size)                                                                      \
	static uint64_t heap_pair_##size(void)                                               \
	{                                                                                    \
		return heap_pair(size);                                                      \
	}                                                                                    \
	static uint64_t heap_pair_fresh_##size(void)                                         \
	{                                                                                    \
		return heap_pair(size);                                                      \
	}                                                                                    \
	BENCHMARK_AROUND(heap_pair_##size, "heap.alloc_free." #size, 1000, populate, clear); \
	BENCHMARK_AROUND(heap_pair_fresh_##size, "heap.alloc_free." #size ".fresh", 1000,    \
			 heap_trim_now, heap_trim_now)

static void heap_trim_now(void)
{
	heap_trim();
}

HEAP_PAIR(32);
HEAP_PAIR(256);
HEAP_PAIR(4096);
