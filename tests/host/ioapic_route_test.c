/* SPDX-License-Identifier: MIT */
/* Lines and the pins of I/O APICs: overrides, several I/O APICs, holes, pins with two names. */
#include <arch/ioapic.h>
#include <exo/test.h>

#define LINES 64u

static struct madt_line isa[NR_ISA_IRQS];
static struct irq_route routes[LINES];

/* ISA's lines without overrides. */
static void identity(void)
{
	for (unsigned int irq = 0; irq < NR_ISA_IRQS; irq++)
		isa[irq] = (struct madt_line){ .gsi = irq };
}

static bool is_at(unsigned int irq, unsigned int io_apic, unsigned int pin)
{
	return routes[irq].connected && routes[irq].io_apic == io_apic && routes[irq].pin == pin;
}

static void lines_without_overrides(struct test *test)
{
	static const struct ioapic_pins pins[] = { { 0, 24 } };

	identity();
	ioapic_route(isa, pins, 1, routes, LINES);
	for (unsigned int irq = 0; irq < LINES; irq++) {
		TEST_EQ(test, routes[irq].connected, irq < 24);
		TEST_EQ(test, routes[irq].gsi, irq);
		TEST_EQ(test, routes[irq].level, irq >= NR_ISA_IRQS);
		TEST_EQ(test, routes[irq].active_low, irq >= NR_ISA_IRQS);
		if (irq < 24)
			TEST_TRUE(test, is_at(irq, 0, irq));
	}
	TEST_EQ(test, ioapic_entry(&routes[4], 36), 36); /* an edge, active high */
	TEST_EQ(test, ioapic_entry(&routes[23], 55), 0xa000 | 55);
}

/* A PC: the timer at pin 2, where the cascade would be; ACPI's interrupt a level, active high. */
static void lines_of_a_pc(struct test *test)
{
	static const struct ioapic_pins pins[] = { { 0, 24 } };

	identity();
	isa[0].gsi = 2;
	isa[2].gsi = MADT_NO_GSI;
	isa[9].level = true;
	isa[11] = (struct madt_line){ .gsi = 20, .active_low = true };
	ioapic_route(isa, pins, 1, routes, LINES);
	TEST_TRUE(test, is_at(0, 0, 2));
	TEST_TRUE(test, !routes[2].connected);
	TEST_TRUE(test, is_at(9, 0, 9));
	TEST_EQ(test, ioapic_entry(&routes[9], 41), 0x8000 | 41);
	TEST_TRUE(test, is_at(11, 0, 20));
	TEST_EQ(test, ioapic_entry(&routes[11], 43), 0x2000 | 43);
	TEST_TRUE(test, !routes[20].connected); /* it is line 11 */
	TEST_TRUE(test, is_at(21, 0, 21));
}

static void several_io_apics(struct test *test)
{
	/* Not in order, a hole from 40 to 47, one that does not answer, one that overlaps. */
	static const struct ioapic_pins pins[] = {
		{ 24, 16 }, { 0, 24 }, { 40, 0 }, { 48, 8 }, { 52, 24 }, { UINT32_MAX - 3, 24 },
	};

	identity();
	isa[3].gsi = 30;
	isa[5].gsi = 44; /* in the hole */
	isa[6].gsi = 30; /* where 3 is already */
	ioapic_route(isa, pins, ARRAY_SIZE(pins), routes, LINES);
	TEST_TRUE(test, is_at(0, 1, 0));
	TEST_TRUE(test, is_at(3, 0, 6));
	TEST_TRUE(test, !routes[5].connected && !routes[6].connected);
	TEST_TRUE(test, is_at(23, 1, 23) && is_at(24, 0, 0) && is_at(39, 0, 15));
	TEST_TRUE(test, !routes[30].connected); /* it is line 3 */
	for (unsigned int irq = 40; irq < 48; irq++)
		TEST_TRUE(test, !routes[irq].connected);
	TEST_TRUE(test, is_at(48, 3, 0) && is_at(55, 3, 7) && is_at(56, 4, 4));
}

/* No number wraps round: GSI 3 is not behind the end of an I/O APIC at the end of all numbers. */
static void numbers_do_not_wrap(struct test *test)
{
	static const struct ioapic_pins pins[] = { { UINT32_MAX - 3, 24 } };

	identity();
	isa[1].gsi = UINT32_MAX - 1;
	isa[7].gsi = MADT_NO_GSI;
	ioapic_route(isa, pins, 1, routes, LINES);
	for (unsigned int irq = 0; irq < LINES; irq++)
		TEST_EQ(test, routes[irq].connected, irq == 1);
	TEST_TRUE(test, is_at(1, 0, 2));
	ioapic_route(isa, pins, 0, routes, NR_ISA_IRQS);
	TEST_TRUE(test, !routes[1].connected);
}

static const struct test_case ioapic_route_cases[] = {
	TEST_CASE(lines_without_overrides),
	TEST_CASE(lines_of_a_pc),
	TEST_CASE(several_io_apics),
	TEST_CASE(numbers_do_not_wrap),
};
TEST_SUITE(ioapic_route, ioapic_route_cases);
