/* SPDX-License-Identifier: MIT */
/*
 * The answers about a NUMA topology, against what a linear search over the topology says. In the
 * kernel each case puts the machine's own topology back.
 */
#include <exo/numa.h>
#include <exo/string.h>
#include <exo/test.h>

#define ROUNDS 200
#define QUESTIONS 50

static struct numa_topology topology;
static uint32_t random_state;

static uint32_t random(uint32_t below)
{
	random_state = random_state * 1664525 + 1013904223;
	return (uint32_t)(((uint64_t)random_state * below) >> 32);
}

/* Runs checks with another topology than the machine's. */
static void with_topology(struct test *test, void (*check)(struct test *test))
{
	const struct numa_topology *const machine = numa_topology();

	check(test);
	if (machine)
		numa_init(machine);
}

static void add_range(paddr_t base, uint64_t length, unsigned int node)
{
	topology.ranges[topology.nr_ranges++] = (struct numa_range){ base, length, node };
}

/* --- a machine that says nothing ---------------------------------------------------------------*/

static void check_single(struct test *test)
{
	static const paddr_t addresses[] = { 0, 1, 4096, MIB(1), GIB(5), NUMA_MEMORY_END - 1 };
	uint64_t length;

	memset(&topology, 0xa5, sizeof(topology));
	numa_single(&topology);
	numa_init(&topology);
	TEST_TRUE(test, numa_topology() == &topology);
	TEST_EQ(test, numa_nodes(), 1);
	TEST_EQ(test, numa_distance(0, 0), NUMA_LOCAL_DISTANCE);
	TEST_EQ(test, numa_nearest(0, 0), 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(addresses); i++) {
		TEST_EQ(test, numa_node_of(addresses[i], &length), 0);
		TEST_EQ(test, length, NUMA_MEMORY_END - addresses[i]);
	}
	TEST_EQ(test, numa_node_of_cpu(0), 0);
	TEST_EQ(test, numa_node_of_cpu(UINT32_MAX), 0);
}

static void single_node(struct test *test)
{
	with_topology(test, check_single);
}

/* --- two nodes, by hand ------------------------------------------------------------------------*/

/* Node 0 begins above 0, has a hole, and goes on behind node 1. */
static void check_two(struct test *test)
{
	static const struct {
		paddr_t base;
		uint64_t length;
		unsigned int node;
	} rows[] = {
		{ 0, GIB(1), 0 }, /* below the first range */
		{ MIB(1), GIB(1) - MIB(1), 0 },
		{ MIB(300), GIB(1) - MIB(300), 0 }, /* in the hole */
		{ GIB(1) - 1, 1, 0 },
		{ GIB(1), GIB(1), 1 },
		{ GIB(2) - 4096, 4096, 1 },
		{ GIB(2), NUMA_MEMORY_END - GIB(2), 0 },
		{ GIB(3), NUMA_MEMORY_END - GIB(3), 0 }, /* above the last range */
		{ NUMA_MEMORY_END - 1, 1, 0 },
	};
	static const struct numa_cpu cpus[] = { { 1, 1 }, { 4, 0 }, { 5, 1 }, { UINT32_MAX, 1 } };
	uint64_t length;

	numa_single(&topology);
	topology.nr_nodes = 2;
	topology.distance[0][1] = topology.distance[1][0] = 21;
	topology.distance[1][1] = NUMA_LOCAL_DISTANCE;
	add_range(MIB(1), MIB(99), 0);
	add_range(MIB(400), MIB(100), 0);
	add_range(GIB(1), GIB(1), 1);
	add_range(GIB(2), GIB(1), 0);
	memcpy(topology.cpus, cpus, sizeof(cpus));
	topology.nr_cpus = ARRAY_SIZE(cpus);
	numa_init(&topology);
	TEST_EQ(test, numa_nodes(), 2);
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		TEST_EQ(test, numa_node_of(rows[i].base, &length), rows[i].node);
		TEST_EQ(test, length, rows[i].length);
	}
	TEST_EQ(test, numa_distance(0, 1), 21);
	TEST_EQ(test, numa_nearest(1, 0), 1);
	TEST_EQ(test, numa_nearest(1, 1), 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(cpus); i++)
		TEST_EQ(test, numa_node_of_cpu(cpus[i].apic_id), cpus[i].node);
	TEST_EQ(test, numa_node_of_cpu(0), 0);
	TEST_EQ(test, numa_node_of_cpu(2), 0);
	TEST_EQ(test, numa_node_of_cpu(UINT32_MAX - 1), 0);
}

static void two_nodes(struct test *test)
{
	with_topology(test, check_two);
}

/* --- neighbours --------------------------------------------------------------------------------*/

static void check_neighbours(struct test *test)
{
	static const uint8_t distance[4][4] = {
		{ 10, 255, 30, 20 }, { 255, 10, 20, 20 }, { 30, 20, 10, 10 }, { 20, 20, 10, 10 }
	};
	static const uint8_t nearest[4][4] = {
		{ 0, 3, 2, 1 }, { 1, 2, 3, 0 }, { 2, 3, 1, 0 }, { 3, 2, 0, 1 }
	};

	numa_single(&topology);
	topology.nr_nodes = 4;
	for (unsigned int i = 0; i < 4; i++) {
		memcpy(topology.distance[i], distance[i], 4);
		add_range(GIB(i), GIB(1), i);
	}
	numa_init(&topology);
	for (unsigned int i = 0; i < 4; i++)
		for (unsigned int j = 0; j < 4; j++) {
			TEST_EQ(test, numa_distance(i, j), distance[i][j]);
			TEST_EQ(test, numa_nearest(i, j), nearest[i][j]);
		}
}

static void neighbours_by_distance_then_number(struct test *test)
{
	if (NUMA_MAX_NODES < 4)
		TEST_SKIP(test, "CONFIG_NUMA_NODES < 4");
	with_topology(test, check_neighbours);
}

/* --- random topologies -------------------------------------------------------------------------*/

/* Any number of ranges up to @limit, with and without holes; every node gets one at least. */
static void random_ranges(unsigned int limit)
{
	paddr_t base = random(2) ? 0 : 4096 * random(1000);
	const unsigned int count = 1 + random(limit);

	topology.nr_nodes = 0;
	for (unsigned int i = 0; i < count; i++) {
		const uint64_t length = 4096 * (uint64_t)(1 + random(4));
		unsigned int node = random(topology.nr_nodes + 1);

		if (node == NUMA_MAX_NODES)
			node--;
		if (node == topology.nr_nodes)
			topology.nr_nodes++;
		add_range(base, length, node);
		base += length + (random(2) ? 0 : 4096 * random(4));
	}
}

static void random_topology(void)
{
	numa_single(&topology);
	random_ranges(random(4) ? NUMA_MAX_RANGES / 2 : NUMA_MAX_RANGES);
	for (unsigned int i = 0; i < topology.nr_nodes; i++) {
		topology.domain[i] = 100 - i;
		topology.distance[i][i] = NUMA_LOCAL_DISTANCE;
		for (unsigned int j = 0; j < i; j++)
			topology.distance[i][j] = topology.distance[j][i] =
				(uint8_t)(random(8) ? 10 + 5 * random(5) : NUMA_UNREACHABLE);
	}
	topology.nr_cpus = random(4) ? random(20) : NUMA_MAX_CPUS;
	for (unsigned int i = 0; i < topology.nr_cpus; i++)
		topology.cpus[i] =
			(struct numa_cpu){ 3 * i + random(3), random(topology.nr_nodes) };
}

static unsigned int naive_node_of(paddr_t address)
{
	unsigned int node = 0;

	for (unsigned int i = 0; i < topology.nr_ranges; i++)
		if (topology.ranges[i].base <= address)
			node = topology.ranges[i].node;
	return node;
}

/* Where the answer changes for the first time above @address. */
static paddr_t naive_border(paddr_t address)
{
	for (unsigned int i = 0; i < topology.nr_ranges; i++)
		if (topology.ranges[i].base > address &&
		    topology.ranges[i].node != naive_node_of(address))
			return topology.ranges[i].base;
	return NUMA_MEMORY_END;
}

static unsigned int naive_node_of_cpu(uint32_t apic_id)
{
	for (unsigned int i = 0; i < topology.nr_cpus; i++)
		if (topology.cpus[i].apic_id == apic_id)
			return topology.cpus[i].node;
	return 0;
}

/* By distance, then by number; from @node itself on. */
static bool is_before(unsigned int node, unsigned int a, unsigned int b)
{
	if (topology.distance[node][a] != topology.distance[node][b])
		return topology.distance[node][a] < topology.distance[node][b];
	return a < b;
}

static void check_random(struct test *test)
{
	const unsigned int last = topology.nr_ranges - 1;
	const paddr_t end = topology.ranges[last].base + topology.ranges[last].length;

	numa_init(&topology);
	for (unsigned int i = 0; i < QUESTIONS; i++) {
		const paddr_t address = random((uint32_t)end + 4096);
		const uint32_t apic_id = random(3 * NUMA_MAX_CPUS + 3);
		uint64_t length = 0;

		TEST_EQ(test, numa_node_of(address, &length), naive_node_of(address));
		TEST_EQ(test, length, naive_border(address) - address);
		TEST_EQ(test, numa_node_of_cpu(apic_id), naive_node_of_cpu(apic_id));
	}
	for (unsigned int node = 0; node < numa_nodes(); node++) {
		TEST_EQ(test, numa_nearest(node, 0), node);
		for (unsigned int i = 2; i < numa_nodes(); i++)
			TEST_TRUE(test, is_before(node, numa_nearest(node, i - 1),
						  numa_nearest(node, i)));
		/* Strictly sorted, so all others are there if the node is not among them. */
		for (unsigned int i = 1; i < numa_nodes(); i++)
			TEST_TRUE(test, numa_nearest(node, i) != node);
	}
}

static void agrees_with_linear_search(struct test *test)
{
	random_state = 1;
	for (unsigned int i = 0; i < ROUNDS && !test->failed_file; i++) {
		random_topology();
		with_topology(test, check_random);
	}
}

static const struct test_case numa_cases[] = {
	TEST_CASE(single_node),
	TEST_CASE(two_nodes),
	TEST_CASE(neighbours_by_distance_then_number),
	TEST_CASE(agrees_with_linear_search),
};
TEST_SUITE(numa, numa_cases);
