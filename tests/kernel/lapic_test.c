/* SPDX-License-Identifier: MIT */
/*
 * The local APIC of the CPU that runs this, and lines of levels at an I/O APIC, for which a
 * comparator of the HPET is borrowed (IA-PC HPET Specification 1.0a, 2.3.8).
 */
#include <arch/cpu.h>
#include <arch/interrupt.h>
#include <arch/lapic.h>
#include <arch/memory.h>
#include <exo/irq.h>
#include <exo/preempt.h>
#include <exo/test.h>

#include "poll.h"

#define STRAY_VECTOR 0xf0 /* nobody's, and more urgent than every device */

#define HPET_ADDRESS 0xfed00000u /* where every PC has it */
#define HPET_SIZE 1024u
enum {
	HPET_ID = 0x00 / 4,
	HPET_CONFIG = 0x10 / 4,
	HPET_STATUS = 0x20 / 4,
	HPET_COUNTER = 0xf0 / 4,
	HPET_TIMER2 = 0x140 / 4,
	HPET_TIMER2_ROUTES = 0x144 / 4, /* a bit for each global system interrupt */
	HPET_TIMER2_COMPARATOR = 0x148 / 4,
};
#define HPET_VENDOR_INTEL 0x8086u
#define HPET_LAST_TIMER(id) ((id) >> 8 & 0x1f)
#define TIMER_LEVEL 0x2u
#define TIMER_INTERRUPTS 0x4u
#define TIMER_32_BITS 0x100u /* compares the low half, which is all that is written here */
#define TIMER_ROUTE_SHIFT 9
#define TIMER2_STATUS 0x4u
#define TIMER_TICKS 200000u /* of at most 100 ns */
#define TIMER_TRIES 20

static volatile uint32_t *const hpet = (volatile uint32_t *)(DIRECT_MAP_BASE + HPET_ADDRESS);
static volatile unsigned int hpet_interrupts, hpet_wanted;

/* Sends this CPU an interrupt; returns whether it has come and is ended. */
static bool stray_ends(void)
{
	const uint64_t before = interrupts_unexpected;
	bool good;

	preempt_disable(); /* the one that sends is the one to which it comes */
	lapic_send(lapic_id(), STRAY_VECTOR);
	good = POLL_UNTIL(interrupts_unexpected != before, POLL_PATIENCE) &&
	       !lapic_in_service(STRAY_VECTOR);
	preempt_enable();
	return good;
}

/* An interrupt to itself arrives, and is ended although nobody knows it: the next one comes too. */
static void lapic_ends_strays(struct test *test)
{
	const uint64_t before = interrupts_unexpected;

	if (!lapic_present())
		TEST_SKIP(test, "no local APIC");
	for (unsigned int i = 1; i <= 3; i++) {
		TEST_TRUE(test, stray_ends());
		TEST_EQ(test, interrupts_unexpected, before + i);
	}
}

static void lapic_errors_are_counted(struct test *test)
{
	const uint64_t before = lapic_errors();

	if (!lapic_present())
		TEST_SKIP(test, "no local APIC");
	__asm__ volatile("int %0" : : "i"(VECTOR_LAPIC_ERROR) : "memory");
	TEST_EQ(test, lapic_errors(), before + 1);
}

static void lapic_knows_whom_it_reaches(struct test *test)
{
	if (!lapic_present())
		TEST_SKIP(test, "no local APIC");
	TEST_TRUE(test, lapic_reaches(lapic_id()) && lapic_reaches(0) && lapic_reaches(254));
	TEST_TRUE(test, !lapic_reaches(UINT32_MAX));
	TEST_EQ(test, lapic_reaches(300),
		lapic_mode_name()[0] == 'x' && lapic_mode_name()[1] == '2');
	TEST_TRUE(test, lapic_read(LAPIC_SPURIOUS) == (LAPIC_ENABLED | VECTOR_SPURIOUS));
}

/* It counts last: the test may be on another CPU, and prepares the next round at once. */
static void hpet_interrupt(void *context)
{
	const unsigned int count = hpet_interrupts + 1;

	(void)context;
	if (count >= hpet_wanted) { /* else the line stays up: it must interrupt again */
		hpet[HPET_TIMER2] &= ~TIMER_INTERRUPTS;
		hpet[HPET_STATUS] = TIMER2_STATUS;
	}
	hpet_interrupts = count;
}

/* Returns a free line from 16 on to which the comparator can be connected; 0 if there is none. */
static unsigned int hpet_line(void)
{
	if (!phys_reachable(HPET_ADDRESS, HPET_SIZE) || hpet[HPET_ID] >> 16 != HPET_VENDOR_INTEL ||
	    HPET_LAST_TIMER(hpet[HPET_ID]) < 2)
		return 0;
	for (unsigned int irq = 16; irq < NR_IRQS && irq < 32; irq++)
		if (hpet[HPET_TIMER2_ROUTES] >> irq & 1 &&
		    (irq_line(irq)->handler == hpet_interrupt ||
		     !irq_register(irq, hpet_interrupt, NULL, "test")))
			return irq;
	return 0;
}

/*
 * Lets the timer interrupt until the handler has counted @wanted. Set to a time that a busy host
 * has let pass before it was written, it waits for a wrap: then it is set again.
 */
static bool hpet_fires(unsigned int irq, unsigned int wanted)
{
	hpet_interrupts = 0;
	hpet_wanted = wanted;
	hpet[HPET_TIMER2] = TIMER_LEVEL | TIMER_32_BITS | irq << TIMER_ROUTE_SHIFT;
	hpet[HPET_TIMER2_COMPARATOR] = hpet[HPET_COUNTER] + TIMER_TICKS;
	hpet[HPET_TIMER2] |= TIMER_INTERRUPTS;
	for (unsigned int tries = 0; tries < TIMER_TRIES; tries++) {
		if (POLL_UNTIL(hpet_interrupts >= wanted, POLL_PATIENCE / TIMER_TRIES))
			return true;
		hpet[HPET_TIMER2_COMPARATOR] = hpet[HPET_COUNTER] + TIMER_TICKS;
	}
	return false;
}

static void io_apic_levels_last_until_the_device_ends_them(struct test *test)
{
	const unsigned int irq = hpet_line();

	if (irq == 0)
		TEST_SKIP(test, "no HPET with a line above 15");
	hpet[HPET_CONFIG] |= 1; /* counts; the clock wants it so too */
	for (unsigned int round = 1; round <= 3; round++)
		TEST_TRUE(test, hpet_fires(irq, round));
	for (unsigned int i = 0; i < 1000; i++)
		cpu_pause();
	TEST_EQ(test, hpet_interrupts, 3);
	TEST_EQ(test, irq_line(irq)->spurious, 0);
}

static const struct test_case lapic_cases[] = {
	TEST_CASE(lapic_ends_strays),
	TEST_CASE(lapic_errors_are_counted),
	TEST_CASE(lapic_knows_whom_it_reaches),
	TEST_CASE(io_apic_levels_last_until_the_device_ends_them),
};
TEST_SUITE(lapic, lapic_cases);
