/* SPDX-License-Identifier: MIT */
/*
 * The timed passes over a trace.
 *
 * A block is written to when it is allocated and when it is resized, within what is timed: its user
 * would do that next, and a page that an allocator gave back to the system comes back only then.
 * Nothing is read before a block is freed.
 */
#include <x86intrin.h>

#include "native.h"

static inline void step(struct operation operation, void **blocks)
{
	void **block = &blocks[operation.slot];

	if (operation.kind == FREE) {
		call_free(*block);
		return;
	}
	if (operation.kind == ALLOCATE)
		*block = call_allocate(operation.size);
	else
		*block = call_resize(*block, operation.size);
	*(volatile uint64_t *)*block = operation.size; /* verify() saw to it that none is NULL */
}

void replay(const struct trace *trace, void **blocks, uint32_t from, uint32_t end)
{
	for (uint32_t i = from; i < end; i++)
		step(trace->operations[i], blocks);
}

/* No instruction passes either of these, in either direction. */
static inline uint64_t timer_start(void)
{
	uint64_t ticks;

	_mm_lfence();
	ticks = __rdtsc();
	_mm_lfence();
	return ticks;
}

static inline uint32_t timer_stop(uint64_t start)
{
	unsigned int cpu;
	const uint64_t ticks = __rdtscp(&cpu) - start;

	_mm_lfence();
	return ticks > UINT32_MAX ? UINT32_MAX : (uint32_t)ticks;
}

static inline uint32_t timed_step(struct operation operation, void **blocks)
{
	const uint64_t start = timer_start();

	step(operation, blocks);
	return timer_stop(start);
}

void replay_timed(const struct trace *trace, void **blocks, uint32_t *ticks)
{
	static volatile struct operation first[] = { { .kind = ALLOCATE, .size = 16 },
						     { .kind = FREE } };
	void *block = NULL;

	/* The first times through a loop cost cache misses of its own. */
	for (uint32_t i = 0; i < 16; i++)
		ticks[i] = timed_step(first[i % 2], &block);
	for (uint32_t i = 0; i < trace->counted; i++)
		ticks[i] = timed_step(trace->operations[i], blocks);
}

uint32_t replay_timer_ticks(void)
{
	uint32_t least = UINT32_MAX;

	for (int i = 0; i < 10000; i++) {
		const uint32_t ticks = timer_stop(timer_start());

		if (ticks < least)
			least = ticks;
	}
	return least;
}
