/* SPDX-License-Identifier: MIT */
/*
 * Stride scheduling on the real core. The exact proportions are tested on a simulated CPU
 * (tests/host/policy_stride_hostonly.c); here there is noise, and a few slices only.
 */
#include <exo/test.h>

#include "../../kernel/sched/policy_stride.h"
#include "sched_hog.h"

#define MS NS_PER_MS

static struct hog hogs[3];

static struct sched_parameters shares(uint32_t count)
{
	struct sched_parameters parameters = SCHED_PARAMETERS_INIT;

	parameters.shares = count;
	return parameters;
}

static uint64_t ran[ARRAY_SIZE(hogs)];

/* Runs hogs with these shares for so long; ran[] is what they have got. Returns the sum. */
static uint64_t compete(const uint32_t *counts, unsigned int count, uint64_t time)
{
	uint64_t total = 0;

	for (unsigned int i = 0; i < count; i++) {
		const struct sched_parameters parameters = shares(counts[i]);

		if (hog_start(&hogs[i], &parameters))
			return 0;
	}
	thread_sleep_until(clock_ns() + 20 * MS);
	for (unsigned int i = 0; i < count; i++)
		ran[i] = hogs[i].ran;
	thread_sleep_until(clock_ns() + time);
	for (unsigned int i = 0; i < count; i++) {
		ran[i] = hogs[i].ran - ran[i];
		total += ran[i];
	}
	for (unsigned int i = 0; i < count; i++)
		hog_stop(&hogs[i]);
	return total;
}

/* A turn is up to two slices; some are needed, whatever a slice is. */
#define TIME (120 * SCHED_SLICE_NS < 5 * NS_PER_S ? 120 * SCHED_SLICE_NS : 5 * NS_PER_S)
#define CLOSE (TIME / 20 + 4 * SCHED_SLICE_NS)

static bool is_close(uint64_t a, uint64_t b)
{
	return a < b + CLOSE && b < a + CLOSE;
}

static void stride_divides_by_shares(struct test *test)
{
	static const uint32_t counts[] = { 100, 200, 700 };
	uint64_t total;

	if (!IS_ENABLED(CONFIG_PREEMPT))
		TEST_SKIP(test, "PREEMPT is off: nobody is stopped at the end of a slice");
	for (unsigned int i = 0; i < 3; i++)
		hogs[i] = (struct hog){ 0 };
	total = compete(counts, 3, TIME);
	TEST_TRUE(test, total > 0);
	TEST_TRUE(test, is_close(ran[0], total / 10));
	TEST_TRUE(test, is_close(ran[1], total / 5));
	TEST_TRUE(test, is_close(ran[2], total * 7 / 10));
}

static void stride_charges_who_yields_no_more(struct test *test)
{
	static const uint32_t counts[] = { 3000, 1000 };
	uint64_t total;

	if (!IS_ENABLED(CONFIG_PREEMPT))
		TEST_SKIP(test, "PREEMPT is off: nobody is stopped at the end of a slice");
	hogs[0] = (struct hog){ .yields = true };
	hogs[1] = (struct hog){ 0 };
	total = compete(counts, 2, TIME);
	TEST_TRUE(test, total > 0);
	TEST_TRUE(test, is_close(ran[0], total * 3 / 4));
}

static void stride_changes_shares(struct test *test)
{
	const struct sched_parameters many = shares(STRIDE_SHARES_MAX);
	const struct sched_parameters too_many = shares(STRIDE_SHARES_MAX + 1), one = shares(1);

	hogs[0] = (struct hog){ 0 };
	TEST_EQ(test, hog_start(&hogs[0], &too_many), -EXO_E_ARG);
	TEST_EQ(test, hog_start(&hogs[0], &many), 0);
	TEST_EQ(test, thread_set_parameters(hogs[0].thread, &too_many), -EXO_E_ARG);
	TEST_EQ(test, thread_set_parameters(hogs[0].thread, &one), 0);
	hog_stop(&hogs[0]);
}

static const struct test_case sched_stride_cases[] = {
	TEST_CASE(stride_divides_by_shares),
	TEST_CASE(stride_charges_who_yields_no_more),
	TEST_CASE(stride_changes_shares),
};
TEST_SUITE(sched_stride, sched_stride_cases);
