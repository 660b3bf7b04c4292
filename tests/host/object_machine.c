/* SPDX-License-Identifier: MIT */
/*
 * Four nodes of 8 MiB, and an allocator of frames with the calls that banks use: a byte a frame,
 * searched from the lowest. Memory that is free is filled with a pattern, so that whoever expects
 * zeros, or what was there before, is found out.
 */
#include <pthread.h>
#include <stdlib.h>

#include <arch/memory.h>
#include <arch/mmu.h>
#include <exo/env.h>
#include <exo/frame.h>
#include <exo/panic.h>
#include <exo/string.h>

#include "object_machine.h"

#define NODES OBJECT_MACHINE_NODES
#define NODE_SIZE (OBJECT_MACHINE_FRAMES * PAGE_SIZE)
#define FRAMES (NODES * OBJECT_MACHINE_FRAMES)

static const struct numa_topology topology = {
	.nr_nodes = NODES,
	.nr_ranges = NODES,
	.ranges = { { 0, NODE_SIZE, 0 },
		    { NODE_SIZE, NODE_SIZE, 1 },
		    { 2 * NODE_SIZE, NODE_SIZE, 2 },
		    { 3 * NODE_SIZE, NODE_SIZE, 3 } },
	.distance = { { 10, 20, 12, 22 },
		      { 20, 10, 22, 12 },
		      { 12, 22, 10, 20 },
		      { 22, 12, 20, 10 } },
};

struct mmu_features mmu_features;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static uint8_t *memory;
static uint8_t order_of[FRAMES]; /* 0: free; order + 1 of the block that it is in */
static uint64_t allocated[NODES];
static unsigned int until_failure, failures;

void *host_memory(paddr_t base)
{
	ASSERT(base < NODES * NODE_SIZE);
	return memory + base;
}

paddr_t host_address(const void *pointer)
{
	return (paddr_t)((const uint8_t *)pointer - memory);
}

void object_machine_start(void)
{
	if (!memory)
		memory = aligned_alloc(PAGE_SIZE, NODES * NODE_SIZE);
	ASSERT(memory);
	numa_init(&topology);
	memset(order_of, 0, sizeof(order_of));
	memset(allocated, 0, sizeof(allocated));
	object_machine_fail(0);
}

__attribute__((destructor)) static void stop(void)
{
	free(memory);
}

void object_machine_fail(unsigned int count)
{
	until_failure = count;
	failures = 0;
}

unsigned int object_machine_failures(void)
{
	return failures;
}

uint64_t object_machine_allocated(unsigned int node)
{
	return allocated[node];
}

static bool fails_now(void)
{
	if (!until_failure || --until_failure)
		return false;
	failures++;
	return true;
}

static bool take(uint64_t frame, unsigned int order)
{
	for (uint64_t i = 0; i < 1ull << order; i++)
		if (order_of[frame + i])
			return false;
	memset(&order_of[frame], (int)order + 1, 1ull << order);
	allocated[frame / OBJECT_MACHINE_FRAMES] += 1ull << order;
	memset(memory + frame * PAGE_SIZE, 0xa5, PAGE_SIZE);
	return true;
}

static bool take_from(unsigned int node, unsigned int order, paddr_t *base)
{
	const uint64_t first = node * OBJECT_MACHINE_FRAMES;

	if (order > 11)
		return false;
	for (uint64_t i = first; i < first + OBJECT_MACHINE_FRAMES; i += 1ull << order)
		if (take(i, order)) {
			*base = i * PAGE_SIZE;
			return true;
		}
	return false;
}

int frame_alloc_where(unsigned int order, const struct frame_where *where, paddr_t *base)
{
	int error = -EXO_E_NOMEM;

	ASSERT(where->placement == FRAME_BIND);
	pthread_mutex_lock(&mutex);
	if (!fails_now() && take_from(where->node, order, base))
		error = 0;
	pthread_mutex_unlock(&mutex);
	return error;
}

int frame_alloc_one(paddr_t *base)
{
	int error = -EXO_E_NOMEM;

	pthread_mutex_lock(&mutex);
	for (unsigned int i = 0; error && i < NODES; i++)
		if (take_from(numa_nearest(0, i), 0, base))
			error = 0;
	pthread_mutex_unlock(&mutex);
	return error;
}

int frame_alloc_block(unsigned int order, paddr_t *base)
{
	ASSERT(order == 0);
	return frame_alloc_one(base);
}

int frame_alloc_at(paddr_t base, unsigned int order)
{
	int error = -EXO_E_RANGE;

	pthread_mutex_lock(&mutex);
	if (base / PAGE_SIZE + (1ull << order) <= FRAMES)
		error = !fails_now() && take(base / PAGE_SIZE, order) ? 0 : -EXO_E_BUSY;
	pthread_mutex_unlock(&mutex);
	return error;
}

int frame_free_block(paddr_t base, unsigned int order)
{
	const uint64_t frame = base / PAGE_SIZE;

	pthread_mutex_lock(&mutex);
	ASSERT(base % (PAGE_SIZE << order) == 0 && order_of[frame] == order + 1);
	memset(&order_of[frame], 0, 1ull << order);
	allocated[frame / OBJECT_MACHINE_FRAMES] -= 1ull << order;
	memset(memory + base, 0x5a, PAGE_SIZE);
	pthread_mutex_unlock(&mutex);
	return 0;
}

int frame_free_one(paddr_t base)
{
	return frame_free_block(base, 0);
}

void frame_stats(unsigned int node, struct frame_stats *stats)
{
	*stats = (struct frame_stats){ .total = OBJECT_MACHINE_FRAMES,
				       .free = OBJECT_MACHINE_FRAMES - allocated[node] };
}

/* Nothing is mapped here. */
void frame_unmap(struct cap **caps, unsigned int count)
{
	(void)caps, (void)count;
}

void frame_wait_unmapped(void)
{
}

/* Nobody watches. */
void env_tell_gone(struct env *env, uint32_t watch)
{
	(void)env, (void)watch;
	ASSERT(false);
}
