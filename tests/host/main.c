/* SPDX-License-Identifier: MIT */
/*
 * Runs one test suite on the host: each of its cases becomes a cmocka test, printed as TAP (or as
 * CMOCKA_MESSAGE_OUTPUT says). An argument is a pattern of case names (* and ?). The status is the
 * number of failed cases; a pattern that matches none is an error.
 *
 * Compiled once per suite, with SUITE naming the object that TEST_SUITE() defined.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* After <setjmp.h>, <stdarg.h>, <stddef.h> and <stdint.h>, which it needs. */
#include <cmocka.h>

#include <exo/test.h>

extern const struct test_suite SUITE;

/* What a running case knows of itself. */
struct host_test {
	const struct test_case *test_case;
	struct CMUnitTest *unit;
	char name[256];
};

static unsigned int nr_run;

void test_fail(struct test *test, const char *file, int line, const char *text,
	       unsigned long long left, unsigned long long right)
{
	test->failed_file = file;
	test->failed_line = line;
	test->failed_text = text;
	test->left = left;
	test->right = right;
}

/* cmocka's TAP says "not ok" of a skipped test; the standard's form is "ok N - NAME # SKIP why". */
static void report_skip(struct host_test *host_test, const char *reason)
{
	if (getenv("CMOCKA_MESSAGE_OUTPUT") != NULL)
		skip();
	snprintf(host_test->name, sizeof(host_test->name), "%s # SKIP %s",
		 host_test->test_case->name, reason);
	host_test->unit->name = host_test->name;
}

static void run_case(void **state)
{
	struct host_test *host_test = *state;
	struct test test = { 0 };

	nr_run++;
	host_test->test_case->run(&test);
	if (test.failed_file != NULL) {
		printf("# %s:%d: %s (left %llu, right %llu)\n", test.failed_file, test.failed_line,
		       test.failed_text, test.left, test.right);
		_fail(test.failed_file, test.failed_line);
	}
	if (test.skip_reason != NULL)
		report_skip(host_test, test.skip_reason);
}

int main(int argc, char **argv)
{
	struct CMUnitTest *tests = calloc(SUITE.nr_cases, sizeof(*tests));
	struct host_test *host_tests = calloc(SUITE.nr_cases, sizeof(*host_tests));
	int failed;

	if (tests == NULL || host_tests == NULL) {
		fprintf(stderr, "%s: out of memory\n", argv[0]);
		return EXIT_FAILURE;
	}
	for (unsigned int i = 0; i < SUITE.nr_cases; i++) {
		tests[i].name = SUITE.cases[i].name;
		tests[i].test_func = run_case;
		tests[i].initial_state = &host_tests[i];
		host_tests[i].test_case = &SUITE.cases[i];
		host_tests[i].unit = &tests[i];
	}
	setvbuf(stdout, NULL, _IOLBF, 0); /* a crash loses no line */
	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	failed = _cmocka_run_group_tests(SUITE.name, tests, SUITE.nr_cases, NULL, NULL);
	free(tests);
	free(host_tests);
	if (nr_run == 0) {
		fprintf(stderr, "%s: no case is called '%s'\n", argv[0], argc > 1 ? argv[1] : "*");
		return EXIT_FAILURE;
	}
	return failed;
}
