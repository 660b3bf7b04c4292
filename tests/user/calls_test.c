/* SPDX-License-Identifier: MIT */
/* The system calls as a program sees them, misuse included. */
#include <exo/test.h>
#include <libexo/exo.h>

static void calls_null_succeeds(struct test *test)
{
	TEST_EQ(test, exo_null().error, 0);
}

static void calls_debug_write_writes(struct test *test)
{
	static const char line[] = "# written by a program\n";

	TEST_EQ(test, exo_debug_write(line, sizeof(line) - 1).error, 0);
	TEST_EQ(test, exo_debug_write(line, 0).error, 0);
}

static void calls_debug_write_refuses_bad_arguments(struct test *test)
{
	static const char line[] = "not ok: must not be printed\n";

	TEST_EQ(test, exo_debug_write(NULL, 1).error, -EXO_E_FAULT);
	TEST_EQ(test, exo_debug_write(line, 4097).error, -EXO_E_RANGE);
	TEST_EQ(test, exo_debug_write(line, UINT64_MAX).error, -EXO_E_RANGE);
	TEST_EQ(test, exo_debug_write(NULL, 0).error, 0);
}

static const struct test_case calls_cases[] = {
	TEST_CASE(calls_null_succeeds),
	TEST_CASE(calls_debug_write_writes),
	TEST_CASE(calls_debug_write_refuses_bad_arguments),
};
TEST_SUITE(user_calls, calls_cases);
