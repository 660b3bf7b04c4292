/* SPDX-License-Identifier: MIT */
/*
 * Answers about the machine's NUMA topology.
 *
 * What is asked often is worked out once, by numa_init(): for each node all nodes from the nearest
 * to the farthest, and the stretches of the address space that have one answer. A stretch begins
 * where the node of the address changes and goes on, holes included, to where the next one begins.
 * The first begins at 0; as nodes are numbered by address, it is node 0's. So every address is in
 * exactly one stretch, and a binary search finds it.
 *
 * Written by numa_init() alone, at boot, on one CPU; read without a lock.
 */
#include <arch/layout.h>
#include <exo/numa.h>
#include <exo/panic.h>
#include <exo/string.h>

#define DEFAULT_NODE 0

struct stretch {
	paddr_t base;
	unsigned int node;
};

static struct {
	const struct numa_topology *topology;
	struct stretch stretches[NUMA_MAX_RANGES]; /* sorted; neighbours differ in their node */
	unsigned int nr_stretches; /* >= 1 */
	uint8_t nearest[NUMA_MAX_NODES][NUMA_MAX_NODES];
} numa;

unsigned int numa_nr_nodes;

_Static_assert(NUMA_MAX_NODES <= UINT8_MAX + 1, "numa.nearest holds node numbers");

void numa_single(struct numa_topology *topology)
{
	memset(topology, 0, sizeof(*topology));
	topology->nr_nodes = 1;
	topology->distance[0][0] = NUMA_LOCAL_DISTANCE;
}

/* --- is it valid? ------------------------------------------------------------------------------*/

static bool ranges_valid(const struct numa_topology *topology)
{
	unsigned int seen = 0;
	paddr_t end = 0;

	if (topology->nr_ranges == 0)
		return topology->nr_nodes == 1;
	for (unsigned int i = 0; i < topology->nr_ranges; i++) {
		const struct numa_range *range = &topology->ranges[i];

		if (range->base < end || range->base >= NUMA_MEMORY_END || range->length == 0 ||
		    range->length > NUMA_MEMORY_END - range->base ||
		    (range->base | range->length) % PAGE_SIZE || range->node > seen)
			return false;
		if (range->node == seen)
			seen++;
		end = range->base + range->length;
	}
	return seen == topology->nr_nodes;
}

static bool cpus_valid(const struct numa_topology *topology)
{
	for (unsigned int i = 0; i < topology->nr_cpus; i++) {
		const struct numa_cpu *cpu = &topology->cpus[i];

		if (cpu->node >= topology->nr_nodes || (i > 0 && cpu[-1].apic_id >= cpu->apic_id))
			return false;
	}
	return true;
}

static bool distances_valid(const struct numa_topology *topology)
{
	for (unsigned int i = 0; i < topology->nr_nodes; i++) {
		if (topology->distance[i][i] != NUMA_LOCAL_DISTANCE)
			return false;
		for (unsigned int j = 0; j < i; j++)
			if (topology->distance[i][j] < NUMA_LOCAL_DISTANCE ||
			    topology->distance[i][j] != topology->distance[j][i])
				return false;
	}
	return true;
}

/* --- preparing the answers ---------------------------------------------------------------------*/

static void find_stretches(const struct numa_topology *topology)
{
	struct stretch *last = numa.stretches;

	*last = (struct stretch){ 0, DEFAULT_NODE };
	for (unsigned int i = 0; i < topology->nr_ranges; i++) {
		const struct numa_range *range = &topology->ranges[i];

		if (range->node != last->node)
			*++last = (struct stretch){ range->base, range->node };
	}
	numa.nr_stretches = (unsigned int)(last - numa.stretches) + 1;
}

/* Inserts the others by distance, each behind those that are as far: they come by number. */
static void sort_neighbours(const struct numa_topology *topology, unsigned int node)
{
	const uint8_t *distance = topology->distance[node];
	uint8_t *nearest = numa.nearest[node];
	unsigned int count = 1;

	nearest[0] = (uint8_t)node;
	for (unsigned int other = 0; other < topology->nr_nodes; other++) {
		unsigned int at;

		if (other == node)
			continue;
		for (at = count++; at > 1 && distance[nearest[at - 1]] > distance[other]; at--)
			nearest[at] = nearest[at - 1];
		nearest[at] = (uint8_t)other;
	}
}

void numa_init(const struct numa_topology *topology)
{
	ASSERT(topology->nr_nodes >= 1 && topology->nr_nodes <= NUMA_MAX_NODES);
	ASSERT(topology->nr_ranges <= NUMA_MAX_RANGES && ranges_valid(topology));
	ASSERT(topology->nr_cpus <= NUMA_MAX_CPUS && cpus_valid(topology));
	ASSERT(distances_valid(topology));
	numa.topology = topology;
	numa_nr_nodes = topology->nr_nodes;
	find_stretches(topology);
	for (unsigned int node = 0; node < topology->nr_nodes; node++)
		sort_neighbours(topology, node);
}

/* --- the answers -------------------------------------------------------------------------------*/

const struct numa_topology *numa_topology(void)
{
	return numa.topology;
}

unsigned int numa_distance(unsigned int from, unsigned int to)
{
	ASSERT(from < numa_nodes() && to < numa_nodes());
	return numa.topology->distance[from][to];
}

unsigned int numa_nearest(unsigned int node, unsigned int index)
{
	ASSERT(node < numa_nodes() && index < numa_nodes());
	return numa.nearest[node][index];
}

unsigned int numa_node_of(paddr_t base, uint64_t *length)
{
	unsigned int found = 0, after = numa.nr_stretches;

	ASSERT(base < NUMA_MEMORY_END);
	/* stretches[found].base <= base, and stretches[after], if there is one, begins above. */
	while (after - found > 1) {
		const unsigned int middle = (found + after) / 2;

		if (numa.stretches[middle].base <= base)
			found = middle;
		else
			after = middle;
	}
	*length = (after < numa.nr_stretches ? numa.stretches[after].base : NUMA_MEMORY_END) - base;
	return numa.stretches[found].node;
}

unsigned int numa_node_of_cpu(uint32_t apic_id)
{
	const struct numa_cpu *cpus = numa.topology->cpus;
	unsigned int from = 0, to = numa.topology->nr_cpus;

	while (from < to) {
		const unsigned int middle = (from + to) / 2;

		if (cpus[middle].apic_id == apic_id)
			return cpus[middle].node;
		if (cpus[middle].apic_id < apic_id)
			from = middle + 1;
		else
			to = middle;
	}
	return DEFAULT_NODE;
}
