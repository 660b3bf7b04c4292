/* SPDX-License-Identifier: MIT */
/* The clock goes forward only, and agrees with the PIT once it runs on the TSC. */
#include <exo/clock.h>
#include <exo/test.h>

static void clock_never_goes_back(struct test *test)
{
	uint64_t last = clock_ns();

	for (unsigned int i = 0; i < 10000; i++) {
		const uint64_t now = clock_ns();

		TEST_TRUE(test, now >= last);
		last = now;
	}
	TEST_TRUE(test, last > 0);
}

static void clock_finds_the_tsc_frequency(struct test *test)
{
	/* From the slowest emulated to twice the fastest built CPU. */
	TEST_TRUE(test, clock_tsc_hz() >= 10000000ull);
	TEST_TRUE(test, clock_tsc_hz() <= 20000000000ull);
}

static const struct test_case clock_cases[] = {
	TEST_CASE(clock_never_goes_back),
	TEST_CASE(clock_finds_the_tsc_frequency),
};
TEST_SUITE(clock, clock_cases);
