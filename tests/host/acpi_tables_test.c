/* SPDX-License-Identifier: MIT */
/*
 * ACPI tables: the search for the RSDP, the walk to a table, and the decoding of what power-off and
 * reset take, with valid and with malformed tables.
 */
#include <exo/acpi.h>
#include <exo/string.h>
#include <exo/test.h>

#define MEMORY_SIZE 8192u
#define RSDP 0u /* offsets in the made-up memory */
#define XSDT 64u
#define RSDT 256u
#define FADT 512u
#define DSDT 1024u
#define SSDT_A 2048u
#define SSDT_B 2560u
#define LONG_XSDT 4096u
#define FADT_SIZE 276u /* ACPI 6.5 */

static struct {
	struct boot_memory_view view;
	paddr_t base;
	uint8_t bytes[MEMORY_SIZE + 1]; /* used from 1 on: everything is unaligned */
	bool misused; /* asked for more than an address or a table can have */
	uint16_t ebda_segment; /* at 0x40e; 0 for no such memory */
} memory;

static const void *memory_at(const struct boot_memory_view *view, paddr_t base, uint64_t size)
{
	(void)view;
	memory.misused |= base + size < base || size > MIB(4);
	if (memory.ebda_segment && base == 0x40e && size == 2)
		return &memory.ebda_segment;
	if (base < memory.base || base - memory.base > MEMORY_SIZE ||
	    size > MEMORY_SIZE - (base - memory.base))
		return NULL;
	return memory.bytes + 1 + (base - memory.base);
}

static void set(uint32_t offset, uint64_t value, uint32_t size)
{
	memcpy(memory.bytes + 1 + offset, &value, size);
}

static void set_bytes(uint32_t offset, const void *from, size_t size)
{
	memcpy(memory.bytes + 1 + offset, from, size);
}

/* Makes the sum of @size bytes at @offset 0 by the byte at @at. */
static void set_checksum(uint32_t offset, uint32_t size, uint32_t at)
{
	uint8_t sum = 0;

	set(at, 0, 1);
	for (uint32_t i = 0; i < size; i++)
		sum += memory.bytes[1 + offset + i];
	set(at, (uint8_t)-sum, 1);
}

static void seal(uint32_t table, uint32_t length)
{
	set(table + 4, length, 4);
	set_checksum(table, length, table + 9);
}

static void seal_rsdp(uint8_t revision)
{
	set_bytes(RSDP, "RSD PTR ", 8);
	set(RSDP + 15, revision, 1);
	set(RSDP + 16, memory.base + RSDT, 4);
	set_checksum(RSDP, 20, RSDP + 8);
	set(RSDP + 20, 36, 4);
	set(RSDP + 24, memory.base + XSDT, 8);
	set_checksum(RSDP, 36, RSDP + 32);
}

/* \_S5_ with one-byte values, as most firmware writes it. */
static const uint8_t s5_code[] = { 0x08, '_',  'S', '5',  '_', 0x12, 0x08,
				   0x04, 0x0a, 5,   0x0a, 6,   0x00, 0x00 };

static void seal_dsdt(const void *code, uint32_t size)
{
	set_bytes(DSDT, "DSDT", 4);
	set_bytes(DSDT + 36, code, size);
	seal(DSDT, 36 + size);
}

/* A complete machine: XSDT with four tables, RSDT with the FADT alone. */
static void machine(paddr_t base)
{
	static const uint32_t tables[] = { SSDT_A, FADT, DSDT + 700, SSDT_B };

	memset(&memory, 0, sizeof(memory));
	memory.view.at = memory_at;
	memory.base = base;
	for (uint32_t i = 0; i < ARRAY_SIZE(tables); i++)
		set(XSDT + 36 + 8 * i, base + tables[i], 8);
	set_bytes(XSDT, "XSDT", 4);
	seal(XSDT, 36 + 8 * ARRAY_SIZE(tables));
	set_bytes(RSDT, "RSDT", 4);
	set(RSDT + 36, base + FADT, 4);
	seal(RSDT, 40);
	set_bytes(SSDT_A, "SSDT", 4);
	seal(SSDT_A, 40);
	set_bytes(SSDT_B, "SSDT", 4);
	seal(SSDT_B, 44);
	set_bytes(FADT, "FACP", 4);
	set(FADT + 40, base + DSDT, 4);
	set(FADT + 48, 0xb2, 4); /* SMI_CMD */
	set(FADT + 52, 0xf1, 1); /* ACPI_ENABLE */
	set(FADT + 64, 0x604, 4); /* PM1a_CNT_BLK */
	set(FADT + 112, 1 << 10, 4);
	set(FADT + 116, 1, 1); /* RESET_REG: a port */
	set(FADT + 120, 0xcf9, 8);
	set(FADT + 128, 0x0f, 1);
	seal(FADT, FADT_SIZE);
	seal_dsdt(s5_code, sizeof(s5_code));
	seal_rsdp(2);
}

static int find(const char *signature, unsigned int index, paddr_t *table, uint32_t *length)
{
	return acpi_find_table(&memory.view, memory.base + RSDP, signature, index, table, length);
}

static void tables_found_in_the_xsdt(struct test *test)
{
	paddr_t table = 1;
	uint32_t length = 2;

	machine(0x7fe0001);
	TEST_EQ(test, find("FACP", 1, &table, &length), -EXO_E_RANGE);
	TEST_EQ(test, find("APIC", 0, &table, &length), -EXO_E_RANGE);
	TEST_EQ(test, table, 1);
	TEST_EQ(test, length, 2);
	TEST_EQ(test, find("FACP", 0, &table, &length), 0);
	TEST_EQ(test, table, memory.base + FADT);
	TEST_EQ(test, length, FADT_SIZE);
	TEST_EQ(test, find("SSDT", 0, &table, &length), 0);
	TEST_EQ(test, table, memory.base + SSDT_A);
	TEST_EQ(test, find("SSDT", 1, &table, &length), 0);
	TEST_EQ(test, table, memory.base + SSDT_B);
	TEST_EQ(test, length, 44);
	set(SSDT_A + 39, 1, 1); /* no longer sums up: passed over */
	TEST_EQ(test, find("SSDT", 0, &table, &length), 0);
	TEST_EQ(test, table, memory.base + SSDT_B);
}

static void rsdt_serves_without_an_xsdt(struct test *test)
{
	paddr_t table;
	uint32_t length;

	machine(0x7fe0000);
	seal_rsdp(0); /* ACPI 1.0 */
	TEST_EQ(test, find("SSDT", 0, &table, &length), -EXO_E_RANGE);
	TEST_EQ(test, find("FACP", 0, &table, &length), 0);

	machine(0x7fe0000);
	set(RSDP + 33, 1, 1); /* the old part alone is valid */
	TEST_EQ(test, find("SSDT", 0, &table, &length), -EXO_E_RANGE);
	TEST_EQ(test, find("FACP", 0, &table, &length), 0);

	for (uint32_t bad = 0; bad < 2; bad++) { /* a length that cannot be */
		machine(0x7fe0000);
		set(RSDP + 20, bad ? UINT32_MAX : 35, 4);
		set_checksum(RSDP, bad ? 36 : 35, RSDP + 32);
		TEST_EQ(test, find("SSDT", 0, &table, &length), -EXO_E_RANGE);
		TEST_EQ(test, find("FACP", 0, &table, &length), 0);
		TEST_TRUE(test, !memory.misused);
	}

	machine(0x7fe0000);
	set(XSDT + 37, 0xff, 1); /* the XSDT itself is damaged */
	TEST_EQ(test, find("SSDT", 0, &table, &length), -EXO_E_RANGE);
	TEST_EQ(test, find("FACP", 0, &table, &length), 0);
	set(RSDT + 37, 0xff, 1); /* and the RSDT too */
	TEST_EQ(test, find("FACP", 0, &table, &length), -EXO_E_ARG);
}

static void damaged_rsdp(struct test *test)
{
	paddr_t table;
	uint32_t length;

	for (uint32_t i = 0; i < 20; i++) {
		machine(0x7fe0000);
		set(RSDP + i, memory.bytes[1 + RSDP + i] ^ 4u, 1);
		TEST_EQ(test, find("FACP", 0, &table, &length), -EXO_E_ARG);
	}
	machine(0x7fe0000);
	TEST_EQ(test, acpi_find_table(&memory.view, UINT64_MAX - 8, "FACP", 0, &table, &length),
		-EXO_E_ARG);
	TEST_EQ(test, acpi_find_table(&memory.view, 0, "FACP", 0, &table, &length), -EXO_E_ARG);
}

static void lying_tables(struct test *test)
{
	static const uint32_t lengths[] = { 0, 1, 35, MEMORY_SIZE, 0x7fffffff, UINT32_MAX };
	paddr_t table;
	uint32_t length;

	for (uint32_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		machine(0x7fe0000);
		set(FADT + 4, lengths[i], 4);
		TEST_EQ(test, find("FACP", 0, &table, &length), -EXO_E_RANGE);
		machine(0x7fe0000);
		set(XSDT + 4, lengths[i], 4);
		set(RSDT + 4, lengths[i], 4);
		TEST_EQ(test, find("FACP", 0, &table, &length), -EXO_E_ARG);
		TEST_TRUE(test, !memory.misused);
	}

	machine(0x7fe0000); /* entries that lead nowhere, or back to the XSDT */
	set(XSDT + 36, UINT64_MAX - 3, 8);
	set(XSDT + 44, 0, 8);
	set(XSDT + 52, memory.base + XSDT, 8);
	seal(XSDT, 36 + 32);
	TEST_EQ(test, find("FACP", 0, &table, &length), -EXO_E_RANGE);
	TEST_EQ(test, find("SSDT", 0, &table, &length), 0);
	TEST_EQ(test, find("XSDT", 0, &table, &length), 0);
	TEST_EQ(test, find("XSDT", 1, &table, &length), -EXO_E_RANGE);
	TEST_TRUE(test, !memory.misused);
	seal(XSDT, 36); /* no entry at all */
	TEST_EQ(test, find("SSDT", 0, &table, &length), -EXO_E_RANGE);
	seal(XSDT, 36 + 31); /* three, and a part of the fourth */
	TEST_EQ(test, find("SSDT", 0, &table, &length), -EXO_E_RANGE);
}

/* A valid checksum does not make a table of less than a header, nor more than 256 entries. */
static void tables_of_impossible_size(struct test *test)
{
	paddr_t table;
	uint32_t length;

	for (uint32_t size = 10; size < 36; size++) {
		machine(0x7fe0000);
		seal(FADT, size);
		TEST_EQ(test, find("FACP", 0, &table, &length), -EXO_E_RANGE);
		seal(XSDT, size);
		seal(RSDT, size);
		TEST_EQ(test, find("FACP", 0, &table, &length), -EXO_E_ARG);
	}
	for (uint32_t entries = 256; entries <= 257; entries++) {
		machine(0x7fe0000);
		set_bytes(LONG_XSDT, "XSDT", 4);
		set(LONG_XSDT + 36 + 8 * (entries - 1), memory.base + FADT, 8);
		seal(LONG_XSDT, 36 + 8 * entries);
		set(RSDP + 24, memory.base + LONG_XSDT, 8);
		set_checksum(RSDP, 36, RSDP + 32);
		TEST_EQ(test, find("FACP", 0, &table, &length), entries > 256 ? -EXO_E_RANGE : 0);
	}
}

static void rsdp_is_searched_for(struct test *test)
{
	machine(0xe0000);
	TEST_EQ(test, acpi_find_rsdp(&memory.view), 0xe0000);
	machine(0xe0008); /* not on a 16-byte boundary */
	TEST_EQ(test, acpi_find_rsdp(&memory.view), 0);
	machine(0xff000);
	TEST_EQ(test, acpi_find_rsdp(&memory.view), 0xff000);
	machine(0x100000);
	TEST_EQ(test, acpi_find_rsdp(&memory.view), 0);
	machine(0x9fc00 + 0x3f0); /* the last place in the extended BIOS data area */
	TEST_EQ(test, acpi_find_rsdp(&memory.view), 0);
	memory.ebda_segment = 0x9fc0;
	TEST_EQ(test, acpi_find_rsdp(&memory.view), 0x9fc00 + 0x3f0);
	machine(0x9fc00 + 0x400);
	memory.ebda_segment = 0x9fc0;
	TEST_EQ(test, acpi_find_rsdp(&memory.view), 0);
}

static void power_of_a_pc(struct test *test)
{
	struct acpi_power power;

	machine(0x7fe0000);
	TEST_EQ(test, acpi_power_decode(&memory.view, memory.base + RSDP, &power), 0);
	TEST_TRUE(test, power.can_power_off && power.can_reset);
	TEST_EQ(test, power.sleep_type_a, 5);
	TEST_EQ(test, power.sleep_type_b, 6);
	TEST_EQ(test, power.pm1a_control.kind, ACPI_REGISTER_PORT);
	TEST_EQ(test, power.pm1a_control.address, 0x604);
	TEST_EQ(test, power.pm1b_control.kind, ACPI_REGISTER_NONE);
	TEST_EQ(test, power.sleep_control.kind, ACPI_REGISTER_NONE);
	TEST_EQ(test, power.smi_command, 0xb2);
	TEST_EQ(test, power.acpi_enable, 0xf1);
	TEST_EQ(test, power.reset.kind, ACPI_REGISTER_PORT);
	TEST_EQ(test, power.reset.address, 0xcf9);
	TEST_EQ(test, power.reset_value, 0x0f);

	set(FADT + 172, 0, 1); /* X_PM1a_CNT_BLK: memory; goes before the old field */
	set(FADT + 176, 0xfed00004, 8);
	set(FADT + 184, 1, 1);
	set(FADT + 188, 0x704, 8);
	set(FADT + 140, memory.base + DSDT, 8);
	set(FADT + 40, 0, 4);
	seal(FADT, FADT_SIZE);
	TEST_EQ(test, acpi_power_decode(&memory.view, memory.base + RSDP, &power), 0);
	TEST_TRUE(test, power.can_power_off);
	TEST_EQ(test, power.pm1a_control.kind, ACPI_REGISTER_MEMORY);
	TEST_EQ(test, power.pm1a_control.address, 0xfed00004);
	TEST_EQ(test, power.pm1b_control.address, 0x704);
}

static void power_of_a_hardware_reduced_machine(struct test *test)
{
	struct acpi_power power;

	machine(0x7fe0000);
	set(FADT + 112, 1 << 20 | 1 << 10, 4);
	set(FADT + 116, 0, 1); /* RESET_REG and SLEEP_CONTROL_REG: memory */
	set(FADT + 120, 0xfea00202, 8);
	set(FADT + 244, 0, 1);
	set(FADT + 248, 0xfea00200, 8);
	seal(FADT, 255); /* ends within SLEEP_CONTROL_REG */
	TEST_EQ(test, acpi_power_decode(&memory.view, memory.base + RSDP, &power), 0);
	TEST_TRUE(test, !power.can_power_off && power.can_reset);
	seal(FADT, FADT_SIZE);
	TEST_EQ(test, acpi_power_decode(&memory.view, memory.base + RSDP, &power), 0);
	TEST_TRUE(test, power.can_power_off && power.can_reset);
	TEST_EQ(test, power.sleep_control.kind, ACPI_REGISTER_MEMORY);
	TEST_EQ(test, power.sleep_control.address, 0xfea00200);
	TEST_EQ(test, power.pm1a_control.kind, ACPI_REGISTER_NONE);
	TEST_EQ(test, power.reset.address, 0xfea00202);
}

static void power_of_poor_tables(struct test *test)
{
	struct acpi_power power;
	const paddr_t rsdp = 0x7fe0000 + RSDP;

	machine(0x7fe0000);
	seal(FADT, 116); /* ACPI 1.0: ends before the reset register */
	TEST_EQ(test, acpi_power_decode(&memory.view, rsdp, &power), 0);
	TEST_TRUE(test, power.can_power_off && !power.can_reset);
	seal(FADT, 128); /* ends before the reset value */
	TEST_EQ(test, acpi_power_decode(&memory.view, rsdp, &power), 0);
	TEST_TRUE(test, !power.can_reset);
	seal(FADT, 66); /* ends within PM1a_CNT_BLK */
	TEST_EQ(test, acpi_power_decode(&memory.view, rsdp, &power), 0);
	TEST_TRUE(test, !power.can_power_off);
	seal(FADT, 36);
	TEST_EQ(test, acpi_power_decode(&memory.view, rsdp, &power), 0);
	TEST_TRUE(test, !power.can_power_off && !power.can_reset);

	machine(0x7fe0000);
	set(FADT + 112, 0, 4); /* the reset register is there, but does not count */
	set(FADT + 48, 0x100b2, 4); /* no ports */
	set(FADT + 64, 0x10604, 4);
	seal(FADT, FADT_SIZE);
	TEST_EQ(test, acpi_power_decode(&memory.view, rsdp, &power), 0);
	TEST_TRUE(test, !power.can_power_off && !power.can_reset);
	TEST_EQ(test, power.smi_command, 0);

	machine(0x7fe0000);
	set(DSDT + 36, 0, 1); /* the DSDT does not sum up */
	TEST_EQ(test, acpi_power_decode(&memory.view, rsdp, &power), 0);
	TEST_TRUE(test, !power.can_power_off && power.can_reset);

	set(FADT, 0, 1);
	TEST_EQ(test, acpi_power_decode(&memory.view, rsdp, &power), -EXO_E_RANGE);
	TEST_TRUE(test, !power.can_power_off && !power.can_reset);
}

/* Each row is a DSDT's code; @a < 0 where no \_S5_ may be found. */
static void s5_encodings(struct test *test)
{
	static const struct {
		uint8_t code[24];
		uint32_t size;
		int a, b;
	} rows[] = {
#define NAME 0x08, '_', 'S', '5', '_'
		{ { NAME, 0x12, 0x06, 4, 0, 0, 0, 0 }, 12, 0, 0 },
		{ { NAME, 0x12, 0x04, 2, 1, 0 }, 10, 1, 0 },
		{ { 0x08, 0x5c, '_', 'S', '5', '_', 0x12, 0x04, 2, 1, 1 }, 11, 1, 1 },
		{ { 0x08, NAME, 0x12, 0x04, 2, 1, 1 }, 11, 1, 1 },
		{ { NAME, 0x12, 0x46, 0, 2, 0x0a, 7, 1 }, 13, 7, 1 }, /* two-byte length */
		{ { NAME, 0x12, 0x88, 0, 0, 2, 0x0b, 3, 0, 1 }, 15, 3, 1 }, /* three */
		{ { NAME, 0x12, 0xcb, 0, 0, 0, 2, 0x0c, 2, 0, 0, 0, 1 }, 18, 2, 1 }, /* four */
		{ { NAME, 0x12, 0x03, 1, 1 }, 9, 1, 0 }, /* one element */
		/* What follows the name does not have to be it. */
		{ { NAME, 0x11, 0x04, NAME, 0x12, 0x04, 2, 1, 1 }, 17, 1, 1 },
		{ { NAME, 0x12, 0x05, 2, 0x0a, 8, 1 }, 11, -1, 0 }, /* more than three bits */
		{ { NAME, 0x12, 0x06, 2, 0x0b, 3, 1, 1 }, 12, -1, 0 },
		{ { NAME, 0x12, 0x04, 2, 0xff, 1 }, 10, -1, 0 }, /* no number: Ones */
		{ { NAME, 0x12, 0x04, 5, 1, 1 }, 10, -1, 0 }, /* five elements */
		{ { NAME, 0x12, 0x04, 0, 1, 1 }, 10, -1, 0 }, /* none */
		{ { NAME, 0x12, 0x03, 2, 1, 1 }, 10, -1, 0 }, /* one does not fit */
		{ { NAME, 0x12, 0x05, 2, 1, 1 }, 10, -1, 0 }, /* ends behind the table */
		{ { NAME, 0x12, 0x01, 2, 1, 1 }, 10, -1, 0 },
		{ { NAME, 0x12, 0xc4, 2 }, 8, -1, 0 },
		{ { NAME, 0x12 }, 6, -1, 0 },
		{ { NAME }, 5, -1, 0 },
		{ { 0x08, 0x5c, '_', 'S', '5' }, 5, -1, 0 },
		{ { NAME, 0x12, 0x03, 1, 0x0a, 5 }, 10, -1, 0 }, /* the value is outside */
		{ { 0x70, '_', 'S', '5', '_', 0x12, 0x04, 2, 1, 1 }, 10, -1, 0 }, /* only a use */
		{ { 0 }, 0, -1, 0 },
#undef NAME
	};

	for (uint32_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct acpi_power power;

		machine(0x7fe0000);
		memset(memory.bytes + 1 + DSDT, 0x12, 256); /* tempting bytes behind the table */
		seal_dsdt(rows[i].code, rows[i].size);
		TEST_EQ(test, acpi_power_decode(&memory.view, memory.base + RSDP, &power), 0);
		TEST_EQ(test, power.can_power_off ? (int)i : -1, rows[i].a >= 0 ? (int)i : -1);
		if (rows[i].a >= 0) {
			TEST_EQ(test, power.sleep_type_a, rows[i].a);
			TEST_EQ(test, power.sleep_type_b, rows[i].b);
		}
	}
}

/* The rest of the package lies in memory all the same, just not in the table. */
static void s5_is_not_read_past_the_table(struct test *test)
{
	/* Five bytes of code, then \_S5_ with a root character: all of it is needed. */
	static const uint8_t code[] = { 1,   2,	  3,   4,    5,	   0x08, 0x5c, '_',
					'S', '5', '_', 0x12, 0x04, 2,	 1,    1 };
	struct acpi_power power;

	for (uint32_t size = 0; size <= sizeof(code); size++) {
		machine(0x7fe0000);
		set_bytes(DSDT + 36, code, sizeof(code));
		seal_dsdt(code, size);
		TEST_EQ(test, acpi_power_decode(&memory.view, memory.base + RSDP, &power), 0);
		TEST_EQ(test, power.can_power_off, size == sizeof(code));
	}
}

static const struct test_case acpi_tables_cases[] = {
	TEST_CASE(tables_found_in_the_xsdt),
	TEST_CASE(rsdt_serves_without_an_xsdt),
	TEST_CASE(damaged_rsdp),
	TEST_CASE(lying_tables),
	TEST_CASE(tables_of_impossible_size),
	TEST_CASE(rsdp_is_searched_for),
	TEST_CASE(power_of_a_pc),
	TEST_CASE(power_of_a_hardware_reduced_machine),
	TEST_CASE(power_of_poor_tables),
	TEST_CASE(s5_encodings),
	TEST_CASE(s5_is_not_read_past_the_table),
};
TEST_SUITE(acpi_tables, acpi_tables_cases);
