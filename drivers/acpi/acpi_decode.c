/* SPDX-License-Identifier: MIT */
/*
 * What switching off and resetting takes, decoded from the FADT and the DSDT. Pure code.
 *
 * The registers are in the FADT (ACPI 6.5, 5.2.9). The values to write there are in the package
 * \_S5_ (7.4.2.6 "\_S5"), an object of the byte code (AML) in the DSDT. An interpreter would be the
 * honest way to it; but firmware declares it as a constant, which always looks like this (20.2.2,
 * 20.2.3, 20.2.5.1, 20.2.5.4):
 *
 *	08		NameOp
 *	[5c]		RootChar, optional
 *	5f 53 35 5f	"_S5_"
 *	12		PackageOp
 *	PkgLength	1 to 4 bytes; bits 7:6 of the first say how many follow; it counts itself
 *	NumElements	1 byte
 *	element ...	00 = 0, 01 = 1, 0a xx = byte, 0b xx xx = word, 0c xx xx xx xx = double word
 *
 * The first element goes to PM1a (and to the sleep control register), the second to PM1b. So a scan
 * finds it. Data could look like this too: the scan checks every byte of the pattern, that the
 * package lies in the table and has room for its elements, and that the values have three bits.
 */
#include "acpi_fields.h"

/* Offsets in the FADT, and the bits of its flags (ACPI 6.5, tables 5.9 and 5.10). */
enum {
	FADT_DSDT = 40, /* 4 bytes */
	FADT_SMI_CMD = 48, /* 4 */
	FADT_ACPI_ENABLE = 52, /* 1 */
	FADT_PM1A_CNT = 64, /* 4: a port */
	FADT_PM1B_CNT = 68, /* 4: a port */
	FADT_FLAGS = 112, /* 4 */
	FADT_RESET_REG = 116, /* generic address */
	FADT_RESET_VALUE = 128, /* 1 */
	FADT_X_DSDT = 140, /* 8 */
	FADT_X_PM1A_CNT = 172, /* generic address */
	FADT_X_PM1B_CNT = 184, /* generic address */
	FADT_SLEEP_CONTROL = 244, /* generic address */

	FADT_FLAG_RESET_REG = 1 << 10,
	FADT_FLAG_HARDWARE_REDUCED = 1 << 20,
};

enum {
	AML_ZERO = 0x00,
	AML_ONE = 0x01,
	AML_NAME = 0x08,
	AML_BYTE = 0x0a,
	AML_WORD = 0x0b,
	AML_DWORD = 0x0c,
	AML_PACKAGE = 0x12,
	AML_ROOT = 0x5c
};

/* Takes an integer off the front of @aml. Returns false if there is none, or none below 8. */
static bool take_sleep_type(struct acpi_bytes *aml, uint8_t *value)
{
	uint32_t size;

	if (aml->size == 0)
		return false;
	switch (aml->at[0]) {
	case AML_ZERO:
	case AML_ONE:
		*value = aml->at[0];
		aml->at++;
		aml->size--;
		return true;
	case AML_BYTE:
		size = 1;
		break;
	case AML_WORD:
		size = 2;
		break;
	case AML_DWORD:
		size = 4;
		break;
	default:
		return false;
	}
	if (aml->size <= size || acpi_number(*aml, 1, size) > 7)
		return false;
	*value = (uint8_t)acpi_number(*aml, 1, size);
	aml->at += size + 1;
	aml->size -= size + 1;
	return true;
}

/* Decodes what follows the name: PackageOp, PkgLength, NumElements, the elements. */
static bool take_package(struct acpi_bytes aml, struct acpi_power *power)
{
	uint32_t length, extra, elements;

	if (aml.size < 3 || aml.at[0] != AML_PACKAGE)
		return false;
	aml.at++;
	aml.size--;
	extra = aml.at[0] >> 6;
	length = extra ? (aml.at[0] & 0x0fu) | (uint32_t)acpi_number(aml, 1, extra) << 4
		       : aml.at[0] & 0x3fu;
	if (length > aml.size || length < extra + 2)
		return false;
	elements = aml.at[extra + 1];
	aml.at += extra + 2;
	aml.size = length - extra - 2;
	/* At most one byte, or at least one integer, an element; ACPI 1.0 firmware has four. */
	if (elements < 1 || elements > 4 || !take_sleep_type(&aml, &power->sleep_type_a))
		return false;
	power->sleep_type_b = 0;
	return elements < 2 || take_sleep_type(&aml, &power->sleep_type_b);
}

static bool find_s5(struct acpi_bytes aml, struct acpi_power *power)
{
	/* Six bytes hold NameOp and the name with its root character. */
	for (uint32_t i = 0; i + 6 < aml.size; i++) {
		uint32_t name = i + 1;

		if (aml.at[i] != AML_NAME)
			continue;
		if (aml.at[name] == AML_ROOT)
			name++;
		if (memcmp(aml.at + name, "_S5_", 4) != 0)
			continue;
		if (take_package((struct acpi_bytes){ aml.at + name + 4, aml.size - name - 4 },
				 power))
			return true;
	}
	return false;
}

/* The DSDT's code; empty if there is no valid DSDT. */
static struct acpi_bytes dsdt_code(const struct boot_memory_view *view, struct acpi_bytes fadt)
{
	struct acpi_bytes code = { NULL, 0 };
	paddr_t dsdt = acpi_number(fadt, FADT_X_DSDT, 8);
	uint32_t length = acpi_table_check(view, dsdt, "DSDT");

	if (!length) {
		dsdt = acpi_number(fadt, FADT_DSDT, 4);
		length = acpi_table_check(view, dsdt, "DSDT");
	}
	if (length)
		code.at = view->at(view, dsdt, length);
	if (code.at) {
		code.at += sizeof(struct acpi_header);
		code.size = length - (uint32_t)sizeof(struct acpi_header);
	}
	return code;
}

int acpi_power_decode(const struct boot_memory_view *view, paddr_t rsdp, struct acpi_power *power)
{
	struct acpi_bytes fadt;
	uint64_t flags;
	paddr_t table;
	int error;

	memset(power, 0, sizeof(*power));
	error = acpi_find_table(view, rsdp, "FACP", 0, &table, &fadt.size);
	if (error)
		return error;
	fadt.at = view->at(view, table, fadt.size);
	if (!fadt.at)
		return -EXO_E_RANGE;
	flags = acpi_number(fadt, FADT_FLAGS, 4);
	if (flags & FADT_FLAG_HARDWARE_REDUCED) {
		power->sleep_control = acpi_generic_register(fadt, FADT_SLEEP_CONTROL);
	} else {
		power->pm1a_control = acpi_either_register(fadt, FADT_X_PM1A_CNT, FADT_PM1A_CNT);
		power->pm1b_control = acpi_either_register(fadt, FADT_X_PM1B_CNT, FADT_PM1B_CNT);
		if (acpi_number(fadt, FADT_SMI_CMD, 4) <= UINT16_MAX)
			power->smi_command = (uint16_t)acpi_number(fadt, FADT_SMI_CMD, 4);
		power->acpi_enable = (uint8_t)acpi_number(fadt, FADT_ACPI_ENABLE, 1);
	}
	if (flags & FADT_FLAG_RESET_REG && fadt.size > FADT_RESET_VALUE) {
		power->reset = acpi_generic_register(fadt, FADT_RESET_REG);
		power->reset_value = fadt.at[FADT_RESET_VALUE];
		power->can_reset = power->reset.kind != ACPI_REGISTER_NONE;
	}
	if (power->sleep_control.kind || power->pm1a_control.kind)
		power->can_power_off = find_s5(dsdt_code(view, fadt), power);
	return 0;
}
