/* SPDX-License-Identifier: MIT */
/*
 * Fixed priorities on the real core: the most urgent ready thread of a CPU runs, at once, and no
 * other does meanwhile.
 *
 * Everything happens on the boot CPU, the test's thread included, so what has run and in which
 * order does not depend on time. With CONFIG_PREEMPT=n threads run at the next yield or block, and
 * those that keep the CPU busy here yield all the time. A case that fails leaves no thread behind:
 * it checks after all have ended.
 */
#include "../../kernel/sched/policy_common.h"
#include "thread_support.h"

#include <arch/pause.h>
#include <exo/mutex.h>
#include <exo/semaphore.h>
#include <exo/string.h>
#include <exo/test.h>

#define LOW 50
#define MIDDLE 100
#define HIGH 150
#define TOP 200
#define WHILE (4 * SCHED_SLICE_NS < NS_PER_S ? 4 * SCHED_SLICE_NS : NS_PER_S)
#define ROUNDS 50
#define TRIES 8 /* where the end of a slice may come between: a guess */

static struct cpu_set first_cpu, affinity_before;
static struct sched_parameters parameters_before;
static _Atomic bool stop;
static _Atomic unsigned int count;
static char order[16]; /* who ran, a letter each; all on one CPU */

static void become(uint8_t priority)
{
	struct sched_parameters parameters = SCHED_PARAMETERS_INIT;

	parameters.priority = priority;
	thread_set_parameters(thread_current(), &parameters);
	if (!IS_ENABLED(CONFIG_PREEMPT))
		thread_yield();
}

static void begin(uint8_t priority)
{
	affinity_before = thread_current()->affinity;
	parameters_before = thread_current()->parameters;
	first_cpu = only_cpu(0);
	thread_set_affinity(thread_current(), &first_cpu);
	become(priority);
	atomic_store(&stop, false);
	atomic_store(&count, 0);
	order[0] = '\0';
}

static void end(void)
{
	thread_set_parameters(thread_current(), &parameters_before);
	thread_set_affinity(thread_current(), &affinity_before);
}

static struct thread *start(void (*entry)(void *), void *argument, uint8_t priority)
{
	return spawn(entry, argument, priority, &first_cpu);
}

static void finish(struct thread *thread)
{
	if (thread)
		thread_join(thread, DEADLINE_NEVER, NULL);
}

/* Where a more urgent thread is to run, if it has not yet: nowhere with CONFIG_PREEMPT. */
static void let_run(void)
{
	if (!IS_ENABLED(CONFIG_PREEMPT))
		thread_yield();
}

/* What a busy thread does in its loop. */
static void be_busy(void)
{
	if (IS_ENABLED(CONFIG_PREEMPT))
		cpu_pause();
	else
		thread_yield();
}

static void be_busy_for(uint64_t ns)
{
	const uint64_t until = clock_ns() + ns;

	while (clock_ns() < until)
		be_busy();
}

static unsigned int counted(void)
{
	return atomic_load_explicit(&count, memory_order_relaxed);
}

static void count_one(void *unused)
{
	(void)unused;
	atomic_fetch_add(&count, 1);
}

static void note(char letter)
{
	const size_t length = strlen(order);

	if (length + 1 < sizeof(order)) {
		order[length] = letter;
		order[length + 1] = '\0';
	}
}

static void note_one(void *letter)
{
	note((char)(uintptr_t)letter);
}

static struct thread *start_noting(char letter, uint8_t priority)
{
	return start(note_one, (void *)(uintptr_t)letter, priority);
}

/* --- at once -----------------------------------------------------------------------------------*/

static void priority_started_runs_at_once(struct test *test)
{
	unsigned int wrong = 0, equal_ran = 0;

	begin(MIDDLE);
	for (unsigned int i = 0; i < TRIES; i++) {
		const unsigned int before = counted();
		struct thread *thread = start(count_one, NULL, MIDDLE + 1);

		let_run();
		wrong += counted() != before + 1;
		finish(thread);
		thread = start(count_one, NULL, MIDDLE);
		equal_ran += counted() != before + 1;
		finish(thread);
	}
	end();
	TEST_EQ(test, wrong, 0);
	TEST_EQ(test, counted(), 2 * TRIES);
	TEST_TRUE(test, equal_ran < TRIES); /* at the end of a slice, but not at once */
}

static struct semaphore bell;

static void count_bells(void *unused)
{
	(void)unused;
	for (;;) {
		semaphore_take(&bell, DEADLINE_NEVER);
		if (atomic_load(&stop))
			return;
		atomic_fetch_add(&count, 1);
	}
}

static void end_bells(struct thread *thread)
{
	atomic_store(&stop, true);
	semaphore_give(&bell);
	finish(thread);
}

static void priority_woken_runs_at_once(struct test *test)
{
	struct thread *thread;
	unsigned int wrong = 0;

	begin(MIDDLE);
	semaphore_init(&bell, 0);
	thread = start(count_bells, NULL, HIGH);
	let_run(); /* it waits now */
	for (unsigned int i = 1; i <= ROUNDS; i++) {
		semaphore_give(&bell);
		let_run();
		wrong += counted() != i;
	}
	end_bells(thread);
	end();
	TEST_EQ(test, wrong, 0);
}

static void ring(struct timer *timer)
{
	(void)timer;
	semaphore_give(&bell);
}

/* Nobody gives up the CPU here, and the end of a slice would not help a less urgent thread. */
static void priority_interrupt_runs_it_at_once(struct test *test)
{
	struct thread *thread;
	struct timer timer;
	unsigned int heard = 0;

	begin(MIDDLE);
	semaphore_init(&bell, 0);
	timer_prepare(&timer, ring);
	thread = start(count_bells, NULL, HIGH);
	let_run();
	for (unsigned int i = 1; i <= TRIES; i++) {
		const uint64_t patience = clock_ns() + PATIENCE;
		const uint64_t flags = irq_save();

		timer_arm(&timer, clock_ns() + 200 * NS_PER_US);
		irq_restore(flags);
		while (counted() < i && clock_ns() < patience)
			be_busy();
		heard += counted() == i;
	}
	end_bells(thread);
	end();
	TEST_EQ(test, heard, TRIES);
}

static void stay_busy(void *unused)
{
	(void)unused;
	while (!atomic_load_explicit(&stop, memory_order_relaxed))
		be_busy();
}

static void priority_other_cpu_wakes_it_at_once(struct test *test)
{
	struct thread *waiter, *busy;
	struct cpu_set last;
	unsigned int heard = 0;

	if (nr_cpus_online < 2)
		TEST_SKIP(test, "one CPU");
	begin(TOP);
	semaphore_init(&bell, 0);
	waiter = start(count_bells, NULL, HIGH);
	busy = start(stay_busy, NULL, MIDDLE);
	last = only_cpu(last_cpu());
	thread_set_affinity(thread_current(), &last);
	for (unsigned int i = 1; i <= TRIES; i++) {
		semaphore_give(&bell);
		heard += UNTIL(counted() == i);
	}
	end_bells(waiter);
	finish(busy);
	end();
	TEST_EQ(test, heard, TRIES);
}

/* --- nobody else -------------------------------------------------------------------------------*/

static void count_always(void *unused)
{
	(void)unused;
	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		atomic_fetch_add_explicit(&count, 1, memory_order_relaxed);
		be_busy();
	}
}

static void priority_lower_never_run(struct test *test)
{
	struct thread *lower[3];
	unsigned int while_busy, while_yielding;
	bool while_asleep;

	begin(MIDDLE);
	for (unsigned int i = 0; i < ARRAY_SIZE(lower); i++)
		lower[i] = start(count_always, NULL, (uint8_t)(MIDDLE - 1 - i));
	be_busy_for(WHILE);
	while_busy = counted();
	for (unsigned int i = 0; i < ROUNDS; i++)
		thread_yield();
	while_yielding = counted();
	while_asleep = UNTIL(counted() > 0);
	atomic_store(&stop, true);
	for (unsigned int i = 0; i < ARRAY_SIZE(lower); i++)
		finish(lower[i]);
	end();
	TEST_EQ(test, while_busy, 0);
	TEST_EQ(test, while_yielding, 0);
	TEST_TRUE(test, while_asleep);
}

/* --- in order ----------------------------------------------------------------------------------*/

static void priority_runs_the_most_urgent_first(struct test *test)
{
	static const uint8_t priorities[] = { 0, 63, 64, 191, 127, 192, 128, 10 };
	struct thread *threads[ARRAY_SIZE(priorities)];

	begin(TOP);
	for (unsigned int i = 0; i < ARRAY_SIZE(priorities); i++)
		threads[i] = start_noting("abcdefgh"[i], priorities[i]);
	note('1');
	for (unsigned int i = 0; i < ARRAY_SIZE(priorities); i++)
		finish(threads[i]);
	end();
	TEST_STREQ(test, order, "1fdgecbha");
}

static void note_preempted(void *unused)
{
	struct thread *other;

	(void)unused;
	note('A');
	other = start_noting('H', HIGH + 1);
	let_run();
	note('a');
	finish(other);
}

/* Who is preempted goes on before its equals, whom it had come before. */
static void priority_equals_keep_their_order(struct test *test)
{
	const char *expected = IS_ENABLED(CONFIG_PREEMPT) ? "AHaBC" : "AHBCa";
	bool met = false;

	/* Whoever is preempted for as long as two slices has had its turn. */
	if (CONFIG_SCHED_SLICE_US < 1000)
		TEST_SKIP(test, "CONFIG_SCHED_SLICE_US is too short");
	for (unsigned int i = 0; i < TRIES && !met; i++) {
		struct thread *threads[3];

		begin(TOP);
		threads[0] = start(note_preempted, NULL, HIGH);
		threads[1] = start_noting('B', HIGH);
		threads[2] = start_noting('C', HIGH);
		for (unsigned int j = 0; j < ARRAY_SIZE(threads); j++)
			finish(threads[j]);
		end();
		met = strcmp(order, expected) == 0;
	}
	TEST_STREQ(test, order, expected);
}

/* A thread that becomes less urgent gives way to those that are more so now; one that is made more
 * urgent runs. */
static void priority_changes_take_effect_at_once(struct test *test)
{
	struct sched_parameters more = SCHED_PARAMETERS_INIT;
	struct thread *a, *b;

	more.priority = HIGH + 1;
	begin(TOP);
	a = start_noting('a', HIGH);
	b = start_noting('b', LOW);
	note('1');
	become(MIDDLE);
	note('2');
	if (b)
		thread_set_parameters(b, &more);
	let_run();
	note('3');
	finish(a);
	finish(b);
	end();
	TEST_STREQ(test, order, "1a2b3");
}

/* --- priority inversion ------------------------------------------------------------------------*/

static struct mutex mutex;
static _Atomic bool held, got;
static _Atomic unsigned int wanted; /* what @count must reach for the low one to unlock */

static void hold_and_work(void *unused)
{
	(void)unused;
	mutex_lock(&mutex);
	atomic_store(&held, true);
	while (counted() < atomic_load(&wanted)) {
		atomic_fetch_add(&count, atomic_load(&wanted) != UINT32_MAX);
		be_busy();
	}
	mutex_unlock(&mutex);
	count_always(NULL);
}

static void want_mutex(void *unused)
{
	(void)unused;
	mutex_lock(&mutex);
	atomic_store(&got, true);
	mutex_unlock(&mutex);
}

/* How far the low one gets while the test sleeps for @ns. */
static unsigned int progress(uint64_t ns)
{
	const unsigned int before = counted();

	thread_sleep_until(clock_ns() + ns);
	return counted() - before;
}

static void priority_is_inherited_only_while_wanted(struct test *test)
{
	struct thread *low, *middle, *high;
	unsigned int alone, after;
	bool locked, had;

	begin(TOP);
	mutex_init(&mutex);
	atomic_store(&held, false);
	atomic_store(&got, false);
	atomic_store(&wanted, UINT32_MAX);
	low = start(hold_and_work, NULL, LOW);
	locked = UNTIL(atomic_load(&held));
	middle = start(stay_busy, NULL, MIDDLE);
	atomic_store(&wanted, 1000);
	alone = progress(WHILE);
	high = start(want_mutex, NULL, HIGH);
	had = UNTIL(atomic_load(&got));
	thread_sleep_until(clock_ns() + NS_PER_MS); /* it unlocks */
	after = progress(WHILE);
	atomic_store(&stop, true);
	finish(high);
	finish(middle);
	finish(low);
	end();
	TEST_TRUE(test, locked);
	TEST_EQ(test, alone, 0);
	TEST_TRUE(test, had);
	TEST_EQ(test, after, 0);
}

/* --- equals, and one that is more urgent now and then ------------------------------------------*/

static _Atomic unsigned int turns[2];

static void count_own_turns(void *number)
{
	while (!atomic_load(&stop)) {
		atomic_fetch_add(&turns[(uintptr_t)number], 1);
		cpu_pause();
	}
}

/* Runs for a moment several times a slice. */
static void disturb(void *unused)
{
	(void)unused;
	while (!atomic_load(&stop))
		thread_sleep_until(clock_ns() + SCHED_SLICE_NS / 5);
}

/* However often they are preempted, both have turns. */
static void priority_equals_take_turns_between_others(struct test *test)
{
	struct thread *equals[2], *urgent;

	if (!IS_ENABLED(CONFIG_PREEMPT))
		TEST_SKIP(test, "CONFIG_PREEMPT=n");
	begin(TOP);
	atomic_store(&turns[0], 0);
	atomic_store(&turns[1], 0);
	for (uintptr_t i = 0; i < 2; i++)
		equals[i] = start(count_own_turns, (void *)i, LOW);
	urgent = start(disturb, NULL, HIGH);
	for (unsigned int i = 0; i < 100 && !(turns[0] && turns[1]); i++)
		thread_sleep_until(clock_ns() + SCHED_SLICE_NS);
	atomic_store(&stop, true);
	finish(urgent);
	finish(equals[0]);
	finish(equals[1]);
	end();
	TEST_TRUE(test, turns[0] && turns[1]);
}

static const struct test_case sched_priority_cases[] = {
	TEST_CASE(priority_started_runs_at_once),
	TEST_CASE(priority_woken_runs_at_once),
	TEST_CASE(priority_interrupt_runs_it_at_once),
	TEST_CASE(priority_other_cpu_wakes_it_at_once),
	TEST_CASE(priority_lower_never_run),
	TEST_CASE(priority_runs_the_most_urgent_first),
	TEST_CASE(priority_equals_keep_their_order),
	TEST_CASE(priority_equals_take_turns_between_others),
	TEST_CASE(priority_changes_take_effect_at_once),
	TEST_CASE(priority_is_inherited_only_while_wanted),
};
TEST_SUITE(sched_priority, sched_priority_cases);
