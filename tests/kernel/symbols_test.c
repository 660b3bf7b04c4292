/* SPDX-License-Identifier: MIT */
/* Addresses to names: the start, the inside and the end of a function, and what is no code. */
#include <exo/backtrace.h>
#include <exo/panic.h>
#include <exo/string.h>
#include <exo/test.h>

extern const char text_end[], image_start[];

static void symbols_name_a_function(struct test *test)
{
	uint64_t offset, size;
	const uint64_t start = (uintptr_t)panic;

	TEST_STREQ(test, symbol_find(start, &offset, &size), "panic");
	TEST_EQ(test, offset, 0);
	TEST_TRUE(test, size > 0);
	TEST_STREQ(test, symbol_find(start + 1, &offset, &size), "panic");
	TEST_EQ(test, offset, 1);
}

static void symbols_refuse_what_is_no_code(struct test *test)
{
	uint64_t offset, size;
	static char data;

	TEST_TRUE(test, !symbol_find(0, &offset, &size));
	TEST_TRUE(test, !symbol_find((uintptr_t)image_start - 1, &offset, &size));
	TEST_TRUE(test, !symbol_find((uintptr_t)text_end, &offset, &size));
	TEST_TRUE(test, !symbol_find((uintptr_t)&data, &offset, &size));
	TEST_TRUE(test, !symbol_find(UINT64_MAX, &offset, &size));
}

static const struct test_case symbols_cases[] = {
	TEST_CASE(symbols_name_a_function),
	TEST_CASE(symbols_refuse_what_is_no_code),
};
TEST_SUITE(symbols, symbols_cases);
