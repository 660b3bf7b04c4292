/* SPDX-License-Identifier: MIT */
/*
 * The NUMA topology that the SRAT and the SLIT describe. Pure code over hostile tables.
 *
 * The SRAT (ACPI 6.5, 5.2.16) puts memory ranges and CPUs into proximity domains, the SLIT (5.2.17)
 * gives the distances between these. Domains are any numbers; nodes are the domains that have
 * memory, in the order of their addresses. So the SRAT is walked twice: for memory, after which the
 * nodes are known, and for CPUs.
 *
 * Ranges are rounded outwards to whole pages, so that a page has one node. Those of one domain that
 * overlap or touch become one range, in whatever order they come. Anything contradictory, even if
 * it could be guessed what was meant, makes the machine a single node: half a topology would place
 * memory worse than none. What no node refers to is not looked at: disabled entries, entries of
 * other types, distances of domains without memory. A table whose checksum is wrong counts as
 * missing (acpi_find_table()); so does a SLIT without an SRAT.
 */
#include <arch/layout.h>
#include <exo/acpi.h>
#include <exo/numa.h>
#include <exo/printf.h>
#include <exo/string.h>
#include <stdarg.h>

#define REMOTE_DISTANCE 20 /* a guess, for machines without a SLIT: twice the local one */

/* ACPI 6.5, 5.2.16; up to revision 1 domains have 8 bits, and what follows them is reserved. */
struct srat {
	struct acpi_header header;
	uint8_t reserved[12];
} __packed;
_Static_assert(sizeof(struct srat) == 48, "ACPI 6.5, 5.2.16");
#define SRAT_WIDE_DOMAINS 2

enum srat_type { SRAT_APIC = 0, SRAT_MEMORY = 1, SRAT_X2APIC = 2 };
#define SRAT_ENABLED 1u

struct srat_entry {
	uint8_t type, length;
};

struct srat_apic {
	struct srat_entry entry;
	uint8_t domain_low;
	uint8_t apic_id;
	uint32_t flags;
	uint8_t sapic_eid;
	uint8_t domain_high[3];
	uint32_t clock_domain;
} __packed;
_Static_assert(sizeof(struct srat_apic) == 16, "ACPI 6.5, 5.2.16.1");

struct srat_memory {
	struct srat_entry entry;
	uint32_t domain;
	uint16_t reserved;
	uint64_t base, size;
	uint32_t reserved2;
	uint32_t flags;
	uint64_t reserved3;
} __packed;
_Static_assert(sizeof(struct srat_memory) == 40, "ACPI 6.5, 5.2.16.2");

struct srat_x2apic {
	struct srat_entry entry;
	uint16_t reserved;
	uint32_t domain;
	uint32_t apic_id;
	uint32_t flags;
	uint32_t clock_domain;
	uint32_t reserved2;
} __packed;
_Static_assert(sizeof(struct srat_x2apic) == 24, "ACPI 6.5, 5.2.16.3");

/* Followed by localities * localities bytes of distances, row by row. */
struct slit {
	struct acpi_header header;
	uint64_t localities;
} __packed;
_Static_assert(sizeof(struct slit) == 44, "ACPI 6.5, 5.2.17");

struct reader {
	struct numa_topology *topology; /* until number_nodes(), ranges[].node is a domain */
	char *problem;
	uint32_t domain_mask;
};

static int __format_printf(2, 3) complain(struct reader *reader, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	kvsnprintf(reader->problem, ACPI_NUMA_PROBLEM_SIZE, format, arguments);
	va_end(arguments);
	return -EXO_E_ARG;
}

/* --- the SRAT ----------------------------------------------------------------------------------*/

/* Does a range overlap or, in its own domain, touch the memory from @base to @end? */
static bool meets(const struct numa_range *range, paddr_t base, paddr_t end, uint32_t domain)
{
	const paddr_t range_end = range->base + range->length;

	if (range->node == domain)
		return range->base <= end && base <= range_end;
	return range->base < end && base < range_end;
}

static int add_range(struct reader *reader, paddr_t base, paddr_t end, uint32_t domain)
{
	struct numa_range *ranges = reader->topology->ranges;
	const unsigned int count = reader->topology->nr_ranges;
	unsigned int at = 0, after;

	/* From @at to before @after are the ranges that become one with the new one. */
	while (at < count && ranges[at].base < base && !meets(&ranges[at], base, end, domain))
		at++;
	for (after = at; after < count && meets(&ranges[after], base, end, domain); after++) {
		const struct numa_range *range = &ranges[after];
		const paddr_t range_end = range->base + range->length;
		const paddr_t meeting = base > range->base ? base : range->base;

		if (range->node != domain)
			return complain(reader,
					"SRAT: memory at 0x%llx is in domain %u and in domain %u",
					(unsigned long long)meeting, range->node, domain);
		if (range->base < base)
			base = range->base;
		if (range_end > end)
			end = range_end;
	}
	if (count - (after - at) == NUMA_MAX_RANGES)
		return complain(reader, "SRAT: more than %u separate memory ranges",
				NUMA_MAX_RANGES);
	memmove(&ranges[at + 1], &ranges[after], (count - after) * sizeof(*ranges));
	ranges[at] = (struct numa_range){ base, end - base, domain };
	reader->topology->nr_ranges = count - (after - at) + 1;
	return 0;
}

static int read_memory(struct reader *reader, const uint8_t *entry)
{
	struct srat_memory memory;
	paddr_t end;

	if (entry[0] != SRAT_MEMORY)
		return 0;
	memcpy(&memory, entry, sizeof(memory));
	if (!(memory.flags & SRAT_ENABLED) || memory.size == 0)
		return 0;
	if (memory.base >= NUMA_MEMORY_END || memory.size > NUMA_MEMORY_END - memory.base)
		return complain(reader, "SRAT: memory at 0x%llx, 0x%llx bytes, ends beyond 2^52",
				(unsigned long long)memory.base, (unsigned long long)memory.size);
	end = memory.base + memory.size + PAGE_SIZE - 1;
	return add_range(reader, memory.base & ~(paddr_t)(PAGE_SIZE - 1),
			 end & ~(paddr_t)(PAGE_SIZE - 1), memory.domain & reader->domain_mask);
}

/* The node of a domain; nr_nodes if it has none. */
static unsigned int node_of_domain(const struct numa_topology *topology, uint32_t domain)
{
	unsigned int node = 0;

	while (node < topology->nr_nodes && topology->domain[node] != domain)
		node++;
	return node;
}

static int number_nodes(struct reader *reader)
{
	struct numa_topology *topology = reader->topology;

	topology->nr_nodes = 0;
	if (topology->nr_ranges == 0)
		return complain(reader, "SRAT: no memory");
	for (unsigned int i = 0; i < topology->nr_ranges; i++) {
		const uint32_t domain = topology->ranges[i].node;
		const unsigned int node = node_of_domain(topology, domain);

		if (node == NUMA_MAX_NODES)
			return complain(reader, "SRAT: more than %u domains with memory",
					NUMA_MAX_NODES);
		if (node == topology->nr_nodes)
			topology->domain[topology->nr_nodes++] = domain;
		topology->ranges[i].node = node;
	}
	return 0;
}

static int add_cpu(struct reader *reader, uint32_t apic_id, uint32_t domain)
{
	struct numa_topology *topology = reader->topology;
	const unsigned int node = node_of_domain(topology, domain);
	unsigned int at = topology->nr_cpus;
	struct numa_cpu *cpu;

	if (node == topology->nr_nodes)
		return complain(reader,
				"SRAT: CPU with APIC ID %u is in domain %u, which has no memory",
				apic_id, domain);
	while (at > 0 && topology->cpus[at - 1].apic_id >= apic_id)
		at--;
	cpu = &topology->cpus[at];
	if (at < topology->nr_cpus && cpu->apic_id == apic_id) {
		if (cpu->node == node)
			return 0;
		return complain(reader,
				"SRAT: CPU with APIC ID %u is in domain %u and in domain %u",
				apic_id, topology->domain[cpu->node], domain);
	}
	if (topology->nr_cpus == NUMA_MAX_CPUS)
		return 0;
	memmove(cpu + 1, cpu, (topology->nr_cpus - at) * sizeof(*cpu));
	*cpu = (struct numa_cpu){ apic_id, node };
	topology->nr_cpus++;
	return 0;
}

static int read_cpu(struct reader *reader, const uint8_t *entry)
{
	struct srat_x2apic x2apic;
	struct srat_apic apic;
	uint32_t domain;

	if (entry[0] == SRAT_X2APIC) {
		memcpy(&x2apic, entry, sizeof(x2apic));
		if (!(x2apic.flags & SRAT_ENABLED))
			return 0;
		return add_cpu(reader, x2apic.apic_id, x2apic.domain & reader->domain_mask);
	}
	if (entry[0] != SRAT_APIC)
		return 0;
	memcpy(&apic, entry, sizeof(apic));
	if (!(apic.flags & SRAT_ENABLED))
		return 0;
	domain = apic.domain_low | (uint32_t)apic.domain_high[0] << 8 |
		 (uint32_t)apic.domain_high[1] << 16 | (uint32_t)apic.domain_high[2] << 24;
	return add_cpu(reader, apic.apic_id, domain & reader->domain_mask);
}

/* Hands each entry, which has the length that its type needs at least, to @read. */
static int walk(struct reader *reader, const uint8_t *srat, uint32_t length,
		int (*read)(struct reader *reader, const uint8_t *entry))
{
	static const uint8_t least[] = {
		[SRAT_APIC] = sizeof(struct srat_apic),
		[SRAT_MEMORY] = sizeof(struct srat_memory),
		[SRAT_X2APIC] = sizeof(struct srat_x2apic),
	};
	struct srat_entry entry;
	int error = 0;

	for (uint32_t at = sizeof(struct srat); at < length && !error; at += entry.length) {
		const uint32_t left = length - at;

		if (left >= sizeof(entry))
			memcpy(&entry, srat + at, sizeof(entry));
		if (left < sizeof(entry) || entry.length > left)
			return complain(reader, "SRAT: the entry at byte %u runs over the end", at);
		if (entry.length <
		    (entry.type < ARRAY_SIZE(least) ? least[entry.type] : sizeof(entry)))
			return complain(reader,
					"SRAT: the entry at byte %u, of type %u, has only %u bytes",
					at, entry.type, entry.length);
		error = read(reader, srat + at);
	}
	return error;
}

static int read_srat(struct reader *reader, const uint8_t *srat, uint32_t length)
{
	int error;

	if (length < sizeof(struct srat))
		return complain(reader, "SRAT: has only %u bytes", length);
	reader->domain_mask = srat[offsetof(struct srat, header.revision)] >= SRAT_WIDE_DOMAINS
				      ? UINT32_MAX
				      : UINT8_MAX;
	error = walk(reader, srat, length, read_memory);
	if (!error)
		error = number_nodes(reader);
	return error ? error : walk(reader, srat, length, read_cpu);
}

/* --- the SLIT ----------------------------------------------------------------------------------*/

static int read_distance(struct reader *reader, unsigned int from, unsigned int to, uint8_t there,
			 uint8_t back)
{
	struct numa_topology *topology = reader->topology;
	const uint32_t from_domain = topology->domain[from], to_domain = topology->domain[to];

	if (from == to && there != NUMA_LOCAL_DISTANCE)
		return complain(reader, "SLIT: the distance from domain %u to itself is %u, not %u",
				from_domain, there, NUMA_LOCAL_DISTANCE);
	if (there != back)
		return complain(reader,
				"SLIT: the distance from domain %u to domain %u is %u, but back %u",
				from_domain, to_domain, there, back);
	if (there < NUMA_LOCAL_DISTANCE)
		return complain(reader, "SLIT: the distance from domain %u to domain %u is only %u",
				from_domain, to_domain, there);
	topology->distance[from][to] = there;
	topology->distance[to][from] = there;
	return 0;
}

static int read_slit(struct reader *reader, const uint8_t *table, uint32_t length)
{
	const struct numa_topology *topology = reader->topology;
	struct slit slit;
	int error = 0;

	if (length < sizeof(slit))
		return complain(reader, "SLIT: has only %u bytes", length);
	memcpy(&slit, table, sizeof(slit));
	table += sizeof(slit);
	/* More than UINT16_MAX localities fit no table, and would overflow. */
	if (slit.localities > UINT16_MAX ||
	    slit.localities * slit.localities != length - sizeof(slit))
		return complain(reader, "SLIT: has %u bytes for the distances of %llu localities",
				length - (uint32_t)sizeof(slit),
				(unsigned long long)slit.localities);
	for (unsigned int i = 0; i < topology->nr_nodes; i++)
		if (topology->domain[i] >= slit.localities)
			return complain(reader, "SLIT: has %llu localities, but no domain %u",
					(unsigned long long)slit.localities, topology->domain[i]);
	for (unsigned int i = 0; i < topology->nr_nodes; i++) {
		const uint64_t from = topology->domain[i];

		for (unsigned int j = 0; j <= i && !error; j++) {
			const uint64_t to = topology->domain[j];

			error = read_distance(reader, i, j, table[from * slit.localities + to],
					      table[to * slit.localities + from]);
		}
	}
	return error;
}

/* As if there were no SLIT. */
static void default_distances(struct numa_topology *topology)
{
	for (unsigned int i = 0; i < topology->nr_nodes; i++)
		for (unsigned int j = 0; j < topology->nr_nodes; j++)
			topology->distance[i][j] = i == j ? NUMA_LOCAL_DISTANCE : REMOTE_DISTANCE;
}

/* --- both --------------------------------------------------------------------------------------*/

/* A table's bytes, or NULL if there is no such table. */
static const uint8_t *find(const struct boot_memory_view *view, paddr_t rsdp, const char *signature,
			   uint32_t *length)
{
	paddr_t table;

	if (acpi_find_table(view, rsdp, signature, 0, &table, length))
		return NULL;
	return view->at(view, table, *length);
}

int acpi_numa_read(const struct boot_memory_view *view, paddr_t rsdp,
		   struct numa_topology *topology, char problem[ACPI_NUMA_PROBLEM_SIZE])
{
	struct reader reader = { .topology = topology, .problem = problem };
	uint32_t length;
	const uint8_t *table = find(view, rsdp, "SRAT", &length);
	int error;

	numa_single(topology);
	*problem = 0;
	if (!table)
		return 0;
	error = read_srat(&reader, table, length);
	if (!error) {
		default_distances(topology);
		table = find(view, rsdp, "SLIT", &length);
		if (table)
			error = read_slit(&reader, table, length);
	}
	if (error)
		numa_single(topology);
	return error;
}
