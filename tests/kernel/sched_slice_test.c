/* SPDX-License-Identifier: MIT */
/*
 * Slices end for everybody, also where they begin late: a host that stops a virtual CPU makes an
 * interrupt of its idle thread outlast the slice that it has begun for those whom it has woken.
 */
#include "../../kernel/sched/policy_common.h"
#include "thread_support.h"

#include <exo/semaphore.h>
#include <exo/smp.h>
#include <exo/test.h>

#define ROUNDS 3
#define THREADS 2

static struct semaphore gate;
static _Atomic unsigned int running; /* those who have had the CPU since they were woken */
static _Atomic unsigned int kept; /* those who have not had to give it up */

/* Spins until all have had the CPU, which has to be taken from it for that. */
static void keep_the_cpu(void *unused)
{
	uint64_t end;

	(void)unused;
	semaphore_take(&gate, DEADLINE_NEVER);
	atomic_fetch_add(&running, 1);
	end = clock_ns() + PATIENCE;
	while (atomic_load(&running) < THREADS && clock_ns() < end)
		cpu_pause();
	if (atomic_load(&running) < THREADS)
		atomic_fetch_add(&kept, 1);
}

/* In an interrupt: the timer's, at the end of the slice, is due when this one returns. */
static void wake_all_slowly(void *unused)
{
	(void)unused;
	for (unsigned int i = 0; i < THREADS; i++)
		semaphore_give(&gate);
	burn(2 * SCHED_SLICE_NS);
}

/* On an idle CPU, this being another one. Returns false if there is no memory. */
static bool wake_on(cpu_t cpu)
{
	const struct cpu_set set = only_cpu(cpu);
	struct thread *threads[THREADS];
	bool good = true;

	semaphore_init(&gate, 0);
	atomic_store(&running, 0);
	for (unsigned int i = 0; i < THREADS; i++) {
		threads[i] = spawn(keep_the_cpu, NULL, PRIORITY_DEFAULT, &set);
		good &= threads[i] && UNTIL(state_of(threads[i]) == THREAD_BLOCKED);
	}
	good &= UNTIL(*(struct thread *volatile *)&cpus[cpu]->current == cpus[cpu]->idle);
	smp_call(&set, wake_all_slowly, NULL);
	for (unsigned int i = 0; i < THREADS; i++)
		if (threads[i])
			thread_join(threads[i], DEADLINE_NEVER, NULL);
	return good;
}

static void sched_slices_end_that_begin_late(struct test *test)
{
	const struct cpu_set before = thread_current()->affinity, first_cpu = only_cpu(0);
	bool good = true;

	if (!IS_ENABLED(CONFIG_PREEMPT))
		TEST_SKIP(test, "PREEMPT is off");
	if (nr_cpus_online < 2)
		TEST_SKIP(test, "one CPU: there is no other one whose interrupt it is");
	atomic_store(&kept, 0);
	thread_set_affinity(thread_current(), &first_cpu);
	for (unsigned int i = 0; good && i < ROUNDS && !atomic_load(&kept); i++)
		good = wake_on(last_cpu());
	thread_set_affinity(thread_current(), &before);
	TEST_TRUE(test, good);
	TEST_EQ(test, atomic_load(&kept), 0);
}

static const struct test_case sched_slice_cases[] = {
	TEST_CASE(sched_slices_end_that_begin_late),
};
TEST_SUITE(sched_slice, sched_slice_cases);
