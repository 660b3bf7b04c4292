/* SPDX-License-Identifier: MIT */
/* Threads come and go by the hundred, whatever the policy: all of them run, and nothing is left. */
#include "thread_support.h"

#include <exo/test.h>

#define MAKERS 8
#define THREADS 60 /* by each maker */

static _Atomic unsigned int ended, mistakes;

static void end_at_once(void *argument)
{
	(void)argument;
	atomic_fetch_add(&ended, 1);
}

static void make_storm(void *number)
{
	for (unsigned int i = 0; i < THREADS; i++) {
		const struct cpu_set set = only_cpu((i + (uintptr_t)number) % nr_cpus_online);
		struct thread *thread =
			spawn(end_at_once, NULL, PRIORITY_DEFAULT, i % 2 ? &set : NULL);

		if (!thread)
			atomic_fetch_add(&mistakes, 1);
		else if (i % 3)
			thread_detach(thread);
		else if (thread_join(thread, clock_ns() + PATIENCE, NULL))
			atomic_fetch_add(&mistakes, 1);
	}
}

/* Waits for all threads of all makers; false once no other one ends. */
static bool all_end(void)
{
	unsigned int before, now = 0;

	while (now < MAKERS * THREADS) {
		before = now;
		if (!UNTIL((now = atomic_load(&ended)) > before))
			return false;
	}
	return true;
}

static bool run_makers(void)
{
	struct thread *makers[MAKERS];
	bool good = true;

	for (unsigned int i = 0; i < MAKERS; i++) {
		struct cpu_set set = only_cpu(i % nr_cpus_online);

		cpu_set_add(&set, (i * 7 + 3) % nr_cpus_online);
		makers[i] = spawn(make_storm, (void *)(uintptr_t)i, PRIORITY_DEFAULT, &set);
		good &= makers[i] != NULL;
	}
	good &= all_end();
	for (unsigned int i = 0; i < MAKERS; i++)
		if (makers[i] && thread_join(makers[i], clock_ns() + PATIENCE, NULL))
			good = false;
	return good;
}

static void sched_storms_leave_nothing(struct test *test)
{
	struct memory_mark mark;

	for (unsigned int i = 0; i < 2; i++) { /* tables grow in the first round only */
		memory_mark(&mark);
		atomic_store(&ended, 0);
		atomic_store(&mistakes, 0);
		TEST_TRUE(test, run_makers());
		TEST_EQ(test, atomic_load(&mistakes), 0);
		TEST_EQ(test, atomic_load(&ended), MAKERS * THREADS);
	}
	TEST_TRUE(test, memory_is_back(&mark));
}

static const struct test_case sched_storm_cases[] = {
	TEST_CASE(sched_storms_leave_nothing),
};
TEST_SUITE(sched_storm, sched_storm_cases);
