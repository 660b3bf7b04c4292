/* SPDX-License-Identifier: MIT */
/* The clock goes forward only, whatever it runs on, and agrees with the other counters. */
#include <arch/cpu.h>
#include <exo/clock.h>
#include <exo/test.h>

#define READINGS 100000
#define TRIES 20 /* a guess: for a clock that loses time while the host stops the CPU */

static void clock_never_goes_back(struct test *test)
{
	const uint64_t first = clock_ns();
	uint64_t last = first;

	for (unsigned int i = 0; i < READINGS; i++) {
		const uint64_t now = clock_ns();

		TEST_TRUE(test, now >= last);
		last = now;
	}
	TEST_TRUE(test, last > first);
}

static void clock_finds_the_tsc_frequency(struct test *test)
{
	/* From the slowest emulated to twice the fastest built CPU. */
	TEST_TRUE(test, clock_tsc_hz() >= 10000000ull);
	TEST_TRUE(test, clock_tsc_hz() <= 20000000000ull);
}

/* The TSC, and what the clock showed before and after it: a host may stop us in between. */
struct reading {
	uint64_t before, tsc, after;
};

static struct reading read_both(void)
{
	const uint64_t before = clock_ns(), tsc = cpu_tsc_ordered();

	return (struct reading){ before, tsc, clock_ns() };
}

/* Over 20 ms, the TSC is not slower than the clock by a twentieth; sets *@fast if it is faster. */
static bool keeps_pace(bool *fast)
{
	const uint64_t wait = 20000000, khz = clock_tsc_hz() / 1000;
	const struct reading from = read_both();
	struct reading to;
	uint64_t us; /* by the TSC */

	do
		to = read_both();
	while (to.before - from.after < wait);
	us = (to.tsc - from.tsc) * 1000 / khz;
	*fast = us > (to.after - from.before) / 1000 * 21 / 20;
	return us >= (to.before - from.after) / 1000 * 19 / 20;
}

/* One of few bits does not show what it has missed while the host stopped the CPU for a round. */
static void clock_keeps_pace_with_the_tsc(struct test *test)
{
	bool fast = true;

	for (unsigned int i = 0; i < TRIES && fast; i++)
		TEST_TRUE(test, keeps_pace(&fast));
	TEST_TRUE(test, !fast);
}

static const struct test_case clock_cases[] = {
	TEST_CASE(clock_never_goes_back),
	TEST_CASE(clock_finds_the_tsc_frequency),
	TEST_CASE(clock_keeps_pace_with_the_tsc),
};
TEST_SUITE(clock, clock_cases);
