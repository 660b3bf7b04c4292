/* SPDX-License-Identifier: MIT */
/*
 * NUMA: which memory and which CPU is where, and how far it is from there to elsewhere.
 *
 * A struct numa_topology is filled once at boot, from ACPI's SRAT and SLIT (drivers/acpi) or by
 * numa_single(), and handed to numa_init() before anything else here is asked. From then on all of
 * this is constant, so it needs no lock and can be called from any context. Without CONFIG_NUMA
 * there is one node, 0.
 */
#ifndef EXO_NUMA_H
#define EXO_NUMA_H

#include <exo/compiler.h>
#include <exo/config.h>
#include <stdbool.h>

#define NUMA_LOCAL_DISTANCE 10 /* ACPI 6.5, 5.2.17 */
#define NUMA_UNREACHABLE 255
#define NUMA_MEMORY_END ((paddr_t)1 << 52) /* no x86_64 CPU has longer physical addresses */

#if IS_ENABLED(CONFIG_NUMA)

#define NUMA_MAX_NODES CONFIG_NUMA_NODES
#define NUMA_MAX_RANGES (4 * CONFIG_NUMA_NODES) /* a guess: a PC's first node has two or three */
#define NUMA_MAX_CPUS 256 /* local APIC IDs that are kept; a guess at what is enough */

/* In bytes, multiples of PAGE_SIZE; base + length <= NUMA_MEMORY_END. */
struct numa_range {
	paddr_t base;
	uint64_t length; /* > 0 */
	unsigned int node;
};

struct numa_cpu {
	uint32_t apic_id;
	unsigned int node;
};

/*
 * Nodes are numbered from 0 without gaps, in the order of their lowest memory address; each has
 * memory, not each has a CPU. Several KiB: not for the stack.
 */
struct numa_topology {
	unsigned int nr_nodes; /* >= 1 */
	uint32_t domain[NUMA_MAX_NODES]; /* each node's proximity domain in ACPI; all different */
	struct numa_range ranges[NUMA_MAX_RANGES]; /* sorted, disjoint */
	unsigned int nr_ranges; /* 0: all memory is node 0's, the only one */
	struct numa_cpu cpus[NUMA_MAX_CPUS]; /* sorted by apic_id, which are all different */
	unsigned int nr_cpus;
	/* Symmetric; diagonal NUMA_LOCAL_DISTANCE, the rest not less; up to nr_nodes only. */
	uint8_t distance[NUMA_MAX_NODES][NUMA_MAX_NODES];
};

/* The topology of a machine that says nothing: one node with all memory and all CPUs. */
void numa_single(struct numa_topology *topology);

/*
 * Makes @topology, which must be valid, the machine's, and works out each node's neighbours. Keeps
 * the pointer: the structure must stay as it is. Once, at boot; tests put back what was there.
 */
void numa_init(const struct numa_topology *topology);

/* What numa_init() got; NULL before. */
const struct numa_topology *numa_topology(void);

extern unsigned int numa_nr_nodes; /* mm/numa.c's */

static inline unsigned int numa_nodes(void)
{
	return numa_nr_nodes;
}

/* Distance between two nodes as the SLIT gives it: 10 at home, 255 unreachable. */
unsigned int numa_distance(unsigned int from, unsigned int to);

/*
 * The @index-th nearest node to @node, @index < numa_nodes(): 0 is itself; nodes at the same
 * distance by number, so unreachable ones come last.
 */
unsigned int numa_nearest(unsigned int node, unsigned int index);

/*
 * The node of physical address @base < NUMA_MEMORY_END. *@length is set to the number of bytes from
 * there on that have the same answer, up to NUMA_MEMORY_END; it is > 0, and a multiple of PAGE_SIZE
 * if @base is. An address that no range covers has the node of the range below it, else 0.
 */
unsigned int numa_node_of(paddr_t base, uint64_t *length);

/* The node of the CPU with this local APIC ID; 0 if it is unknown. */
unsigned int numa_node_of_cpu(uint32_t apic_id);

#else

#define NUMA_MAX_NODES 1

static inline unsigned int numa_nodes(void)
{
	return 1;
}

static inline unsigned int numa_distance(unsigned int from, unsigned int to)
{
	(void)from;
	(void)to;
	return NUMA_LOCAL_DISTANCE;
}

static inline unsigned int numa_nearest(unsigned int node, unsigned int index)
{
	(void)index;
	return node;
}

static inline unsigned int numa_node_of(paddr_t base, uint64_t *length)
{
	*length = NUMA_MEMORY_END - base;
	return 0;
}

static inline unsigned int numa_node_of_cpu(uint32_t apic_id)
{
	(void)apic_id;
	return 0;
}

#endif

#endif
