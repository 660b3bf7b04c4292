/* SPDX-License-Identifier: MIT */
/*
 * The audit finds threads that are in no place or in two, and runs while all CPUs are busy. A
 * thread's state is broken by hand, looked at, and mended, with interrupts off.
 */
#include "thread_support.h"

#include <exo/audit.h>
#include <exo/string.h>
#include <exo/test.h>
#include <exo/wait.h>

static struct wait_queue queue = WAIT_QUEUE_INIT;
static _Atomic bool over;
static _Atomic unsigned int turns;

static void wait_long(void *unused)
{
	const uint64_t flags = spin_lock_irq(&queue.lock);

	(void)unused;
	wait_block(&queue, DEADLINE_NEVER);
	irq_restore(flags);
}

static const char *look(void)
{
	static struct audit audit;
	int error;

	do
		error = audit_look(&audit);
	while (error == -EXO_E_AGAIN);
	return error ? "the audit does not run" : audit.wrong ? audit.wrong : "";
}

/* What it says while @field is @value. Interrupts are off. */
#define SAYS(field, value)                                     \
	({                                                     \
		const __typeof__(field) says_before = (field); \
		const char *says_text;                         \
                                                               \
		(field) = (value);                             \
		says_text = look();                            \
		(field) = says_before;                         \
		says_text;                                     \
	})

static void audit_threads_that_wait(struct test *test)
{
	struct wait_queue other = WAIT_QUEUE_INIT;
	struct thread *thread = spawn(wait_long, NULL, PRIORITY_DEFAULT, NULL);
	const char *ready, *nowhere, *elsewhere, *asleep, *right;
	uint64_t flags;

	TEST_TRUE(test, thread);
	TEST_TRUE(test, UNTIL(state_of(thread) == THREAD_BLOCKED));
	flags = irq_save();
	right = look();
	ready = SAYS(thread->state, THREAD_READY);
	nowhere = SAYS(thread->waiting_on, NULL);
	elsewhere = SAYS(thread->waiting_on, &other);
	asleep = SAYS(thread->asleep, true);
	irq_restore(flags);
	wait_wake_all(&queue);
	thread_join(thread, DEADLINE_NEVER, NULL);
	TEST_STREQ(test, right, "");
	TEST_STREQ(test, ready, "a ready thread waits");
	TEST_STREQ(test, nowhere, "a blocked thread waits in the wrong number of places");
	TEST_STREQ(test, elsewhere, "a thread is not in the queue that it waits in");
	TEST_STREQ(test, asleep, "a blocked thread waits in the wrong number of places");
}

static void count_turns(void *unused)
{
	(void)unused;
	while (!atomic_load(&over)) {
		atomic_fetch_add(&turns, 1);
		thread_yield();
	}
}

/* Threads that are ready here, since this thread does not let them run. */
static void audit_threads_that_are_ready(struct test *test)
{
	const struct cpu_set here = only_cpu(0);
	const char *blocked, *home, *running, *right;
	struct thread *thread;
	uint64_t flags;

	thread_set_affinity(thread_current(), &here);
	thread_yield();
	atomic_store(&over, true);
	flags = irq_save();
	thread = spawn(count_turns, NULL, PRIORITY_DEFAULT, &here);
	if (thread) {
		right = look();
		blocked = SAYS(thread->state, THREAD_BLOCKED);
		home = SAYS(thread->home, NULL);
		running = SAYS(thread_current()->state, THREAD_SUSPENDED);
	}
	irq_restore(flags);
	TEST_TRUE(test, thread);
	thread_join(thread, DEADLINE_NEVER, NULL);
	TEST_STREQ(test, right, "");
	TEST_STREQ(test, blocked, "a thread in a run queue is not ready");
	TEST_STREQ(test, home, "a thread is in the run queue of another CPU than its home");
	TEST_TRUE(test, *running);
}

/* Nothing is wrong at any moment, however busy all are. */
static void audit_threads_while_all_run(struct test *test)
{
	static struct thread *threads[2 * NR_CPUS];
	const unsigned int nr = 2 * nr_cpus_online;
	const char *wrong = "";
	bool got_on;

	atomic_store(&over, false);
	atomic_store(&turns, 0);
	for (unsigned int i = 0; i < nr; i++)
		threads[i] = spawn(count_turns, NULL, PRIORITY_DEFAULT, NULL);
	for (unsigned int i = 0; i < 100 && !*wrong; i++) {
		wrong = look();
		thread_yield();
	}
	got_on = UNTIL(atomic_load(&turns) > 1000);
	atomic_store(&over, true);
	for (unsigned int i = 0; i < nr; i++)
		if (threads[i])
			thread_join(threads[i], DEADLINE_NEVER, NULL);
	TEST_STREQ(test, wrong, "");
	TEST_TRUE(test, got_on);
}

static const struct test_case audit_threads_cases[] = {
	TEST_CASE(audit_threads_that_wait),
	TEST_CASE(audit_threads_that_are_ready),
	TEST_CASE(audit_threads_while_all_run),
};
TEST_SUITE(audit_threads, audit_threads_cases);
