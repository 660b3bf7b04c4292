/* SPDX-License-Identifier: MIT */
/*
 * A machine for the frame allocator's tests on the host: four nodes of 32 MiB, each with a hole,
 * the first beginning at an odd frame. Nothing reads or writes its memory. Set up before main().
 */
#include <stdlib.h>

#include <exo/frame.h>
#include <exo/frame_setup.h>
#include <exo/panic.h>
#include <exo/string.h>

#include "frame_machine.h"

static const struct numa_topology topology = {
	.nr_nodes = FRAME_MACHINE_NODES,
	.nr_ranges = FRAME_MACHINE_NODES,
	.ranges = { { 0, MIB(32), 0 },
		    { MIB(32), MIB(32), 1 },
		    { MIB(64), MIB(32), 2 },
		    { GIB(4), MIB(32), 3 } },
	/* Two pairs that are near to each other: 0 and 2, 1 and 3. */
	.distance = { { 10, 20, 12, 22 },
		      { 20, 10, 22, 12 },
		      { 12, 22, 10, 20 },
		      { 22, 12, 20, 10 } },
};

static void *metadata[FRAME_MACHINE_NODES];

void frame_machine_start(void)
{
	numa_init(&topology);
	frame_setup(0);
	for (unsigned int i = 0; i < FRAME_MACHINE_NODES; i++) {
		const struct numa_range *range = &topology.ranges[i];
		const paddr_t base = range->base ? range->base : PAGE_SIZE;
		const uint64_t size = range->base + range->length - base;
		const size_t bytes = frame_metadata(base, size);

		free(metadata[i]);
		metadata[i] =
			aligned_alloc(PAGE_SIZE, (bytes + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1ul));
		memset(metadata[i], 0, bytes);
		ASSERT(frame_add_region(base, size, i, metadata[i]) == 0);
		ASSERT(frame_add_memory(base, MIB(1) - (base - range->base), false) == 0);
		ASSERT(frame_add_memory(range->base + MIB(1), FRAME_MACHINE_RESERVED, true) == 0);
		ASSERT(frame_add_memory(range->base + MIB(1) + FRAME_MACHINE_RESERVED,
					MIB(15) - FRAME_MACHINE_RESERVED, false) == 0);
		/* A hole of 1 MiB. */
		ASSERT(frame_add_memory(range->base + MIB(17), MIB(15), false) == 0);
	}
}

__attribute__((constructor)) static void start(void)
{
	frame_machine_start();
}

__attribute__((destructor)) static void stop(void)
{
	for (unsigned int i = 0; i < FRAME_MACHINE_NODES; i++)
		free(metadata[i]);
}
