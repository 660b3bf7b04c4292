/* SPDX-License-Identifier: MIT */
/* The ACPI power management timer (ACPI 6.5, 4.8.3.3): 24 or 32 bits at 3.579545 MHz. */
#include <arch/clock.h>
#include <arch/io.h>
#include <arch/memory.h>

#define PM_TIMER_HZ 3579545u
#define PM_TIMER_SIZE 4

static uint16_t port;
static volatile uint32_t *memory; /* instead of @port, if not NULL */

static uint64_t pm_read(void)
{
	return memory ? *memory : io_in32(port);
}

const struct clock_source *clock_pm_find(const struct acpi_timers *timers)
{
	static struct clock_source source = { "acpi_pm", PM_TIMER_HZ, 0xffffff, pm_read, NULL };
	const struct acpi_register *reg = &timers->pm_timer;

	if (reg->kind == ACPI_REGISTER_NONE)
		return NULL;
	if (reg->kind == ACPI_REGISTER_MEMORY) {
		if (reg->address % PM_TIMER_SIZE || !phys_reachable(reg->address, PM_TIMER_SIZE))
			return NULL;
		memory = phys_to_virt(reg->address);
	}
	port = (uint16_t)reg->address;
	if (timers->pm_timer_wide)
		source.mask = UINT32_MAX;
	return &source;
}
