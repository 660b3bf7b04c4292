/* SPDX-License-Identifier: MIT */
/* Device interrupt lines: spurious interrupts of both controllers, and one owner a line. */
#include <exo/irq.h>
#include <exo/test.h>

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
static const struct test_case irq_cases[] = {
	TEST_CASE(irq_spurious_lines_are_counted),
	TEST_CASE(irq_lines_have_one_owner),
};
TEST_SUITE(irq, irq_cases);
