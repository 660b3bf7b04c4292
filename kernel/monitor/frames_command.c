/* SPDX-License-Identifier: MIT */
/* The monitor's frames command: what the frame allocator has, node by node. */
#include <exo/console.h>
#include <exo/frame.h>
#include <exo/monitor.h>

#define ORDERS_A_LINE 7

static void print_node(unsigned int node)
{
	struct frame_stats stats;

	frame_stats(node, &stats);
	console_printf("node %u: %llu frames, %llu free (%llu in CPU caches), %llu reserved\n",
		       node, (unsigned long long)stats.total, (unsigned long long)stats.free,
		       (unsigned long long)stats.cached, (unsigned long long)stats.reserved);
	console_printf("  allocated %llu times, freed %llu, failed %llu, from elsewhere %llu\n",
		       (unsigned long long)stats.allocs, (unsigned long long)stats.frees,
		       (unsigned long long)stats.failures, (unsigned long long)stats.foreign);
	console_printf("  free blocks by order:");
	for (unsigned int order = 0; order < FRAME_ORDERS; order++)
		console_printf("%s %u:%llu", order % ORDERS_A_LINE ? "" : "\n   ", order,
			       (unsigned long long)stats.blocks[order]);
	console_printf("\n");
}

static int frames_command(int argc, char **argv)
{
	struct frame_map map;

	(void)argv;
	if (argc > 1) {
		console_printf("frames: takes no argument\n");
		return 1;
	}
	console_printf("free frames in a %s\n", frame_pool_variant);
	for (unsigned int i = 0; frame_map(i, &map); i++)
		console_printf("region 0x%012llx-0x%012llx  node %u\n",
			       (unsigned long long)map.base,
			       (unsigned long long)(map.base + map.frames * PAGE_SIZE - 1),
			       map.node);
	for (unsigned int node = 0; node < numa_nodes(); node++)
		print_node(node);
	return 0;
}
MONITOR_COMMAND(frames, "", "physical memory: regions, nodes, free blocks", frames_command);
