/* SPDX-License-Identifier: MIT */
/* Where the HPET and the power management timer are, by valid tables and by others. */
#include <exo/acpi.h>
#include <exo/string.h>
#include <exo/test.h>

#define MEMORY_SIZE 2048u
#define RSDP 0u /* offsets in the made-up memory */
#define XSDT 64u
#define FADT 512u
#define HPET 1024u
#define FADT_SIZE 276u
#define HPET_SIZE 56u

static uint8_t memory[MEMORY_SIZE];
static struct acpi_timers timers;

static const void *memory_at(const struct boot_memory_view *view, paddr_t base, uint64_t size)
{
	(void)view;
	return base <= MEMORY_SIZE && size <= MEMORY_SIZE - base ? memory + base : NULL;
}

static const struct boot_memory_view view = { .at = memory_at };

static void set(uint32_t offset, uint64_t value, uint32_t size)
{
	memcpy(memory + offset, &value, size);
}

static void seal(uint32_t at, const char *signature, uint32_t length)
{
	uint8_t sum = 0;

	memcpy(memory + at, signature, 4);
	set(at + 4, length, 4);
	set(at + 9, 0, 1);
	for (uint32_t i = 0; i < length; i++)
		sum += memory[at + i];
	set(at + 9, (uint8_t)-sum, 1);
}

/* Q35's tables, nearly. The RSDP is at 16: 0 would mean to search for it. */
static void machine(void)
{
	memset(memory, 0, sizeof(memory));
	set(XSDT + 36, FADT, 8);
	set(XSDT + 44, HPET, 8);
	set(FADT + 76, 0x608, 4); /* PM_TMR_BLK */
	set(FADT + 91, 4, 1); /* PM_TMR_LEN */
	set(HPET + 44, 0xfed00000, 8); /* in memory: the space before it is 0 */
}

static void read_with(uint32_t fadt_size, uint32_t hpet_size)
{
	uint8_t sum = 0;

	seal(XSDT, "XSDT", 52);
	seal(FADT, "FACP", fadt_size);
	seal(HPET, "HPET", hpet_size);
	memcpy(memory + 16, "RSD PTR ", 8);
	set(16 + 15, 2, 1);
	set(16 + 20, 36, 4);
	set(16 + 24, XSDT, 8);
	set(16 + 8, 0, 1);
	set(16 + 32, 0, 1);
	for (uint32_t i = 0; i < 20; i++)
		sum += memory[16 + i];
	set(16 + 8, (uint8_t)-sum, 1);
	sum = 0;
	for (uint32_t i = 0; i < 36; i++)
		sum += memory[16 + i];
	set(16 + 32, (uint8_t)-sum, 1);
	memset(&timers, 0xa5, sizeof(timers));
	acpi_timers_decode(&view, 16, &timers);
}

static void read_all(void)
{
	read_with(FADT_SIZE, HPET_SIZE);
}

static void both_are_found(struct test *test)
{
	machine();
	read_all();
	TEST_EQ(test, timers.hpet, 0xfed00000);
	TEST_EQ(test, timers.pm_timer.kind, ACPI_REGISTER_PORT);
	TEST_EQ(test, timers.pm_timer.address, 0x608);
	TEST_TRUE(test, !timers.pm_timer_wide);
	set(FADT + 112, 1 << 8, 4);
	read_all();
	TEST_TRUE(test, timers.pm_timer_wide);
}

/* The extended field counts where it is filled in. */
static void extended_field(struct test *test)
{
	machine();
	set(FADT + 208, 1, 1);
	set(FADT + 212, 0xb008, 8);
	read_all();
	TEST_EQ(test, timers.pm_timer.kind, ACPI_REGISTER_PORT);
	TEST_EQ(test, timers.pm_timer.address, 0xb008);
	set(FADT + 208, 0, 1);
	read_all();
	TEST_EQ(test, timers.pm_timer.kind, ACPI_REGISTER_MEMORY);
	set(FADT + 212, 0, 8);
	read_all();
	TEST_EQ(test, timers.pm_timer.address, 0x608);
	/* A table of ACPI 1.0 ends before it. */
	set(FADT + 212, 0xb008, 8);
	read_with(116, HPET_SIZE);
	TEST_EQ(test, timers.pm_timer.address, 0x608);
}

static void none_are_found(struct test *test)
{
	machine();
	read_all();
	set(HPET + 20, 1, 1); /* wrong checksums: no tables */
	set(FADT + 20, 1, 1);
	acpi_timers_decode(&view, 16, &timers);
	TEST_EQ(test, timers.hpet, 0);
	TEST_EQ(test, timers.pm_timer.kind, ACPI_REGISTER_NONE);
	memset(memory, 0, sizeof(memory)); /* no RSDP */
	memset(&timers, 0xa5, sizeof(timers));
	acpi_timers_decode(&view, 0, &timers);
	TEST_EQ(test, timers.hpet, 0);
	TEST_EQ(test, timers.pm_timer.kind, ACPI_REGISTER_NONE);
	TEST_TRUE(test, !timers.pm_timer_wide);
}

static void hpet_that_makes_no_sense(struct test *test)
{
	machine();
	set(HPET + 40, 1, 1); /* in ports */
	read_all();
	TEST_EQ(test, timers.hpet, 0);
	set(HPET + 40, 0, 1);
	set(HPET + 44, 0xfed00004, 8);
	read_all();
	TEST_EQ(test, timers.hpet, 0);
	machine();
	read_with(FADT_SIZE, 51); /* ends within the address */
	TEST_EQ(test, timers.hpet, 0);
	read_with(FADT_SIZE, 52);
	TEST_EQ(test, timers.hpet, 0xfed00000);
}

static void pm_timer_that_makes_no_sense(struct test *test)
{
	machine();
	set(FADT + 91, 0, 1);
	read_all();
	TEST_EQ(test, timers.pm_timer.kind, ACPI_REGISTER_NONE);
	machine();
	set(FADT + 112, 1 << 20, 4); /* hardware-reduced */
	read_all();
	TEST_EQ(test, timers.pm_timer.kind, ACPI_REGISTER_NONE);
	machine();
	set(FADT + 76, 0x10608, 4); /* no port has this number */
	read_all();
	TEST_EQ(test, timers.pm_timer.kind, ACPI_REGISTER_NONE);
	machine();
	read_with(91, HPET_SIZE); /* ends before the length */
	TEST_EQ(test, timers.pm_timer.kind, ACPI_REGISTER_NONE);
}

static const struct test_case acpi_timers_cases[] = {
	TEST_CASE(both_are_found),
	TEST_CASE(extended_field),
	TEST_CASE(none_are_found),
	TEST_CASE(hpet_that_makes_no_sense),
	TEST_CASE(pm_timer_that_makes_no_sense),
};
TEST_SUITE(acpi_timers, acpi_timers_cases);
