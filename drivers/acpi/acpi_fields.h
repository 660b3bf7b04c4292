/* SPDX-License-Identifier: MIT */
/* Fields of ACPI tables that may end anywhere. Pure code. */
#ifndef ACPI_FIELDS_H
#define ACPI_FIELDS_H

#include <exo/acpi.h>
#include <exo/string.h>

/* A stretch of bytes; every read of it is checked. */
struct acpi_bytes {
	const uint8_t *at;
	uint32_t size;
};

/* Generic address structure (ACPI 6.5, 5.2.3.2): space, bit width, bit offset, access, address. */
#define GENERIC_ADDRESS_SIZE 12
#define GENERIC_ADDRESS_ADDRESS 4
enum { GENERIC_MEMORY = 0, GENERIC_PORT = 1 };

/* The little-endian number of @size <= 8 bytes at @offset; 0 where the table ends before it. */
static inline uint64_t acpi_number(struct acpi_bytes bytes, uint32_t offset, uint32_t size)
{
	uint64_t value = 0;

	if (offset <= bytes.size && size <= bytes.size - offset)
		memcpy(&value, bytes.at + offset, size);
	return value;
}

static inline struct acpi_register acpi_port_register(uint64_t port)
{
	struct acpi_register reg = { ACPI_REGISTER_NONE, port };

	if (port != 0 && port <= UINT16_MAX)
		reg.kind = ACPI_REGISTER_PORT;
	return reg;
}

static inline struct acpi_register acpi_generic_register(struct acpi_bytes table, uint32_t offset)
{
	struct acpi_register reg = { ACPI_REGISTER_NONE, 0 };

	if (offset + GENERIC_ADDRESS_SIZE > table.size)
		return reg;
	reg.address = acpi_number(table, offset + GENERIC_ADDRESS_ADDRESS, 8);
	if (table.at[offset] == GENERIC_PORT)
		return acpi_port_register(reg.address);
	if (table.at[offset] == GENERIC_MEMORY && reg.address != 0)
		reg.kind = ACPI_REGISTER_MEMORY;
	return reg;
}

/* The extended field if it is filled in, else the old one, a port (5.2.9, X_PM1a_CNT_BLK). */
static inline struct acpi_register acpi_either_register(struct acpi_bytes fadt, uint32_t extended,
							uint32_t old)
{
	struct acpi_register reg = acpi_generic_register(fadt, extended);

	return reg.kind != ACPI_REGISTER_NONE ? reg : acpi_port_register(acpi_number(fadt, old, 4));
}

#endif
