/* SPDX-License-Identifier: MIT */
/*
 * Runs the self tests that are linked into the kernel and prints KTAP on the consoles.
 *
 * TEST_SUITE() puts each suite into the section .test_suites; the linker script names its ends. The
 * reader of the output (scripts/test) takes a run for complete when every plan line, 1..N, was
 * followed by N results, so a plan counts exactly the suites that the filter lets through.
 *
 * The tests run one after the other in the caller's context, on its stack.
 */
#include <exo/console.h>
#include <exo/string.h>
#include <exo/test.h>
#include <stdbool.h>

extern const struct test_suite test_suites_start[], test_suites_end[];

void test_fail(struct test *test, const char *file, int line, const char *text,
	       unsigned long long left, unsigned long long right)
{
	test->failed_file = file;
	test->failed_line = line;
	test->failed_text = text;
	test->left = left;
	test->right = right;
}

static bool run_case(const struct test_case *test_case, unsigned int number)
{
	struct test test = { 0 };

	test_case->run(&test);
	if (test.failed_file != NULL) {
		console_printf("    # %s:%d: %s (left %llu, right %llu)\n", test.failed_file,
			       test.failed_line, test.failed_text, test.left, test.right);
		console_printf("    not ok %u %s\n", number, test_case->name);
		return false;
	}
	if (test.skip_reason != NULL)
		console_printf("    ok %u %s # SKIP %s\n", number, test_case->name,
			       test.skip_reason);
	else
		console_printf("    ok %u %s\n", number, test_case->name);
	return true;
}

/* Returns the number of failed cases. */
static unsigned int run_suite(const struct test_suite *suite, unsigned int number)
{
	unsigned int failed = 0;

	console_printf("    KTAP version 1\n    # Subtest: %s\n    1..%u\n", suite->name,
		       suite->nr_cases);
	for (unsigned int i = 0; i < suite->nr_cases; i++)
		if (!run_case(&suite->cases[i], i + 1))
			failed++;
	console_printf("%s %u %s\n", failed == 0 ? "ok" : "not ok", number, suite->name);
	return failed;
}

static bool is_chosen(const struct test_suite *suite, const char *filter)
{
	return filter == NULL || strstr(suite->name, filter) != NULL;
}

unsigned int test_run(const char *filter)
{
	unsigned int failed = 0, chosen = 0, cases = 0, number = 0;
	const struct test_suite *suite;

	/* cppcheck-suppress comparePointers; both are in one section */
	for (suite = test_suites_start; suite < test_suites_end; suite++)
		if (is_chosen(suite, filter)) {
			chosen++;
			cases += suite->nr_cases;
		}
	console_printf("KTAP version 1\n1..%u\n", chosen);
	/* cppcheck-suppress comparePointers; both are in one section */
	for (suite = test_suites_start; suite < test_suites_end; suite++)
		if (is_chosen(suite, filter))
			failed += run_suite(suite, ++number);
	if (cases == 0)
		return 1;
	return failed;
}
