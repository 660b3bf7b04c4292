/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target for acpi_madt_read(). RSDP, XSDT, signature and checksums are always right; the first
 * byte of the input says whether the rest is the entries as they are, or a list of small numbers
 * that become entries which are valid often enough to meet each other.
 *
 * Checked: everything that exo/acpi_madt.h promises, and, against rules that are written down here
 * once more in the simplest way, that tables are refused if and only if they are wrong, and that
 * what a table says is in the result.
 */
#include "fuzz_memory.h"

#include <exo/acpi.h>
#include <exo/acpi_madt.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BASE 0xe0000u
enum { RSDP = 0, XSDT = 48, MADT = 128, MEMORY_SIZE = 8192, MADT_MAX = MEMORY_SIZE - MADT };

static uint8_t memory[MEMORY_SIZE];
static uint32_t length;
static struct acpi_madt madt;

static uint64_t get(uint32_t offset, uint32_t size)
{
	uint64_t value = 0;

	FUZZ_CHECK(offset + size <= MEMORY_SIZE);
	memcpy(&value, memory + offset, size);
	return value;
}

static void set(uint32_t offset, uint64_t value, uint32_t size)
{
	FUZZ_CHECK(offset + size <= MEMORY_SIZE);
	memcpy(memory + offset, &value, size);
}

/* ---- making the table ------------------------------------------------------------------------ */

static void fix_sum(uint32_t offset, uint32_t size, uint32_t at)
{
	uint8_t sum = 0;

	set(at, 0, 1);
	for (uint32_t i = 0; i < size; i++)
		sum += memory[offset + i];
	set(at, (uint8_t)-sum, 1);
}

static void fix_table(uint32_t table, const char *signature, uint32_t size)
{
	memcpy(memory + table, signature, 4);
	set(table + 4, size, 4);
	fix_sum(table, size, table + 9);
}

static void fix_all(void)
{
	fix_table(MADT, "APIC", length);
	set(XSDT + 36, BASE + MADT, 8);
	fix_table(XSDT, "XSDT", 36 + 8);
	memcpy(memory + RSDP, "RSD PTR ", 8);
	set(RSDP + 15, 2, 1);
	fix_sum(RSDP, 20, RSDP + 8);
	set(RSDP + 20, 36, 4);
	set(RSDP + 24, BASE + XSDT, 8);
	fix_sum(RSDP, 36, RSDP + 32);
}

static const uint8_t types[] = { 0, 0, 9, 1, 2, 2, 4, 10, 5, 3 };
static const uint8_t lengths[] = { 8, 8, 16, 12, 10, 10, 6, 12, 12, 8 };

/* Four bytes make an entry: kind, number, number, flags. Rarely are they strange. */
static void compose_entry(const uint8_t *bytes)
{
	const unsigned int kind = bytes[0] % 10;
	const uint32_t at = MADT + length, small = bytes[1] % 24, wide = bytes[1] * 0x01010101u;

	set(at, types[kind], 1);
	set(at + 1, lengths[kind] + (bytes[0] >= 250) - (bytes[0] == 255) * 2, 1);
	switch (types[kind]) {
	case 0:
		set(at + 2, bytes[2], 1);
		set(at + 3, bytes[1], 1);
		set(at + 4, bytes[3] % 4, 4);
		break;
	case 9:
		set(at + 4, bytes[3] & 0x80 ? wide : small, 4);
		set(at + 8, bytes[3] % 4, 4);
		set(at + 12, bytes[2], 4);
		break;
	case 1:
		set(at + 4, 0xfec00000 + small % 4 * 0x1000 + (bytes[3] >= 0xf8 ? 4 : 0), 4);
		set(at + 8, bytes[2] & 0x80 ? bytes[2] : small % 4 * 24, 4);
		break;
	case 2:
		set(at + 2, bytes[3] >= 0xf0, 1);
		set(at + 3, small, 1);
		set(at + 4, bytes[2] < 0xf0 ? bytes[2] % 24 : UINT32_MAX - (bytes[2] & 1), 4);
		set(at + 8, bytes[3] % 16, 2);
		break;
	case 4:
		set(at + 2, bytes[1], 1);
		set(at + 3, bytes[3] % 16, 2);
		set(at + 5, bytes[2] % 64 ? bytes[2] & 1 : 2, 1);
		break;
	case 10:
		set(at + 2, bytes[3] % 16, 2);
		set(at + 4, bytes[1] & 0x80 ? UINT32_MAX : bytes[1], 4);
		set(at + 8, bytes[2] & 1, 1);
		break;
	default:
		set(at + 4, wide, 4);
	}
	length += (uint32_t)get(at + 1, 1);
}

/* ---- what the table says --------------------------------------------------------------------- */

static bool flags_are_wrong(unsigned int flags)
{
	return (flags & 3) == 2 || (flags & 12) == 8;
}

/* Of an override: the pin, and the flags with the defaults in their place. */
static uint64_t meaning(uint32_t at)
{
	const unsigned int flags = (unsigned int)get(at + 8, 2);

	return get(at + 4, 4) << 4 | ((flags & 3) == 3) << 1 | ((flags & 12) == 12);
}

static bool is_isa_override(uint32_t at)
{
	return get(at, 1) == 2 && get(at + 2, 1) == 0 && get(at + 3, 1) < 16;
}

static bool entry_is_right(uint32_t at)
{
	switch (get(at, 1)) {
	case 1:
		return get(at + 4, 4) != 0 && get(at + 4, 4) % 16 == 0;
	case 2:
		return !is_isa_override(at) || (!flags_are_wrong((unsigned int)get(at + 8, 2)) &&
						get(at + 4, 4) != UINT32_MAX);
	case 4:
		return get(at + 5, 1) < 2 && (get(at + 3, 1) & 3) != 2;
	case 9:
		return get(at + 4, 4) != UINT32_MAX || !(get(at + 8, 4) & 1);
	case 10:
		return get(at + 8, 1) < 2 && (get(at + 2, 1) & 3) != 2;
	default:
		return true;
	}
}

/* Two entries that cannot both be true. */
static bool contradict(uint32_t a, uint32_t b)
{
	if (is_isa_override(a) && is_isa_override(b) && get(a + 3, 1) == get(b + 3, 1))
		return meaning(a) != meaning(b);
	if (get(a, 1) != 1 || get(b, 1) != 1)
		return false;
	return (get(a + 4, 4) == get(b + 4, 4)) != (get(a + 8, 4) == get(b + 8, 4));
}

/* The APIC ID of an enabled CPU; UINT32_MAX for other entries. */
static uint32_t cpu_of(uint32_t at)
{
	if (get(at, 1) == 0 && get(at + 4, 4) & 1 && get(at + 3, 1) != 0xff)
		return (uint32_t)get(at + 3, 1);
	if (get(at, 1) == 9 && get(at + 8, 4) & 1)
		return (uint32_t)get(at + 4, 4);
	return UINT32_MAX;
}

/* Steps to the next entry; returns false if the one at @at is no entry. */
static bool entry_fits(uint32_t at)
{
	static const uint8_t least[] = { 8, 12, 10, 2, 6, 12, 2, 2, 2, 16, 12 };
	const uint32_t left = MADT + length - at;

	if (left < 2 || get(at + 1, 1) > left || get(at + 1, 1) < 2)
		return false;
	return memory[at] > 10 || get(at + 1, 1) >= least[memory[at]];
}

static bool table_is_right(void)
{
	const uint32_t end = MADT + length;
	bool has_cpu = false;

	if (length < 44)
		return false;
	for (uint32_t at = MADT + 44; at < end; at += memory[at + 1]) {
		if (!entry_fits(at) || !entry_is_right(at))
			return false;
		has_cpu |= cpu_of(at) != UINT32_MAX;
		for (uint32_t other = MADT + 44; other < at; other += memory[other + 1])
			if (contradict(at, other))
				return false;
	}
	return has_cpu;
}

/* If there are too many, not all of them are compared. */
static unsigned int nr_io_apic_entries(void)
{
	unsigned int count = 0;

	for (uint32_t at = MADT + 44; at < MADT + length && entry_fits(at); at += memory[at + 1])
		count += memory[at] == 1;
	return count;
}

/* ---- the result ------------------------------------------------------------------------------ */

static bool has_cpu(uint32_t apic_id)
{
	for (unsigned int i = 0; i < madt.nr_cpus; i++)
		if (madt.cpus[i].apic_id == apic_id)
			return true;
	return false;
}

static void check_promises(void)
{
	FUZZ_CHECK(madt.nr_cpus <= NR_CPUS && madt.nr_io_apics <= MADT_MAX_IO_APICS);
	for (unsigned int i = 0; i < madt.nr_cpus; i++) {
		FUZZ_CHECK(madt.cpus[i].nmi.pins < 4);
		FUZZ_CHECK((madt.cpus[i].nmi.active_low & ~madt.cpus[i].nmi.pins) == 0);
		for (unsigned int j = 0; j < i; j++)
			FUZZ_CHECK(madt.cpus[i].apic_id != madt.cpus[j].apic_id);
	}
	for (unsigned int i = 0; i < madt.nr_io_apics; i++) {
		FUZZ_CHECK(madt.io_apics[i].address && madt.io_apics[i].address % 16 == 0);
		for (unsigned int j = 0; j < i; j++)
			FUZZ_CHECK(madt.io_apics[i].address != madt.io_apics[j].address &&
				   madt.io_apics[i].gsi_base != madt.io_apics[j].gsi_base);
	}
}

static void check_contents(void)
{
	uint32_t overridden = 0;

	for (uint32_t at = MADT + 44; at < MADT + length; at += memory[at + 1]) {
		const unsigned int irq = memory[at + 3];
		const uint32_t apic_id = cpu_of(at);

		if (apic_id != UINT32_MAX)
			FUZZ_CHECK(has_cpu(apic_id) || madt.nr_cpus == NR_CPUS);
		if (!is_isa_override(at))
			continue;
		overridden |= 1u << irq;
		FUZZ_CHECK(meaning(at) == ((uint64_t)madt.isa[irq].gsi << 4 |
					   madt.isa[irq].active_low << 1 | madt.isa[irq].level));
	}
	for (unsigned int irq = 0; irq < 16; irq++) {
		bool taken = false;

		if (overridden >> irq & 1)
			continue;
		for (unsigned int other = 0; other < 16; other++)
			taken |= overridden >> other & 1 && madt.isa[other].gsi == irq;
		FUZZ_CHECK(madt.isa[irq].gsi == (taken ? MADT_NO_GSI : irq));
		FUZZ_CHECK(!madt.isa[irq].level && !madt.isa[irq].active_low);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char problem[ACPI_MADT_PROBLEM_SIZE];
	int error;

	if (size < 2)
		return 0;
	memset(memory, 0, sizeof(memory));
	length = 44;
	if (data[0] & 1) {
		length += size - 2 < MADT_MAX - 44 ? (uint32_t)size - 2 : MADT_MAX - 44;
		memcpy(memory + MADT + 44, data + 2, length - 44);
	} else {
		for (size_t i = 2; i + 4 <= size && length + 32 <= MADT_MAX; i += 4)
			compose_entry(data + i);
	}
	if (data[1] >= 0xc0)
		length -= data[1] % 32 < length - 36 ? data[1] % 32 : length - 36;
	fix_all();
	fuzz_memory_start(BASE, memory, sizeof(memory));
	memset(&madt, 0xa5, sizeof(madt));
	memset(problem, 0xa5, sizeof(problem));
	error = acpi_madt_read(&fuzz_memory.view, BASE + RSDP, &madt, problem);
	FUZZ_CHECK(error == 0 || error == -EXO_E_ARG);
	FUZZ_CHECK((error == 0) == table_is_right() || nr_io_apic_entries() > MADT_MAX_IO_APICS);
	FUZZ_CHECK((error == 0) == (problem[0] == 0));
	FUZZ_CHECK(strlen(problem) < ACPI_MADT_PROBLEM_SIZE - 1); /* nothing was cut */
	check_promises();
	if (error)
		FUZZ_CHECK(madt.nr_cpus == 0 && madt.nr_io_apics == 0);
	else
		check_contents();
	fuzz_memory_end();
	return 0;
}
