/* SPDX-License-Identifier: MIT */
/*
 * ACPI tables: finding them, and what the power functions need of them.
 *
 * The first half is pure code over a struct boot_memory_view, and takes all tables to be hostile.
 * The second half acts on this machine; with CONFIG_ACPI=n it says that it cannot. What it needs of
 * the tables is read once, at boot: afterwards their memory may be used for something else.
 */
#ifndef EXO_ACPI_H
#define EXO_ACPI_H

#include <exo/boot_info.h>
#include <exo/errno.h>

/* What every table but the RSDP begins with (ACPI 6.5, 5.2.6). A wire format: copy it. */
struct acpi_header {
	char signature[4]; /* not terminated */
	uint32_t length; /* bytes, this header included */
	uint8_t revision;
	uint8_t checksum; /* makes the sum of all bytes 0 */
	char oem_id[6];
	char oem_table_id[8];
	uint32_t oem_revision;
	uint32_t creator_id;
	uint32_t creator_revision;
} __packed;
_Static_assert(sizeof(struct acpi_header) == 36, "ACPI 6.5, table 5.4");

/**
 * acpi_find_rsdp() - look for an RSDP where a BIOS keeps it
 * The first KiB of the extended BIOS data area, then 0xe0000..0xfffff (ACPI 6.5, 5.2.5.1).
 * Returns its physical address, 0 if there is none.
 */
paddr_t acpi_find_rsdp(const struct boot_memory_view *view);

/**
 * acpi_table_check() - check one table's length and checksum
 * @signature: four characters that it must have
 * Returns its length in bytes (at least that of a struct acpi_header), or 0 if it is not valid.
 */
uint32_t acpi_table_check(const struct boot_memory_view *view, paddr_t table,
			  const char *signature);

/**
 * acpi_find_table() - find a table that the XSDT or RSDT lists
 * @rsdp: physical address of the RSDP; 0 to search for it with acpi_find_rsdp()
 * @signature: four characters
 * @index: 0 for the first table of that signature, 1 for the second ...
 * @table, @length: its physical address and length in bytes; unchanged on error
 * Tables that are not valid are passed over.
 * Returns 0, -EXO_E_ARG if there is no valid RSDP with a valid XSDT or RSDT, -EXO_E_RANGE if there
 * is no such table.
 */
int acpi_find_table(const struct boot_memory_view *view, paddr_t rsdp, const char *signature,
		    unsigned int index, paddr_t *table, uint32_t *length);

/* A hardware register of at most 32 bits. */
struct acpi_register {
	enum { ACPI_REGISTER_NONE, ACPI_REGISTER_MEMORY, ACPI_REGISTER_PORT } kind;
	uint64_t address; /* physical, or a port number <= 0xffff */
};

/* How to switch this machine off and how to reset it. */
struct acpi_power {
	bool can_power_off; /* @sleep_type_a, @sleep_type_b and one register are known */
	bool can_reset; /* @reset is known */
	uint8_t sleep_type_a, sleep_type_b; /* 0..7, from the package \_S5_ */
	/* Hardware-reduced machines have @sleep_control, all others the PM1 control registers. */
	struct acpi_register sleep_control, pm1a_control, pm1b_control;
	uint16_t smi_command; /* port; 0 if the machine is always in ACPI mode */
	uint8_t acpi_enable; /* what to write there */
	struct acpi_register reset;
	uint8_t reset_value;
};

/**
 * acpi_power_decode() - read the FADT and the DSDT
 * @rsdp: as for acpi_find_table()
 * @power: overwritten; nothing is possible after an error
 * Returns 0, or an error of acpi_find_table() for the FADT.
 */
int acpi_power_decode(const struct boot_memory_view *view, paddr_t rsdp, struct acpi_power *power);

/* The counters that ACPI describes. */
struct acpi_timers {
	paddr_t hpet; /* its registers, 1 KiB in memory, aligned to 8 bytes; 0: none */
	struct acpi_register pm_timer; /* 32 bits */
	bool pm_timer_wide; /* all 32 of them count, not 24 */
};

/**
 * acpi_timers_decode() - read the HPET table and the FADT
 * @rsdp: as for acpi_find_table()
 * @timers: overwritten; what is missing or makes no sense is left out
 */
void acpi_timers_decode(const struct boot_memory_view *view, paddr_t rsdp,
			struct acpi_timers *timers);

struct numa_topology;

/* Room for the longest of acpi_numa_read()'s problems. */
#define ACPI_NUMA_PROBLEM_SIZE 96

/**
 * acpi_numa_read() - read the SRAT and the SLIT
 * @rsdp: as for acpi_find_table()
 * @topology: overwritten with a valid topology, whatever the tables say
 * @problem: gets words for a warning, "" if all is well
 * Without an SRAT the machine is a single node, and all is well; if the tables contradict
 * themselves or describe more than the configuration has room for, it is one too. CPUs beyond
 * NUMA_MAX_CPUS are left out.
 * Returns 0, or -EXO_E_ARG with a @problem.
 */
int acpi_numa_read(const struct boot_memory_view *view, paddr_t rsdp,
		   struct numa_topology *topology, char problem[ACPI_NUMA_PROBLEM_SIZE]);

#if IS_ENABLED(CONFIG_NUMA)
/* Reads the machine's NUMA topology and calls numa_init(). Once, from the boot list. */
void acpi_numa_init(void);
#else
static inline void acpi_numa_init(void)
{
}
#endif

#if IS_ENABLED(CONFIG_ACPI)

/**
 * acpi_power_init() - remember how to switch the machine off and how to reset it
 * From the boot list, before the memory that holds the tables is given away, if it is; otherwise
 * acpi_poweroff() and acpi_reset() call it themselves.
 */
void acpi_power_init(void);

/**
 * acpi_poweroff() - switch the machine off (sleeping state S5)
 * Callable with interrupts off. Returns only if it failed: -EXO_E_ARG without valid ACPI tables,
 * -EXO_E_RANGE if they lack what it takes, -EXO_E_TIMEOUT if the machine is still on.
 */
int acpi_poweroff(void);

/**
 * acpi_reset() - reset the machine through the register that the FADT names
 * Callable with interrupts off. Returns only if it failed, as acpi_poweroff().
 */
int acpi_reset(void);

#else

static inline void acpi_power_init(void)
{
}

static inline int acpi_poweroff(void)
{
	return -EXO_E_CALL;
}

static inline int acpi_reset(void)
{
	return -EXO_E_CALL;
}

#endif

#endif
