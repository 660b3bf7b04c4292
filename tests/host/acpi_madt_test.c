/* SPDX-License-Identifier: MIT */
/* acpi_madt_read(): tables as machines have them, tables that nobody should have, and none. */
#include <exo/acpi.h>
#include <exo/acpi_madt.h>
#include <exo/printf.h>
#include <exo/string.h>
#include <exo/test.h>

#define BASE 0x7fe0000u
#define RSDP 0u /* offsets in the made-up memory */
#define XSDT 64u
#define MADT 128u
#define MEMORY_SIZE 8192u

enum {
	APIC = 0,
	IO_APIC = 1,
	OVERRIDE = 2,
	NMI_SOURCE = 3,
	APIC_NMI = 4,
	ADDRESS = 5,
	X2APIC = 9,
	X2APIC_NMI = 10,
};
enum { ENABLED = 1, PLUGGABLE = 2 };
enum { LOW_LEVEL = 0xf, HIGH_LEVEL = 0xd, HIGH_EDGE = 0x5, CONFORMS = 0 };

static uint8_t memory[MEMORY_SIZE + 1]; /* used from 1 on: everything is unaligned */
static uint32_t madt_length; /* 0: no such table */
static struct acpi_madt madt;
static char problem[ACPI_MADT_PROBLEM_SIZE];

static const void *memory_at(const struct boot_memory_view *view, paddr_t base, uint64_t size)
{
	(void)view;
	if (base < BASE || base - BASE > MEMORY_SIZE || size > MEMORY_SIZE - (base - BASE))
		return NULL;
	return memory + 1 + (base - BASE);
}

static const struct boot_memory_view view = { .at = memory_at };

/* ---- making tables --------------------------------------------------------------------------- */

static void set(uint32_t offset, uint64_t value, uint32_t size)
{
	memcpy(memory + 1 + offset, &value, size);
}

/* Makes the sum of @size bytes at @offset 0 by the byte at @at. */
static void set_checksum(uint32_t offset, uint32_t size, uint32_t at)
{
	uint8_t sum = 0;

	set(at, 0, 1);
	for (uint32_t i = 0; i < size; i++)
		sum += memory[1 + offset + i];
	set(at, (uint8_t)-sum, 1);
}

static void seal(uint32_t table, const char *signature, uint32_t length)
{
	memcpy(memory + 1 + table, signature, 4);
	set(table + 4, length, 4);
	set_checksum(table, length, table + 9);
}

/* Adds an entry of zeros. Returns where its bytes begin. */
static uint32_t add_entry(unsigned int type, uint32_t length)
{
	const uint32_t at = MADT + madt_length;

	set(at, type, 1);
	set(at + 1, length, 1);
	madt_length += length;
	return at;
}

static void add_apic(uint8_t uid, uint8_t apic_id, uint32_t flags)
{
	const uint32_t at = add_entry(APIC, 8);

	set(at + 2, uid, 1);
	set(at + 3, apic_id, 1);
	set(at + 4, flags, 4);
}

static void add_x2apic(uint32_t uid, uint32_t apic_id, uint32_t flags)
{
	const uint32_t at = add_entry(X2APIC, 16);

	set(at + 4, apic_id, 4);
	set(at + 8, flags, 4);
	set(at + 12, uid, 4);
}

static void add_io_apic(uint8_t id, uint32_t address, uint32_t gsi_base)
{
	const uint32_t at = add_entry(IO_APIC, 12);

	set(at + 2, id, 1);
	set(at + 4, address, 4);
	set(at + 8, gsi_base, 4);
}

static void add_override(uint8_t bus, uint8_t source, uint32_t gsi, uint16_t flags)
{
	const uint32_t at = add_entry(OVERRIDE, 10);

	set(at + 2, bus, 1);
	set(at + 3, source, 1);
	set(at + 4, gsi, 4);
	set(at + 8, flags, 2);
}

static void add_nmi(uint8_t uid, uint16_t flags, uint8_t pin)
{
	const uint32_t at = add_entry(APIC_NMI, 6);

	set(at + 2, uid, 1);
	set(at + 3, flags, 2);
	set(at + 5, pin, 1);
}

static void add_x2apic_nmi(uint32_t uid, uint16_t flags, uint8_t pin)
{
	const uint32_t at = add_entry(X2APIC_NMI, 12);

	set(at + 2, flags, 2);
	set(at + 4, uid, 4);
	set(at + 8, pin, 1);
}

/* A machine with a MADT that has one CPU. */
static void machine(void)
{
	memset(memory, 0, sizeof(memory));
	madt_length = 44;
	set(MADT + 36, 0xfee00000, 4);
	set(MADT + 40, 1, 4);
	add_apic(0, 0, ENABLED);
}

/* What QEMU's q35 has, with two CPUs. */
static void pc(void)
{
	machine();
	add_apic(1, 1, ENABLED);
	add_io_apic(0, 0xfec00000, 0);
	add_override(0, 0, 2, CONFORMS);
	add_override(0, 5, 5, HIGH_LEVEL);
	add_override(0, 9, 9, HIGH_LEVEL);
	add_nmi(0xff, CONFORMS, 1);
}

static void seal_all(void)
{
	set(XSDT + 36, BASE + MADT, 8);
	if (madt_length)
		seal(MADT, "APIC", madt_length);
	seal(XSDT, "XSDT", 36 + 8);
	memset(memory + 1 + RSDP, 0, 36);
	memcpy(memory + 1 + RSDP, "RSD PTR ", 8);
	set(RSDP + 15, 2, 1); /* revision */
	set_checksum(RSDP, 20, RSDP + 8);
	set(RSDP + 20, 36, 4);
	set(RSDP + 24, BASE + XSDT, 8);
	set_checksum(RSDP, 36, RSDP + 32);
}

static int read(void)
{
	seal_all();
	memset(&madt, 0xa5, sizeof(madt));
	memset(problem, 0xa5, sizeof(problem));
	return acpi_madt_read(&view, BASE + RSDP, &madt, problem);
}

/* ---- looking at the result ------------------------------------------------------------------- */

static bool is_empty(void)
{
	for (unsigned int irq = 0; irq < NR_ISA_IRQS; irq++)
		if (madt.isa[irq].gsi != irq || madt.isa[irq].level || madt.isa[irq].active_low)
			return false;
	return madt.nr_cpus == 0 && madt.nr_cpus_left_out == 0 && madt.nr_cpus_pluggable == 0 &&
	       madt.nr_io_apics == 0 && madt.nr_io_apics_left_out == 0 && madt.nmi.pins == 0 &&
	       madt.lapic_address == 0 && !madt.has_pics;
}

static bool line_is(unsigned int irq, uint32_t gsi, bool active_low, bool level)
{
	return madt.isa[irq].gsi == gsi && madt.isa[irq].active_low == active_low &&
	       madt.isa[irq].level == level;
}

static bool cpu_is(unsigned int index, uint32_t apic_id, uint32_t uid)
{
	return index < madt.nr_cpus && madt.cpus[index].apic_id == apic_id &&
	       madt.cpus[index].uid == uid;
}

#define EXPECT_GOOD(test)                      \
	do {                                   \
		TEST_EQ(test, read(), 0);      \
		TEST_STREQ(test, problem, ""); \
	} while (0)

#define EXPECT_REFUSED(test, words)                \
	do {                                       \
		TEST_EQ(test, read(), -EXO_E_ARG); \
		TEST_STREQ(test, problem, words);  \
		TEST_TRUE(test, is_empty());       \
	} while (0)

/* ---- tables as they should be ---------------------------------------------------------------- */

static void no_madt(struct test *test)
{
	machine();
	madt_length = 0;
	TEST_EQ(test, read(), -EXO_E_RANGE);
	TEST_STREQ(test, problem, "");
	TEST_TRUE(test, is_empty());
	machine();
	seal_all();
	set(MADT + 44, 1, 1); /* does not sum up, and so is no table */
	TEST_EQ(test, acpi_madt_read(&view, BASE + RSDP, &madt, problem), -EXO_E_RANGE);
	TEST_TRUE(test, is_empty());
}

static void madt_of_a_pc(struct test *test)
{
	if (NR_CPUS < 2)
		TEST_SKIP(test, "one CPU");
	pc();
	EXPECT_GOOD(test);
	TEST_EQ(test, madt.nr_cpus, 2);
	TEST_TRUE(test, cpu_is(0, 0, 0) && cpu_is(1, 1, 1));
	TEST_EQ(test, madt.nr_cpus_left_out + madt.nr_cpus_pluggable, 0);
	TEST_EQ(test, madt.nr_io_apics, 1);
	TEST_EQ(test, madt.io_apics[0].address, 0xfec00000);
	TEST_EQ(test, madt.io_apics[0].gsi_base, 0);
	TEST_TRUE(test, line_is(0, 2, false, false));
	TEST_TRUE(test, line_is(1, 1, false, false));
	TEST_TRUE(test, line_is(2, MADT_NO_GSI, false, false)); /* its pin is the timer's */
	TEST_TRUE(test, line_is(5, 5, false, true));
	TEST_TRUE(test, line_is(9, 9, false, true));
	TEST_EQ(test, madt.nmi.pins, 2);
	TEST_EQ(test, madt.nmi.active_low, 0);
	TEST_EQ(test, madt.lapic_address, 0xfee00000);
	TEST_TRUE(test, madt.has_pics);
}

static void cpus_that_count(struct test *test)
{
	if (NR_CPUS < 4)
		TEST_SKIP(test, "fewer than four CPUs");
	machine();
	set(MADT + 40, 0, 4);
	add_apic(1, 2, 0);
	add_apic(2, 0xff, ENABLED); /* a place without a CPU */
	add_apic(3, 4, PLUGGABLE);
	add_x2apic(4, 300, ENABLED);
	add_x2apic(5, 301, PLUGGABLE);
	add_x2apic(6, 302, 0);
	add_x2apic(7, 0, ENABLED); /* the first one once more */
	add_apic(8, 7, ENABLED | PLUGGABLE);
	add_x2apic(9, 0xff, ENABLED); /* a number like others, here */
	add_x2apic(10, UINT32_MAX, 0);
	EXPECT_GOOD(test);
	TEST_EQ(test, madt.nr_cpus, 4);
	TEST_TRUE(test,
		  cpu_is(0, 0, 0) && cpu_is(1, 300, 4) && cpu_is(2, 7, 8) && cpu_is(3, 0xff, 9));
	TEST_EQ(test, madt.nr_cpus_pluggable, 2);
	TEST_TRUE(test, !madt.has_pics);
}

static void more_than_there_is_room_for(struct test *test)
{
	machine();
	for (uint32_t i = 1; i < NR_CPUS + 3; i++)
		add_x2apic(i, i, ENABLED);
	for (uint32_t i = 0; i < MADT_MAX_IO_APICS + 2; i++)
		add_io_apic((uint8_t)i, 0xfec00000 + 0x1000 * i, 24 * i);
	EXPECT_GOOD(test);
	TEST_EQ(test, madt.nr_cpus, NR_CPUS);
	TEST_EQ(test, madt.nr_cpus_left_out, 3);
	TEST_TRUE(test, cpu_is(NR_CPUS - 1, NR_CPUS - 1, NR_CPUS - 1));
	TEST_EQ(test, madt.nr_io_apics, MADT_MAX_IO_APICS);
	TEST_EQ(test, madt.nr_io_apics_left_out, 2);
	TEST_EQ(test, madt.io_apics[MADT_MAX_IO_APICS - 1].gsi_base, 24 * (MADT_MAX_IO_APICS - 1));
}

static void overrides(struct test *test)
{
	machine();
	add_override(0, 0, 2, HIGH_EDGE);
	add_override(0, 0, 2, CONFORMS); /* the same in other words */
	add_override(0, 2, 7, LOW_LEVEL); /* connected elsewhere, where 7 would be */
	add_override(0, 9, 20, LOW_LEVEL);
	add_override(0, 10, 10, 0xc);
	add_override(0, 11, 11, 0x3);
	add_override(0, 16, 3, LOW_LEVEL); /* no ISA interrupt */
	add_override(1, 4, 30, LOW_LEVEL); /* no ISA bus */
	EXPECT_GOOD(test);
	TEST_TRUE(test, line_is(0, 2, false, false));
	TEST_TRUE(test, line_is(2, 7, true, true));
	TEST_TRUE(test, line_is(3, 3, false, false));
	TEST_TRUE(test, line_is(4, 4, false, false));
	TEST_TRUE(test, line_is(7, MADT_NO_GSI, false, false));
	TEST_TRUE(test, line_is(9, 20, true, true));
	TEST_TRUE(test, line_is(10, 10, false, true));
	TEST_TRUE(test, line_is(11, 11, true, false));
	TEST_EQ(test, madt.nmi.pins, 0); /* what lies behind the lines */
}

/* NMI entries find their CPUs, wherever in the table these are. */
static void nmi_pins(struct test *test)
{
	if (NR_CPUS < 3)
		TEST_SKIP(test, "fewer than three CPUs");
	machine();
	add_nmi(5, 3, 1);
	add_nmi(0, CONFORMS, 0);
	add_x2apic_nmi(400, 3, 0);
	add_nmi(9, CONFORMS, 0); /* of nobody */
	add_apic(5, 1, ENABLED);
	add_x2apic(400, 300, ENABLED);
	EXPECT_GOOD(test);
	TEST_EQ(test, madt.nmi.pins, 0);
	TEST_EQ(test, madt.cpus[0].nmi.pins, 1);
	TEST_EQ(test, madt.cpus[0].nmi.active_low, 0);
	TEST_EQ(test, madt.cpus[1].nmi.pins, 2);
	TEST_EQ(test, madt.cpus[1].nmi.active_low, 2);
	TEST_EQ(test, madt.cpus[2].nmi.pins, 1);
	TEST_EQ(test, madt.cpus[2].nmi.active_low, 1);
	add_x2apic_nmi(UINT32_MAX, 3, 1);
	EXPECT_GOOD(test);
	TEST_EQ(test, madt.nmi.pins, 2);
	TEST_EQ(test, madt.nmi.active_low, 2);
}

static void other_entries(struct test *test)
{
	uint32_t at;

	machine();
	add_entry(NMI_SOURCE, 8);
	add_entry(0x7f, 2);
	add_entry(0xff, 255);
	at = add_entry(ADDRESS, 12);
	set(at + 4, 0x123456789000, 8);
	add_io_apic(3, 0xfec00010, 100);
	add_io_apic(4, 0xfec00010, 100); /* the same once more */
	EXPECT_GOOD(test);
	TEST_EQ(test, madt.nr_cpus, 1);
	TEST_EQ(test, madt.lapic_address, 0x123456789000);
	TEST_EQ(test, madt.nr_io_apics, 1);
	TEST_EQ(test, madt.io_apics[0].id, 3);
}

/* ---- tables as they should not be ------------------------------------------------------------ */

static void madt_of_impossible_length(struct test *test)
{
	for (uint32_t length = 36; length < 44; length++) {
		char words[ACPI_MADT_PROBLEM_SIZE];

		machine();
		madt_length = length;
		ksnprintf(words, sizeof(words), "MADT: has only %u bytes", length);
		EXPECT_REFUSED(test, words);
	}
	machine();
	madt_length = 44;
	EXPECT_REFUSED(test, "MADT: no CPU is enabled");
	add_apic(0, 0, 0);
	add_apic(0, 0, PLUGGABLE);
	EXPECT_REFUSED(test, "MADT: no CPU is enabled");
}

static void madt_entries_shorter_than_their_type(struct test *test)
{
	static const struct {
		uint8_t type, least;
	} rows[] = {
		{ APIC, 8 },	 { IO_APIC, 12 }, { OVERRIDE, 10 },   { APIC_NMI, 6 },
		{ ADDRESS, 12 }, { X2APIC, 16 },  { X2APIC_NMI, 12 }, { 0x80, 2 },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++)
		for (uint32_t length = 0; length < rows[i].least; length++) {
			char words[ACPI_MADT_PROBLEM_SIZE];

			machine();
			add_entry(rows[i].type, length);
			madt_length += 32 - length; /* bytes enough */
			ksnprintf(words, sizeof(words),
				  "MADT: the entry at byte 52, of type %u, has only %u bytes",
				  rows[i].type, length);
			EXPECT_REFUSED(test, words);
		}
}

static void madt_entries_that_run_over_the_end(struct test *test)
{
	machine();
	madt_length++; /* half of an entry's head */
	EXPECT_REFUSED(test, "MADT: the entry at byte 52 runs over the end");
	machine();
	add_apic(1, 1, ENABLED);
	madt_length--;
	EXPECT_REFUSED(test, "MADT: the entry at byte 52 runs over the end");
	machine();
	set(add_entry(0x80, 2) + 1, 3, 1);
	EXPECT_REFUSED(test, "MADT: the entry at byte 52 runs over the end");
}

static void impossible_io_apics(struct test *test)
{
	pc();
	add_io_apic(1, 0, 24);
	EXPECT_REFUSED(test, "MADT: I/O APIC 1 cannot be at 0x0");
	pc();
	add_io_apic(1, 0xfec01008, 24);
	EXPECT_REFUSED(test, "MADT: I/O APIC 1 cannot be at 0xfec01008");
	pc();
	add_io_apic(1, 0xfec00000, 24);
	EXPECT_REFUSED(test, "MADT: two I/O APICs at 0xfec00000 or from GSI 24 on");
	pc();
	add_io_apic(1, 0xfec01000, 0);
	EXPECT_REFUSED(test, "MADT: two I/O APICs at 0xfec01000 or from GSI 0 on");
}

static void contradictory_overrides(struct test *test)
{
	pc();
	add_override(0, 0, 3, CONFORMS);
	EXPECT_REFUSED(test, "MADT: irq 0 is GSI 3, flags 0x0, and something else");
	pc();
	add_override(0, 5, 5, HIGH_EDGE);
	EXPECT_REFUSED(test, "MADT: irq 5 is GSI 5, flags 0x5, and something else");
	pc();
	add_override(0, 5, 5, LOW_LEVEL);
	EXPECT_REFUSED(test, "MADT: irq 5 is GSI 5, flags 0xf, and something else");
	pc();
	add_override(0, 7, 7, 0x2);
	EXPECT_REFUSED(test, "MADT: override of irq 7 by GSI 7 with flags 0x2");
	pc();
	add_override(0, 7, 7, 0x8);
	EXPECT_REFUSED(test, "MADT: override of irq 7 by GSI 7 with flags 0x8");
	pc();
	add_override(0, 7, MADT_NO_GSI, CONFORMS);
	EXPECT_REFUSED(test, "MADT: override of irq 7 by GSI 4294967295 with flags 0x0");
}

static void impossible_cpus(struct test *test)
{
	pc();
	add_x2apic(2, UINT32_MAX, ENABLED);
	EXPECT_REFUSED(test, "MADT: a CPU has the APIC ID of all CPUs");
	pc();
	add_nmi(0xff, CONFORMS, 2);
	EXPECT_REFUSED(test, "MADT: NMI at LINT2 with flags 0x0");
	pc();
	add_x2apic_nmi(1, 2, 0);
	EXPECT_REFUSED(test, "MADT: NMI at LINT0 with flags 0x2");
}

static const struct test_case acpi_madt_cases[] = {
	TEST_CASE(no_madt),
	TEST_CASE(madt_of_a_pc),
	TEST_CASE(cpus_that_count),
	TEST_CASE(more_than_there_is_room_for),
	TEST_CASE(overrides),
	TEST_CASE(nmi_pins),
	TEST_CASE(other_entries),
	TEST_CASE(madt_of_impossible_length),
	TEST_CASE(madt_entries_shorter_than_their_type),
	TEST_CASE(madt_entries_that_run_over_the_end),
	TEST_CASE(impossible_io_apics),
	TEST_CASE(contradictory_overrides),
	TEST_CASE(impossible_cpus),
};
TEST_SUITE(acpi_madt, acpi_madt_cases);
