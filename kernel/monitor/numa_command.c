/* SPDX-License-Identifier: MIT */
/* The monitor's numa command: nodes with their memory and CPUs, and how far they are apart. */
#include <exo/console.h>
#include <exo/monitor.h>
#include <exo/numa.h>

/* The node's APIC IDs; neighbours as FIRST-LAST. */
static void print_cpus(const struct numa_topology *topology, unsigned int node)
{
	const char *separator = ", CPUs with APIC ID ";
	unsigned int next;

	for (unsigned int i = 0; i < topology->nr_cpus; i = next) {
		const struct numa_cpu *cpu = &topology->cpus[i];

		next = i + 1;
		if (cpu->node != node)
			continue;
		while (next < topology->nr_cpus && topology->cpus[next].node == node &&
		       topology->cpus[next].apic_id == cpu->apic_id + (next - i))
			next++;
		console_printf("%s%u", separator, cpu->apic_id);
		if (next - i > 1)
			console_printf("-%u", topology->cpus[next - 1].apic_id);
		separator = ",";
	}
}

static void print_memory(const struct numa_topology *topology, unsigned int node)
{
	for (unsigned int i = 0; i < topology->nr_ranges; i++) {
		const struct numa_range *range = &topology->ranges[i];

		if (range->node == node)
			console_printf("  0x%012llx-0x%012llx %12llu KiB\n",
				       (unsigned long long)range->base,
				       (unsigned long long)(range->base + range->length - 1),
				       (unsigned long long)(range->length >> 10));
	}
}

static void print_distances(void)
{
	console_printf("distances:\n       ");
	for (unsigned int to = 0; to < numa_nodes(); to++)
		console_printf(" %3u", to);
	for (unsigned int from = 0; from < numa_nodes(); from++) {
		console_printf("\n  %3u: ", from);
		for (unsigned int to = 0; to < numa_nodes(); to++)
			console_printf(" %3u", numa_distance(from, to));
	}
	console_printf("\n");
}

static int numa_command(int argc, char **argv)
{
	const struct numa_topology *topology = numa_topology();

	(void)argv;
	if (argc > 1) {
		console_printf("numa: takes no argument\n");
		return 1;
	}
	if (topology->nr_ranges == 0) {
		console_printf("one node with all memory and all CPUs\n");
		return 0;
	}
	for (unsigned int node = 0; node < numa_nodes(); node++) {
		console_printf("node %u: domain %u", node, topology->domain[node]);
		print_cpus(topology, node);
		console_printf("\n");
		print_memory(topology, node);
	}
	print_distances();
	return 0;
}
MONITOR_COMMAND(numa, "", "NUMA nodes: memory, CPUs and distances", numa_command);
