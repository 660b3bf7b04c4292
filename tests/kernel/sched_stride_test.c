/* SPDX-License-Identifier: MIT */
/*
 * Stride scheduling on the real core. The exact proportions are tested on a simulated CPU
 * (tests/host/policy_stride_hostonly.c); here there is noise: a turn in which the host stops the
 * CPU is one of many slices, and it takes a while until the others have had as much.
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

/* A turn is up to two slices; some are needed, whatever a slice is. */
#define TIME (120 * SCHED_SLICE_NS < 5 * NS_PER_S ? 120 * SCHED_SLICE_NS : 5 * NS_PER_S)

/* Have the hogs got, since they had @before, what is due to each but for a twentieth of all? */
static bool have_their_parts(const uint32_t *counts, unsigned int count, const uint64_t *before)
{
	uint64_t ran[ARRAY_SIZE(hogs)], total = 0, all = 0;

	for (unsigned int i = 0; i < count; i++) {
		ran[i] = hogs[i].ran - before[i];
		total += ran[i];
		all += counts[i];
	}
	for (unsigned int i = 0; i < count; i++) {
		const uint64_t due = total * counts[i] / all;
		const uint64_t close = total / 20 + 4 * SCHED_SLICE_NS;

		if (ran[i] > due + close || due > ran[i] + close)
			return false;
	}
	return total > 0;
}

/* Runs hogs with these shares; returns whether they get their parts. */
static bool compete(const uint32_t *counts, unsigned int count)
{
	uint64_t before[ARRAY_SIZE(hogs)], end;
	bool good;

	for (unsigned int i = 0; i < count; i++) {
		const struct sched_parameters parameters = shares(counts[i]);

		if (hog_start(&hogs[i], &parameters))
			return false;
	}
	thread_sleep_until(clock_ns() + 20 * MS);
	for (unsigned int i = 0; i < count; i++)
		before[i] = hogs[i].ran;
	end = clock_ns() + HOG_PATIENCE;
	do {
		thread_sleep_until(clock_ns() + TIME);
		good = have_their_parts(counts, count, before);
	} while (!good && clock_ns() < end);
	for (unsigned int i = 0; i < count; i++)
		hog_stop(&hogs[i]);
	return good;
}

static void stride_divides_by_shares(struct test *test)
{
	static const uint32_t counts[] = { 100, 200, 700 };

	if (!IS_ENABLED(CONFIG_PREEMPT))
		TEST_SKIP(test, "PREEMPT is off: nobody is stopped at the end of a slice");
	for (unsigned int i = 0; i < 3; i++)
		hogs[i] = (struct hog){ 0 };
	TEST_TRUE(test, compete(counts, 3));
}

static void stride_charges_who_yields_no_more(struct test *test)
{
	static const uint32_t counts[] = { 3000, 1000 };

	if (!IS_ENABLED(CONFIG_PREEMPT))
		TEST_SKIP(test, "PREEMPT is off: nobody is stopped at the end of a slice");
	hogs[0] = (struct hog){ .yields = true };
	hogs[1] = (struct hog){ 0 };
	TEST_TRUE(test, compete(counts, 2));
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
