/* SPDX-License-Identifier: MIT */
/*
 * What keeps the kernel from harming itself: each protection is tried for real, by an access that
 * it must stop. Where its option is off the same access goes through, which shows that the option
 * is what stops it. User mode's are in user_hardening_test.c; smashed and overflown stacks, of
 * which the kernel dies, in tests/boot/option_test.py.
 */
#include <arch/cpu.h>
#include <arch/image.h>
#include <arch/memory.h>
#include <exo/stack_protector.h>
#include <exo/string.h>
#include <exo/test.h>
#include <exo/test_probe.h>

extern const char image_start[], text_end[], rodata_end[];
extern const char boot_stack[];

#define RET 0xc3
#define GUARD_AT_START 0x5bd1e995c2b2ae00 /* kernel/stack_protector.c */

/* The access is a page fault with these bits if @stops, and goes through if not. */
static bool probe_is(enum test_access access, uintptr_t at, bool stops, uint64_t fault)
{
	uint64_t error;

	return test_probe(access, at, &error) == !stops && error == (stops ? fault : 0);
}

static bool has_no_execute(void)
{
	return cpuid(0x80000001, 0).edx >> 20 & 1;
}

static void hardening_data_is_not_executed(struct test *test)
{
	static uint8_t data[] = { RET };
	static const uint8_t constant[] = { RET };
	uint8_t on_stack[] = { RET };
	const bool stops = IS_ENABLED(CONFIG_WX) && has_no_execute();
	const uint64_t fault = FAULT_PRESENT | FAULT_FETCH;

	TEST_TRUE(test, probe_is(TEST_EXECUTE, (uintptr_t)data, stops, fault));
	TEST_TRUE(test, probe_is(TEST_EXECUTE, (uintptr_t)constant, stops, fault));
	TEST_TRUE(test, probe_is(TEST_READ, (uintptr_t)data, false, 0));
	/* Stacks that are mapped one by one are not executable, whatever WX says. */
	if (stops || !IS_ENABLED(CONFIG_PAGE_TABLE))
		TEST_TRUE(test, probe_is(TEST_EXECUTE, (uintptr_t)on_stack, stops, fault));
}

static void hardening_code_is_not_written(struct test *test)
{
	const bool stops = IS_ENABLED(CONFIG_WX);
	const uint64_t fault = FAULT_PRESENT | FAULT_WRITE;

	TEST_TRUE(test, probe_is(TEST_WRITE, (uintptr_t)image_start, stops, fault));
	TEST_TRUE(test, probe_is(TEST_WRITE, (uintptr_t)text_end - 1, stops, fault));
	TEST_TRUE(test, probe_is(TEST_WRITE, (uintptr_t)rodata_end - 1, stops, fault));
	TEST_TRUE(test, probe_is(TEST_READ, (uintptr_t)image_start, false, 0));
	/* Nor by its other address. */
	TEST_TRUE(test, probe_is(TEST_WRITE, (uintptr_t)phys_to_virt(image_to_phys(image_start)),
				 stops, fault));
}

/* The boot CPU's; threads' are in thread_memory_test.c. */
static void hardening_boot_stack_has_a_guard(struct test *test)
{
	const bool stops = IS_ENABLED(CONFIG_STACK_GUARD);

	TEST_TRUE(test, probe_is(TEST_READ, (uintptr_t)boot_stack - 1, stops, 0));
	if (stops)
		TEST_TRUE(test, probe_is(TEST_WRITE, (uintptr_t)boot_stack - 1, true, FAULT_WRITE));
	TEST_TRUE(test, probe_is(TEST_READ, (uintptr_t)boot_stack, false, 0));
}

/* Is the guard word between an array of a function and where that goes back to? */
static __noinline bool guard_is_on_stack(void)
{
	volatile uint8_t room[64] __aligned(8);
	const uintptr_t end = (uintptr_t)__builtin_frame_address(0);

	for (unsigned int i = 0; i < sizeof(room); i++)
		room[i] = 1;
	for (uintptr_t at = (uintptr_t)room; at < end; at += sizeof(uintptr_t))
		if (*(const volatile uintptr_t *)at == stack_protector_word())
			return true;
	return false;
}

static void hardening_arrays_have_guard_words(struct test *test)
{
	const uintptr_t word = stack_protector_word();

	if (!IS_ENABLED(CONFIG_STACK_PROTECTOR))
		TEST_SKIP(test, "CONFIG_STACK_PROTECTOR=n");
	TEST_EQ(test, word & 0xff, 0);
	TEST_TRUE(test, word != GUARD_AT_START);
	TEST_TRUE(test, guard_is_on_stack());
}

/* With kaslr_test.c and tests/boot/kaslr_test.py: it moves, and it stays. */
static void hardening_image_moves(struct test *test)
{
	const uint64_t moved = (uintptr_t)image_start - (KERNEL_BASE + KERNEL_LOAD_ADDRESS);

	if (strstr(boot_info.command_line, "kaslr"))
		TEST_SKIP(test, "the command line says where to");
	TEST_EQ(test, moved != 0, IS_ENABLED(CONFIG_KASLR));
}

static const struct test_case hardening_cases[] = {
	TEST_CASE(hardening_data_is_not_executed),
	TEST_CASE(hardening_code_is_not_written),
	TEST_CASE(hardening_boot_stack_has_a_guard),
	TEST_CASE(hardening_arrays_have_guard_words),
	TEST_CASE(hardening_image_moves),
};
TEST_SUITE(hardening, hardening_cases);
