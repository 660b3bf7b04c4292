/* SPDX-License-Identifier: MIT */
/*
 * Where the HPET and the power management timer are. Pure code over hostile tables.
 * Sources: ACPI 6.5, 5.2.9 (FADT), 4.8.3.3 (the timer); IA-PC HPET Specification 1.0a, 3.2.4.
 */
#include "acpi_fields.h"

/* Offsets in the FADT and bits of its flags. */
enum {
	FADT_PM_TMR_BLK = 76, /* 4 bytes: a port */
	FADT_PM_TMR_LEN = 91, /* 1: 4, or 0 if there is no timer */
	FADT_FLAGS = 112, /* 4 */
	FADT_X_PM_TMR_BLK = 208, /* generic address */

	FADT_FLAG_TMR_VAL_EXT = 1 << 8,
	FADT_FLAG_HARDWARE_REDUCED = 1 << 20,
};

#define PM_TIMER_BYTES 4

/* Offsets in the HPET table. */
enum {
	HPET_BASE = 40, /* generic address */
};

#define HPET_ALIGNMENT 8

static struct acpi_bytes table(const struct boot_memory_view *view, paddr_t rsdp,
			       const char *signature)
{
	struct acpi_bytes bytes = { NULL, 0 };
	paddr_t at;

	if (acpi_find_table(view, rsdp, signature, 0, &at, &bytes.size))
		return bytes;
	bytes.at = view->at(view, at, bytes.size);
	if (!bytes.at)
		bytes.size = 0;
	return bytes;
}

void acpi_timers_decode(const struct boot_memory_view *view, paddr_t rsdp,
			struct acpi_timers *timers)
{
	const struct acpi_bytes hpet = table(view, rsdp, "HPET");
	const struct acpi_bytes fadt = table(view, rsdp, "FACP");
	const uint64_t flags = acpi_number(fadt, FADT_FLAGS, 4);
	const struct acpi_register base = acpi_generic_register(hpet, HPET_BASE);

	*timers = (struct acpi_timers){ 0 };
	if (base.kind == ACPI_REGISTER_MEMORY && base.address % HPET_ALIGNMENT == 0)
		timers->hpet = base.address;
	if (flags & FADT_FLAG_HARDWARE_REDUCED ||
	    acpi_number(fadt, FADT_PM_TMR_LEN, 1) != PM_TIMER_BYTES)
		return;
	timers->pm_timer = acpi_either_register(fadt, FADT_X_PM_TMR_BLK, FADT_PM_TMR_BLK);
	timers->pm_timer_wide = flags & FADT_FLAG_TMR_VAL_EXT;
}
