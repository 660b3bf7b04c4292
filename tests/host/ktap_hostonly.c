/* SPDX-License-Identifier: MIT */
/*
 * The text that kernel/test/ktap.c prints, compared as a whole for suites that pass, fail and skip.
 * Host-only: it puts its own suites where the kernel's linker script collects them, and a buffer
 * where the consoles are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
/* After <setjmp.h>, <stdarg.h>, <stddef.h> and <stdint.h>, which it needs. */
#include <cmocka.h>

#include <exo/console.h>
#include <exo/test.h>

static char printed[4096];
static size_t printed_length;

void console_printf(const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(printed + printed_length, sizeof(printed) - printed_length, format,
			   arguments);
	va_end(arguments);
	assert_in_range(length, 0, sizeof(printed) - printed_length - 1);
	printed_length += (size_t)length;
}

static void passes(struct test *test)
{
	TEST_EQ(test, 1, 1);
}

#line 1000 "fake_test.c"
static void fails(struct test *test)
{
	unsigned int three = 3;
	TEST_EQ(test, three, 4);
	three = 0;
	TEST_EQ(test, three, 5); /* never reached: the first failure counts */
}

static void fails_untrue(struct test *test)
{
	TEST_TRUE(test, sizeof(test) == 0);
}

static void fails_with_large_operands(struct test *test)
{
	TEST_EQ(test, UINT64_MAX, -1ll - INT64_MAX);
}

static void skips(struct test *test)
{
	TEST_SKIP(test, "needs 5% more luck");
}

static const struct test_case good_cases[] = { TEST_CASE(passes), TEST_CASE(skips) };
static const struct test_case mixed_cases[] = {
	TEST_CASE(fails),	 TEST_CASE(passes),
	TEST_CASE(fails_untrue), TEST_CASE(fails_with_large_operands),
	TEST_CASE(skips),
};

#define FAKE_SUITES 3
extern const struct test_suite test_suites_start[FAKE_SUITES];
const struct test_suite test_suites_start[FAKE_SUITES] = {
	{ .name = "good", .cases = good_cases, .nr_cases = ARRAY_SIZE(good_cases) },
	{ .name = "mixed", .cases = mixed_cases, .nr_cases = ARRAY_SIZE(mixed_cases) },
	{ .name = "empty_goods", .cases = NULL, .nr_cases = 0 },
};
/* What the linker script does: a symbol right after the last suite. */
_Static_assert(sizeof(struct test_suite) == 24, "the size below");
__asm__(".globl test_suites_end\n"
	".set test_suites_end, test_suites_start + 24 * " STRINGIFY(FAKE_SUITES) "\n");

static void check_run(const char *filter, unsigned int failed, const char *text)
{
	printed_length = 0;
	printed[0] = '\0';
	assert_int_equal(test_run(filter), failed);
	assert_string_equal(printed, text);
}

#define GOOD(number)                                 \
	"    KTAP version 1\n"                       \
	"    # Subtest: good\n"                      \
	"    1..2\n"                                 \
	"    ok 1 passes\n"                          \
	"    ok 2 skips # SKIP needs 5% more luck\n" \
	"ok " number " good\n"
#define MIXED(number)                                                                         \
	"    KTAP version 1\n"                                                                \
	"    # Subtest: mixed\n"                                                              \
	"    1..5\n"                                                                          \
	"    # fake_test.c:1003: three == 4 (left 3, right 4)\n"                              \
	"    not ok 1 fails\n"                                                                \
	"    ok 2 passes\n"                                                                   \
	"    # fake_test.c:1010: sizeof(test) == 0 (left 0, right 0)\n"                       \
	"    not ok 3 fails_untrue\n"                                                         \
	"    # fake_test.c:1015: UINT64_MAX == -1ll - INT64_MAX (left 18446744073709551615, " \
	"right 9223372036854775808)\n"                                                        \
	"    not ok 4 fails_with_large_operands\n"                                            \
	"    ok 5 skips # SKIP needs 5% more luck\n"                                          \
	"not ok " number " mixed\n"
#define EMPTY(number)                  \
	"    KTAP version 1\n"         \
	"    # Subtest: empty_goods\n" \
	"    1..0\n"                   \
	"ok " number " empty_goods\n"

static void all_suites_run_without_a_filter(void **state)
{
	(void)state;
	check_run(NULL, 3, "KTAP version 1\n1..3\n" GOOD("1") MIXED("2") EMPTY("3"));
	check_run("", 3, "KTAP version 1\n1..3\n" GOOD("1") MIXED("2") EMPTY("3"));
}

static void filter_picks_suites_by_part_of_their_name(void **state)
{
	(void)state;
	check_run("mixed", 3, "KTAP version 1\n1..1\n" MIXED("1"));
	check_run("ood", 0, "KTAP version 1\n1..2\n" GOOD("1") EMPTY("2"));
}

static void run_without_a_case_is_a_failure(void **state)
{
	(void)state;
	check_run("goodness", 1, "KTAP version 1\n1..0\n");
	check_run("empty", 1, "KTAP version 1\n1..1\n" EMPTY("1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_suites_run_without_a_filter),
		cmocka_unit_test(filter_picks_suites_by_part_of_their_name),
		cmocka_unit_test(run_without_a_case_is_a_failure),
	};

	setvbuf(stdout, NULL, _IOLBF, 0);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("ktap", tests, NULL, NULL);
}
