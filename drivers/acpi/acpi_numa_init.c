/* SPDX-License-Identifier: MIT */
/* Tells the kernel what ACPI knows of this machine's NUMA topology. */
#include <arch/memory.h>
#include <exo/acpi.h>
#include <exo/log.h>
#include <exo/numa.h>

void acpi_numa_init(void)
{
	static struct numa_topology topology;
	char problem[ACPI_NUMA_PROBLEM_SIZE];

	if (acpi_numa_read(&boot_memory_direct, boot_info.acpi_rsdp, &topology, problem))
		log_warning("numa: all memory is taken for one node: %s", problem);
	else if (topology.nr_ranges)
		log_info("numa: %u node%s, %u memory ranges, %u CPUs", topology.nr_nodes,
			 topology.nr_nodes == 1 ? "" : "s", topology.nr_ranges, topology.nr_cpus);
	numa_init(&topology);
}
