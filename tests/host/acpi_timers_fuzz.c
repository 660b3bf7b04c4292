/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target for the HPET table and the FADT's timer fields. The root tables are right; the input
 * is the FADT and then the HPET table, each preceded by its length (2 bytes), whose signatures and
 * checksums are made right.
 */
#include "fuzz_memory.h"

#include <exo/acpi.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BASE 0x1000u
#define MEMORY_SIZE 2048u
enum { RSDP = 0, XSDT = 64, FADT = 256, HPET = 1024 };

static uint8_t memory[MEMORY_SIZE];

static void put(uint32_t at, uint64_t value, uint32_t size)
{
	memcpy(memory + at, &value, size);
}

static void make_sum(uint32_t at, uint32_t length, uint32_t checksum)
{
	uint8_t sum = 0;

	memory[checksum] = 0;
	for (uint32_t i = 0; i < length; i++)
		sum += memory[at + i];
	memory[checksum] = (uint8_t)-sum;
}

static void seal(uint32_t at, const char *signature, uint32_t length)
{
	memcpy(memory + at, signature, 4);
	put(at + 4, length, 4);
	make_sum(at, length, at + 9);
}

/* Takes a table of at most @room bytes off the input. */
static void take_table(const uint8_t **data, size_t *size, uint32_t at, const char *signature,
		       uint32_t room)
{
	uint32_t length;

	if (*size < 2)
		return;
	length = (uint32_t)((*data)[0] | (*data)[1] << 8) % room;
	*data += 2;
	*size -= 2;
	if (length < sizeof(struct acpi_header))
		length = sizeof(struct acpi_header);
	memcpy(memory + at, *data, *size < length ? *size : length);
	*data += *size < length ? *size : length;
	*size -= *size < length ? *size : length;
	seal(at, signature, length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct acpi_timers timers;

	memset(memory, 0, sizeof(memory));
	take_table(&data, &size, FADT, "FACP", HPET - FADT);
	take_table(&data, &size, HPET, "HPET", MEMORY_SIZE - HPET);
	put(XSDT + 36, BASE + FADT, 8);
	put(XSDT + 44, BASE + HPET, 8);
	seal(XSDT, "XSDT", 52);
	memcpy(memory + RSDP, "RSD PTR ", 8);
	put(RSDP + 15, 2, 1);
	put(RSDP + 20, 36, 4);
	put(RSDP + 24, BASE + XSDT, 8);
	make_sum(RSDP, 20, RSDP + 8);
	make_sum(RSDP, 36, RSDP + 32);
	fuzz_memory_start(BASE, memory, sizeof(memory));
	memset(&timers, 0xa5, sizeof(timers));
	acpi_timers_decode(&fuzz_memory.view, BASE + RSDP, &timers);
	FUZZ_CHECK(timers.hpet % 8 == 0);
	FUZZ_CHECK(timers.pm_timer.kind == ACPI_REGISTER_NONE || timers.pm_timer.address != 0);
	FUZZ_CHECK(timers.pm_timer.kind != ACPI_REGISTER_PORT ||
		   timers.pm_timer.address <= UINT16_MAX);
	fuzz_memory_end();
	return 0;
}
