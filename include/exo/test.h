/* SPDX-License-Identifier: MIT */
/*
 * Self tests. One source runs in the kernel (KTAP on the console) and, when it is pure code, on the
 * host as well (under cmocka, with sanitizers).
 *
 *	static void string_copies(struct test *test)
 *	{
 *		TEST_EQ(test, strlen("abc"), 3);
 *	}
 *	static const struct test_case string_cases[] = { TEST_CASE(string_copies), ... };
 *	TEST_SUITE(string, string_cases);
 *
 * A failed check ends its case (it returns from the function that made it, so checks belong in the
 * case function itself or in macros).
 */
#ifndef EXO_TEST_H
#define EXO_TEST_H

#include <exo/compiler.h>
#include <exo/config.h>

struct test {
	const char *failed_file; /* NULL while the case passes */
	int failed_line;
	const char *failed_text;
	unsigned long long left, right; /* operands of a failed comparison */
	const char *skip_reason; /* set by TEST_SKIP */
};

struct test_case {
	const char *name;
	void (*run)(struct test *test);
};

struct test_suite {
	const char *name;
	const struct test_case *cases;
	unsigned int nr_cases;
};

/* Only the kernel collects suites in a section; the host build lists its one suite by name. */
#define TEST_CASE(function)                        \
	{                                          \
		.name = #function, .run = function \
	}
#define TEST_SUITE(id, case_array)                                                             \
	const struct test_suite test_suite_##id __used __section(".test_suites") __aligned(8); \
	const struct test_suite test_suite_##id = { .name = #id,                               \
						    .cases = case_array,                       \
						    .nr_cases = ARRAY_SIZE(case_array) }

void test_fail(struct test *test, const char *file, int line, const char *text,
	       unsigned long long left, unsigned long long right);

#define TEST_CHECK(test, condition, text, left, right)                          \
	do {                                                                    \
		if (!(condition)) {                                             \
			test_fail(test, __FILE__, __LINE__, text, left, right); \
			return;                                                 \
		}                                                               \
	} while (0)
#define TEST_TRUE(test, condition) TEST_CHECK(test, condition, #condition, 0, 0)
#define TEST_EQ(test, a, b)                                                       \
	do {                                                                      \
		unsigned long long test_a = (unsigned long long)(a);              \
		unsigned long long test_b = (unsigned long long)(b);              \
		TEST_CHECK(test, test_a == test_b, #a " == " #b, test_a, test_b); \
	} while (0)
#define TEST_STREQ(test, a, b) TEST_CHECK(test, strcmp(a, b) == 0, #a " is " #b, 0, 0)
#define TEST_SKIP(test, reason)                 \
	do {                                    \
		(test)->skip_reason = (reason); \
		return;                         \
	} while (0)

/**
 * test_run() - run the suites whose name contains @filter (all when NULL or "")
 * Prints KTAP on the console. Returns the number of failed cases; a run that finds no case counts
 * as one failure.
 */
unsigned int test_run(const char *filter);

#endif
