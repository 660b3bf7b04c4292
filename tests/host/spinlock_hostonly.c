/* SPDX-License-Identifier: MIT */
/*
 * Spinlocks of both kinds, with threads for CPUs: one holder at a time, the order of coming,
 * trying, waiting in a handler that interrupted a wait, and who may overtake. Under ThreadSanitizer
 * the first shows whether the lock orders memory: the counter is plain.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <exo/cpu.h>

#include "spin_ops.h"

#define THREADS 4
#define ROUNDS 20000

#define CHECK(condition)                                                                          \
	do {                                                                                      \
		if (!(condition)) {                                                               \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
			exit(1);                                                                  \
		}                                                                                 \
	} while (0)

static struct cpu test_cpus[THREADS];
static _Atomic bool told;
static pthread_t threads[THREADS];
static struct spin_word locks[2];
static unsigned long counter; /* under lock 0 */
static unsigned int order[THREADS], served; /* under lock 0 */

static bool try(struct spin_word *lock)
{
	return spin_word_try(lock);
}

static void acquire(struct spin_word *lock)
{
	if (!spin_word_try(lock))
		spin_ops_wait(lock);
}

static void release(struct spin_word *lock)
{
	spin_word_release(lock);
}

/* Changes whenever somebody begins to wait. */
static uint16_t waiters(unsigned int lock)
{
	return atomic_load_explicit(&locks[lock].last, memory_order_relaxed);
}

static void start(unsigned int number, void *(*run)(void *))
{
	test_cpus[number].number = number + 1;
	CHECK(pthread_create(&threads[number], NULL, run, &test_cpus[number]) == 0);
}

static void finish(unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
}

static void *count(void *argument)
{
	host_cpu = argument;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		/* Some by trying, which must order memory as well. */
		if (i % 4 || !try(&locks[0]))
			acquire(&locks[0]);
		counter++;
		release(&locks[0]);
	}
	return NULL;
}

static void excludes(void)
{
	for (unsigned int i = 0; i < THREADS; i++)
		start(i, count);
	finish(THREADS);
	CHECK(counter == (unsigned long)THREADS * ROUNDS);
}

static void *wait_once(void *argument)
{
	host_cpu = argument;
	acquire(&locks[0]);
	order[served++] = host_cpu->number;
	release(&locks[0]);
	return NULL;
}

/* Starts threads that wait for lock 0, which the caller holds, in the order of their numbers. */
static void queue_all(void)
{
	served = 0;
	for (unsigned int i = 0; i < THREADS; i++) {
		const uint16_t before = waiters(0);

		start(i, wait_once);
		while (waiters(0) == before)
			sched_yield();
	}
}

static void serves_in_order(void)
{
	for (unsigned int round = 0; round < 50; round++) {
		acquire(&locks[0]);
		queue_all();
		CHECK(!try(&locks[0]));
		release(&locks[0]);
		finish(THREADS);
		for (unsigned int i = 0; i < THREADS; i++)
			CHECK(order[i] == i + 1);
	}
}

static void *hold_until_told(void *argument)
{
	host_cpu = argument;
	acquire(&locks[0]);
	while (!atomic_load(&told))
		sched_yield();
	release(&locks[0]);
	return NULL;
}

/* Waits until lock 0 is promised to who waits for it; false if that does not come. */
static bool promised(void)
{
	const time_t end = time(NULL) + 60;

	while (atomic_load(&locks[0].state) != SPIN_PROMISED) {
		if (time(NULL) > end)
			return false;
		sched_yield();
	}
	return true;
}

/* Whoever releases a lock that is promised to a waiting one cannot have it again at once. */
static void hands_over(void)
{
	for (unsigned int round = 0; round < 50; round++) {
		atomic_store(&told, false);
		acquire(&locks[0]);
		start(0, hold_until_told);
		CHECK(promised());
		release(&locks[0]);
		CHECK(!try(&locks[0]));
		atomic_store(&told, true);
		finish(1);
		CHECK(try(&locks[0]));
		release(&locks[0]);
	}
}

/* A promise that a release under way has lost is made again to the next holder. */
static void promises_again(void)
{
	atomic_store(&told, true);
	acquire(&locks[0]);
	start(0, hold_until_told);
	for (unsigned int lost = 0; lost < 50; lost++) {
		CHECK(promised());
		atomic_store(&locks[0].state, SPIN_HELD);
	}
	release(&locks[0]);
	finish(1);
}

static void tries(void)
{
	CHECK(try(&locks[0]));
	CHECK(!try(&locks[0]));
	CHECK(try(&locks[1]));
	release(&locks[1]);
	release(&locks[0]);
	CHECK(try(&locks[0]));
	release(&locks[0]);
}

static void interrupt(int signal)
{
	(void)signal;
	acquire(&locks[1]);
	release(&locks[1]);
}

/* A CPU in the middle of the queue of lock 0 is interrupted by a handler that waits for lock 1. */
static void nests(void)
{
	uint16_t before;

	signal(SIGUSR1, interrupt);
	acquire(&locks[0]);
	acquire(&locks[1]);
	queue_all();
	before = waiters(1);
	CHECK(pthread_kill(threads[1], SIGUSR1) == 0);
	while (waiters(1) == before)
		sched_yield();
	/* The interrupted wait's turn comes while the handler still waits. */
	release(&locks[0]);
	release(&locks[1]);
	finish(THREADS);
	CHECK(served == THREADS);
}

int main(void)
{
	if (NR_CPUS <= THREADS) {
		printf("1..1\nok 1 spinlock # SKIP needs NR_CPUS > %d\n", THREADS);
		return 0;
	}
	printf("1..6\n");
	tries();
	printf("ok 1 spinlock_tries\n");
	excludes();
	printf("ok 2 spinlock_excludes\n");
	serves_in_order();
	printf("ok 3 spinlock_serves_in_the_order_of_coming\n");
	nests();
	printf("ok 4 spinlock_nests\n");
	hands_over();
	printf("ok 5 spinlock_hands_over\n");
	promises_again();
	printf("ok 6 spinlock_promises_again\n");
	return 0;
}
