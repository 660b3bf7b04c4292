/* SPDX-License-Identifier: MIT */
/* The life of threads: made, started, stopped, moved, ended, waited for. */
#include "thread_support.h"

#include <exo/semaphore.h>
#include <exo/string.h>
#include <exo/test.h>

static struct semaphore gate;
static _Atomic unsigned int count;
static _Atomic bool stop;

static void prepare(void)
{
	semaphore_init(&gate, 0);
	atomic_store(&count, 0);
	atomic_store(&stop, false);
}

static void return_at_once(void *argument)
{
	(void)argument;
	atomic_fetch_add(&count, 1);
}

static void exit_with(void *argument)
{
	thread_exit(argument);
}

static void wait_at_gate(void *argument)
{
	(void)argument;
	semaphore_take(&gate, DEADLINE_NEVER);
	atomic_fetch_add(&count, 1);
}

static void count_up(void *argument)
{
	(void)argument;
	while (!atomic_load(&stop)) {
		atomic_fetch_add(&count, 1);
		thread_yield();
	}
}

static struct thread *start(void (*entry)(void *), void *argument)
{
	return spawn(entry, argument, PRIORITY_DEFAULT, NULL);
}

static bool join(struct thread *thread)
{
	return thread_join(thread, clock_ns() + PATIENCE, NULL) == 0;
}

/* --- making and ending --- */

static void thread_results(struct test *test)
{
	struct thread *thread = start(exit_with, &gate);
	void *result = NULL;

	TEST_TRUE(test, thread);
	TEST_EQ(test, thread_join(thread, DEADLINE_NEVER, &result), 0);
	TEST_TRUE(test, result == &gate);
	thread = start(return_at_once, NULL);
	TEST_TRUE(test, thread);
	TEST_EQ(test, thread_join(thread, DEADLINE_NEVER, &result), 0);
	TEST_TRUE(test, !result);
}

static void thread_runs_only_when_started(struct test *test)
{
	struct thread *thread;

	prepare();
	TEST_EQ(test, thread_create(&thread, return_at_once, NULL, NULL), 0);
	TEST_EQ(test, state_of(thread), THREAD_SUSPENDED);
	thread_sleep_until(clock_ns() + NS_PER_MS);
	TEST_EQ(test, atomic_load(&count), 0);
	thread_resume(thread); /* is not starting */
	thread_sleep_until(clock_ns() + NS_PER_MS);
	TEST_EQ(test, atomic_load(&count), 0);
	thread_start(thread);
	TEST_TRUE(test, join(thread));
	TEST_EQ(test, atomic_load(&count), 1);
}

static void thread_join_times_out(struct test *test)
{
	struct thread *thread;
	uint64_t deadline;

	prepare();
	thread = start(wait_at_gate, NULL);
	TEST_TRUE(test, thread);
	deadline = clock_ns() + 2 * NS_PER_MS;
	TEST_EQ(test, thread_join(thread, deadline, NULL), -EXO_E_TIMEOUT);
	TEST_TRUE(test, clock_ns() >= deadline);
	TEST_EQ(test, thread_join(thread, 0, NULL), -EXO_E_TIMEOUT);
	semaphore_give(&gate);
	TEST_TRUE(test, UNTIL(thread->buried));
	TEST_EQ(test, thread_join(thread, 0, NULL), 0);
}

static void thread_detach_in_every_state(struct test *test)
{
	struct memory_mark mark;
	struct thread *thread;

	prepare();
	memory_mark(&mark);
	TEST_EQ(test, thread_create(&thread, return_at_once, NULL, NULL), 0);
	thread_detach(thread); /* never started */
	thread = start(wait_at_gate, NULL);
	TEST_TRUE(test, thread);
	TEST_TRUE(test, UNTIL(state_of(thread) == THREAD_BLOCKED));
	thread_detach(thread);
	thread = start(return_at_once, NULL);
	TEST_TRUE(test, thread);
	TEST_TRUE(test, UNTIL(thread->buried));
	thread_detach(thread);
	thread = start(return_at_once, NULL);
	TEST_TRUE(test, thread);
	thread_detach(thread); /* ready, running or dead */
	semaphore_give(&gate);
	TEST_TRUE(test, UNTIL(atomic_load(&count) == 3));
	TEST_TRUE(test, memory_is_back(&mark));
}

static void thread_create_refuses(struct test *test)
{
	struct thread_attributes attributes = { .parameters = SCHED_PARAMETERS_DEFAULT };
	struct cpu_set set, before = thread_current()->affinity;
	struct thread *thread;

	cpu_set_clear(&set);
	attributes.affinity = &set;
	TEST_EQ(test, thread_create(&thread, return_at_once, NULL, &attributes), -EXO_E_ARG);
	TEST_EQ(test, thread_set_affinity(thread_current(), &set), -EXO_E_ARG);
	if (nr_cpus_online < NR_CPUS) {
		set = only_cpu(nr_cpus_online);
		TEST_EQ(test, thread_create(&thread, return_at_once, NULL, &attributes),
			-EXO_E_ARG);
		TEST_EQ(test, thread_set_affinity(thread_current(), &set), -EXO_E_ARG);
	}
	TEST_TRUE(test, memcmp(&before, &thread_current()->affinity, sizeof(before)) == 0);
}

struct search {
	const struct thread *thread;
	unsigned int found;
	uint64_t highest;
};

static void look(struct thread *thread, void *context)
{
	struct search *search = context;

	search->found += thread == search->thread;
	if (thread->id > search->highest)
		search->highest = thread->id;
}

static void thread_is_listed_while_it_exists(struct test *test)
{
	struct search search = { 0 };
	uint64_t first_id;

	TEST_EQ(test, thread_create((struct thread **)&search.thread, return_at_once, NULL, NULL),
		0);
	first_id = search.thread->id;
	thread_for_each(look, &search);
	TEST_EQ(test, search.found, 1);
	TEST_EQ(test, search.highest, first_id);
	thread_detach((struct thread *)search.thread);
	search.found = 0;
	thread_for_each(look, &search);
	TEST_EQ(test, search.found, 0);
	/* Its memory is used again, its number is not. */
	TEST_EQ(test, thread_create((struct thread **)&search.thread, return_at_once, NULL, NULL),
		0);
	TEST_TRUE(test, search.thread->id > first_id);
	thread_detach((struct thread *)search.thread);
}

/* --- sleeping --- */

static void sleep_often(void *argument)
{
	uint64_t seed = (uintptr_t)argument;

	for (unsigned int i = 0; i < 40; i++) {
		const uint64_t deadline = clock_ns() + next_random(&seed) % NS_PER_MS;

		thread_sleep_until(deadline);
		if (clock_ns() < deadline)
			atomic_fetch_add(&count, 1);
	}
}

static void thread_sleep_is_never_early(struct test *test)
{
	struct thread *threads[6];

	prepare();
	thread_sleep_until(0); /* the past: at once */
	for (uintptr_t i = 0; i < ARRAY_SIZE(threads); i++) {
		threads[i] = start(sleep_often, (void *)(i + 1));
		TEST_TRUE(test, threads[i]);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(threads); i++)
		TEST_TRUE(test, join(threads[i]));
	TEST_EQ(test, atomic_load(&count), 0);
}

/* --- suspending --- */

/* Does it stand still? A thread that counts would have counted. */
static bool stands_still(void)
{
	const unsigned int before = atomic_load(&count);

	thread_sleep_until(clock_ns() + 2 * NS_PER_MS);
	return atomic_load(&count) == before;
}

static void thread_suspend_new(struct test *test)
{
	struct thread *thread;

	prepare();
	TEST_EQ(test, thread_create(&thread, return_at_once, NULL, NULL), 0);
	thread_suspend(thread);
	thread_start(thread);
	TEST_TRUE(test, stands_still());
	TEST_EQ(test, atomic_load(&count), 0);
	thread_resume(thread);
	TEST_TRUE(test, join(thread));
}

static void suspend_running(struct test *test, cpu_t cpu)
{
	const struct cpu_set set = only_cpu(cpu);
	struct thread *thread;

	prepare();
	thread = spawn(count_up, NULL, PRIORITY_DEFAULT, &set);
	TEST_TRUE(test, thread);
	for (unsigned int i = 0; i < 20; i++) {
		unsigned int before;

		TEST_TRUE(test, UNTIL(atomic_load(&count) > 10));
		thread_suspend(thread);
		TEST_TRUE(test, UNTIL(state_of(thread) == THREAD_SUSPENDED));
		TEST_TRUE(test, stands_still());
		before = atomic_load(&count);
		thread_resume(thread);
		thread_resume(thread);
		TEST_TRUE(test, UNTIL(atomic_load(&count) > before));
		atomic_store(&count, 0);
	}
	atomic_store(&stop, true);
	TEST_TRUE(test, join(thread));
}

static void thread_suspend_running_elsewhere(struct test *test)
{
	suspend_running(test, last_cpu());
}

static void thread_suspend_ready(struct test *test)
{
	suspend_running(test, 0);
}

static void thread_suspend_blocked(struct test *test)
{
	struct thread *thread;

	prepare();
	thread = start(wait_at_gate, NULL);
	TEST_TRUE(test, thread);
	TEST_TRUE(test, UNTIL(state_of(thread) == THREAD_BLOCKED));
	thread_suspend(thread);
	semaphore_give(&gate); /* wakes it, but it may not go on */
	TEST_TRUE(test, UNTIL(state_of(thread) == THREAD_SUSPENDED));
	TEST_TRUE(test, stands_still());
	TEST_EQ(test, atomic_load(&count), 0);
	thread_resume(thread);
	TEST_TRUE(test, join(thread));
	TEST_EQ(test, atomic_load(&count), 1);
	/* Resumed before it is woken: as if nothing had happened. */
	thread = start(wait_at_gate, NULL);
	TEST_TRUE(test, thread);
	TEST_TRUE(test, UNTIL(state_of(thread) == THREAD_BLOCKED));
	thread_suspend(thread);
	thread_resume(thread);
	TEST_EQ(test, state_of(thread), THREAD_BLOCKED);
	semaphore_give(&gate);
	TEST_TRUE(test, join(thread));
}

static void suspend_itself(void *argument)
{
	(void)argument;
	for (unsigned int i = 0; i < 50; i++) {
		thread_suspend(thread_current());
		atomic_fetch_add(&count, 1);
	}
}

static void thread_suspend_itself(struct test *test)
{
	struct thread *thread;

	prepare();
	thread = start(suspend_itself, NULL);
	TEST_TRUE(test, thread);
	for (unsigned int i = 0; i < 50; i++) {
		TEST_TRUE(test, UNTIL(state_of(thread) == THREAD_SUSPENDED));
		TEST_EQ(test, atomic_load(&count), i);
		thread_resume(thread);
		TEST_TRUE(test, UNTIL(atomic_load(&count) == i + 1));
	}
	TEST_TRUE(test, UNTIL(thread->buried));
	thread_suspend(thread); /* an ended one: nothing happens */
	thread_resume(thread);
	TEST_TRUE(test, join(thread));
}

/* --- moving --- */

static _Atomic cpu_t seen_on;

/* No CPU's number: nothing was seen since it was written. */
#define NOWHERE ((cpu_t)-1)

static cpu_t current_cpu(void)
{
	cpu_t cpu;

	preempt_disable();
	cpu = cpu_current();
	preempt_enable();
	return cpu;
}

static void tell_where(void *argument)
{
	(void)argument;
	while (!atomic_load(&stop)) {
		/* Told while it is true: read, and moved before it is told, it would be stale. */
		preempt_disable();
		atomic_store(&seen_on, cpu_current());
		preempt_enable();
		thread_yield();
	}
}

static void thread_affinity(struct test *test)
{
	struct thread *thread;
	struct cpu_set set;

	prepare();
	thread = start(tell_where, NULL);
	TEST_TRUE(test, thread);
	for (unsigned int i = 0; i < 4 * nr_cpus_online; i++) {
		set = only_cpu(i % nr_cpus_online);
		TEST_EQ(test, thread_set_affinity(thread, &set), 0);
		atomic_store(&seen_on, NOWHERE);
		TEST_TRUE(test, UNTIL(atomic_load(&seen_on) == i % nr_cpus_online));
		thread_sleep_until(clock_ns() + 100 * NS_PER_US);
		TEST_EQ(test, atomic_load(&seen_on), i % nr_cpus_online);
	}
	atomic_store(&stop, true);
	TEST_TRUE(test, join(thread));
	/* The running thread itself is there when the call returns. */
	for (cpu_t cpu = 0; cpu < nr_cpus_online; cpu++) {
		set = only_cpu(cpu);
		TEST_EQ(test, thread_set_affinity(thread_current(), &set), 0);
		TEST_EQ(test, current_cpu(), cpu);
	}
	cpu_set_all(&set);
	TEST_EQ(test, thread_set_affinity(thread_current(), &set), 0);
}

/* --- parameters --- */

/* In every state, the first thread's own included: nobody falls out of a queue. */
static void thread_parameters(struct test *test)
{
	struct sched_parameters parameters = thread_current()->parameters;
	const struct sched_parameters before = parameters;
	struct thread *running, *blocked, *fresh;
	unsigned int before_count;

	prepare();
	running = start(count_up, NULL);
	blocked = start(wait_at_gate, NULL);
	TEST_TRUE(test, running && blocked);
	TEST_EQ(test, thread_create(&fresh, return_at_once, NULL, NULL), 0);
	for (unsigned int i = 0; i < 20; i++) {
		/* Its own first: less urgent than one that only yields it would never run again. */
		parameters.priority = (uint8_t)(PRIORITY_DEFAULT + 3 + i % 2);
		TEST_EQ(test, thread_set_parameters(thread_current(), &parameters), 0);
		parameters.priority = (uint8_t)(PRIORITY_DEFAULT + i % 3);
		parameters.shares = 100 + i;
		TEST_EQ(test, thread_set_parameters(running, &parameters), 0);
		TEST_EQ(test, thread_set_parameters(blocked, &parameters), 0);
		TEST_EQ(test, thread_set_parameters(fresh, &parameters), 0);
		thread_yield();
		TEST_EQ(test, running->parameters.shares, 100 + i);
		TEST_EQ(test, running->urgency, running->own_urgency);
		before_count = atomic_load(&count);
		TEST_TRUE(test, UNTIL(atomic_load(&count) != before_count));
	}
	atomic_store(&stop, true);
	semaphore_give(&gate);
	TEST_EQ(test, thread_set_parameters(thread_current(), &before), 0);
	thread_start(fresh);
	TEST_TRUE(test, join(running) && join(blocked) && join(fresh));
}

static const struct test_case thread_cases[] = {
	TEST_CASE(thread_results),
	TEST_CASE(thread_runs_only_when_started),
	TEST_CASE(thread_join_times_out),
	TEST_CASE(thread_detach_in_every_state),
	TEST_CASE(thread_create_refuses),
	TEST_CASE(thread_is_listed_while_it_exists),
	TEST_CASE(thread_sleep_is_never_early),
	TEST_CASE(thread_suspend_new),
	TEST_CASE(thread_suspend_running_elsewhere),
	TEST_CASE(thread_suspend_ready),
	TEST_CASE(thread_suspend_blocked),
	TEST_CASE(thread_suspend_itself),
	TEST_CASE(thread_affinity),
	TEST_CASE(thread_parameters),
};
TEST_SUITE(thread, thread_cases);
