/* SPDX-License-Identifier: MIT */
/*
 * Device interrupt lines: spurious interrupts, one owner a line, and the real interrupts of the
 * clock chip (Motorola MC146818), which every PC has at line 8, on the CPU that they are sent to.
 */
#include <arch/cpu.h>
#include <arch/io.h>
#include <exo/irq.h>
#include <exo/spinlock.h>
#include <exo/test.h>

#include "poll.h"

#define RTC_IRQ 8

enum { RTC_INDEX = 0x70, RTC_DATA = 0x71 };
enum { RTC_B = 11, RTC_C = 12 };
#define RTC_B_PERIODIC 0x40

static struct spinlock rtc_lock = SPINLOCK_INIT(LOCK_RANK_TEST_IRQ); /* index and data together */
static volatile unsigned int rtc_interrupts;
static volatile cpu_t rtc_cpu;

static void irq_spurious_lines_are_counted(struct test *test)
{
	const uint64_t first = irq_line(7)->spurious, second = irq_line(15)->spurious;

	__asm__ volatile("int $0x27; int $0x2f" : : : "memory");
	TEST_EQ(test, irq_line(7)->spurious, first + 1);
	TEST_EQ(test, irq_line(15)->spurious, second + 1);
}

static void nobody(void *context)
{
	(void)context;
}

static void irq_lines_have_one_owner(struct test *test)
{
	TEST_EQ(test, irq_register(NR_IRQS, nobody, NULL, "test"), -EXO_E_RANGE);
	for (unsigned int irq = 0; irq < NR_IRQS; irq++)
		if (irq_line(irq)->handler)
			TEST_EQ(test, irq_register(irq, nobody, NULL, "test"), -EXO_E_BUSY);
}

/* Sets the bits @set and clears @clear. */
static void rtc_change_b(uint8_t set, uint8_t clear)
{
	const uint64_t flags = spin_lock_irq(&rtc_lock);
	uint8_t value;

	io_out8(RTC_INDEX, RTC_B);
	value = io_in8(RTC_DATA);
	io_out8(RTC_INDEX, RTC_B);
	io_out8(RTC_DATA, (value | set) & (uint8_t)~clear);
	spin_unlock_irq(&rtc_lock, flags);
}

/* Ends the cause of the interrupt. */
static void rtc_acknowledge(void)
{
	const uint64_t flags = spin_lock_irq(&rtc_lock);

	io_out8(RTC_INDEX, RTC_C);
	io_in8(RTC_DATA);
	spin_unlock_irq(&rtc_lock, flags);
}

static void rtc_interrupt(void *context)
{
	(void)context;
	rtc_acknowledge();
	rtc_cpu = cpu_current();
	rtc_interrupts++;
}

/* Returns false if the line belongs to somebody else. */
static bool rtc_start(void)
{
	if (irq_register(RTC_IRQ, rtc_interrupt, NULL, "test") &&
	    irq_line(RTC_IRQ)->handler != rtc_interrupt)
		return false;
	rtc_change_b(RTC_B_PERIODIC, 0);
	rtc_acknowledge();
	return true;
}

static void rtc_stop(void)
{
	rtc_change_b(0, RTC_B_PERIODIC);
	rtc_acknowledge();
}

/* Waits for three, the last of them on @cpu. */
static bool rtc_arrives(cpu_t cpu)
{
	const unsigned int before = rtc_interrupts;

	return POLL_UNTIL(rtc_interrupts - before >= 3 && rtc_cpu == cpu, POLL_PATIENCE);
}

static void irq_arrives_again_and_again(struct test *test)
{
	const uint64_t count = irq_line(RTC_IRQ)->count, spurious = irq_line(RTC_IRQ)->spurious;
	bool arrives;

	if (!rtc_start())
		TEST_SKIP(test, "line 8 is in use");
	arrives = rtc_arrives(0);
	rtc_stop();
	TEST_TRUE(test, arrives);
	TEST_TRUE(test, irq_line(RTC_IRQ)->count >= count + 3);
	TEST_EQ(test, irq_line(RTC_IRQ)->spurious, spurious);
}

static void irq_goes_to_the_cpu_it_is_sent_to(struct test *test)
{
	int error = irq_set_cpu(RTC_IRQ, 0);
	bool arrives = true;

	TEST_EQ(test, irq_set_cpu(NR_IRQS, 0), -EXO_E_RANGE);
	TEST_EQ(test, irq_set_cpu(RTC_IRQ, NR_CPUS), -EXO_E_RANGE);
	if (error)
		TEST_EQ(test, error, -EXO_E_CALL);
	if (error || !rtc_start())
		TEST_SKIP(test, "the controller has one CPU only, or line 8 is in use");
	for (cpu_t cpu = 0; arrives && cpu < (IS_ENABLED(CONFIG_SMP) ? nr_cpus_online : 1); cpu++) {
		error |= irq_set_cpu(RTC_IRQ, cpu);
		arrives = rtc_arrives(cpu) && irq_line(RTC_IRQ)->cpu == cpu;
	}
	error |= irq_set_cpu(RTC_IRQ, 0);
	rtc_stop();
	TEST_EQ(test, error, 0);
	TEST_TRUE(test, arrives);
}

static const struct test_case irq_cases[] = {
	TEST_CASE(irq_spurious_lines_are_counted),
	TEST_CASE(irq_lines_have_one_owner),
	TEST_CASE(irq_arrives_again_and_again),
	TEST_CASE(irq_goes_to_the_cpu_it_is_sent_to),
};
TEST_SUITE(irq, irq_cases);
