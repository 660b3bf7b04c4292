/* SPDX-License-Identifier: MIT */
/*
 * Spinlocks of both kinds, with threads for CPUs: one holder at a time, the order of coming,
 * trying, and waiting in a handler that interrupted a wait. Under ThreadSanitizer the first shows
 * whether the lock orders memory: the counter is plain.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
static pthread_t threads[THREADS];
static unsigned long counter; /* under lock 0 */
static unsigned int order[THREADS], served; /* under lock 0 */

static void start(unsigned int number, void *(*run)(void *))
{
	test_cpus[number].number = number + 1;
	CHECK(pthread_create(&threads[number], NULL, run, &test_cpus[number]) == 0);
}

static void finish(void)
{
	for (unsigned int i = 0; i < THREADS; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
}

static void *count(void *argument)
{
	host_cpu = argument;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		/* Some by trying, which must order memory as well. */
		if (i % 4 || !spin_ops_try(0))
			spin_ops_acquire(0);
		counter++;
		spin_ops_release(0);
	}
	return NULL;
}

static void excludes(void)
{
	for (unsigned int i = 0; i < THREADS; i++)
		start(i, count);
	finish();
	CHECK(counter == (unsigned long)THREADS * ROUNDS);
}

static void *wait_once(void *argument)
{
	host_cpu = argument;
	spin_ops_acquire(0);
	order[served++] = host_cpu->number;
	spin_ops_release(0);
	return NULL;
}

/* Starts threads that wait for lock 0, which the caller holds, in the order of their numbers. */
static void queue_all(void)
{
	served = 0;
	for (unsigned int i = 0; i < THREADS; i++) {
		const uint32_t before = spin_ops_look(0);

		start(i, wait_once);
		while (spin_ops_look(0) == before)
			sched_yield();
	}
}

static void serves_in_order(void)
{
	for (unsigned int round = 0; round < 50; round++) {
		spin_ops_acquire(0);
		queue_all();
		CHECK(!spin_ops_try(0));
		spin_ops_release(0);
		finish();
		for (unsigned int i = 0; i < THREADS; i++)
			CHECK(order[i] == i + 1);
	}
}

static void tries(void)
{
	CHECK(spin_ops_try(0));
	CHECK(!spin_ops_try(0));
	CHECK(spin_ops_try(1));
	spin_ops_release(1);
	spin_ops_release(0);
	CHECK(spin_ops_try(0));
	spin_ops_release(0);
}

static void interrupt(int signal)
{
	(void)signal;
	spin_ops_acquire(1);
	spin_ops_release(1);
}

/* A CPU in the middle of the queue of lock 0 is interrupted by a handler that waits for lock 1. */
static void nests(void)
{
	uint32_t before;

	signal(SIGUSR1, interrupt);
	spin_ops_acquire(0);
	spin_ops_acquire(1);
	queue_all();
	before = spin_ops_look(1);
	CHECK(pthread_kill(threads[1], SIGUSR1) == 0);
	while (spin_ops_look(1) == before)
		sched_yield();
	/* The interrupted wait's turn comes while the handler still waits. */
	spin_ops_release(0);
	spin_ops_release(1);
	finish();
	CHECK(served == THREADS);
}

int main(void)
{
	if (NR_CPUS <= THREADS) {
		printf("1..1\nok 1 spinlock # SKIP needs NR_CPUS > %d\n", THREADS);
		return 0;
	}
	printf("1..4\n");
	tries();
	printf("ok 1 spinlock_tries\n");
	excludes();
	printf("ok 2 spinlock_excludes\n");
	serves_in_order();
	printf("ok 3 spinlock_serves_in_the_order_of_coming\n");
	nests();
	printf("ok 4 spinlock_nests\n");
	return 0;
}
