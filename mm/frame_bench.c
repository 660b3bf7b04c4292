/* SPDX-License-Identifier: MIT */
/*
 * Benchmarks of the frame allocator, in half-full, fragmented memory: every second frame is free
 * and no two of them are neighbours. The frames that are taken are linked through their first
 * words.
 */
#include <arch/memory.h>
#include <exo/bench.h>
#include <exo/frame.h>
#include <exo/panic.h>

#define NONE UINT64_MAX

static paddr_t taken = NONE;

static paddr_t *link_of(paddr_t frame)
{
	return phys_to_virt(frame);
}

static void give(paddr_t frame)
{
	if (frame_free(frame, 0))
		panic("benchmark: frame 0x%llx cannot be freed", (unsigned long long)frame);
}

/* Takes every frame there is, then gives those with even numbers back. */
static void fragment(void)
{
	paddr_t *link = &taken, frame;

	while (frame_alloc(0, &frame) == 0) {
		*link_of(frame) = taken;
		taken = frame;
	}
	while (*link != NONE) {
		frame = *link;
		if (frame / PAGE_SIZE % 2) {
			link = link_of(frame);
			continue;
		}
		*link = *link_of(frame);
		give(frame);
	}
}

static void restore(void)
{
	while (taken != NONE) {
		const paddr_t frame = taken;

		taken = *link_of(frame);
		give(frame);
	}
}

static uint64_t frame_pair(void)
{
	const uint64_t start = bench_start();
	paddr_t frame;

	if (likely(frame_alloc(0, &frame) == 0))
		frame_free(frame, 0);
	return bench_stop(start);
}
BENCHMARK_AROUND(frame_pair, "frame.alloc_free.order0", 1000, fragment, restore);

static uint64_t frame_pair_large(void)
{
	const uint64_t start = bench_start();
	paddr_t frame;

	if (likely(frame_alloc(9, &frame) == 0))
		frame_free(frame, 9);
	return bench_stop(start);
}
BENCHMARK(frame_pair_large, "frame.alloc_free.order9", 1000);
