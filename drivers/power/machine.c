/* SPDX-License-Identifier: MIT */
/* Ends of a run on a PC: debug exit, ACPI power off, the ways to reset. */
#include <arch/cpu.h>
#include <arch/io.h>
#include <exo/acpi.h>
#include <exo/console.h>
#include <exo/machine.h>

enum reset_port {
	KEYBOARD_COMMAND = 0x64, /* 8042: 0xfe pulses the reset line */
	CHIPSET_RESET = 0xcf9, /* PIIX/ICH reset control: 2 then 6 is a hard reset */
};

#define POLL_LIMIT 100000 /* a guess: tens of milliseconds of port reads */

void machine_debug_exit(enum machine_status status)
{
	if (IS_ENABLED(CONFIG_DEBUG_EXIT))
		io_out32(CONFIG_DEBUG_EXIT_PORT, status);
}

void machine_halt(void)
{
	cpu_halt();
}

void machine_exit(enum machine_status status)
{
	machine_debug_exit(status);
	machine_poweroff();
}

void machine_poweroff(void)
{
	acpi_poweroff();
	console_printf("exo-kernel: this machine cannot be powered off by software; halted\n");
	cpu_halt();
}

void machine_reboot(void)
{
	const struct __packed {
		uint16_t limit;
		uint64_t base;
	} no_idt = { 0, 0 };

	acpi_reset();
	for (unsigned int i = 0; i < POLL_LIMIT && (io_in8(KEYBOARD_COMMAND) & 2); i++)
		cpu_pause();
	io_out8(KEYBOARD_COMMAND, 0xfe);
	for (unsigned int i = 0; i < POLL_LIMIT; i++)
		cpu_pause();
	io_out8(CHIPSET_RESET, 2);
	io_out8(CHIPSET_RESET, 6);
	for (unsigned int i = 0; i < POLL_LIMIT; i++)
		cpu_pause();
	__asm__ volatile("lidt %0; int3" : : "m"(no_idt));
	cpu_halt();
}
