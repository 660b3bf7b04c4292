/* SPDX-License-Identifier: MIT */
/*
 * Memory maps from 1 MiB to 1 TiB through the plan into the frame allocator: every byte of memory
 * is accounted for, kept runs stay reserved, metadata stays small. Physical memory is an address
 * range of 2 TiB of which the host only backs what is touched.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <exo/frame.h>
#include <exo/frame_setup.h>
#include <exo/memory_plan.h>
#include <exo/string.h>

#define TIB(n) ((uint64_t)(n) << 40)
#define WINDOW TIB(2)

struct map {
	const char *name;
	struct memory_range ranges[CONFIG_BOOT_MEMORY_RANGES];
	struct numa_topology topology; /* nr_nodes 0: one node */
	bool scattered; /* too many holes for the bound on metadata */
};

static struct map maps[] = {
	{ .name = "1_MiB", .ranges = { { 0, MIB(1), MEMORY_USABLE } } },
	{ .name = "1_MiB_of_a_PC",
	  .ranges = { { 0, 0x9fc00, MEMORY_USABLE },
		      { 0x9fc00, 0x400, MEMORY_RESERVED },
		      { MIB(1), KIB(384), MEMORY_USABLE } } },
	{ .name = "256_MiB_of_a_PC",
	  .ranges = { { 0, 0x9fc00, MEMORY_USABLE },
		      { 0x9fc00, 0x400, MEMORY_RESERVED },
		      { 0xf0000, 0x10000, MEMORY_RESERVED },
		      { MIB(1), MIB(254) + 0x1c00, MEMORY_USABLE },
		      { MIB(255) + 0x1c00, 0x2400, MEMORY_ACPI_RECLAIMABLE },
		      { MIB(255) + 0x4000, MIB(1) - 0x4000, MEMORY_ACPI_NVS } } },
	{ .name = "8_GiB_of_a_PC",
	  .ranges = { { 0, 0x9fc00, MEMORY_USABLE },
		      { MIB(1), GIB(2) - MIB(1), MEMORY_USABLE },
		      { GIB(2), MIB(16), MEMORY_ACPI_RECLAIMABLE },
		      { GIB(4), GIB(6), MEMORY_USABLE } } },
	{ .name = "4_nodes",
	  .ranges = { { 0, 0x9fc00, MEMORY_USABLE }, { MIB(1), MIB(511), MEMORY_USABLE } },
	  .topology = { .nr_nodes = 4,
			.nr_ranges = 5,
			.ranges = { { 0, 0xa0000, 0 },
				    { MIB(1), MIB(127), 0 },
				    { MIB(128), MIB(128) + KIB(4), 1 },
				    { MIB(256) + KIB(4), MIB(128) - KIB(4), 2 },
				    { MIB(384), MIB(128), 3 } },
			.distance = { { 10, 20, 20, 20 },
				      { 20, 10, 20, 20 },
				      { 20, 20, 10, 20 },
				      { 20, 20, 20, 10 } } } },
	{ .name = "1_TiB_with_holes",
	  .ranges = { { 0, 0x9fc00, MEMORY_USABLE },
		      { MIB(1), GIB(2), MEMORY_USABLE },
		      { GIB(4), GIB(500), MEMORY_USABLE },
		      { GIB(520), MIB(3), MEMORY_BAD },
		      { GIB(521), GIB(522), MEMORY_USABLE },
		      { TIB(1) + GIB(512), GIB(4), MEMORY_USABLE } } },
	{ .name = "far_apart",
	  .ranges = { { 0, MIB(2), MEMORY_USABLE }, { GIB(512), MIB(2), MEMORY_USABLE } } },
	{ .name = "every_second_page", .scattered = true },
};

static struct boot_info info;
static struct memory_plan plan;
static unsigned int failed_line, nr_done;

#define CHECK(condition)                                  \
	do {                                              \
		if (!(condition) && !failed_line)         \
			failed_line = (unsigned)__LINE__; \
	} while (0)

static void fill_in(struct map *map)
{
	struct numa_topology *topology = &map->topology;

	if (map->scattered)
		for (unsigned int i = 0; i < CONFIG_BOOT_MEMORY_RANGES; i++)
			map->ranges[i] = (struct memory_range){ MIB(1) + i * 2 * PAGE_SIZE,
								PAGE_SIZE, MEMORY_USABLE };
	if (!topology->nr_nodes)
		numa_single(topology);
	info = (struct boot_info){ .protocol = "test" };
	while (info.nr_memory < CONFIG_BOOT_MEMORY_RANGES && map->ranges[info.nr_memory].length) {
		info.memory[info.nr_memory] = map->ranges[info.nr_memory];
		info.nr_memory++;
	}
}

/* Whole pages of the usable (or reclaimable) ranges, which all begin on a page here or are cut. */
static uint64_t whole_pages(enum memory_type type)
{
	uint64_t size = 0;

	for (unsigned int i = 0; i < info.nr_memory; i++) {
		const struct memory_range *range = &info.memory[i];
		const paddr_t base = (range->base + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1ull);
		const paddr_t end = (range->base + range->length) & ~(PAGE_SIZE - 1ull);

		if (range->type == type && end > base)
			size += end - base;
	}
	return size;
}

static uint64_t free_bytes(void)
{
	uint64_t frames = 0;

	for (unsigned int node = 0; node < numa_nodes(); node++) {
		struct frame_stats stats;

		frame_stats(node, &stats);
		frames += stats.free;
	}
	return frames * PAGE_SIZE;
}

static void check_map(struct map *map, char *window)
{
	uint64_t described, taken = 0, early, free, length;
	paddr_t base;

	fill_in(map);
	numa_init(&map->topology);
	frame_setup(0);
	memory_plan_begin(&plan, &info, window, WINDOW);
	/* An image with an odd end, and a table taken early. */
	memory_plan_keep(&plan, MIB(1), 0x12345);
	early = memory_plan_take(&plan, 1, 0, WINDOW);
	CHECK(early != MEMORY_PLAN_NONE && early % PAGE_SIZE == 0);
	memory_plan_frames(&plan);
	described = whole_pages(MEMORY_USABLE) + whole_pages(MEMORY_ACPI_RECLAIMABLE);
	CHECK(plan.given + plan.unused == described);
	CHECK(plan.free == free_bytes());
	/* No two pages side by side: no place for metadata. */
	CHECK(plan.unused == (map->scattered ? described : 0));
	CHECK(map->scattered || plan.metadata <= described / 1000 * 8 || described < MIB(1));
	for (unsigned int i = 0; i < plan.nr_kept; i++)
		CHECK(frame_alloc_at(plan.kept[i].base, 0) != 0);
	CHECK(frame_alloc_at(0, 0) != 0);
	CHECK(frame_alloc_at(early, 0) != 0);
	CHECK(map->scattered || frame_free(MIB(1), 0) == -EXO_E_PERM ||
	      info.memory[0].length == MIB(1));

	/* All that is free can be had, nothing of it kept, each frame on its own node. */
	free = free_bytes();
	for (unsigned int order = FRAME_ORDERS; order-- > 0;)
		while (frame_alloc(order, &base) == 0) {
			taken += PAGE_SIZE << order;
			for (unsigned int i = 0; i < plan.nr_kept; i++)
				CHECK(plan.kept[i].end <= base ||
				      plan.kept[i].base >= base + (PAGE_SIZE << order));
			CHECK(numa_node_of(base, &length) ==
			      numa_node_of(base + (PAGE_SIZE << order) - PAGE_SIZE, &length));
		}
	CHECK(taken == free);
	CHECK(memory_plan_reclaim(&info) == whole_pages(MEMORY_ACPI_RECLAIMABLE));
	CHECK(free_bytes() == whole_pages(MEMORY_ACPI_RECLAIMABLE));
	printf("%s %u - memory_plan_%s\n", failed_line ? "not ok" : "ok", ++nr_done, map->name);
	printf("# metadata %llu KiB of %llu KiB, unused %llu KiB\n",
	       (unsigned long long)plan.metadata / 1024, (unsigned long long)described / 1024,
	       (unsigned long long)plan.unused / 1024);
}

/* Memory beyond the reach of the direct map is left out and counted. */
static void check_reach(char *window)
{
	struct memory_range ranges[] = { { 0, MIB(16), MEMORY_USABLE },
					 { GIB(4), GIB(1), MEMORY_USABLE } };

	info = (struct boot_info){ .nr_memory = 2 };
	memcpy(info.memory, ranges, sizeof(ranges));
	frame_setup(0);
	memory_plan_begin(&plan, &info, window, GIB(4) + MIB(256));
	memory_plan_frames(&plan);
	CHECK(plan.unused == MIB(768));
	CHECK(frame_alloc_at(GIB(4) + MIB(256), 0) == -EXO_E_RANGE);
	CHECK(memory_plan_top(&info) == GIB(5));
	printf("%s %u - memory_plan_reach\n", failed_line ? "not ok" : "ok", ++nr_done);
}

int main(void)
{
	printf("1..%zu\n", ARRAY_SIZE(maps) + 1);
	for (unsigned int i = 0; i < ARRAY_SIZE(maps) && !failed_line; i++) {
		/* Dirty memory: metadata must not rely on zeroes. */
		char *window = mmap(NULL, WINDOW, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (window == MAP_FAILED) {
			perror("mmap");
			return EXIT_FAILURE;
		}
		memset(window, 0xa5, MIB(4));
		check_map(&maps[i], window);
		if (i + 1 == ARRAY_SIZE(maps) && !failed_line)
			check_reach(window);
		munmap(window, WINDOW);
	}
	if (failed_line)
		printf("# tests/host/memory_plan_hostonly.c:%u\n", failed_line);
	return failed_line ? EXIT_FAILURE : EXIT_SUCCESS;
}
