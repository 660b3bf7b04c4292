/* SPDX-License-Identifier: MIT */
/*
 * Earliest deadline first on the real core: admission, throttling, periods. That no deadline is
 * missed is tested on a simulated CPU (tests/host/policy_edf_hostonly.c); a machine that is
 * emulated on a busy host may miss any.
 */
#include <exo/test.h>

#include "../../kernel/sched/policy_edf.h"
#include "sched_hog.h"

#define MS NS_PER_MS

static struct hog hogs[3];

static struct sched_parameters contract(uint64_t budget, uint64_t period)
{
	struct sched_parameters parameters = SCHED_PARAMETERS_INIT;

	parameters.budget = budget;
	parameters.period = period;
	return parameters;
}

/* What the first hog gets from now on, in thousandths. Busy itself: @ns may become more. */
static uint64_t thousandths(uint64_t ns)
{
	const uint64_t begin = clock_ns(), before = hogs[0].ran;
	uint64_t time;

	do
		time = clock_ns() - begin;
	while (time < ns);
	return (hogs[0].ran - before) * 1000 / time;
}

/*
 * In the background, the test has what is left: without throttling it would not go on. A host that
 * lets a timer be late gives the hog too much, which it pays back: then only more time shows it.
 */
static void edf_throttles_overrun(struct test *test)
{
	const struct sched_parameters parameters = contract(10 * MS, 50 * MS);
	const uint64_t begin = clock_ns();
	uint64_t time;
	bool good;

	hogs[0] = (struct hog){ 0 };
	TEST_EQ(test, hog_start(&hogs[0], &parameters), 0);
	do {
		thousandths(500 * MS);
		time = clock_ns() - begin;
		good = hogs[0].ran >= 10 * MS && hogs[0].ran <= time / 4; /* should be a fifth */
	} while (!good && time < HOG_PATIENCE);
	hog_stop(&hogs[0]);
	TEST_TRUE(test, good);
}

static void edf_refuses_what_it_cannot_keep(struct test *test)
{
	struct sched_parameters parameters = contract(60 * MS, 100 * MS);
	const struct sched_parameters none = SCHED_PARAMETERS_INIT;
	const uint64_t limit = CONFIG_SCHED_EDF_LIMIT;

	hogs[0] = hogs[1] = (struct hog){ 0 };
	parameters.budget = limit * MS / 2;
	TEST_EQ(test, hog_start(&hogs[0], &parameters), 0);
	parameters.budget = limit * MS / 2 + 1;
	TEST_EQ(test, hog_start(&hogs[1], &parameters), -EXO_E_BUSY);
	parameters.budget = 0;
	TEST_EQ(test, hog_start(&hogs[1], &parameters), -EXO_E_ARG);
	TEST_EQ(test, hog_start(&hogs[1], &none), 0);
	parameters.budget = limit * MS / 2 + 1;
	TEST_EQ(test, thread_set_parameters(hogs[1].thread, &parameters), -EXO_E_BUSY);
	hog_stop(&hogs[0]);
	hog_stop(&hogs[1]);
	/* What the first had is free when its last deadline has passed. */
	thread_sleep_until(clock_ns() + 100 * MS);
	TEST_EQ(test, hog_start(&hogs[0], &parameters), 0);
	hog_stop(&hogs[0]);
}

static void count_jobs(void *argument)
{
	for (unsigned int i = 0; i < 10; i++) {
		++*(unsigned int *)argument;
		thread_yield();
	}
}

/* thread_yield() waits for the next period, whatever others want. */
static void edf_runs_a_job_each_period(struct test *test)
{
	struct thread_attributes attributes = { .name = "periodic",
						.parameters = contract(5 * MS, 20 * MS) };
	const struct sched_parameters greedy = contract(20 * MS, 100 * MS);
	const struct sched_parameters none = SCHED_PARAMETERS_INIT;
	const uint64_t begin = clock_ns();
	struct cpu_set first;
	struct thread *thread;
	unsigned int jobs = 0;

	cpu_set_clear(&first);
	cpu_set_add(&first, 0);
	attributes.affinity = &first;
	hogs[0] = hogs[1] = (struct hog){ 0 };
	TEST_EQ(test, hog_start(&hogs[0], &greedy), 0);
	TEST_EQ(test, hog_start(&hogs[1], &none), 0);
	TEST_EQ(test, thread_create(&thread, count_jobs, &jobs, &attributes), 0);
	thread_start(thread);
	TEST_EQ(test, thread_join(thread, begin + HOG_PATIENCE, NULL), 0);
	TEST_EQ(test, jobs, 10);
	TEST_TRUE(test, clock_ns() - begin >= 180 * MS);
	while (hogs[1].ran == 0 && clock_ns() - begin < HOG_PATIENCE)
		thread_sleep_until(clock_ns() + MS);
	hog_stop(&hogs[0]);
	hog_stop(&hogs[1]);
	TEST_TRUE(test, hogs[1].ran > 0);
}

static void edf_changes_a_running_thread(struct test *test)
{
	const struct sched_parameters none = SCHED_PARAMETERS_INIT;
	const struct sched_parameters parameters = contract(5 * MS, 50 * MS);
	const uint64_t begin = clock_ns();
	uint64_t throttled, free;

	hogs[0] = (struct hog){ 0 };
	TEST_EQ(test, hog_start(&hogs[0], &none), 0);
	TEST_EQ(test, thread_set_parameters(hogs[0].thread, &parameters), 0);
	do
		throttled = thousandths(200 * MS); /* should be 100 */
	while (throttled > 250 && clock_ns() - begin < HOG_PATIENCE);
	/* And back: it shares the CPU with the test at most. */
	TEST_EQ(test, thread_set_parameters(hogs[0].thread, &none), 0);
	do
		free = thousandths(200 * MS);
	while (free < 350 && clock_ns() - begin < 2 * HOG_PATIENCE);
	hog_stop(&hogs[0]);
	TEST_TRUE(test, throttled <= 250);
	TEST_TRUE(test, free >= 350);
}

static const struct test_case sched_edf_cases[] = {
	TEST_CASE(edf_throttles_overrun),
	TEST_CASE(edf_refuses_what_it_cannot_keep),
	TEST_CASE(edf_runs_a_job_each_period),
	TEST_CASE(edf_changes_a_running_thread),
};
TEST_SUITE(sched_edf, sched_edf_cases);
