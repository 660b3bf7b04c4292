/* SPDX-License-Identifier: MIT */
/*
 * Finds ACPI tables: RSDP -> XSDT or RSDT -> table (ACPI 6.5, 5.2.5 to 5.2.8).
 *
 * Pure code over a struct boot_memory_view; the tables are taken to be hostile. Nothing is read
 * that the view does not hand out, and no length is believed beyond ACPI_TABLE_LIMIT. The walk goes
 * down three levels by code, not by what the tables say, so no table can lead it round in a circle.
 */
#include <exo/acpi.h>
#include <exo/string.h>

/* Guesses: no honest table is longer, and no machine has more of them. They bound the work. */
#define ACPI_TABLE_LIMIT MIB(4)
#define ACPI_TABLES_MAX 256u

/* ACPI 6.5, 5.2.5.3, table 5.3. Revision 0 (ACPI 1.0) ends before @length. */
struct acpi_rsdp {
	char signature[8];
	uint8_t checksum; /* of the first 20 bytes */
	char oem_id[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
	uint8_t extended_checksum; /* of all @length bytes */
	uint8_t reserved[3];
} __packed;
_Static_assert(sizeof(struct acpi_rsdp) == 36, "ACPI 6.5, table 5.3");

#define RSDP_OLD_SIZE offsetof(struct acpi_rsdp, length)
#define RSDP_ALIGN 16

/* Reads are refused at the top of the address space, where base + size would wrap. */
static const void *read_at(const struct boot_memory_view *view, paddr_t base, uint64_t size)
{
	return base + size < base ? NULL : view->at(view, base, size);
}

static bool sums_to_zero(const void *data, size_t size)
{
	const uint8_t *bytes = data;
	uint8_t sum = 0;

	while (size--)
		sum += *bytes++;
	return sum == 0;
}

/* Copies a valid RSDP to @to; without a valid XSDT pointer, @to->xsdt is 0. */
static bool rsdp_read(const struct boot_memory_view *view, paddr_t rsdp, struct acpi_rsdp *to)
{
	const void *from = read_at(view, rsdp, RSDP_OLD_SIZE);

	memset(to, 0, sizeof(*to));
	if (!from)
		return false;
	memcpy(to, from, RSDP_OLD_SIZE);
	if (memcmp(to->signature, "RSD PTR ", 8) != 0 || !sums_to_zero(to, RSDP_OLD_SIZE))
		return false;
	if (to->revision < 2)
		return true;
	/* A loader may hand over the old part alone: then what follows does not sum up. */
	from = read_at(view, rsdp, sizeof(*to));
	if (!from)
		return true;
	memcpy(to, from, sizeof(*to));
	from = NULL;
	if (to->length >= sizeof(*to) && to->length <= ACPI_TABLE_LIMIT)
		from = read_at(view, rsdp, to->length);
	if (!from || !sums_to_zero(from, to->length))
		to->xsdt = 0;
	return true;
}

static paddr_t rsdp_search(const struct boot_memory_view *view, paddr_t from, paddr_t to)
{
	struct acpi_rsdp found;

	for (; from < to; from += RSDP_ALIGN)
		if (rsdp_read(view, from, &found))
			return from;
	return 0;
}

paddr_t acpi_find_rsdp(const struct boot_memory_view *view)
{
	/* The BIOS data area holds the segment of the extended one at 0x40e. */
	const void *from = read_at(view, 0x40e, sizeof(uint16_t));
	uint16_t segment = 0;
	paddr_t found = 0;

	if (from)
		memcpy(&segment, from, sizeof(segment));
	if (segment)
		found = rsdp_search(view, (paddr_t)segment << 4, ((paddr_t)segment << 4) + KIB(1));
	return found ? found : rsdp_search(view, 0xe0000, 0x100000);
}

uint32_t acpi_table_check(const struct boot_memory_view *view, paddr_t table, const char *signature)
{
	const void *from = read_at(view, table, sizeof(struct acpi_header));
	struct acpi_header header;

	if (!from)
		return 0;
	memcpy(&header, from, sizeof(header));
	if (memcmp(header.signature, signature, sizeof(header.signature)) != 0 ||
	    header.length < sizeof(header) || header.length > ACPI_TABLE_LIMIT)
		return 0;
	from = read_at(view, table, header.length);
	return from && sums_to_zero(from, header.length) ? header.length : 0;
}

/* The table that the entry at @at of an XSDT (8 bytes) or RSDT (4 bytes) points to. */
static paddr_t entry_read(const struct boot_memory_view *view, paddr_t at, uint32_t entry_size)
{
	const void *from = read_at(view, at, entry_size);
	uint64_t table = 0; /* little endian, like the entry */

	if (from)
		memcpy(&table, from, entry_size);
	return table;
}

int acpi_find_table(const struct boot_memory_view *view, paddr_t rsdp, const char *signature,
		    unsigned int index, paddr_t *table, uint32_t *length)
{
	uint32_t entry_size = 8, root_length = 0, entries;
	struct acpi_rsdp root;
	paddr_t at;

	if (!rsdp)
		rsdp = acpi_find_rsdp(view);
	if (!rsdp || !rsdp_read(view, rsdp, &root))
		return -EXO_E_ARG;
	at = root.xsdt;
	if (at)
		root_length = acpi_table_check(view, at, "XSDT");
	if (!root_length) {
		entry_size = 4;
		at = root.rsdt;
		root_length = acpi_table_check(view, at, "RSDT");
		if (!root_length)
			return -EXO_E_ARG;
	}
	entries = (root_length - (uint32_t)sizeof(struct acpi_header)) / entry_size;
	if (entries > ACPI_TABLES_MAX)
		entries = ACPI_TABLES_MAX;
	at += sizeof(struct acpi_header);
	for (; entries > 0; entries--, at += entry_size) {
		paddr_t candidate = entry_read(view, at, entry_size);
		uint32_t found = acpi_table_check(view, candidate, signature);

		if (!found || index-- > 0)
			continue;
		*table = candidate;
		*length = found;
		return 0;
	}
	return -EXO_E_RANGE;
}
