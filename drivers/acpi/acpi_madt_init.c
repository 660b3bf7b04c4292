/* SPDX-License-Identifier: MIT */
/* Tells the kernel what ACPI knows of this machine's CPUs and interrupts. */
#include <arch/memory.h>
#include <exo/acpi.h>
#include <exo/acpi_madt.h>
#include <exo/log.h>

static struct acpi_madt found;
static bool valid;

void acpi_madt_init(void)
{
	char problem[ACPI_MADT_PROBLEM_SIZE];
	const int error = acpi_madt_read(&boot_memory_direct, boot_info.acpi_rsdp, &found, problem);

	valid = !error;
	if (*problem)
		log_warning("acpi: CPUs and I/O APICs are not used: %s", problem);
	if (found.nr_io_apics_left_out)
		log_warning("acpi: %u more I/O APICs than %u are not used",
			    found.nr_io_apics_left_out, MADT_MAX_IO_APICS);
	if (valid)
		log_info("acpi: %u CPUs enabled, %u more could be, %u I/O APICs",
			 found.nr_cpus + found.nr_cpus_left_out, found.nr_cpus_pluggable,
			 found.nr_io_apics);
}

const struct acpi_madt *acpi_madt(void)
{
	return valid ? &found : NULL;
}
