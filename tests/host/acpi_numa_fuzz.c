/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target for acpi_numa_read(). RSDP, XSDT, signatures and checksums are always right; the
 * first four bytes of the input say how the rest becomes the SRAT and the SLIT: as it is, or as a
 * list of entries with small numbers, which are valid often enough to meet each other.
 *
 * Checked: everything that exo/numa.h promises of a topology; that it says of every entry what the
 * entry says; and, against rules that are written down here once more, in the simplest way, that
 * tables are refused if and only if they are wrong.
 */
#include "fuzz_memory.h"

#include <exo/acpi.h>
#include <exo/numa.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BASE 0xe0000u
#define PAGE 4096u
enum { RSDP = 0, XSDT = 48, SLIT = 128, SRAT = 1024, MEMORY_SIZE = 4096 };
enum { SLIT_MAX = SRAT - SLIT, SRAT_MAX = MEMORY_SIZE - SRAT };

/* The first byte of the input. */
enum {
	RAW_SRAT = 1 << 0, /* the bytes are the entries */
	RAW_SLIT = 1 << 1, /* the bytes are the distances; else they are made right */
	NO_SLIT = 1 << 2,
	NO_SRAT = 1 << 3,
	OLD_REVISION = 1 << 4,
	WRONG_SLIT_COUNT = 1 << 5,
	WRONG_DISTANCE = 1 << 6, /* one of those between the domains 0 to 3 */
};

static uint8_t memory[MEMORY_SIZE];
static uint32_t srat_length, slit_length; /* 0: no such table */
static struct numa_topology topology;

static uint64_t get(uint32_t offset, uint32_t size)
{
	uint64_t value = 0;

	FUZZ_CHECK(offset + size <= MEMORY_SIZE);
	memcpy(&value, memory + offset, size);
	return value;
}

static void set(uint32_t offset, uint64_t value, uint32_t size)
{
	FUZZ_CHECK(offset + size <= MEMORY_SIZE);
	memcpy(memory + offset, &value, size);
}

/* --- making the tables -------------------------------------------------------------------------*/

static void fix_sum(uint32_t offset, uint32_t size, uint32_t at)
{
	uint8_t sum = 0;

	set(at, 0, 1);
	for (uint32_t i = 0; i < size; i++)
		sum += memory[offset + i];
	set(at, (uint8_t)-sum, 1);
}

static void fix_table(uint32_t table, const char *signature, uint32_t length)
{
	memcpy(memory + table, signature, 4);
	set(table + 4, length, 4);
	fix_sum(table, length, table + 9);
}

static void fix_all(void)
{
	uint32_t entries = 0;

	if (srat_length)
		set(XSDT + 36 + 8 * entries++, BASE + SRAT, 8);
	if (slit_length)
		set(XSDT + 36 + 8 * entries++, BASE + SLIT, 8);
	fix_table(XSDT, "XSDT", 36 + 8 * entries);
	if (srat_length)
		fix_table(SRAT, "SRAT", srat_length);
	if (slit_length)
		fix_table(SLIT, "SLIT", slit_length);
	memcpy(memory + RSDP, "RSD PTR ", 8);
	set(RSDP + 15, 2, 1);
	fix_sum(RSDP, 20, RSDP + 8);
	set(RSDP + 20, 36, 4);
	set(RSDP + 24, BASE + XSDT, 8);
	fix_sum(RSDP, 36, RSDP + 32);
}

/* Six bytes make an entry: kind, domain, number, number, odd offset, flags. */
static void compose_entry(const uint8_t *bytes)
{
	const uint32_t at = SRAT + srat_length;
	const uint32_t domain = bytes[1] < 0xe0 ? bytes[1] % 12 : bytes[1] * 0x01000193u;
	const uint32_t apic_id = bytes[2] % 64;
	const uint32_t enabled = bytes[5] % 16 != 0;
	uint32_t length;

	switch (bytes[0] % 8) {
	case 0:
	case 1:
	case 2:
	case 3:
		length = 40;
		set(at, 1, 1);
		set(at + 2, domain, 4);
		set(at + 8, (uint64_t)bytes[2] * PAGE + (bytes[4] < 0xf0 ? 0 : bytes[3]), 8);
		set(at + 16, (uint64_t)(bytes[3] % 16) * PAGE + (bytes[4] % 32 ? 0 : bytes[4]), 8);
		set(at + 28, enabled | (bytes[5] & 6), 4);
		break;
	case 4:
	case 5:
		length = 16;
		set(at, 0, 1);
		set(at + 2, domain & 0xff, 1);
		set(at + 3, apic_id, 1);
		set(at + 4, enabled, 4);
		set(at + 9, domain >> 8, 3);
		break;
	case 6:
		length = 24;
		set(at, 2, 1);
		set(at + 4, domain, 4);
		set(at + 8, apic_id, 4);
		set(at + 12, enabled, 4);
		break;
	default:
		length = bytes[2] % 48;
		set(at, bytes[3], 1);
	}
	set(at + 1, length, 1);
	srat_length += length;
}

/* A node with 15 pages, apart from its neighbours by nine, and a CPU. */
static void compose_node(uint8_t node)
{
	compose_entry((const uint8_t[]){ 0, node, (uint8_t)(node * 24), 15, 1, 1 });
	compose_entry((const uint8_t[]){ node % 2 ? 4 : 6, node, node, 0, 0, 1 });
}

static void make_srat(const uint8_t *bytes, uint32_t size, unsigned int flags, uint8_t nodes,
		      uint8_t cut)
{
	srat_length = 48;
	set(SRAT + 8, flags & OLD_REVISION ? 1 : 3, 1);
	if (flags & RAW_SRAT) {
		if (size > SRAT_MAX - srat_length)
			size = SRAT_MAX - srat_length;
		memcpy(memory + SRAT + srat_length, bytes, size);
		srat_length += size;
	} else {
		for (uint8_t node = 0; node < nodes; node++)
			compose_node(node);
		for (uint32_t i = 0; i + 6 <= size && srat_length + 48 <= SRAT_MAX; i += 6)
			compose_entry(bytes + i);
	}
	if (cut >= 0xc0) /* down to the bare header of a table */
		srat_length -= cut % 64 < srat_length - 36 ? cut % 64 : srat_length - 36;
	else if (cut >= 0x80 && srat_length < SRAT_MAX)
		srat_length++;
}

static void make_slit(const uint8_t *bytes, uint32_t size, unsigned int flags, uint8_t choice)
{
	const uint8_t count = choice < 0x40 ? choice % 29 : 12; /* 29 * 29 would be too long */

	slit_length = 44 + (uint32_t)count * count;
	set(SLIT + 36, count, 8);
	for (uint32_t i = 0; i < count; i++)
		for (uint32_t j = 0; j < count; j++) {
			const uint32_t place =
				flags & RAW_SLIT || i < j ? i * count + j : j * count + i;
			uint8_t distance = size ? bytes[size - 1 - place % size] : 20;

			if (!(flags & RAW_SLIT) && (i == j || distance < 10))
				distance = 10;
			set(SLIT + 44 + i * count + j, distance, 1);
		}
	if (flags & WRONG_DISTANCE && size >= 1 && count >= 4)
		set(SLIT + 44 + choice % 4 * count + choice / 4 % 4, bytes[0], 1);
	if (flags & WRONG_SLIT_COUNT)
		set(SLIT + 36, size >= 8 ? bytes[7] : count + 1u, 8);
	if (flags & WRONG_SLIT_COUNT && choice & 1)
		slit_length = 36 + choice / 2 % 12;
}

/* --- what the tables say -----------------------------------------------------------------------*/

static uint32_t domain_mask(void)
{
	return get(SRAT + 8, 1) >= 2 ? UINT32_MAX : UINT8_MAX;
}

struct entry {
	enum { OTHER, MEMORY_RANGE, CPU } kind;
	uint32_t domain, apic_id;
	uint64_t base, size; /* as they stand there */
	paddr_t first_page, end_page; /* rounded outwards; only of a range that fits */
};

static struct entry entries[SRAT_MAX / 2];
static unsigned int nr_entries;

static struct entry decode(uint32_t at)
{
	const uint8_t type = memory[at];
	struct entry entry = { .kind = OTHER };

	if (type == 1 && get(at + 28, 4) & 1 && get(at + 16, 8) != 0) {
		entry.kind = MEMORY_RANGE;
		entry.domain = (uint32_t)get(at + 2, 4);
		entry.base = get(at + 8, 8);
		entry.size = get(at + 16, 8);
		entry.first_page = entry.base / PAGE;
		entry.end_page = (entry.base + entry.size - 1) / PAGE + 1;
	} else if (type == 0 && get(at + 4, 4) & 1) {
		entry.kind = CPU;
		entry.domain = (uint32_t)(get(at + 2, 1) | get(at + 9, 3) << 8);
		entry.apic_id = (uint32_t)get(at + 3, 1);
	} else if (type == 2 && get(at + 12, 4) & 1) {
		entry.kind = CPU;
		entry.domain = (uint32_t)get(at + 4, 4);
		entry.apic_id = (uint32_t)get(at + 8, 4);
	}
	entry.domain &= domain_mask();
	return entry;
}

/* Lists the entries; false if the table's structure is wrong. */
static bool list_entries(void)
{
	uint32_t at = 48;

	nr_entries = 0;
	while (at < srat_length) {
		static const uint8_t least[] = { 16, 40, 24 };
		uint32_t length;

		if (srat_length - at < 2)
			return false;
		length = memory[SRAT + at + 1];
		if (length < 2 || length > srat_length - at ||
		    (memory[SRAT + at] < 3 && length < least[memory[SRAT + at]]))
			return false;
		entries[nr_entries++] = decode(SRAT + at);
		at += length;
	}
	return srat_length >= 48;
}

/* Two entries that cannot both be true. */
static bool contradict(const struct entry *a, const struct entry *b)
{
	if (a->kind != b->kind || a->domain == b->domain)
		return false;
	if (a->kind == CPU)
		return a->apic_id == b->apic_id;
	return a->kind == MEMORY_RANGE && a->first_page < b->end_page &&
	       b->first_page < a->end_page;
}

static bool has_memory(uint32_t domain)
{
	for (unsigned int i = 0; i < nr_entries; i++)
		if (entries[i].kind == MEMORY_RANGE && entries[i].domain == domain)
			return true;
	return false;
}

/* The first entry with memory of its domain. */
static bool begins_domain(unsigned int index)
{
	if (entries[index].kind != MEMORY_RANGE)
		return false;
	for (unsigned int i = 0; i < index; i++)
		if (entries[i].kind == MEMORY_RANGE && entries[i].domain == entries[index].domain)
			return false;
	return true;
}

static bool srat_is_right(void)
{
	unsigned int domains = 0;

	if (!list_entries())
		return false;
	for (unsigned int i = 0; i < nr_entries; i++) {
		const struct entry *entry = &entries[i];

		if (entry->kind == MEMORY_RANGE &&
		    (entry->base >= NUMA_MEMORY_END || entry->size > NUMA_MEMORY_END - entry->base))
			return false;
		if (entry->kind == CPU && !has_memory(entry->domain))
			return false;
		for (unsigned int j = 0; j < i; j++)
			if (contradict(entry, &entries[j]))
				return false;
		domains += begins_domain(i);
	}
	return domains >= 1 && domains <= NUMA_MAX_NODES;
}

static bool slit_is_right(void)
{
	const uint64_t count = get(SLIT + 36, 8);

	if (count > 1000 || slit_length != 44 + count * count)
		return false;
	for (unsigned int i = 0; i < nr_entries; i++)
		for (unsigned int j = 0; j < nr_entries; j++) {
			const uint64_t a = entries[i].domain, b = entries[j].domain;
			uint8_t there, back;

			if (!begins_domain(i) || !begins_domain(j))
				continue;
			if (a >= count || b >= count)
				return false;
			there = memory[SLIT + 44 + a * count + b];
			back = memory[SLIT + 44 + b * count + a];
			if (there != back || there < 10 || (a == b && there != 10))
				return false;
		}
	return true;
}

/* --- checking the result -----------------------------------------------------------------------*/

static void check_promises(void)
{
	unsigned int seen = 0;
	paddr_t end = 0;

	FUZZ_CHECK(topology.nr_nodes >= 1 && topology.nr_nodes <= NUMA_MAX_NODES);
	FUZZ_CHECK(topology.nr_ranges <= NUMA_MAX_RANGES && topology.nr_cpus <= NUMA_MAX_CPUS);
	for (unsigned int i = 0; i < topology.nr_ranges; i++) {
		const struct numa_range *range = &topology.ranges[i];

		FUZZ_CHECK(range->length > 0 && range->base >= end);
		FUZZ_CHECK(range->base % PAGE == 0 && range->length % PAGE == 0);
		FUZZ_CHECK(range->base < NUMA_MEMORY_END &&
			   range->length <= NUMA_MEMORY_END - range->base);
		FUZZ_CHECK(range->node <= seen);
		seen += range->node == seen;
		end = range->base + range->length;
		/* One domain's ranges that touch have become one. */
		FUZZ_CHECK(i == 0 || range[-1].node != range->node ||
			   range[-1].base + range[-1].length < range->base);
	}
	FUZZ_CHECK(topology.nr_ranges == 0 ? topology.nr_nodes == 1 : seen == topology.nr_nodes);
	for (unsigned int i = 0; i < topology.nr_cpus; i++) {
		FUZZ_CHECK(topology.cpus[i].node < topology.nr_nodes);
		FUZZ_CHECK(i == 0 || topology.cpus[i - 1].apic_id < topology.cpus[i].apic_id);
	}
	for (unsigned int i = 0; i < topology.nr_nodes; i++) {
		FUZZ_CHECK(topology.distance[i][i] == NUMA_LOCAL_DISTANCE);
		for (unsigned int j = 0; j < i; j++) {
			FUZZ_CHECK(topology.domain[i] != topology.domain[j]);
			FUZZ_CHECK(topology.distance[i][j] >= NUMA_LOCAL_DISTANCE);
			FUZZ_CHECK(topology.distance[i][j] == topology.distance[j][i]);
		}
	}
}

/* Every entry is in the topology, and every range's first and last byte in an entry. */
static void check_contents(void)
{
	for (unsigned int i = 0; i < nr_entries; i++) {
		const struct entry *entry = &entries[i];
		uint64_t length;

		if (entry->kind == CPU)
			FUZZ_CHECK(topology.domain[numa_node_of_cpu(entry->apic_id)] ==
				   entry->domain);
		if (entry->kind != MEMORY_RANGE)
			continue;
		FUZZ_CHECK(topology.domain[numa_node_of(entry->base, &length)] == entry->domain);
		FUZZ_CHECK(length >= entry->size);
	}
	for (unsigned int i = 0; i < 2 * topology.nr_ranges; i++) {
		const struct numa_range *range = &topology.ranges[i / 2];
		const paddr_t page = (range->base + (i % 2 ? range->length - 1 : 0)) / PAGE;
		unsigned int j = 0;

		while (j < nr_entries &&
		       !(entries[j].kind == MEMORY_RANGE && entries[j].first_page <= page &&
			 page < entries[j].end_page))
			j++;
		FUZZ_CHECK(j < nr_entries);
		FUZZ_CHECK(entries[j].domain == topology.domain[range->node]);
	}
}

static void check_distances(void)
{
	const uint64_t count = slit_length ? get(SLIT + 36, 8) : 0;

	for (unsigned int i = 0; i < topology.nr_nodes; i++)
		for (unsigned int j = 0; j < topology.nr_nodes; j++) {
			uint8_t distance = i == j ? 10 : 20;

			if (slit_length)
				distance = memory[SLIT + 44 + topology.domain[i] * count +
						  topology.domain[j]];
			FUZZ_CHECK(numa_distance(i, j) == distance);
		}
}

static void check_single(void)
{
	static struct numa_topology single;

	numa_single(&single);
	FUZZ_CHECK(memcmp(&single, &topology, sizeof(single)) == 0);
}

static void check(int error, const char *problem)
{
	const bool right = !srat_length || (srat_is_right() && (!slit_length || slit_is_right()));
	/* There may be more ranges than fit, but only if there are as many entries. */
	const bool crowded = nr_entries > NUMA_MAX_RANGES;

	check_promises();
	numa_init(&topology);
	if (error) {
		FUZZ_CHECK(error == -EXO_E_ARG);
		FUZZ_CHECK(!right || crowded);
		FUZZ_CHECK(memcmp(problem, "SRAT: ", 6) == 0 || memcmp(problem, "SLIT: ", 6) == 0);
		FUZZ_CHECK(strlen(problem) < ACPI_NUMA_PROBLEM_SIZE - 1); /* nothing was cut */
		check_single();
		return;
	}
	FUZZ_CHECK(right);
	FUZZ_CHECK(problem[0] == 0);
	if (!srat_length) {
		check_single();
		return;
	}
	check_contents();
	check_distances();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char problem[ACPI_NUMA_PROBLEM_SIZE];
	int error;

	if (size < 4)
		return 0;
	memset(memory, 0, sizeof(memory));
	srat_length = slit_length = nr_entries = 0;
	if (!(data[0] & NO_SRAT))
		make_srat(data + 4, (uint32_t)size - 4, data[0], data[1] % 10, data[2]);
	if (!(data[0] & NO_SLIT))
		make_slit(data + 4, (uint32_t)size - 4, data[0], data[3]);
	fix_all();
	fuzz_memory_start(BASE, memory, sizeof(memory));
	memset(&topology, 0xa5, sizeof(topology));
	memset(problem, 0xa5, sizeof(problem));
	error = acpi_numa_read(&fuzz_memory.view, BASE + RSDP, &topology, problem);
	check(error, problem);
	fuzz_memory_end();
	return 0;
}
