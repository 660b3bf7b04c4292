/* SPDX-License-Identifier: MIT */
/* Semaphores, mutexes and wait queues: who gets what, in which order, and that nothing is lost. */
#include "thread_support.h"

#include <exo/mutex.h>
#include <exo/semaphore.h>
#include <exo/string.h>
#include <exo/test.h>

#define MAX_WAITERS 12
#define NR_RACERS 8

static struct semaphore gate;
static struct mutex first, second, third;
static _Atomic unsigned int arrived;
static _Atomic bool stop;

struct waiter {
	struct thread *thread;
	int result;
	unsigned int place; /* in the order of being served, from 1 */
	unsigned int served; /* how often */
	uint64_t seed;
	uint64_t patience; /* ns */
};

static struct waiter waiters[MAX_WAITERS];

static void forget_waiters(void)
{
	memset(waiters, 0, sizeof(waiters));
	atomic_store(&arrived, 0);
	atomic_store(&stop, false);
}

/* Joins the first @count; false if one does not end. */
static bool all_end(unsigned int count)
{
	bool good = true;

	for (unsigned int i = 0; i < count; i++)
		if (waiters[i].thread)
			good &= !thread_join(waiters[i].thread, clock_ns() + PATIENCE, NULL);
	return good;
}

static bool is_blocked(const struct thread *thread)
{
	return state_of(thread) == THREAD_BLOCKED;
}

/* Were they served by urgency, and equals in the order of their coming? */
static bool served_in_order(const uint8_t *urgency, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		for (unsigned int j = i + 1; j < count; j++)
			if ((waiters[i].place < waiters[j].place) != (urgency[i] >= urgency[j]))
				return false;
	return true;
}

static unsigned int next_place(void)
{
	return atomic_fetch_add(&arrived, 1) + 1;
}

/* --- semaphores --- */

static void semaphore_counts(struct test *test)
{
	const uint64_t start = clock_ns();

	semaphore_init(&gate, 2);
	TEST_TRUE(test, semaphore_try(&gate));
	TEST_EQ(test, semaphore_take(&gate, DEADLINE_NEVER), 0);
	TEST_TRUE(test, !semaphore_try(&gate));
	TEST_EQ(test, semaphore_take(&gate, 0), -EXO_E_TIMEOUT);
	TEST_EQ(test, semaphore_take(&gate, start + 2 * NS_PER_MS), -EXO_E_TIMEOUT);
	TEST_TRUE(test, clock_ns() >= start + 2 * NS_PER_MS);
	semaphore_give(&gate);
	semaphore_give(&gate);
	TEST_EQ(test, semaphore_take(&gate, 0), 0);
	TEST_TRUE(test, semaphore_try(&gate));
	TEST_TRUE(test, !semaphore_try(&gate));
	TEST_EQ(test, atomic_load(&gate.count), 0);
}

static void take_gate(void *argument)
{
	struct waiter *waiter = argument;

	waiter->result = semaphore_take(&gate, DEADLINE_NEVER);
	waiter->place = next_place();
}

static const uint8_t priorities[] = { 100, 130, 120, 130, 100, 140, 120, 140 };

/* On one CPU, so that those who are served also note it in that order. */
static bool queue_up(void (*entry)(void *), uint8_t *urgency)
{
	const struct cpu_set set = only_cpu(last_cpu());

	forget_waiters();
	for (unsigned int i = 0; i < ARRAY_SIZE(priorities); i++) {
		struct waiter *waiter = &waiters[i];

		waiter->thread = spawn(entry, waiter, priorities[i], &set);
		if (!waiter->thread || !UNTIL(is_blocked(waiter->thread)))
			return false;
		urgency[i] = waiter->thread->urgency;
	}
	return true;
}

static void semaphore_serves_the_most_urgent_first(struct test *test)
{
	uint8_t urgency[ARRAY_SIZE(priorities)];

	semaphore_init(&gate, 0);
	TEST_TRUE(test, queue_up(take_gate, urgency));
	for (unsigned int i = 0; i < ARRAY_SIZE(priorities); i++) {
		TEST_EQ(test, atomic_load(&arrived), i);
		semaphore_give(&gate);
		TEST_TRUE(test, UNTIL(atomic_load(&arrived) == i + 1));
	}
	TEST_TRUE(test, all_end(ARRAY_SIZE(priorities)));
	TEST_TRUE(test, served_in_order(urgency, ARRAY_SIZE(priorities)));
	TEST_EQ(test, atomic_load(&gate.count), 0);
}

/* Takes with short deadlines until told to stop; counts what it got. */
static void take_hastily(void *argument)
{
	struct waiter *waiter = argument;

	while (!atomic_load(&stop)) {
		const uint64_t patience = next_random(&waiter->seed) % (100 * NS_PER_US);

		if (semaphore_take(&gate, clock_ns() + patience) == 0)
			waiter->served++;
		else
			thread_yield(); /* where time runs fast, none would ever block */
	}
}

/* Gives meet deadlines that expire at the same time: each one is either taken or still there. */
static void semaphore_timeouts_lose_nothing(struct test *test)
{
	/* A lock is handed over slowly where CPUs share the host's, and there are more races. */
	const unsigned int gives = 2000 / nr_cpus_online;
	unsigned int given = 0, served = 0;
	uint64_t seed = 5;

	forget_waiters();
	semaphore_init(&gate, 0);
	for (unsigned int i = 0; i < NR_RACERS; i++) {
		waiters[i].seed = i + 1;
		waiters[i].thread = spawn(take_hastily, &waiters[i], PRIORITY_DEFAULT, NULL);
		TEST_TRUE(test, waiters[i].thread);
	}
	for (; given < gives; given++) {
		semaphore_give(&gate);
		if (given % 4 == 0)
			thread_sleep_until(clock_ns() + next_random(&seed) % (60 * NS_PER_US));
	}
	atomic_store(&stop, true);
	TEST_TRUE(test, all_end(NR_RACERS));
	for (unsigned int i = 0; i < NR_RACERS; i++)
		served += waiters[i].served;
	while (semaphore_try(&gate))
		served++;
	TEST_EQ(test, served, given);
	TEST_EQ(test, atomic_load(&gate.count), 0);
}

static struct timer giver;

static void give_in_interrupt(struct timer *timer)
{
	(void)timer;
	semaphore_give(&gate);
}

static void semaphore_is_given_by_interrupts(struct test *test)
{
	uint64_t flags;

	semaphore_init(&gate, 0);
	timer_prepare(&giver, give_in_interrupt);
	for (unsigned int i = 0; i < 50; i++) {
		const uint64_t start = clock_ns();

		flags = irq_save();
		timer_arm(&giver, start + i * 20 * NS_PER_US);
		irq_restore(flags);
		TEST_EQ(test, semaphore_take(&gate, start + PATIENCE), 0);
		TEST_TRUE(test, clock_ns() >= start + i * 20 * NS_PER_US);
	}
}

/* --- mutexes --- */

static unsigned int guarded; /* by first */
static _Atomic unsigned int inside, intruders;

static void contend(void *argument)
{
	struct waiter *waiter = argument;

	for (unsigned int i = 0; i < 300; i++) {
		unsigned int before;

		if (i % 3 == 0)
			while (!mutex_try_lock(&first)) /* its owner may be less urgent */
				thread_sleep_until(clock_ns() + 5 * NS_PER_US);
		else if (i % 3 == 1)
			while (mutex_lock_until(&first, clock_ns() + 30 * NS_PER_US))
				waiter->served++;
		else
			mutex_lock(&first);
		if (atomic_fetch_add(&inside, 1))
			atomic_fetch_add(&intruders, 1);
		before = guarded;
		if (i % 16 == 0)
			thread_sleep_until(clock_ns() + 10 * NS_PER_US);
		else if (i % 4 == 0)
			thread_yield();
		guarded = before + 1;
		atomic_fetch_sub(&inside, 1);
		mutex_unlock(&first);
	}
}

static void mutex_excludes(struct test *test)
{
	forget_waiters();
	mutex_init(&first);
	guarded = 0;
	atomic_store(&intruders, 0);
	for (unsigned int i = 0; i < NR_RACERS; i++) {
		waiters[i].thread =
			spawn(contend, &waiters[i], (uint8_t)(PRIORITY_DEFAULT + i % 3), NULL);
		TEST_TRUE(test, waiters[i].thread);
	}
	TEST_TRUE(test, all_end(NR_RACERS));
	TEST_EQ(test, atomic_load(&intruders), 0);
	TEST_EQ(test, guarded, NR_RACERS * 300);
	TEST_EQ(test, atomic_load(&first.owner), 0);
}

static void lock_first(void *argument)
{
	struct waiter *waiter = argument;

	mutex_lock(&first);
	waiter->place = next_place();
	mutex_unlock(&first);
}

static void mutex_serves_the_most_urgent_first(struct test *test)
{
	uint8_t urgency[ARRAY_SIZE(priorities)];

	mutex_init(&first);
	mutex_lock(&first);
	TEST_TRUE(test, !mutex_try_lock(&first));
	TEST_TRUE(test, queue_up(lock_first, urgency));
	mutex_unlock(&first);
	TEST_TRUE(test, all_end(ARRAY_SIZE(priorities)));
	TEST_TRUE(test, served_in_order(urgency, ARRAY_SIZE(priorities)));
	TEST_EQ(test, atomic_load(&first.owner), 0);
}

/* Holds a mutex until it is given the gate, and tells how urgent it was meanwhile and after. */
static void hold_first(void *argument)
{
	struct waiter *waiter = argument;

	mutex_lock(&first);
	waiter->served = 1;
	next_place();
	semaphore_take(&gate, DEADLINE_NEVER);
	mutex_unlock(&first);
	waiter->place = thread_current()->urgency;
}

static void hold_and_want(struct waiter *waiter, struct mutex *held, struct mutex *wanted)
{
	mutex_lock(held);
	next_place();
	mutex_lock(wanted);
	mutex_unlock(wanted);
	mutex_unlock(held);
	waiter->place = thread_current()->urgency;
}

static void hold_second_want_first(void *argument)
{
	hold_and_want(argument, &second, &first);
}

static void hold_third_want_second(void *argument)
{
	hold_and_want(argument, &third, &second);
}

static void want_third_briefly(void *argument)
{
	struct waiter *waiter = argument;

	waiter->result = mutex_lock_until(&third, clock_ns() + waiter->patience);
	if (!waiter->result)
		mutex_unlock(&third);
}

static void want_third(void *argument)
{
	struct waiter *waiter = argument;

	mutex_lock(&third);
	waiter->place = thread_current()->urgency;
	mutex_unlock(&third);
}

/* Starts a waiter and waits until it is blocked. */
static bool start_blocked(unsigned int index, void (*entry)(void *), uint8_t priority)
{
	struct waiter *waiter = &waiters[index];

	waiter->thread = spawn(entry, waiter, priority, NULL);
	return waiter->thread && UNTIL(is_blocked(waiter->thread));
}

static bool make_chain(void)
{
	forget_waiters();
	semaphore_init(&gate, 0);
	mutex_init(&first);
	mutex_init(&second);
	mutex_init(&third);
	return start_blocked(0, hold_first, 100) && start_blocked(1, hold_second_want_first, 110) &&
	       start_blocked(2, hold_third_want_second, 120);
}

/* A waits for B, B for C, C for D: D runs with A's urgency, and with its own when all is over. */
static void mutex_lends_along_a_chain(struct test *test)
{
	uint8_t base[4], high;

	TEST_TRUE(test, make_chain());
	for (unsigned int i = 0; i < 3; i++)
		base[i] = waiters[i].thread->urgency;
	TEST_TRUE(test, start_blocked(3, want_third, 200));
	high = base[3] = waiters[3].thread->urgency;
	for (unsigned int i = 0; i < 3; i++)
		TEST_TRUE(test, UNTIL(waiters[i].thread->urgency >= high));
	semaphore_give(&gate);
	TEST_TRUE(test, all_end(4));
	/* The policy may not tell them apart; then all are the same. */
	for (unsigned int i = 1; i < 4; i++)
		TEST_TRUE(test, waiters[i].place >= waiters[i - 1].place);
	TEST_TRUE(test, waiters[0].place <= base[0]);
}

/* The fourth wants the third mutex in vain; *@seen: it was seen to wait. False if it stays. */
static bool want_in_vain(bool *seen)
{
	struct thread *thread = spawn(want_third_briefly, &waiters[3], 200, NULL);

	return thread && UNTIL((*seen |= is_blocked(thread), state_of(thread) == THREAD_DEAD)) &&
	       !thread_join(thread, clock_ns() + PATIENCE, NULL);
}

static void mutex_takes_the_loan_back(struct test *test)
{
	uint8_t before[3];
	bool seen = false;

	TEST_TRUE(test, make_chain());
	for (unsigned int i = 0; i < 3; i++)
		before[i] = waiters[i].thread->urgency;
	/* The host may let a wait pass before it has begun, or before anybody looks. */
	for (uint64_t ns = 30 * NS_PER_MS; !seen && ns < PATIENCE / 2; ns *= 2) {
		waiters[3].patience = ns;
		TEST_TRUE(test, want_in_vain(&seen));
		TEST_EQ(test, waiters[3].result, -EXO_E_TIMEOUT);
		for (unsigned int i = 0; i < 3; i++)
			TEST_EQ(test, waiters[i].thread->urgency, before[i]);
	}
	TEST_TRUE(test, seen);
	semaphore_give(&gate);
	TEST_TRUE(test, all_end(3));
}

/* Of two mutexes with waiters, giving up one keeps what those of the other lend. */
static void hold_two(void *argument)
{
	struct waiter *waiter = argument;

	mutex_lock(&first);
	mutex_lock(&third);
	next_place();
	semaphore_take(&gate, DEADLINE_NEVER);
	mutex_unlock(&third);
	waiter->place = thread_current()->urgency;
	mutex_unlock(&first);
	waiter->served = thread_current()->urgency;
}

static void mutex_keeps_the_other_loan(struct test *test)
{
	uint8_t middle;

	forget_waiters();
	semaphore_init(&gate, 0);
	mutex_init(&first);
	mutex_init(&third);
	TEST_TRUE(test, start_blocked(0, hold_two, 100));
	TEST_TRUE(test, start_blocked(1, lock_first, 150));
	middle = waiters[1].thread->urgency;
	TEST_TRUE(test, start_blocked(2, want_third, 200));
	semaphore_give(&gate);
	TEST_TRUE(test, all_end(3));
	TEST_EQ(test, waiters[0].place, middle);
	TEST_TRUE(test, waiters[0].served <= middle);
}

/* --- wait queues --- */

static struct wait_queue queue;

static void wait_in_queue(void *argument)
{
	struct waiter *waiter = argument;
	const uint64_t flags = spin_lock_irq(&queue.lock);

	waiter->result = wait_block(&queue, DEADLINE_NEVER);
	irq_restore(flags);
	waiter->place = next_place();
}

static void wait_queue_serves_in_order(struct test *test)
{
	uint8_t urgency[ARRAY_SIZE(priorities)];

	wait_queue_init(&queue);
	TEST_EQ(test, wait_wake_one(&queue), 0);
	TEST_TRUE(test, queue_up(wait_in_queue, urgency));
	for (unsigned int i = 0; i < ARRAY_SIZE(priorities); i++) {
		TEST_EQ(test, wait_wake_one(&queue), 1);
		TEST_TRUE(test, UNTIL(atomic_load(&arrived) == i + 1));
	}
	TEST_EQ(test, wait_wake_all(&queue), 0);
	TEST_TRUE(test, all_end(ARRAY_SIZE(priorities)));
	TEST_TRUE(test, served_in_order(urgency, ARRAY_SIZE(priorities)));
}

static void wait_queue_wakes_all(struct test *test)
{
	uint8_t urgency[ARRAY_SIZE(priorities)];

	wait_queue_init(&queue);
	TEST_TRUE(test, queue_up(wait_in_queue, urgency));
	TEST_EQ(test, wait_wake_all(&queue), ARRAY_SIZE(priorities));
	TEST_TRUE(test, all_end(ARRAY_SIZE(priorities)));
	for (unsigned int i = 0; i < ARRAY_SIZE(priorities); i++)
		TEST_EQ(test, waiters[i].result, 0);
}

static void wait_queue_times_out(struct test *test)
{
	const uint64_t deadline = clock_ns() + NS_PER_MS;
	uint64_t flags;
	int error;

	wait_queue_init(&queue);
	flags = spin_lock_irq(&queue.lock);
	error = wait_block(&queue, deadline);
	irq_restore(flags);
	TEST_EQ(test, error, -EXO_E_TIMEOUT);
	TEST_TRUE(test, clock_ns() >= deadline);
	TEST_TRUE(test, !pq_first(&queue.waiters));
	TEST_EQ(test, wait_wake_all(&queue), 0);
}

static const struct test_case sync_cases[] = {
	TEST_CASE(semaphore_counts),
	TEST_CASE(semaphore_serves_the_most_urgent_first),
	TEST_CASE(semaphore_timeouts_lose_nothing),
	TEST_CASE(semaphore_is_given_by_interrupts),
	TEST_CASE(mutex_excludes),
	TEST_CASE(mutex_serves_the_most_urgent_first),
	TEST_CASE(mutex_lends_along_a_chain),
	TEST_CASE(mutex_takes_the_loan_back),
	TEST_CASE(mutex_keeps_the_other_loan),
	TEST_CASE(wait_queue_serves_in_order),
	TEST_CASE(wait_queue_wakes_all),
	TEST_CASE(wait_queue_times_out),
};
TEST_SUITE(sync, sync_cases);
