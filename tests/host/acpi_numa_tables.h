/* SPDX-License-Identifier: MIT */
/*
 * For the tests of acpi_numa_read(): a piece of made-up physical memory with an SRAT and a SLIT,
 * and what a test wants to know of the result. Included by one test file each; everything is
 * static.
 */
#ifndef ACPI_NUMA_TABLES_H
#define ACPI_NUMA_TABLES_H

#include <exo/acpi.h>
#include <exo/numa.h>
#include <exo/string.h>
#include <exo/test.h>

#define BASE 0x7fe0000u
#define RSDP 0u /* offsets in the made-up memory */
#define XSDT 64u
#define SLIT 128u
#define SRAT 4608u
#define MEMORY_SIZE 20480u

enum { APIC = 0, MEMORY = 1, X2APIC = 2, GENERIC_INITIATOR = 5 };
enum { OFF = 0, ON = 1, HOT_PLUGGABLE = 2 };

static uint8_t memory[MEMORY_SIZE + 1]; /* used from 1 on: everything is unaligned */
static uint32_t srat_length, slit_length; /* 0: no such table */
static struct numa_topology topology;
static char problem[ACPI_NUMA_PROBLEM_SIZE];

static const void *memory_at(const struct boot_memory_view *view, paddr_t base, uint64_t size)
{
	(void)view;
	if (base < BASE || base - BASE > MEMORY_SIZE || size > MEMORY_SIZE - (base - BASE))
		return NULL;
	return memory + 1 + (base - BASE);
}

static const struct boot_memory_view view = { .at = memory_at };

/* --- making tables -----------------------------------------------------------------------------*/

static __unused void set(uint32_t offset, uint64_t value, uint32_t size)
{
	memcpy(memory + 1 + offset, &value, size);
}

/* Makes the sum of @size bytes at @offset 0 by the byte at @at. */
static void set_checksum(uint32_t offset, uint32_t size, uint32_t at)
{
	uint8_t sum = 0;

	set(at, 0, 1);
	for (uint32_t i = 0; i < size; i++)
		sum += memory[1 + offset + i];
	set(at, (uint8_t)-sum, 1);
}

static __unused void seal(uint32_t table, const char *signature, uint32_t length)
{
	memcpy(memory + 1 + table, signature, 4);
	set(table + 4, length, 4);
	set_checksum(table, length, table + 9);
}

static __unused void seal_rsdp(void)
{
	memset(memory + 1 + RSDP, 0, 36);
	memcpy(memory + 1 + RSDP, "RSD PTR ", 8);
	set(RSDP + 15, 2, 1); /* revision */
	set_checksum(RSDP, 20, RSDP + 8);
	set(RSDP + 20, 36, 4);
	set(RSDP + 24, BASE + XSDT, 8);
	set_checksum(RSDP, 36, RSDP + 32);
}

/* Begins a machine with an SRAT that has no entry, and without a SLIT. */
static __unused void machine(void)
{
	memset(memory, 0, sizeof(memory));
	srat_length = 48;
	slit_length = 0;
	set(SRAT + 8, 3, 1); /* revision */
	set(SRAT + 36, 1, 4); /* reserved, "must be 1" */
}

/* Adds an entry of zeros. Returns where its bytes begin. */
static __unused uint32_t add_entry(unsigned int type, uint32_t length)
{
	const uint32_t at = SRAT + srat_length;

	set(at, type, 1);
	set(at + 1, length, 1);
	srat_length += length;
	return at;
}

static __unused void add_memory(uint32_t domain, paddr_t base, uint64_t size, uint32_t flags)
{
	const uint32_t at = add_entry(MEMORY, 40);

	set(at + 2, domain, 4);
	set(at + 8, base, 8);
	set(at + 16, size, 8);
	set(at + 28, flags, 4);
}

static __unused void add_apic(uint32_t domain, uint8_t apic_id, uint32_t flags)
{
	const uint32_t at = add_entry(APIC, 16);

	set(at + 2, domain & 0xff, 1);
	set(at + 3, apic_id, 1);
	set(at + 4, flags, 4);
	set(at + 9, domain >> 8, 3);
}

static __unused void add_x2apic(uint32_t domain, uint32_t apic_id, uint32_t flags)
{
	const uint32_t at = add_entry(X2APIC, 24);

	set(at + 4, domain, 4);
	set(at + 8, apic_id, 4);
	set(at + 12, flags, 4);
}

/* A SLIT where everything is @remote from everything else. */
static __unused void set_slit(uint32_t localities, uint8_t remote)
{
	slit_length = 44 + localities * localities;
	set(SLIT + 36, localities, 8);
	for (uint32_t i = 0; i < localities * localities; i++)
		set(SLIT + 44 + i, i % (localities + 1) == 0 ? 10 : remote, 1);
}

static __unused void set_distance(uint32_t localities, uint32_t from, uint32_t to, uint8_t distance)
{
	set(SLIT + 44 + from * localities + to, distance, 1);
}

static __unused void seal_all(void)
{
	uint32_t entries = 0;

	if (srat_length)
		set(XSDT + 36 + 8 * entries++, BASE + SRAT, 8);
	if (slit_length)
		set(XSDT + 36 + 8 * entries++, BASE + SLIT, 8);
	seal(SRAT, "SRAT", srat_length);
	seal(SLIT, "SLIT", slit_length);
	seal(XSDT, "XSDT", 36 + 8 * entries);
	seal_rsdp();
}

static __unused int read_sealed(void)
{
	memset(&topology, 0xa5, sizeof(topology));
	memset(problem, 0xa5, sizeof(problem));
	return acpi_numa_read(&view, BASE + RSDP, &topology, problem);
}

static __unused int read(void)
{
	seal_all();
	return read_sealed();
}

/* Two nodes with two CPUs each: what the malformed machines are made from. */
static __unused void two_node_machine(void)
{
	machine();
	add_memory(0, 0, GIB(1), ON);
	add_memory(1, GIB(1), GIB(1), ON);
	for (uint8_t id = 0; id < 4; id++)
		add_apic(id / 2, id, ON);
	set_slit(2, 21);
}

/* --- looking at the result ---------------------------------------------------------------------*/

static __unused bool is_single(void)
{
	static struct numa_topology single;

	numa_single(&single);
	return memcmp(&single, &topology, sizeof(single)) == 0;
}

static __unused bool range_is(unsigned int index, paddr_t base, uint64_t length, unsigned int node)
{
	const struct numa_range *range = &topology.ranges[index];

	return index < topology.nr_ranges && range->base == base && range->length == length &&
	       range->node == node;
}

static __unused bool cpu_is(unsigned int index, uint32_t apic_id, unsigned int node)
{
	return index < topology.nr_cpus && topology.cpus[index].apic_id == apic_id &&
	       topology.cpus[index].node == node;
}

#define EXPECT_REFUSED(test, words)                \
	do {                                       \
		TEST_EQ(test, read(), -EXO_E_ARG); \
		TEST_STREQ(test, problem, words);  \
		TEST_TRUE(test, is_single());      \
	} while (0)

#define EXPECT_NODES(test, nodes)                        \
	do {                                             \
		TEST_EQ(test, read(), 0);                \
		TEST_STREQ(test, problem, "");           \
		TEST_EQ(test, topology.nr_nodes, nodes); \
	} while (0)

#define EXPECT_NOTHING(test)                     \
	do {                                     \
		TEST_EQ(test, read_sealed(), 0); \
		TEST_STREQ(test, problem, "");   \
		TEST_TRUE(test, is_single());    \
	} while (0)

#endif
