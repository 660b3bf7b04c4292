/* SPDX-License-Identifier: MIT */
/* The clock's arithmetic over a century, counters that wrap, and whose frequency is believed. */
#include <exo/clock_source.h>
#include <exo/string.h>
#include <exo/test.h>

#define CENTURY_S (100ull * 36525 * 24 * 36) /* 100 years of 365.25 days */
#define NS_PER_S 1000000000ull

static const uint64_t rates[] = { 16000,      1193182,	  3579545,    10000000,	  14318180,
				  100000000,  999999999,  1000000000, 1000000001, 2596141000,
				  4294967296, 5000000000, 10000000000 };

static void a_century_does_not_overflow(struct test *test)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(rates); i++) {
		const uint64_t multiplier = clock_multiplier(rates[i]);
		const uint64_t ns = clock_scale(rates[i] * CENTURY_S, multiplier);

		if (rates[i] > UINT64_MAX / CENTURY_S)
			continue; /* the counter itself would */
		/* Never ahead, and behind by the multiplier's 4e-14 at most. */
		TEST_TRUE(test, ns <= CENTURY_S * NS_PER_S);
		TEST_TRUE(test, CENTURY_S * NS_PER_S - ns <= CENTURY_S * NS_PER_S / 10000000000000);
	}
}

static void scaling_never_goes_back(struct test *test)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(rates); i++) {
		const uint64_t multiplier = clock_multiplier(rates[i]);
		uint64_t last = 0;

		for (uint64_t ticks = 0; ticks < 10000; ticks++) {
			const uint64_t ns = clock_scale(ticks, multiplier);

			TEST_TRUE(test, ns >= last);
			TEST_TRUE(test, ns == ticks * NS_PER_S / rates[i] ||
						ns + 1 == ticks * NS_PER_S / rates[i]);
			last = ns;
		}
	}
}

static void waits_are_not_too_short(struct test *test)
{
	static const uint64_t waits[] = { 0, 1, 999, 1000000, 54000000, 4000000000, 3600000000000 };

	for (unsigned int i = 0; i < ARRAY_SIZE(rates); i++)
		for (unsigned int j = 0; j < ARRAY_SIZE(waits); j++) {
			const uint64_t ticks =
				clock_ticks(waits[j], clock_ticks_multiplier(rates[i]));
			const uint64_t least = waits[j] / NS_PER_S * rates[i] +
					       waits[j] % NS_PER_S * rates[i] / NS_PER_S;

			TEST_TRUE(test, ticks > least);
			/* A tick, and 2^-32 of a tick a nanosecond. */
			TEST_TRUE(test, ticks <= least + 2 + (waits[j] >> 32));
		}
}

static void counters_wrap(struct test *test)
{
	static const uint64_t masks[] = { 0xffff, 0xffffff, UINT32_MAX, UINT64_MAX };

	for (unsigned int i = 0; i < ARRAY_SIZE(masks); i++) {
		const uint64_t mask = masks[i];
		uint64_t real = mask - 5, extended = real;

		for (unsigned int step = 0; step < 100; step++) {
			const uint64_t before = extended;

			/* Sometimes nothing, sometimes a whole round less a tick. */
			real += step % 3 == 0 ? 0 : step % 3 == 1 ? mask : mask / 2;
			extended = clock_extend(extended, real & mask, mask);
			TEST_EQ(test, extended, real);
			TEST_TRUE(test, extended >= before || mask == UINT64_MAX);
		}
	}
}

static struct clock_reading reading(uint64_t tsc, uint64_t width, uint64_t count)
{
	return (struct clock_reading){ tsc, width, count };
}

static void frequency_from_two_readings(struct test *test)
{
	struct clock_reading from = reading(1000, 10, 0xfffff0), to = reading(3001000, 10, 0xd8f);
	struct clock_opinion o;

	/* 3471 + 16 ticks of 3.579545 MHz across the end of 24 bits, 3 million of the TSC. */
	o = clock_opinion("pm", 3579545, 0xffffff, &from, &to);
	TEST_TRUE(test, o.hz > 3079000000u && o.hz < 3080000000u);
	TEST_TRUE(test, o.error >= 1000000 / 3487 && o.error < 350);
	/* The uncertainty grows with what reading took. */
	to.width = 300000;
	o = clock_opinion("pm", 3579545, 0xffffff, &from, &to);
	TEST_TRUE(test, o.error > 50000);
	/* Minutes of a slow boot, nearly all that 32 bits can count. */
	from = reading(0, 10, 0);
	to = reading(400ull * 10000000000, 10, 400ull * 10000000);
	o = clock_opinion("hpet", 10000000, UINT32_MAX, &from, &to);
	TEST_TRUE(test, o.hz > 9999990000u && o.hz <= 10000000000u);
}

static void what_is_no_measurement(struct test *test)
{
	struct clock_reading from = reading(1000, 10, 50), to = reading(2000, 10, 50);

	TEST_EQ(test, clock_opinion("dead", 1000000, UINT32_MAX, &from, &to).hz, 0);
	to = reading(2000, 3000, 60); /* as wide as the interval */
	TEST_EQ(test, clock_opinion("wide", 1000000, UINT32_MAX, &from, &to).hz, 0);
	to = reading(2000, UINT64_MAX, 60);
	TEST_EQ(test, clock_opinion("none", 1000000, UINT32_MAX, &from, &to).hz, 0);
	to = reading(900, 10, 60); /* the TSC goes back */
	TEST_EQ(test, clock_opinion("back", 1000000, UINT32_MAX, &from, &to).hz, 0);
	to = reading(1000, 10, 60);
	TEST_EQ(test, clock_opinion("same", 1000000, UINT32_MAX, &from, &to).hz, 0);
	to = reading(1ull << 60, 10, 51); /* faster than any counter */
	TEST_EQ(test, clock_opinion("fast", 1000000, UINT32_MAX, &from, &to).hz, 0);
	to = reading(1100, 10, 1000000); /* slower than any */
	TEST_EQ(test, clock_opinion("slow", 1000000, UINT32_MAX, &from, &to).hz, 0);
}

/* One row: frequencies in kHz and uncertainties, and who must win. */
static void two_agree_against_one(struct test *test)
{
	static const struct {
		uint64_t khz[4], error[4];
		unsigned int winner;
	} rows[] = {
		{ { 0, 0, 0, 0 }, { 0, 0, 0, 0 }, 4 }, /* nobody */
		{ { 0, 3000000, 0, 0 }, { 0, 100, 0, 0 }, 1 }, /* alone */
		{ { 3000000, 3000100, 3000200, 0 }, { 0, 100, 100, 0 }, 0 }, /* all agree */
		{ { 3000000, 2500000, 2500100, 0 }, { 0, 100, 100, 0 }, 1 }, /* CPUID is wrong */
		{ { 2500000, 300000, 2500100, 0 }, { 0, 100, 100, 0 }, 0 }, /* the second is */
		{ { 0, 250000, 2500000, 2500900 }, { 0, 100, 100, 800 }, 2 }, /* ten times off */
		{ { 0, 2500000, 2600000, 0 }, { 0, 100, 100, 0 }, 1 }, /* no majority: trust */
		{ { 0, 2500000, 2600000, 0 }, { 0, 9000, 100, 0 }, 2 }, /* the vague one loses */
		{ { 0, 2500000, 2600000, 0 }, { 0, 9000, 5000, 0 }, 2 }, /* both vague */
		{ { 0, 2500000, 2600000, 2610000 }, { 0, 9000, 500, 5000 }, 2 },
		{ { 2500000, 0, 0, 2494000 }, { 0, 0, 0, 10000 }, 0 }, /* nominal: a per cent */
	};

	for (unsigned int row = 0; row < ARRAY_SIZE(rows); row++) {
		struct clock_opinion opinions[4];

		for (unsigned int i = 0; i < 4; i++)
			opinions[i] = (struct clock_opinion){ "x", rows[row].khz[i] * 1000,
							      rows[row].error[i] };
		TEST_EQ(test, row * 10 + clock_judge(opinions, 4), row * 10 + rows[row].winner);
	}
}

static void agreement_knows_uncertainty(struct test *test)
{
	struct clock_opinion a = { "a", 1000000000, 0 }, b = { "b", 1000900000, 0 };

	TEST_TRUE(test, clock_agrees(&a, &b) && clock_agrees(&b, &a));
	b.hz = 1002000000;
	TEST_TRUE(test, !clock_agrees(&a, &b) && !clock_agrees(&b, &a));
	b.error = 1500;
	TEST_TRUE(test, clock_agrees(&a, &b) && clock_agrees(&b, &a));
	b.hz = 0;
	TEST_TRUE(test, !clock_agrees(&a, &b) && !clock_agrees(&b, &a));
}

static const struct test_case clock_source_cases[] = {
	TEST_CASE(a_century_does_not_overflow), TEST_CASE(scaling_never_goes_back),
	TEST_CASE(waits_are_not_too_short),	TEST_CASE(counters_wrap),
	TEST_CASE(frequency_from_two_readings), TEST_CASE(what_is_no_measurement),
	TEST_CASE(two_agree_against_one),	TEST_CASE(agreement_knows_uncertainty),
};
TEST_SUITE(clock_source, clock_source_cases);
