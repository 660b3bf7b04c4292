/* SPDX-License-Identifier: MIT */
/*
 * The image after it was moved: that it runs there, that what is said of it fits, and that no
 * address of the place where it was linked is left in its data.
 *
 * The tests need a slide that is larger than the image to tell old addresses from new ones; one
 * that a person has chosen may be none.
 */
#include "../../arch/x86_64/kaslr_plan.h"

#include <arch/image.h>
#include <arch/interrupt.h>
#include <arch/stack.h>
#include <exo/backtrace.h>
#include <exo/panic.h>
#include <exo/string.h>
#include <exo/test.h>

extern const char programs_cpio_start[], programs_cpio_end[]; /* user/programs.asm */

extern const char image_start[], text_end[], image_end[];
extern const struct test_suite test_suites_start[], test_suites_end[];

static bool in_code(uint64_t address)
{
	return address >= (uintptr_t)image_start && address < (uintptr_t)text_end;
}

static bool in_image(const void *pointer)
{
	return (const char *)pointer >= image_start && (const char *)pointer < image_end;
}

/* What RIP is in a function, which nobody has relocated. */
static __noinline uint64_t where_code_runs(void)
{
	uint64_t rip;

	__asm__ volatile("lea 0(%%rip), %0" : "=r"(rip));
	return rip;
}

static void kaslr_code_runs_at_the_slide(struct test *test)
{
	/* The linker's script puts the image at this address, before it moves. */
	const uint64_t start = KERNEL_BASE + KERNEL_LOAD_ADDRESS + kernel_slide;

	TEST_TRUE(test, kaslr_fits(kernel_slide));
	TEST_EQ(test, (uintptr_t)image_start, start);
	TEST_EQ(test, image_to_phys(image_start), KERNEL_LOAD_ADDRESS);
	TEST_TRUE(test, in_code(where_code_runs()));
	TEST_TRUE(test, where_code_runs() - (uintptr_t)where_code_runs < 64);
}

static void kaslr_symbols_have_the_slide(struct test *test)
{
	uint64_t offset, size;

	if (!IS_ENABLED(CONFIG_SYMBOLS))
		TEST_SKIP(test, "CONFIG_SYMBOLS=n");
	TEST_STREQ(test, symbol_find((uintptr_t)panic, &offset, &size), "panic");
	TEST_EQ(test, offset, 0);
	if (kernel_slide >= (uintptr_t)image_end - (uintptr_t)image_start)
		TEST_TRUE(test, !symbol_find((uintptr_t)panic - kernel_slide, &offset, &size));
}

static void kaslr_tables_of_pointers_are_moved(struct test *test)
{
	for (const struct test_suite *suite = test_suites_start; suite < test_suites_end; suite++) {
		TEST_TRUE(test, in_image(suite->name) && in_image(suite->cases));
		for (unsigned int i = 0; i < suite->nr_cases; i++)
			TEST_TRUE(test, in_image(suite->cases[i].name) &&
						in_code((uintptr_t)suite->cases[i].run));
	}
}

/* Interrupt gates (SDM vol. 3, figure 6-8). */
static void kaslr_interrupts_lead_into_the_image(struct test *test)
{
	struct __packed {
		uint16_t limit;
		const uint64_t *table;
	} pointer;

	__asm__ volatile("sidt %0" : "=m"(pointer));
	TEST_TRUE(test, in_image(pointer.table));
	for (unsigned int i = 0; i < NR_VECTORS; i++) {
		const uint64_t low = pointer.table[2 * i];

		TEST_TRUE(test, in_code((low & 0xffff) | (low >> 48) << 16 |
					pointer.table[2 * i + 1] << 32));
	}
}

/* Programs hold what they like: tests of bad addresses some of the kernel's. */
static bool is_programs(uint64_t address)
{
	return IS_ENABLED(CONFIG_PROTECTED) && address >= (uintptr_t)programs_cpio_start &&
	       address < (uintptr_t)programs_cpio_end;
}

/* Old stack frames are of before the move; guard pages cannot be read. */
static bool is_data(uint64_t address)
{
	return !stack_holds(address) && !stack_guard_name(address) && !is_programs(address);
}

static void kaslr_no_old_address_is_left_in_data(struct test *test)
{
	const uint64_t old_start = (uintptr_t)image_start - kernel_slide;
	const uint64_t size = (uintptr_t)image_end - (uintptr_t)image_start;
	const uint64_t start = ((uintptr_t)text_end + 7) & ~7ull;

	if (kernel_slide < size)
		TEST_SKIP(test, "the image has not moved by more than its size");
	for (uint64_t at = start; at + 8 <= (uintptr_t)image_end; at += 8) {
		if (!is_data(at))
			continue;
		/* With where it is as the value, so that a failure shows it. */
		if (*(const volatile uint64_t *)at - old_start < size)
			TEST_EQ(test, image_to_phys((const void *)at), 0);
	}
}

static const struct test_case kaslr_cases[] = {
	TEST_CASE(kaslr_code_runs_at_the_slide),
	TEST_CASE(kaslr_symbols_have_the_slide),
	TEST_CASE(kaslr_tables_of_pointers_are_moved),
	TEST_CASE(kaslr_interrupts_lead_into_the_image),
	TEST_CASE(kaslr_no_old_address_is_left_in_data),
};
TEST_SUITE(kaslr, kaslr_cases);
