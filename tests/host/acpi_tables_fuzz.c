/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target for the ACPI tables. The first two bytes of the input say which parts are made right
 * before the parser sees them (signatures, pointers, checksums: a fuzzer does not guess those) and
 * where the name \_S5_ is put in the DSDT; the rest is physical memory from 0xe0000 on, where an
 * RSDP is searched for.
 */
#include "fuzz_memory.h"

#include <exo/acpi.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BASE 0xe0000u
#define MEMORY_SIZE 2048u
enum { RSDP = 0, XSDT = 48, RSDT = 144, FADT = 256, DSDT = 544 };

enum {
	FIX_RSDP = 1 << 0,
	FIX_XSDT = 1 << 1,
	FIX_RSDT = 1 << 2,
	FIX_FADT = 1 << 3,
	FIX_DSDT = 1 << 4,
	FIX_POINTERS = 1 << 5,
	FIX_LENGTHS = 1 << 6,
	GIVE_RSDP = 1 << 7, /* do not let it search */
};

static void fix_sum(uint8_t *from, uint32_t size, uint8_t *checksum)
{
	uint8_t sum = 0;

	*checksum = 0;
	for (uint32_t i = 0; i < size; i++)
		sum += from[i];
	*checksum = (uint8_t)-sum;
}

static void fix_table(uint8_t *memory, uint32_t offset, const char *signature, uint32_t length)
{
	uint32_t stored;

	memcpy(memory + offset, signature, 4);
	if (length)
		memcpy(memory + offset + 4, &length, 4);
	memcpy(&stored, memory + offset + 4, 4);
	if (stored <= MEMORY_SIZE - offset)
		fix_sum(memory + offset, stored, memory + offset + 9);
}

static void fix(uint8_t *memory, unsigned int flags, unsigned int s5)
{
	static const uint8_t name[] = { 0x08, '_', 'S', '5', '_', 0x12 };
	static const struct {
		uint32_t at, value;
	} pointers[] = { { RSDP + 16, BASE + RSDT }, { RSDP + 24, BASE + XSDT },
			 { XSDT + 36, BASE + FADT }, { XSDT + 40, 0 },
			 { RSDT + 36, BASE + FADT }, { FADT + 40, BASE + DSDT } };
	const bool lengths = flags & FIX_LENGTHS;

	if (s5 & 1)
		memcpy(memory + DSDT + 36 + (s5 >> 1), name, sizeof(name));
	for (size_t i = 0; flags & FIX_POINTERS && i < ARRAY_SIZE(pointers); i++)
		memcpy(memory + pointers[i].at, &pointers[i].value, 4);
	if (flags & FIX_POINTERS)
		memset(memory + RSDP + 28, 0, 4);
	if (flags & FIX_DSDT)
		fix_table(memory, DSDT, "DSDT", lengths ? 128 : 0);
	if (flags & FIX_FADT)
		fix_table(memory, FADT, "FACP", lengths ? 276 : 0);
	if (flags & FIX_RSDT)
		fix_table(memory, RSDT, "RSDT", lengths ? 52 : 0);
	if (flags & FIX_XSDT)
		fix_table(memory, XSDT, "XSDT", lengths ? 60 : 0);
	if (flags & FIX_RSDP) {
		const uint32_t length = 36;

		memcpy(memory + RSDP, "RSD PTR ", 8);
		fix_sum(memory + RSDP, 20, memory + RSDP + 8);
		if (lengths)
			memcpy(memory + RSDP + 20, &length, 4);
		fix_sum(memory + RSDP, length, memory + RSDP + 32);
	}
}

static void check_register(struct acpi_register reg)
{
	FUZZ_CHECK(reg.kind == ACPI_REGISTER_NONE || reg.address != 0);
	FUZZ_CHECK(reg.kind != ACPI_REGISTER_PORT || reg.address <= UINT16_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t memory[MEMORY_SIZE];
	struct acpi_power power;
	paddr_t rsdp, table = 0;
	uint32_t length = 0;
	int error;

	if (size < 2)
		return 0;
	memset(memory, 0, sizeof(memory));
	memcpy(memory, data + 2, size - 2 < MEMORY_SIZE ? size - 2 : MEMORY_SIZE);
	fix(memory, data[0], data[1]);
	fuzz_memory_start(BASE, memory, sizeof(memory));
	rsdp = data[0] & GIVE_RSDP ? BASE + RSDP : 0;
	memset(&power, 0xa5, sizeof(power));
	error = acpi_power_decode(&fuzz_memory.view, rsdp, &power);
	FUZZ_CHECK(error == 0 || (!power.can_power_off && !power.can_reset));
	FUZZ_CHECK(power.sleep_type_a < 8 && power.sleep_type_b < 8);
	FUZZ_CHECK(!power.can_reset || power.reset.kind != ACPI_REGISTER_NONE);
	FUZZ_CHECK(!power.can_power_off || power.sleep_control.kind || power.pm1a_control.kind);
	check_register(power.sleep_control);
	check_register(power.pm1a_control);
	check_register(power.pm1b_control);
	check_register(power.reset);
	error = acpi_find_table(&fuzz_memory.view, rsdp, "FACP", data[1], &table, &length);
	FUZZ_CHECK(error ||
		   (length >= sizeof(struct acpi_header) && fuzz_memory_holds(table, length)));
	fuzz_memory_end();
	return 0;
}
