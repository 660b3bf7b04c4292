/* SPDX-License-Identifier: MIT */
/*
 * What every scheduling policy promises: a ready thread runs, on a CPU that it may run on, on one
 * at a time, after no longer than the policy says; and nothing is lost.
 *
 * All threads have the same parameters, so the policies may not tell them apart. How a policy
 * treats unequal ones is for its own test.
 */
#include "../../kernel/sched/policy.h"
#include "thread_support.h"

#include <arch/pause.h>
#include <exo/semaphore.h>
#include <exo/string.h>
#include <exo/test.h>

#define MAX_WORKERS 64
#define SLICES_A_TURN 2 /* at most: kernel/sched/core.c */
#define TRIES 5 /* where a host that stops this CPU in the wrong place spoils one: a guess */

struct worker {
	struct thread *thread;
	struct worker *peer;
	struct cpu_set allowed;
	_Atomic bool inside; /* running: set by one CPU, looked at by all */
	_Atomic unsigned int rounds;
	_Atomic unsigned int mistakes;
	struct semaphore wake;
	uint64_t seed;
	uint64_t turn, longest_wait; /* in turns of others */
};

static struct worker workers[MAX_WORKERS];
static _Atomic bool stop;

static unsigned int count_of(_Atomic unsigned int *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static void add_to(_Atomic unsigned int *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static bool stopped(void)
{
	return atomic_load_explicit(&stop, memory_order_acquire);
}

/* A stretch that must not be run by two CPUs at once, nor on one that is not allowed. */
static void be_alone(struct worker *worker)
{
	if (atomic_exchange_explicit(&worker->inside, true, memory_order_acq_rel))
		add_to(&worker->mistakes);
	preempt_disable();
	if (!cpu_set_has(&worker->allowed, cpu_current()))
		add_to(&worker->mistakes);
	preempt_enable();
	if (thread_current() != worker->thread)
		add_to(&worker->mistakes);
	for (unsigned int i = 0; i < 20; i++)
		cpu_pause();
	atomic_store_explicit(&worker->inside, false, memory_order_release);
	add_to(&worker->rounds);
}

/* Starts @count workers with an affinity each. False, and none is left, if that fails. */
static bool start_workers(unsigned int count, void (*entry)(void *),
			  void (*choose)(struct cpu_set *set, unsigned int index))
{
	struct thread_attributes attributes = { .name = "conformance",
						.parameters = SCHED_PARAMETERS_DEFAULT };

	atomic_store(&stop, false);
	for (unsigned int i = 0; i < count; i++) {
		struct worker *worker = &workers[i];

		memset(worker, 0, sizeof(*worker));
		semaphore_init(&worker->wake, 0);
		worker->peer = &workers[(i + 1) % count];
		worker->seed = 88172645463325252ull + i;
		choose(&worker->allowed, i);
		attributes.affinity = &worker->allowed;
		if (thread_create(&worker->thread, entry, worker, &attributes)) {
			while (i--)
				thread_detach(workers[i].thread);
			return false;
		}
	}
	for (unsigned int i = 0; i < count; i++)
		thread_start(workers[i].thread);
	return true;
}

/* Waits for all; returns how many mistakes they have seen. */
static unsigned int end_workers(unsigned int count)
{
	unsigned int mistakes = 0;

	atomic_store_explicit(&stop, true, memory_order_release);
	for (unsigned int i = 0; i < count; i++)
		semaphore_give(&workers[i].wake);
	/* Before the first one's memory goes: others may be about to yield to it. */
	for (unsigned int i = 0; i < count; i++)
		if (!UNTIL(workers[i].thread->buried))
			return 1000; /* lost: no memory is used again */
	for (unsigned int i = 0; i < count; i++) {
		thread_join(workers[i].thread, DEADLINE_NEVER, NULL);
		mistakes += count_of(&workers[i].mistakes);
	}
	return mistakes;
}

static unsigned int least_rounds(unsigned int count)
{
	unsigned int least = UINT32_MAX;

	for (unsigned int i = 0; i < count; i++)
		if (count_of(&workers[i].rounds) < least)
			least = count_of(&workers[i].rounds);
	return least;
}

/* Waits until all have done so many; false once the one that is behind all others stands still. */
static bool all_do(unsigned int count, unsigned int rounds)
{
	unsigned int least = 0, before;

	while (least < rounds) {
		before = least;
		if (!UNTIL((least = least_rounds(count)) > before))
			return false;
	}
	return true;
}

static void any_cpu(struct cpu_set *set, unsigned int index)
{
	(void)index;
	cpu_set_all(set);
}

static void last_one(struct cpu_set *set, unsigned int index)
{
	(void)index;
	*set = only_cpu(last_cpu());
}

static void in_turn(struct cpu_set *set, unsigned int index)
{
	*set = only_cpu(index % nr_cpus_online);
}

static void two_in_turn(struct cpu_set *set, unsigned int index)
{
	*set = only_cpu(index % nr_cpus_online);
	cpu_set_add(set, (index * 7 + 3) % nr_cpus_online);
}

/* --- yielding --- */

static void keep_yielding(void *argument)
{
	struct worker *worker = argument;

	while (!stopped()) {
		be_alone(worker);
		thread_yield();
	}
}

static void sched_yielding_threads_all_run(struct test *test)
{
	static void (*const choices[])(struct cpu_set *, unsigned int) = { any_cpu, last_one,
									   in_turn, two_in_turn };

	for (unsigned int i = 0; i < ARRAY_SIZE(choices); i++) {
		bool met;

		TEST_TRUE(test, start_workers(24, keep_yielding, choices[i]));
		met = all_do(24, 50);
		TEST_EQ(test, end_workers(24), 0);
		TEST_TRUE(test, met);
	}
}

/* --- the bound --- */

static struct worker *_Atomic last_runner;
static _Atomic uint64_t turns;

/* Counts a turn when somebody else was the last to run here. All of this is on one CPU. */
static void count_turn(struct worker *worker)
{
	uint64_t turn;

	preempt_disable();
	if (atomic_load_explicit(&last_runner, memory_order_relaxed) != worker) {
		atomic_store_explicit(&last_runner, worker, memory_order_relaxed);
		turn = atomic_load_explicit(&turns, memory_order_relaxed) + 1;
		atomic_store_explicit(&turns, turn, memory_order_relaxed);
		if (worker->turn && turn - worker->turn - 1 > worker->longest_wait)
			worker->longest_wait = turn - worker->turn - 1;
		worker->turn = turn;
		add_to(&worker->rounds);
	}
	preempt_enable();
}

static void yield_and_count(void *argument)
{
	struct worker *worker = argument;

	while (!stopped()) {
		count_turn(worker);
		thread_yield();
	}
}

static void spin_and_count(void *argument)
{
	struct worker *worker = argument;

	while (!stopped())
		count_turn(worker);
}

/* The most turns of others that one of @count threads had to wait for. */
static bool longest_wait(unsigned int count, void (*entry)(void *), unsigned int rounds,
			 uint64_t *longest)
{
	bool met;

	atomic_store(&turns, 0);
	atomic_store(&last_runner, NULL);
	if (!start_workers(count, entry, last_one))
		return false;
	met = all_do(count, rounds);
	if (end_workers(count) || !met)
		return false;
	*longest = 0;
	for (unsigned int i = 0; i < count; i++)
		if (workers[i].longest_wait > *longest)
			*longest = workers[i].longest_wait;
	return true;
}

/*
 * Within the policy's bound? A thread that loses the CPU before it has noted its turn, because the
 * host did not run it until the slice's end, seems to have missed one: several tries.
 */
static bool wait_is_bounded(unsigned int count, void (*entry)(void *), unsigned int rounds)
{
	uint64_t longest;

	for (unsigned int i = 0; i < TRIES; i++) {
		if (!longest_wait(count, entry, rounds, &longest))
			return false;
		if (longest * SLICES_A_TURN <= POLICY_WAIT_SLICES(count - 1))
			return true;
	}
	return false;
}

static void sched_waiting_is_bounded(struct test *test)
{
	if (POLICY_BOUNDS_TIME)
		TEST_SKIP(test, "this policy counts time, not turns");
	TEST_TRUE(test, wait_is_bounded(8, yield_and_count, 200));
	TEST_TRUE(test, wait_is_bounded(2, yield_and_count, 200));
}

static void sched_waiting_is_bounded_by_slices(struct test *test)
{
	if (POLICY_BOUNDS_TIME)
		TEST_SKIP(test, "this policy counts time, not turns");
	if (!IS_ENABLED(CONFIG_PREEMPT))
		TEST_SKIP(test, "PREEMPT is off");
	TEST_TRUE(test, wait_is_bounded(5, spin_and_count, 4));
}

/* --- directed yield --- */

static void answer(void *argument)
{
	struct worker *worker = argument;

	while (!stopped()) {
		be_alone(worker);
		if (thread_yield_to(worker->peer->thread))
			thread_yield();
	}
}

static void sched_directed_yield(struct test *test)
{
	bool met;

	TEST_TRUE(test, start_workers(4, answer, last_one));
	met = all_do(4, 100);
	TEST_EQ(test, end_workers(4), 0);
	TEST_TRUE(test, met);
	TEST_TRUE(test, start_workers(16, answer, any_cpu));
	met = all_do(16, 100);
	TEST_EQ(test, end_workers(16), 0);
	TEST_TRUE(test, met);
}

static _Atomic bool target_ran;

static void run_once(void *argument)
{
	(void)argument;
	atomic_store(&target_ran, true);
}

/* On its CPU: the target is ready there and may not run before it is told to. */
static void yield_to_target(void *argument)
{
	struct worker *worker = argument;
	const struct thread_attributes attributes = { .name = "target",
						      .parameters = SCHED_PARAMETERS_DEFAULT,
						      .affinity = &worker->allowed };
	struct thread *target;
	uint64_t before;

	if (thread_create(&target, run_once, NULL, &attributes)) {
		add_to(&worker->mistakes);
		return;
	}
	if (thread_yield_to(target) != -EXO_E_AGAIN) /* it has not been started */
		add_to(&worker->mistakes);
	atomic_store(&target_ran, false);
	thread_start(target);
	/* Where preemption is on it may have run by now, or lose the CPU before it can say so. */
	before = target->switches;
	if (!atomic_load(&target_ran) && !thread_yield_to(target)) {
		add_to(&worker->rounds);
		if (target->switches == before)
			add_to(&worker->mistakes);
	}
	thread_join(target, DEADLINE_NEVER, NULL);
}

static void sched_directed_yield_runs_the_target(struct test *test)
{
	unsigned int yielded = 0;

	for (unsigned int i = 0; i < 20; i++) {
		TEST_TRUE(test, start_workers(1, yield_to_target, last_one));
		TEST_EQ(test, end_workers(1), 0);
		yielded += count_of(&workers[0].rounds);
	}
	TEST_TRUE(test, yielded > 0);
}

/* --- sleeping and waking --- */

static void sleep_and_run(void *argument)
{
	struct worker *worker = argument;

	while (!stopped()) {
		be_alone(worker);
		thread_sleep_until(clock_ns() + next_random(&worker->seed) % (300 * NS_PER_US));
	}
}

static void sched_sleepers_wake(struct test *test)
{
	bool met;

	TEST_TRUE(test, start_workers(32, sleep_and_run, two_in_turn));
	met = all_do(32, 50);
	TEST_EQ(test, end_workers(32), 0);
	TEST_TRUE(test, met);
}

/* Each wakes the next, which is on another CPU, and waits for the one before. */
static void pass_on(void *argument)
{
	struct worker *worker = argument;

	while (!stopped()) {
		if (semaphore_take(&worker->wake, clock_ns() + PATIENCE))
			add_to(&worker->mistakes);
		be_alone(worker);
		semaphore_give(&worker->peer->wake);
	}
}

static void sched_wake_from_other_cpus(struct test *test)
{
	for (unsigned int count = 2; count <= 32; count *= 4) {
		bool met;

		TEST_TRUE(test, start_workers(count, pass_on, in_turn));
		for (unsigned int i = 0; i < count; i += 2)
			semaphore_give(&workers[i].wake);
		met = all_do(count, 200);
		TEST_EQ(test, end_workers(count), 0);
		TEST_TRUE(test, met);
	}
}

/* --- moving --- */

/* Changes its own affinity: once that returns, it is where it may be. */
static void move_about(void *argument)
{
	struct worker *worker = argument;

	while (!stopped()) {
		worker->allowed = only_cpu(next_random(&worker->seed) % nr_cpus_online);
		if (thread_set_affinity(worker->thread, &worker->allowed))
			add_to(&worker->mistakes);
		be_alone(worker);
		thread_yield();
		be_alone(worker);
	}
}

static void sched_affinity_is_honoured(struct test *test)
{
	bool met;

	TEST_TRUE(test, start_workers(16, move_about, any_cpu));
	met = all_do(16, 100);
	TEST_EQ(test, end_workers(16), 0);
	TEST_TRUE(test, met);
}

/* Others change the affinity of a thread that is running, ready, sleeping or just being woken. */
static void sched_threads_are_moved(struct test *test)
{
	uint64_t seed = 362436069;
	bool met = true;
	cpu_t cpu;

	TEST_TRUE(test, start_workers(12, sleep_and_run, any_cpu));
	for (unsigned int i = 0; i < 400 && met; i++) {
		struct worker *worker = &workers[next_random(&seed) % 12];
		struct cpu_set set;

		cpu = next_random(&seed) % nr_cpus_online;
		set = only_cpu(cpu);
		met = thread_set_affinity(worker->thread, &set) == 0;
		if (i % 16 == 0)
			met &= UNTIL(atomic_load(&worker->thread->home) == cpus[cpu]);
	}
	TEST_EQ(test, end_workers(12), 0);
	TEST_TRUE(test, met);
}

static const struct test_case sched_cases[] = {
	TEST_CASE(sched_yielding_threads_all_run),
	TEST_CASE(sched_waiting_is_bounded),
	TEST_CASE(sched_waiting_is_bounded_by_slices),
	TEST_CASE(sched_directed_yield),
	TEST_CASE(sched_directed_yield_runs_the_target),
	TEST_CASE(sched_sleepers_wake),
	TEST_CASE(sched_wake_from_other_cpus),
	TEST_CASE(sched_affinity_is_honoured),
	TEST_CASE(sched_threads_are_moved),
};
TEST_SUITE(sched, sched_cases);
