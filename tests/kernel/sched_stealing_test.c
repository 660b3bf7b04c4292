/* SPDX-License-Identifier: MIT */
/*
 * Work stealing between real CPUs: all of them work while there is work, and threads stay in their
 * node while it can run them. The logic itself is tested on the host (policy_stealing_hostonly.c).
 */
#include "../../kernel/sched/sched_cpu.h"

#include <arch/cpu.h>
#include <exo/clock.h>
#include <exo/test.h>

#define PATIENCE (20 * NS_PER_S) /* a guess: what does not happen by then never will */
#define WORKERS 12 /* more than the CPUs of a node */
#define SPINNERS 64

static struct thread *workers[WORKERS], *spinners[SPINNERS];
static _Atomic bool stop_workers, stop_spinners[NUMA_MAX_NODES];
static _Atomic bool ran_on[NR_CPUS];
static _Atomic unsigned int spinning; /* spinners that have their CPU */

/* Nobody else would run where threads are not preempted. */
static void pass_time(void)
{
	if (IS_ENABLED(CONFIG_PREEMPT))
		cpu_pause();
	else
		thread_yield();
}

/* Computes until it is told to stop. */
static void work(void *argument)
{
	(void)argument;
	while (!atomic_load_explicit(&stop_workers, memory_order_relaxed)) {
		preempt_disable();
		atomic_store_explicit(&ran_on[cpu_current()], true, memory_order_relaxed);
		preempt_enable();
		pass_time();
	}
}

static void spin(void *argument)
{
	const _Atomic bool *stop = argument;

	atomic_fetch_add(&spinning, 1);
	while (!atomic_load_explicit(stop, memory_order_relaxed))
		pass_time();
}

static bool start(struct thread **thread, void (*entry)(void *argument), void *argument,
		  const struct cpu_set *affinity)
{
	const struct thread_attributes attributes = { .name = "stealing",
						      .parameters = SCHED_PARAMETERS_DEFAULT,
						      .affinity = affinity };

	if (thread_create(thread, entry, argument, &attributes)) {
		*thread = NULL;
		return false;
	}
	thread_start(*thread);
	return true;
}

static void join(struct thread **threads, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		if (threads[i])
			thread_join(threads[i], DEADLINE_NEVER, NULL);
		threads[i] = NULL;
	}
}

static bool start_workers(unsigned int count)
{
	bool good = true;

	atomic_store(&stop_workers, false);
	for (cpu_t i = 0; i < NR_CPUS; i++)
		atomic_store_explicit(&ran_on[i], false, memory_order_relaxed);
	for (unsigned int i = 0; i < count; i++)
		good = start(&workers[i], work, NULL, NULL) && good;
	return good;
}

static uint64_t sum_far(void)
{
	uint64_t far = 0;

	for (cpu_t i = 0; i < nr_cpus_online; i++)
		far += *(const volatile uint64_t *)&cpus[i]->queue->counters.far;
	return far;
}

/* Waits until a worker has run on each CPU of @node, or of all nodes if that is numa_nodes(). */
static bool all_have_worked(unsigned int node)
{
	const uint64_t end = clock_ns() + PATIENCE;

	for (cpu_t i = 0; i < nr_cpus_online; i++) {
		while (!atomic_load_explicit(&ran_on[i], memory_order_relaxed) &&
		       (node == numa_nodes() || node == cpus[i]->node)) {
			if (clock_ns() > end)
				return false;
			thread_sleep_until(clock_ns() + 100 * NS_PER_US);
		}
	}
	return true;
}

static void stealing_keeps_all_cpus_busy(struct test *test)
{
	bool started, worked;

	if (nr_cpus_online < 2 || nr_cpus_online > WORKERS)
		TEST_SKIP(test, "for 2 to 12 CPUs");
	started = start_workers(WORKERS);
	worked = all_have_worked(numa_nodes());
	atomic_store(&stop_workers, true);
	join(workers, WORKERS);
	TEST_TRUE(test, started);
	TEST_TRUE(test, worked);
}

/* Starts a spinner on each CPU of other nodes than @home, and waits until all of them run. */
static bool start_spinners(unsigned int home, unsigned int *count)
{
	const uint64_t end = clock_ns() + PATIENCE;
	bool good = true;

	*count = 0;
	atomic_store(&spinning, 0);
	for (cpu_t i = 0; i < nr_cpus_online; i++) {
		struct cpu_set only = { 0 };

		if (cpus[i]->node == home)
			continue;
		cpu_set_add(&only, i);
		atomic_store(&stop_spinners[cpus[i]->node], false);
		good &= start(&spinners[(*count)++], spin, &stop_spinners[cpus[i]->node], &only);
	}
	while (good && atomic_load(&spinning) < *count && (good = clock_ns() < end))
		thread_sleep_until(clock_ns() + 100 * NS_PER_US);
	return good;
}

/* While the CPUs of other nodes have something to do, what is ready here stays here. */
static void stealing_leaves_a_node_only_when_idle(struct test *test)
{
	const unsigned int home = cpus[0]->node;
	const struct cpu_set before = thread_current()->affinity;
	struct cpu_set first_cpu = { 0 };
	bool started, worked, left;
	unsigned int others;
	uint64_t far;

	if (numa_nodes() < 2 || nr_cpus_online > SPINNERS)
		TEST_SKIP(test, "for 2 and more NUMA nodes, and up to 64 CPUs");
	/* What it starts is ready on its own CPU first. */
	cpu_set_add(&first_cpu, 0);
	thread_set_affinity(thread_current(), &first_cpu);
	started = start_spinners(home, &others);
	far = sum_far();
	started = start_workers(WORKERS) && started;
	worked = all_have_worked(home);
	far = sum_far() - far;
	for (unsigned int node = 0; node < numa_nodes(); node++)
		atomic_store(&stop_spinners[node], true);
	left = all_have_worked(numa_nodes());
	atomic_store(&stop_workers, true);
	join(workers, WORKERS);
	join(spinners, others);
	thread_set_affinity(thread_current(), &before);
	TEST_TRUE(test, started);
	TEST_TRUE(test, worked);
	TEST_EQ(test, far, 0);
	TEST_TRUE(test, left);
	TEST_TRUE(test, sum_far() > 0);
}

static const struct test_case sched_stealing_cases[] = {
	TEST_CASE(stealing_keeps_all_cpus_busy),
	TEST_CASE(stealing_leaves_a_node_only_when_idle),
};
TEST_SUITE(sched_stealing, sched_stealing_cases);
