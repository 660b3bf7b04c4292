/* SPDX-License-Identifier: MIT */
/*
 * CONFIG_THREADS_MAX threads can exist, and no more. Where memory ends before that there is nothing
 * to see; tests/boot/option_test.py has a kernel with few.
 */
#include "thread_support.h"

#include <exo/frame.h>
#include <exo/stack.h>
#include <exo/test.h>

static _Atomic unsigned int ran;

static void count_run(void *unused)
{
	(void)unused;
	atomic_fetch_add(&ran, 1);
}

/* The boot code and the idle threads of all CPUs but the first have stacks of another kind. */
static void count_stack(struct thread *thread, void *total)
{
	*(unsigned int *)total += thread->stack != 0;
}

static bool memory_is_left(void)
{
	paddr_t base;

	if (frame_alloc(STACK_ORDER + 3, &base))
		return false;
	frame_free(base, STACK_ORDER + 3);
	return true;
}

/* Makes threads until that fails, linked by what nobody uses before they run. */
static struct thread *make_all(unsigned int *made, int *error)
{
	struct thread *thread, *first = NULL;

	for (*made = 0; (*error = thread_create(&thread, count_run, NULL, NULL)) == 0; ++*made) {
		thread->result = first;
		first = thread;
	}
	return first;
}

/* Starts all, or just lets them go. */
static void end_all(struct thread *thread, bool start)
{
	while (thread) {
		struct thread *next = thread->result;

		if (start) {
			thread_start(thread);
			thread_join(thread, DEADLINE_NEVER, NULL);
		} else {
			thread_detach(thread);
		}
		thread = next;
	}
}

struct outcome {
	unsigned int existing, made, again;
	int error, error_again;
	bool memory_left;
};

/* On one CPU, whose cache of ended threads is then the one that is asked. */
static void reach_limit(struct outcome *outcome)
{
	struct thread *all, *one;

	*outcome = (struct outcome){ 0 };
	thread_for_each(count_stack, &outcome->existing);
	all = make_all(&outcome->made, &outcome->error);
	outcome->memory_left = memory_is_left();
	if (all) {
		one = all;
		all = one->result;
		thread_detach(one);
	}
	one = make_all(&outcome->again, &outcome->error_again);
	end_all(one, true);
	end_all(all, true);
}

static void thread_limit_is_kept(struct test *test)
{
	const struct cpu_set before = thread_current()->affinity, first_cpu = only_cpu(0);
	struct memory_mark mark;
	struct outcome outcome;
	unsigned int made;
	int error;

	thread_set_affinity(thread_current(), &first_cpu);
	end_all(make_all(&made, &error), false); /* tables of the stack area stay */
	memory_mark(&mark);
	atomic_store(&ran, 0);
	reach_limit(&outcome);
	thread_set_affinity(thread_current(), &before);
	TEST_TRUE(test, memory_is_back(&mark));
	TEST_EQ(test, outcome.error, -EXO_E_NOMEM);
	if (!outcome.memory_left)
		TEST_SKIP(test, "memory ends before THREADS_MAX");
	TEST_EQ(test, outcome.existing + outcome.made, CONFIG_THREADS_MAX);
	TEST_EQ(test, outcome.again, 1);
	TEST_EQ(test, outcome.error_again, -EXO_E_NOMEM);
	TEST_EQ(test, atomic_load(&ran), outcome.made);
}

static const struct test_case thread_limit_cases[] = {
	TEST_CASE(thread_limit_is_kept),
};
TEST_SUITE(thread_limit, thread_limit_cases);
