/* SPDX-License-Identifier: MIT */
/*
 * Interrupt lines as objects, with devices that really interrupt: a comparator of the HPET (IA-PC
 * HPET Specification 1.0a, 2.3.8) by a line of levels, and the clock chip (Motorola MC146818) by
 * one of edges. Everything is done with interrupts off, as in a system call, but for the waiting.
 */
#include "thread_support.h"

#include <arch/io.h>
#include <arch/memory.h>
#include <exo/acpi.h>
#include <exo/boot_info.h>
#include <exo/env.h>
#include <exo/test.h>

#include "poll.h"

#define BIT UINT64_C(0x20)
#define SETTLED 20000000ll /* ticks of the TSC in which nothing more comes: a guess */

/* Of the HPET, as 32-bit words; a comparator has a block of its own. */
enum {
	HPET_CAPABILITIES = 0x00 / 4, /* bits 12:8: the last comparator */
	HPET_CONFIG = 0x10 / 4,
	HPET_STATUS = 0x20 / 4, /* a bit a comparator; written as 1 to clear it */
	HPET_COUNTER = 0xf0 / 4,
	HPET_TIMER = 0x100 / 4,
	HPET_TIMER_STEP = 0x20 / 4,
	HPET_TIMER_ROUTES = 1, /* of a block: the lines that it can interrupt by, a bit each */
	HPET_TIMER_COMPARATOR = 2,
};
#define HPET_SIZE 1024
#define HPET_COUNTS 1u
#define TIMER_LEVEL 2u
#define TIMER_INTERRUPTS 4u
#define TIMER_ROUTE_SHIFT 9

enum { RTC_INDEX = 0x70, RTC_DATA = 0x71 };
enum { RTC_B = 11, RTC_C = 12 };
#define RTC_B_PERIODIC 0x40
#define RTC_IRQ 8

static struct cap slot __aligned(64);
static struct bank *bank;
static struct ntf *ntf;
static volatile uint32_t *hpet;

/* A capability to all lines, and a notification. */
static int begin(void)
{
	const uint64_t flags = irq_save();
	struct bank *all;
	int error = bank_root() ? 0 : bank_make_root(&all);

	if (!error)
		error = bank_make(bank_root(), 16, EXO_NODE_ANY, &bank);
	if (!error)
		error = ntf_make(bank, &ntf);
	if (!error) {
		ntf->object.state = OBJECT_LIVE; /* no capability is needed here */
		atomic_store(&slot.value, CAP_BUSY);
		cap_make(&slot, irq_object_make(), EXO_RIGHTS_ALL);
		slot.count = NR_IRQS;
	}
	irq_restore(flags);
	return error;
}

static int bind(unsigned int line)
{
	const uint64_t flags = irq_save();
	const int error = irq_object_bind(&slot, atomic_load(&slot.value), line, ntf, BIT);

	irq_restore(flags);
	return error;
}

static int ack(unsigned int line)
{
	const uint64_t flags = irq_save();
	const int error = irq_object_ack(&slot, line);

	irq_restore(flags);
	return error;
}

/* Deletes the capability, which unbinds, and the rest. */
static void finish(void)
{
	const uint64_t flags = irq_save();

	(void)cap_delete_one(&slot, CAP_EMPTY);
	(void)bank_end_some(bank);
	while (object_end_some())
		;
	irq_restore(flags);
}

/* Whether it has been signalled, or is within @ticks; then it is no more. */
static bool comes_within(int64_t ticks)
{
	const bool comes = POLL_UNTIL(__atomic_load_n(&ntf->word, __ATOMIC_RELAXED) == BIT, ticks);

	ntf->word = 0; /* whoever would signal it waits for an ack */
	return comes;
}

/* --- a line of levels --------------------------------------------------------------------------*/

/* The last comparator's registers; NULL: there is none. */
static volatile uint32_t *find_comparator(unsigned int *number)
{
	struct acpi_timers timers;

	acpi_timers_decode(&boot_memory_direct, boot_info.acpi_rsdp, &timers);
	if (!timers.hpet || !phys_reachable(timers.hpet, HPET_SIZE))
		return NULL;
	hpet = phys_to_virt(timers.hpet);
	*number = hpet[HPET_CAPABILITIES] >> 8 & 0x1f;
	return &hpet[HPET_TIMER + *number * HPET_TIMER_STEP];
}

/* A line of levels that the comparator can have, bound; NR_IRQS: none. */
static unsigned int bind_level(const volatile uint32_t *comparator)
{
	const uint32_t routes = comparator[HPET_TIMER_ROUTES];

	for (unsigned int line = 16; line < NR_IRQS && line < 32; line++)
		if (routes >> line & 1 && !bind(line))
			return line;
	return NR_IRQS;
}

static void try_level(struct test *test, volatile uint32_t *comparator, unsigned int number,
		      unsigned int line)
{
	const uint64_t before = irq_line(line)->count;

	hpet[HPET_CONFIG] |= HPET_COUNTS;
	comparator[HPET_TIMER_COMPARATOR] = hpet[HPET_COUNTER] + 100000;
	comparator[0] = TIMER_LEVEL | TIMER_INTERRUPTS | line << TIMER_ROUTE_SHIFT;
	TEST_TRUE(test, comes_within(POLL_PATIENCE));
	/* The device goes on wanting something, and is not heard. */
	TEST_TRUE(test, !comes_within(SETTLED));
	TEST_EQ(test, irq_line(line)->count, before + 1);
	/* It is as soon as it may, as it has not been served. */
	TEST_EQ(test, ack(line), 0);
	TEST_TRUE(test, comes_within(POLL_PATIENCE));
	TEST_EQ(test, irq_line(line)->count, before + 2);
	hpet[HPET_STATUS] = 1u << number;
	TEST_EQ(test, ack(line), 0);
	TEST_TRUE(test, !comes_within(SETTLED));
	TEST_EQ(test, irq_line(line)->count, before + 2);
	/* And the next time again. */
	comparator[HPET_TIMER_COMPARATOR] = hpet[HPET_COUNTER] + 100000;
	TEST_TRUE(test, comes_within(POLL_PATIENCE));
	TEST_EQ(test, irq_line(line)->count, before + 3);
}

static void irq_object_of_levels(struct test *test)
{
	volatile uint32_t *comparator;
	unsigned int number = 0, line;

	if (!IS_ENABLED(CONFIG_APIC) || !IS_ENABLED(CONFIG_HPET))
		TEST_SKIP(test, "CONFIG_APIC=n or CONFIG_HPET=n");
	if (begin())
		TEST_SKIP(test, "no memory");
	comparator = find_comparator(&number);
	line = comparator ? bind_level(comparator) : NR_IRQS;
	if (line < NR_IRQS)
		try_level(test, comparator, number, line);
	if (comparator) {
		comparator[0] = 0;
		hpet[HPET_STATUS] = 1u << number;
	}
	finish();
	if (line == NR_IRQS)
		TEST_SKIP(test, "no HPET that interrupts by such a line");
	TEST_TRUE(test, !irq_line(line)->lent);
}

/* --- a line of edges ---------------------------------------------------------------------------*/

static uint8_t rtc_read(uint8_t index)
{
	io_out8(RTC_INDEX, index);
	return io_in8(RTC_DATA);
}

static void rtc_write(uint8_t index, uint8_t value)
{
	io_out8(RTC_INDEX, index);
	io_out8(RTC_DATA, value);
}

/* It raises the line again only once register C has been read. */
static void try_edges(struct test *test)
{
	const struct irq_line *line = irq_line(RTC_IRQ);
	const uint64_t before = line->count;
	uint64_t masked;

	rtc_write(RTC_B, rtc_read(RTC_B) | RTC_B_PERIODIC);
	(void)rtc_read(RTC_C);
	TEST_TRUE(test, comes_within(POLL_PATIENCE));
	/* Served but not acked: one more comes, is not told, and then none. Where a CPU was slow to
	 * mask the line another one was on its way to it. */
	(void)rtc_read(RTC_C);
	TEST_TRUE(test, !comes_within(SETTLED));
	masked = line->count;
	TEST_TRUE(test, masked == before + 2 || masked == before + 3);
	for (unsigned int i = 0; i < 3; i++) {
		(void)rtc_read(RTC_C);
		TEST_TRUE(test, !comes_within(SETTLED));
	}
	TEST_EQ(test, line->count, masked);
	TEST_EQ(test, ack(RTC_IRQ), 0);
	TEST_TRUE(test, comes_within(POLL_PATIENCE)); /* that one */
	(void)rtc_read(RTC_C);
	TEST_EQ(test, ack(RTC_IRQ), 0);
	TEST_TRUE(test, comes_within(POLL_PATIENCE)); /* and it goes on */
	TEST_TRUE(test, line->count > masked);
}

static void irq_object_of_edges(struct test *test)
{
	uint8_t b;
	int error;

	if (begin())
		TEST_SKIP(test, "no memory");
	b = rtc_read(RTC_B);
	error = bind(RTC_IRQ);
	if (!error) {
		TEST_EQ(test, bind(RTC_IRQ), -EXO_E_BUSY);
		TEST_EQ(test, irq_register(RTC_IRQ, NULL, NULL, "test"), -EXO_E_BUSY);
		try_edges(test);
	}
	rtc_write(RTC_B, b);
	(void)rtc_read(RTC_C);
	finish();
	if (error)
		TEST_SKIP(test, "line 8 is in use");
}

/* What the kernel has, programs cannot have. */
static void irq_object_not_of_the_kernels(struct test *test)
{
	unsigned int kept = 0;

	if (begin())
		TEST_SKIP(test, "no memory");
	for (unsigned int line = 0; line < NR_IRQS; line++) {
		if (!irq_line(line)->handler)
			continue;
		kept++;
		TEST_EQ(test, bind(line), -EXO_E_BUSY);
	}
	TEST_EQ(test, bind(NR_IRQS), -EXO_E_RANGE);
	finish();
	if (!kept)
		TEST_SKIP(test, "the kernel has no line");
}

static const struct test_case irq_object_cases[] = {
	TEST_CASE(irq_object_of_levels),
	TEST_CASE(irq_object_of_edges),
	TEST_CASE(irq_object_not_of_the_kernels),
};
TEST_SUITE(irq_object, irq_object_cases);
