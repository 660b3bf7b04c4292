/* SPDX-License-Identifier: MIT */
/*
 * Switches the machine off and resets it, the ACPI way.
 *
 * What to write where comes from acpi_decode.c. It is decoded once, at boot, because the memory of
 * the tables is given away later; a panic before that decodes it on the spot.
 *
 * Registers (ACPI 6.5): PM1 control, 16 bits (4.8.3.2.1): bit 0 SCI_EN = the machine is in ACPI
 * mode, bits 12:10 SLP_TYP, bit 13 SLP_EN. Sleep control of hardware-reduced machines, 8 bits
 * (4.8.3.7): bits 4:2 SLP_TYP, bit 5 SLP_EN. Reset register, 8 bits (4.8.3.6).
 */
#include <arch/io.h>
#include <arch/memory.h>
#include <exo/acpi.h>

enum {
	PM1_SCI_EN = 1 << 0,
	PM1_SLP_TYP_SHIFT = 10,
	PM1_SLP_TYP = 7 << PM1_SLP_TYP_SHIFT,
	PM1_SLP_EN = 1 << 13,

	SLEEP_CONTROL_TYP_SHIFT = 2,
	SLEEP_CONTROL_EN = 1 << 5,
};

/*
 * How often a register is read while the hardware reacts. A guess: a port read takes about 1 us on
 * real hardware, so this is about a second; emulators react to the write, but not always before
 * the next instruction.
 */
#define WAIT_READS 1000000u

static struct acpi_power power;
static int power_error; /* of decoding it */
static bool power_known;

void acpi_power_init(void)
{
	if (power_known)
		return;
	power_error = acpi_power_decode(&boot_memory_direct, boot_info.acpi_rsdp, &power);
	power_known = true;
}

/* Where a register in memory is reached, or NULL. Aligned, as hardware wants it. */
static volatile void *register_memory(struct acpi_register reg, unsigned int bytes)
{
	if (reg.kind != ACPI_REGISTER_MEMORY || reg.address % bytes ||
	    !phys_reachable(reg.address, bytes))
		return NULL;
	return phys_to_virt(reg.address);
}

/* @bytes: 1 or 2. Returns 0 if the register cannot be reached. */
static uint32_t register_read(struct acpi_register reg, unsigned int bytes)
{
	volatile void *memory = register_memory(reg, bytes);

	if (reg.kind == ACPI_REGISTER_PORT)
		return bytes == 1 ? io_in8((uint16_t)reg.address) : io_in16((uint16_t)reg.address);
	if (!memory)
		return 0;
	return bytes == 1 ? *(volatile uint8_t *)memory : *(volatile uint16_t *)memory;
}

/* @bytes: 1 or 2. Returns false if the register cannot be reached. */
static bool register_write(struct acpi_register reg, unsigned int bytes, uint32_t value)
{
	volatile void *memory = register_memory(reg, bytes);

	if (reg.kind == ACPI_REGISTER_PORT) {
		if (bytes == 1)
			io_out8((uint16_t)reg.address, (uint8_t)value);
		else
			io_out16((uint16_t)reg.address, (uint16_t)value);
		return true;
	}
	if (!memory)
		return false;
	if (bytes == 1)
		*(volatile uint8_t *)memory = (uint8_t)value;
	else
		*(volatile uint16_t *)memory = (uint16_t)value;
	return true;
}

/* Leaves the legacy mode, in which the firmware owns the PM1 registers (4.8.2.5). */
static void enable_acpi_mode(void)
{
	if (!power.smi_command || !power.acpi_enable ||
	    register_read(power.pm1a_control, 2) & PM1_SCI_EN)
		return;
	io_out8(power.smi_command, power.acpi_enable);
	for (unsigned int i = 0; i < WAIT_READS; i++)
		if (register_read(power.pm1a_control, 2) & PM1_SCI_EN)
			return;
}

/* First the type, then the type and the enable bit: some hardware wants two writes. */
static bool pm1_sleep(struct acpi_register reg, uint32_t type)
{
	uint32_t value = register_read(reg, 2) & ~(uint32_t)(PM1_SLP_TYP | PM1_SLP_EN);

	value |= type << PM1_SLP_TYP_SHIFT;
	return register_write(reg, 2, value) && register_write(reg, 2, value | PM1_SLP_EN);
}

int acpi_poweroff(void)
{
	struct acpi_register reg;
	bool written;

	acpi_power_init();
	if (power_error)
		return power_error;
	if (!power.can_power_off)
		return -EXO_E_RANGE;
	if (power.sleep_control.kind != ACPI_REGISTER_NONE) {
		reg = power.sleep_control;
		written = register_write(reg, 1,
					 (uint32_t)power.sleep_type_a << SLEEP_CONTROL_TYP_SHIFT |
						 SLEEP_CONTROL_EN);
	} else {
		reg = power.pm1a_control;
		enable_acpi_mode();
		written = pm1_sleep(reg, power.sleep_type_a);
		if (power.pm1b_control.kind != ACPI_REGISTER_NONE)
			pm1_sleep(power.pm1b_control, power.sleep_type_b);
	}
	for (unsigned int i = 0; written && i < WAIT_READS; i++)
		register_read(reg, 1);
	return written ? -EXO_E_TIMEOUT : -EXO_E_RANGE;
}

int acpi_reset(void)
{
	acpi_power_init();
	if (power_error)
		return power_error;
	if (!power.can_reset || !register_write(power.reset, 1, power.reset_value))
		return -EXO_E_RANGE;
	for (unsigned int i = 0; i < WAIT_READS; i++)
		register_read(power.reset, 1);
	return -EXO_E_TIMEOUT;
}
