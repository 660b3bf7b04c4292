/* SPDX-License-Identifier: MIT */
/*
 * The MADT (ACPI 6.5, 5.2.12): which CPUs there are, and how interrupts reach them.
 *
 * A struct acpi_madt is filled once at boot, before the memory of ACPI's tables is given away, and
 * is constant from then on: no lock, any context.
 */
#ifndef EXO_ACPI_MADT_H
#define EXO_ACPI_MADT_H

#include <exo/boot_info.h>
#include <exo/config.h>
#include <exo/cpu.h>

#define MADT_MAX_IO_APICS 8 /* a guess: servers have one for each root complex */
#define NR_ISA_IRQS 16
#define MADT_NO_GSI UINT32_MAX

/* Room for the longest of acpi_madt_read()'s problems. */
#define ACPI_MADT_PROBLEM_SIZE 96

/* Pins LINT0 and LINT1 of a local APIC that carry non-maskable interrupts: bit n is LINTn. */
struct madt_nmi {
	uint8_t pins;
	uint8_t active_low; /* those of @pins that are */
};

struct madt_cpu {
	uint32_t apic_id;
	uint32_t uid; /* how the rest of ACPI calls it */
	struct madt_nmi nmi;
};

struct madt_io_apic {
	paddr_t address; /* a multiple of 16 */
	uint32_t gsi_base; /* the number of its first pin among all I/O APICs' */
	uint8_t id;
};

/* Where an interrupt enters the I/O APICs. */
struct madt_line {
	uint32_t gsi; /* global system interrupt; MADT_NO_GSI: the line is not connected */
	bool active_low;
	bool level; /* else edges */
};

struct acpi_madt {
	struct madt_cpu cpus[NR_CPUS]; /* enabled, in the firmware's order, IDs all different */
	unsigned int nr_cpus; /* of @cpus */
	unsigned int nr_cpus_left_out; /* enabled too, but there was no room */
	unsigned int nr_cpus_pluggable; /* not enabled, could be later */
	struct madt_io_apic io_apics[MADT_MAX_IO_APICS];
	unsigned int nr_io_apics;
	unsigned int nr_io_apics_left_out;
	struct madt_line isa[NR_ISA_IRQS]; /* by ISA interrupt number */
	struct madt_nmi nmi; /* of every CPU, besides its own */
	paddr_t lapic_address;
	bool has_pics; /* there is a pair of 8259s too */
};

/**
 * acpi_madt_read() - read the MADT
 * @rsdp: as for acpi_find_table() (exo/acpi.h)
 * @madt: overwritten; after an error it describes a machine without CPUs and I/O APICs
 * @problem: gets words for a warning, "" if all is well
 * Returns 0, -EXO_E_RANGE without such a table, or -EXO_E_ARG with a @problem.
 */
int acpi_madt_read(const struct boot_memory_view *view, paddr_t rsdp, struct acpi_madt *madt,
		   char problem[ACPI_MADT_PROBLEM_SIZE]);

#if IS_ENABLED(CONFIG_APIC)
/* Reads this machine's. Once, from the boot list. */
void acpi_madt_init(void);

/* What it found; NULL if there is none that makes sense. */
const struct acpi_madt *acpi_madt(void);
#else
static inline void acpi_madt_init(void)
{
}

static inline const struct acpi_madt *acpi_madt(void)
{
	return NULL;
}
#endif

#endif
