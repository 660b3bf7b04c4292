/* SPDX-License-Identifier: MIT */
/*
 * The HPET's main counter (IA-PC HPET Specification 1.0a, 2.3). Its comparators stay unused. Only
 * the low 32 bits are read: a 64-bit read is two reads on some machines, and wraps in between.
 */
#include <arch/clock.h>
#include <arch/memory.h>

enum hpet_register {
	HPET_PERIOD = 0x04, /* femtoseconds a tick */
	HPET_CONFIG = 0x10, /* bit 0: counts; bit 1: takes over the PIT's and the RTC's lines */
	HPET_COUNTER = 0xf0,
};

#define HPET_SIZE 1024
#define CONFIG_COUNTS 1u
#define CONFIG_TAKES_LINES 2u
#define FS_PER_S 1000000000000000ull
#define PERIOD_MIN 100000u /* a guess: 10 GHz */
#define PERIOD_MAX 100000000u /* the specification's: 10 MHz */

static volatile uint32_t *registers;

static uint64_t hpet_read(void)
{
	return registers[HPET_COUNTER / 4];
}

const struct clock_source *clock_hpet_find(const struct acpi_timers *timers)
{
	static struct clock_source source = { "hpet", 0, UINT32_MAX, hpet_read, NULL };
	uint32_t period;

	if (!timers->hpet || !phys_reachable(timers->hpet, HPET_SIZE))
		return NULL;
	registers = phys_to_virt(timers->hpet);
	period = registers[HPET_PERIOD / 4];
	if (period < PERIOD_MIN || period > PERIOD_MAX)
		return NULL;
	source.hz = FS_PER_S / period;
	registers[HPET_CONFIG / 4] =
		(registers[HPET_CONFIG / 4] & ~CONFIG_TAKES_LINES) | CONFIG_COUNTS;
	return &source;
}
