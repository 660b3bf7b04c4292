/* SPDX-License-Identifier: MIT */
/* The clock goes forward only, whatever it runs on, and agrees with the other counters. */
#include <arch/cpu.h>
#include <exo/clock.h>
#include <exo/test.h>

#define READINGS 100000

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

/* 20 ms by the clock are as many TSC ticks as they should be, at least: a host may stop us. */
static void clock_keeps_pace_with_the_tsc(struct test *test)
{
	const uint64_t wait = 20000000, hz = clock_tsc_hz(), start = clock_ns();
	const uint64_t tsc = cpu_tsc_ordered();
	uint64_t now, ticks;

	do
		now = clock_ns();
	while (now - start < wait);
	ticks = cpu_tsc_ordered() - tsc;
	TEST_TRUE(test, ticks >= hz / 1000 * 19);
	/* What the clock showed last is not older than a loaded host makes it. */
	TEST_TRUE(test, ticks <= hz);
}

static const struct test_case clock_cases[] = {
	TEST_CASE(clock_never_goes_back),
	TEST_CASE(clock_finds_the_tsc_frequency),
	TEST_CASE(clock_keeps_pace_with_the_tsc),
};
TEST_SUITE(clock, clock_cases);
