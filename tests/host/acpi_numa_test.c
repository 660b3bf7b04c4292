/* SPDX-License-Identifier: MIT */
/*
 * acpi_numa_read() with tables that are as they should be, and with none. What is wrong with tables
 * is the matter of acpi_numa_malformed_test.c.
 */
#include "acpi_numa_tables.h"

static void no_srat_is_one_node(struct test *test)
{
	two_node_machine();
	srat_length = 0; /* only a SLIT, which then says nothing */
	seal_all();
	EXPECT_NOTHING(test);
	machine();
	EXPECT_NOTHING(test); /* no RSDP either */
	two_node_machine();
	seal_all();
	set(SRAT + 47, 1, 1); /* does not sum up, and so is no table */
	EXPECT_NOTHING(test);
}

static void one_node(struct test *test)
{
	machine();
	add_memory(7, 0, MIB(64), ON);
	add_apic(7, 0, ON);
	EXPECT_NODES(test, 1);
	TEST_EQ(test, topology.domain[0], 7);
	TEST_EQ(test, topology.nr_ranges, 1);
	TEST_TRUE(test, range_is(0, 0, MIB(64), 0));
	TEST_EQ(test, topology.nr_cpus, 1);
	TEST_TRUE(test, cpu_is(0, 0, 0));
	TEST_EQ(test, topology.distance[0][0], 10);
}

static void two_nodes_without_slit(struct test *test)
{
	two_node_machine();
	slit_length = 0;
	EXPECT_NODES(test, 2);
	TEST_EQ(test, topology.domain[0], 0);
	TEST_EQ(test, topology.domain[1], 1);
	TEST_EQ(test, topology.nr_ranges, 2);
	TEST_TRUE(test, range_is(0, 0, GIB(1), 0));
	TEST_TRUE(test, range_is(1, GIB(1), GIB(1), 1));
	TEST_EQ(test, topology.nr_cpus, 4);
	for (unsigned int id = 0; id < 4; id++)
		TEST_TRUE(test, cpu_is(id, id, id / 2));
	for (unsigned int i = 0; i < 4; i++)
		TEST_EQ(test, topology.distance[i / 2][i % 2], i / 2 == i % 2 ? 10 : 20);

	set_slit(2, 21);
	seal_all();
	set(SLIT + 45, 22, 1); /* does not sum up, and so is no table */
	TEST_EQ(test, read_sealed(), 0);
	TEST_EQ(test, topology.distance[0][1], 20);
}

/* Entries in no order, domains that are neither 0 nor in the order of their memory, holes. */
static void four_nodes(struct test *test)
{
	static const uint32_t domains[] = { 5, 2, 6, 0 }; /* of nodes 0 to 3 */

	if (NUMA_MAX_NODES < 4)
		TEST_SKIP(test, "CONFIG_NUMA_NODES < 4");
	machine();
	add_x2apic(0, 300, ON);
	add_memory(6, GIB(6), GIB(1), ON);
	add_apic(5, 9, ON);
	add_memory(5, MIB(1), GIB(3) - MIB(1), ON);
	add_memory(0, GIB(8), GIB(1), ON);
	add_apic(2, 0, ON);
	add_memory(5, 0, KIB(640), ON);
	add_memory(2, GIB(4), GIB(2), ON);
	add_apic(6, 4, ON);
	add_memory(5, GIB(9), GIB(1), ON);
	set_slit(7, 99);
	for (unsigned int i = 0; i < 4; i++)
		for (unsigned int j = 0; j < 4; j++)
			set_distance(7, domains[i], domains[j],
				     i == j ? 10 : (uint8_t)(20 + 10 * i + 10 * j));
	set_distance(7, 1, 3, 0); /* domains without memory: nobody looks at these */
	set_distance(7, 4, 4, 11);
	EXPECT_NODES(test, 4);
	for (unsigned int i = 0; i < 4; i++) {
		TEST_EQ(test, topology.domain[i], domains[i]);
		for (unsigned int j = 0; j < 4; j++)
			TEST_EQ(test, topology.distance[i][j], i == j ? 10 : 20 + 10 * i + 10 * j);
	}
	TEST_EQ(test, topology.nr_ranges, 6);
	TEST_TRUE(test, range_is(0, 0, KIB(640), 0));
	TEST_TRUE(test, range_is(1, MIB(1), GIB(3) - MIB(1), 0));
	TEST_TRUE(test, range_is(2, GIB(4), GIB(2), 1));
	TEST_TRUE(test, range_is(3, GIB(6), GIB(1), 2));
	TEST_TRUE(test, range_is(4, GIB(8), GIB(1), 3));
	TEST_TRUE(test, range_is(5, GIB(9), GIB(1), 0));
	TEST_EQ(test, topology.nr_cpus, 4);
	TEST_TRUE(test, cpu_is(0, 0, 1));
	TEST_TRUE(test, cpu_is(1, 4, 2));
	TEST_TRUE(test, cpu_is(2, 9, 0));
	TEST_TRUE(test, cpu_is(3, 300, 3));
}

/* The limits of what the SLIT may say: as near as home, and out of reach. */
static void extreme_distances(struct test *test)
{
	two_node_machine();
	set_slit(2, 10);
	EXPECT_NODES(test, 2);
	TEST_EQ(test, topology.distance[0][1], 10);
	set_slit(2, NUMA_UNREACHABLE);
	EXPECT_NODES(test, 2);
	TEST_EQ(test, topology.distance[1][0], NUMA_UNREACHABLE);
}

/* One domain's ranges that touch, overlap or contain each other are one, in whatever order. */
static void ranges_merge(struct test *test)
{
	static const uint16_t rows[][3] = {
		{ 0, 4, 0 },  { 4, 2, 0 },  { 5, 5, 0 },  { 6, 1, 0 },
		{ 10, 2, 1 }, { 14, 2, 0 }, { 12, 2, 1 }, { 16, 1, 1 }
	};

	/* 7 and 8 have no common divisor, so the steps go through all rows in another order. */
	for (unsigned int step = 1; step < 8; step += 2)
		for (unsigned int start = 0; start < 8; start++) {
			machine();
			for (unsigned int i = 0; i < 8; i++) {
				const uint16_t *row = rows[(start + step * i) % 8];

				add_memory(row[2], MIB(row[0]), MIB(row[1]), ON);
			}
			EXPECT_NODES(test, 2);
			TEST_EQ(test, topology.nr_ranges, 4);
			TEST_TRUE(test, range_is(0, 0, MIB(10), 0));
			TEST_TRUE(test, range_is(1, MIB(10), MIB(4), 1));
			TEST_TRUE(test, range_is(2, MIB(14), MIB(2), 0));
			TEST_TRUE(test, range_is(3, MIB(16), MIB(1), 1));
		}

	machine(); /* the last one joins all that came before */
	add_memory(3, MIB(4), MIB(1), ON);
	add_memory(3, MIB(2), MIB(1), ON);
	add_memory(3, MIB(6), MIB(1), ON);
	add_memory(3, MIB(1), MIB(7), ON);
	EXPECT_NODES(test, 1);
	TEST_EQ(test, topology.nr_ranges, 1);
	TEST_TRUE(test, range_is(0, MIB(1), MIB(7), 0));
}

static void ranges_are_whole_pages(struct test *test)
{
	machine();
	add_memory(0, 1, 4095, ON);
	add_memory(1, 4096 + 100, 4096, ON);
	add_memory(0, NUMA_MEMORY_END - 1, 1, ON);
	EXPECT_NODES(test, 2);
	TEST_EQ(test, topology.nr_ranges, 3);
	TEST_TRUE(test, range_is(0, 0, 4096, 0));
	TEST_TRUE(test, range_is(1, 4096, 8192, 1));
	TEST_TRUE(test, range_is(2, NUMA_MEMORY_END - 4096, 4096, 0));
}

static void what_does_not_count_is_skipped(struct test *test)
{
	uint32_t at;

	two_node_machine();
	add_memory(3, 0, GIB(4), OFF);
	add_memory(3, GIB(4), GIB(4), HOT_PLUGGABLE);
	add_memory(3, GIB(4), 0, ON);
	add_memory(3, UINT64_MAX, 0, ON);
	add_memory(3, UINT64_MAX, UINT64_MAX, OFF);
	add_apic(3, 0, OFF);
	add_x2apic(3, 0, OFF);
	at = add_entry(GENERIC_INITIATOR, 32);
	set(at + 4, 3, 4);
	set(at + 8, GIB(1), 8); /* the name of its device */
	set(at + 16, GIB(1), 8);
	set(at + 24, ON, 4);
	set(at + 28, ON, 4); /* where memory has its flags */
	add_entry(200, 2); /* a type that nobody knows yet */
	EXPECT_NODES(test, 2);
	TEST_EQ(test, topology.nr_ranges, 2);
	TEST_EQ(test, topology.nr_cpus, 4);

	two_node_machine(); /* hot-pluggable, but already there; and longer than today's entries */
	at = add_entry(MEMORY, 48);
	set(at + 2, 1, 4);
	set(at + 8, GIB(2), 8);
	set(at + 16, GIB(1), 8);
	set(at + 28, ON | HOT_PLUGGABLE, 4);
	add_apic(1, 77, ON);
	EXPECT_NODES(test, 2);
	TEST_TRUE(test, range_is(1, GIB(1), GIB(2), 1));
	TEST_TRUE(test, cpu_is(4, 77, 1));
}

static void domains_have_32_bits(struct test *test)
{
	machine();
	add_memory(0x89abcd01, 0, GIB(1), ON);
	add_memory(0x01, GIB(1), GIB(1), ON);
	add_apic(0x89abcd01, 1, ON);
	add_apic(0x01, 2, ON);
	add_x2apic(0x89abcd01, 3, ON);
	EXPECT_NODES(test, 2);
	TEST_EQ(test, topology.domain[0], 0x89abcd01);
	TEST_EQ(test, topology.domain[1], 1);
	TEST_TRUE(test, cpu_is(0, 1, 0));
	TEST_TRUE(test, cpu_is(1, 2, 1));
	TEST_TRUE(test, cpu_is(2, 3, 0));

	set(SRAT + 8, 2, 1); /* 32 bits since this revision; before, only the lowest 8 count */
	EXPECT_NODES(test, 2);
	set(SRAT + 8, 1, 1);
	EXPECT_NODES(test, 1);
	TEST_EQ(test, topology.domain[0], 1);
	TEST_EQ(test, topology.nr_cpus, 3);
}

static void a_cpu_may_be_named_twice(struct test *test)
{
	two_node_machine();
	add_x2apic(1, 2, ON);
	add_apic(0, 1, ON);
	EXPECT_NODES(test, 2);
	TEST_EQ(test, topology.nr_cpus, 4);
}

static void cpus_beyond_the_limit_are_left_out(struct test *test)
{
	two_node_machine();
	/* Backwards, so that each goes in at the front. The first of them are four already. */
	for (uint32_t i = 0; i < NUMA_MAX_CPUS; i++)
		add_x2apic(i % 2, 1000 - i, ON);
	EXPECT_NODES(test, 2);
	TEST_EQ(test, topology.nr_cpus, NUMA_MAX_CPUS);
	for (uint32_t i = 0; i < 4; i++)
		TEST_TRUE(test, cpu_is(i, i, i / 2));
	for (uint32_t i = 4; i < NUMA_MAX_CPUS; i++)
		TEST_TRUE(test, cpu_is(i, 1000 - NUMA_MAX_CPUS + 1 + i, (1 + i) % 2));
}

static const struct test_case acpi_numa_cases[] = {
	TEST_CASE(no_srat_is_one_node),
	TEST_CASE(one_node),
	TEST_CASE(two_nodes_without_slit),
	TEST_CASE(four_nodes),
	TEST_CASE(extreme_distances),
	TEST_CASE(ranges_merge),
	TEST_CASE(ranges_are_whole_pages),
	TEST_CASE(what_does_not_count_is_skipped),
	TEST_CASE(domains_have_32_bits),
	TEST_CASE(a_cpu_may_be_named_twice),
	TEST_CASE(cpus_beyond_the_limit_are_left_out),
};
TEST_SUITE(acpi_numa, acpi_numa_cases);
