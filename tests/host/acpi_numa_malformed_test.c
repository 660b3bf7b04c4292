/* SPDX-License-Identifier: MIT */
/*
 * acpi_numa_read() with tables that are wrong, in each way in which they can be. Each has words of
 * its own, so a case that is refused for another reason than meant fails.
 */
#include "acpi_numa_tables.h"

#include <exo/printf.h>

/* --- malformed SRATs ---------------------------------------------------------------------------*/

static void srat_of_impossible_length(struct test *test)
{
	for (uint32_t length = 36; length < 48; length++) {
		char words[ACPI_NUMA_PROBLEM_SIZE];

		two_node_machine();
		srat_length = length;
		ksnprintf(words, sizeof(words), "SRAT: has only %u bytes", length);
		EXPECT_REFUSED(test, words);
	}
	machine();
	EXPECT_REFUSED(test, "SRAT: no memory");
	machine();
	add_apic(0, 0, ON);
	add_memory(0, 0, GIB(1), OFF);
	EXPECT_REFUSED(test, "SRAT: no memory");
}

static void entries_shorter_than_their_type(struct test *test)
{
	static const struct {
		uint8_t type, length, full;
	} rows[] = { { APIC, 15, 16 },	 { APIC, 2, 16 },    { APIC, 0, 16 },	{ MEMORY, 39, 40 },
		     { MEMORY, 16, 40 }, { X2APIC, 23, 24 }, { X2APIC, 1, 24 }, { 200, 1, 8 },
		     { 200, 0, 8 },	 { 255, 0, 8 } };

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		char words[ACPI_NUMA_PROBLEM_SIZE];
		uint32_t at;

		two_node_machine();
		at = srat_length;
		add_entry(rows[i].type, rows[i].full); /* not enabled; that does not matter */
		set(SRAT + at + 1, rows[i].length, 1);
		ksnprintf(words, sizeof(words),
			  "SRAT: the entry at byte %u, of type %u, has only %u bytes", at,
			  rows[i].type, rows[i].length);
		EXPECT_REFUSED(test, words);
	}
}

static void entries_that_run_over_the_end(struct test *test)
{
	static const uint8_t rows[][2] = { { APIC, 16 }, { MEMORY, 40 }, { X2APIC, 24 }, { 9, 3 } };

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++)
		for (uint32_t cut = 1; cut < rows[i][1]; cut++) {
			char words[ACPI_NUMA_PROBLEM_SIZE];

			two_node_machine();
			ksnprintf(words, sizeof(words),
				  "SRAT: the entry at byte %u runs over the end", srat_length);
			add_entry(rows[i][0], rows[i][1]);
			srat_length -= cut;
			EXPECT_REFUSED(test, words);
		}
	machine(); /* one byte of an entry, the first */
	srat_length++;
	EXPECT_REFUSED(test, "SRAT: the entry at byte 48 runs over the end");
	two_node_machine(); /* the longest entry there is, at the very end */
	add_entry(APIC, 16);
	set(SRAT + srat_length - 15, 255, 1);
	EXPECT_REFUSED(test, "SRAT: the entry at byte 192 runs over the end");
}

static void overlapping_domains(struct test *test)
{
	static const struct {
		paddr_t base;
		uint64_t size;
		const char *words;
	} rows[] = {
		{ GIB(1) - 1, 1, "SRAT: memory at 0x3ffff000 is in domain 0 and in domain 1" },
		{ 0, GIB(1), "SRAT: memory at 0x0 is in domain 0 and in domain 1" },
		{ MIB(5), MIB(1), "SRAT: memory at 0x500000 is in domain 0 and in domain 1" },
		{ GIB(1), GIB(2), "SRAT: memory at 0x80000000 is in domain 3 and in domain 1" },
		{ GIB(3) - 4095, 1, "SRAT: memory at 0xbffff000 is in domain 3 and in domain 1" },
		{ 0, GIB(8), "SRAT: memory at 0x0 is in domain 0 and in domain 1" },
	};

	/* The domains to overlap with end and begin on page borders; around them is room. */
	for (unsigned int i = 0; i < 2 * ARRAY_SIZE(rows); i++) {
		const unsigned int row = i / 2;

		machine();
		if (i % 2) { /* also after another range of its own domain */
			add_memory(1, GIB(1) + MIB(1), MIB(1), ON);
			add_memory(1, GIB(4), MIB(1), ON);
		}
		add_memory(0, 0, GIB(1), ON);
		add_memory(3, GIB(2), GIB(1), ON);
		add_memory(1, rows[row].base, rows[row].size, ON);
		EXPECT_REFUSED(test, rows[row].words);
	}
	machine(); /* within one page */
	add_memory(0, 0, 100, ON);
	add_memory(1, 100, 100, ON);
	EXPECT_REFUSED(test, "SRAT: memory at 0x0 is in domain 0 and in domain 1");
}

static void memory_beyond_the_address_space(struct test *test)
{
	static const struct {
		paddr_t base;
		uint64_t size;
		const char *words;
	} rows[] = {
		{ NUMA_MEMORY_END, 1,
		  "SRAT: memory at 0x10000000000000, 0x1 bytes, ends beyond 2^52" },
		{ NUMA_MEMORY_END - 4096, 4097,
		  "SRAT: memory at 0xffffffffff000, 0x1001 bytes, ends beyond 2^52" },
		{ NUMA_MEMORY_END + 4096, 1,
		  "SRAT: memory at 0x10000000001000, 0x1 bytes, ends beyond 2^52" },
		{ 4096, UINT64_MAX,
		  "SRAT: memory at 0x1000, 0xffffffffffffffff bytes, ends beyond 2^52" },
		{ UINT64_MAX, UINT64_MAX,
		  "SRAT: memory at 0xffffffffffffffff, 0xffffffffffffffff bytes, ends beyond "
		  "2^52" },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		two_node_machine();
		add_memory(0, rows[i].base, rows[i].size, ON);
		EXPECT_REFUSED(test, rows[i].words);
	}
}

static void cpus_without_memory(struct test *test)
{
	two_node_machine();
	add_apic(2, 5, ON);
	EXPECT_REFUSED(test, "SRAT: CPU with APIC ID 5 is in domain 2, which has no memory");
	two_node_machine();
	add_x2apic(UINT32_MAX, UINT32_MAX, ON);
	EXPECT_REFUSED(test, "SRAT: CPU with APIC ID 4294967295 is in domain 4294967295, which has "
			     "no memory");
	two_node_machine(); /* a CPU that is left out, but looked at */
	for (uint32_t i = 0; i < NUMA_MAX_CPUS; i++)
		add_x2apic(0, 1000 + i, ON);
	add_x2apic(8, 5000, ON);
	EXPECT_REFUSED(test, "SRAT: CPU with APIC ID 5000 is in domain 8, which has no memory");
	machine(); /* the domain's only memory does not count */
	add_apic(1, 0, ON);
	add_memory(0, 0, GIB(1), ON);
	add_memory(1, GIB(1), GIB(1), HOT_PLUGGABLE);
	EXPECT_REFUSED(test, "SRAT: CPU with APIC ID 0 is in domain 1, which has no memory");
}

static void a_cpu_in_two_domains(struct test *test)
{
	two_node_machine();
	add_apic(1, 0, ON);
	EXPECT_REFUSED(test, "SRAT: CPU with APIC ID 0 is in domain 0 and in domain 1");
	two_node_machine();
	add_x2apic(0, 3, ON);
	EXPECT_REFUSED(test, "SRAT: CPU with APIC ID 3 is in domain 1 and in domain 0");
}

static void more_than_configured(struct test *test)
{
	char words[ACPI_NUMA_PROBLEM_SIZE];

	machine();
	for (uint32_t i = 0; i < NUMA_MAX_NODES; i++)
		add_memory(i, GIB(i), GIB(1), ON);
	EXPECT_NODES(test, NUMA_MAX_NODES);
	add_memory(NUMA_MAX_NODES, GIB(NUMA_MAX_NODES), GIB(1), ON);
	ksnprintf(words, sizeof(words), "SRAT: more than %u domains with memory", NUMA_MAX_NODES);
	EXPECT_REFUSED(test, words);

	machine();
	for (uint32_t i = 0; i < NUMA_MAX_RANGES; i++)
		add_memory(0, MIB(2 * i), MIB(1), ON);
	EXPECT_NODES(test, 1);
	TEST_EQ(test, topology.nr_ranges, NUMA_MAX_RANGES);
	add_memory(0, MIB(1), MIB(1), ON); /* closes a gap, so there is room again */
	add_memory(1, MIB(2 * NUMA_MAX_RANGES), MIB(1), ON);
	EXPECT_NODES(test, 2);
	TEST_EQ(test, topology.nr_ranges, NUMA_MAX_RANGES);
	add_memory(0, GIB(100), MIB(1), ON);
	ksnprintf(words, sizeof(words), "SRAT: more than %u separate memory ranges",
		  NUMA_MAX_RANGES);
	EXPECT_REFUSED(test, words);
}

/* --- malformed SLITs ---------------------------------------------------------------------------*/

static void slit_of_the_wrong_size(struct test *test)
{
	for (uint32_t length = 36; length < 44; length++) {
		char words[ACPI_NUMA_PROBLEM_SIZE];

		two_node_machine();
		slit_length = length;
		ksnprintf(words, sizeof(words), "SLIT: has only %u bytes", length);
		EXPECT_REFUSED(test, words);
	}
	two_node_machine();
	slit_length -= 1;
	EXPECT_REFUSED(test, "SLIT: has 3 bytes for the distances of 2 localities");
	slit_length += 2;
	EXPECT_REFUSED(test, "SLIT: has 5 bytes for the distances of 2 localities");
	set(SLIT + 36, 0x100000000, 8); /* its square is 0 in 64 bits */
	slit_length = 44;
	EXPECT_REFUSED(test, "SLIT: has 0 bytes for the distances of 4294967296 localities");
	set(SLIT + 36, UINT64_MAX, 8); /* its square is 1 */
	slit_length = 45;
	EXPECT_REFUSED(test,
		       "SLIT: has 1 bytes for the distances of 18446744073709551615 localities");
	set(SLIT + 36, 65536, 8); /* its square is 0 in 32 bits */
	slit_length = 44;
	EXPECT_REFUSED(test, "SLIT: has 0 bytes for the distances of 65536 localities");
}

static void slit_without_a_domain(struct test *test)
{
	two_node_machine();
	set_slit(1, 10);
	EXPECT_REFUSED(test, "SLIT: has 1 localities, but no domain 1");
	set_slit(0, 10);
	EXPECT_REFUSED(test, "SLIT: has 0 localities, but no domain 0");
	machine();
	add_memory(UINT32_MAX, 0, GIB(1), ON);
	set_slit(2, 10);
	EXPECT_REFUSED(test, "SLIT: has 2 localities, but no domain 4294967295");
}

static void impossible_distances(struct test *test)
{
	two_node_machine();
	set_distance(2, 1, 0, 20);
	EXPECT_REFUSED(test, "SLIT: the distance from domain 1 to domain 0 is 20, but back 21");
	set_distance(2, 1, 0, 0);
	EXPECT_REFUSED(test, "SLIT: the distance from domain 1 to domain 0 is 0, but back 21");
	set_slit(2, 0);
	EXPECT_REFUSED(test, "SLIT: the distance from domain 1 to domain 0 is only 0");
	set_slit(2, 9);
	EXPECT_REFUSED(test, "SLIT: the distance from domain 1 to domain 0 is only 9");
	for (unsigned int i = 0; i < 2; i++) {
		static const char *const words[] = {
			"SLIT: the distance from domain 0 to itself is 11, not 10",
			"SLIT: the distance from domain 1 to itself is 0, not 10",
		};

		set_slit(2, 21);
		set_distance(2, i, i, i ? 0 : 11);
		EXPECT_REFUSED(test, words[i]);
	}
}

static const struct test_case acpi_numa_malformed_cases[] = {
	TEST_CASE(srat_of_impossible_length),
	TEST_CASE(entries_shorter_than_their_type),
	TEST_CASE(entries_that_run_over_the_end),
	TEST_CASE(overlapping_domains),
	TEST_CASE(memory_beyond_the_address_space),
	TEST_CASE(cpus_without_memory),
	TEST_CASE(a_cpu_in_two_domains),
	TEST_CASE(more_than_configured),
	TEST_CASE(slit_of_the_wrong_size),
	TEST_CASE(slit_without_a_domain),
	TEST_CASE(impossible_distances),
};
TEST_SUITE(acpi_numa_malformed, acpi_numa_malformed_cases);
