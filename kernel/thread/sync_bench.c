/* SPDX-License-Identifier: MIT */
/*
 * The benchmarks of semaphores and mutexes.
 *
 *	sem.give_take		semaphore_give() and semaphore_take() when nobody waits: the pair
 *	sem.handoff		from semaphore_give() up to where the more urgent thread that waited
 *				goes on
 *	sem.block		from semaphore_take() that must wait, up to where the giver goes on
 *	mutex.lock_unlock	mutex_lock() and mutex_unlock() when nobody else wants it: the pair
 *
 * Where the policy knows no urgency, or kernel code is not preempted, the giver yields until the
 * other has run, and handoff includes this.
 */
#include "bench_partner.h"

#include <exo/mutex.h>
#include <exo/semaphore.h>

static struct semaphore ping = SEMAPHORE_INIT(0);
static struct mutex mutex = MUTEX_INIT;
static struct thread *partner;
static volatile bool stop;
static volatile unsigned int turns; /* of the taker */
static uint64_t begun; /* what is measured now */
static uint64_t handed; /* ticks from a give to the taker's turn */

static uint64_t give_take(void)
{
	const uint64_t start = bench_start();

	semaphore_give(&ping);
	semaphore_take(&ping, DEADLINE_NEVER);
	return bench_stop(start);
}
BENCHMARK(give_take, "sem.give_take", 1000);

static void taker(void *argument)
{
	(void)argument;
	while (!stop) {
		handed = bench_stop(begun);
		turns++;
		begun = bench_start();
		semaphore_take(&ping, DEADLINE_NEVER);
	}
}

static void let_run(unsigned int turn)
{
	while (turns == turn)
		thread_yield();
}

static void taker_begin(void)
{
	const unsigned int turn = turns;

	bench_stay_here();
	stop = false;
	partner = bench_partner(taker, &bench_urgent);
	let_run(turn);
}

static void taker_end(void)
{
	stop = true;
	semaphore_give(&ping);
	thread_join(partner, DEADLINE_NEVER, NULL);
	bench_go_anywhere();
}

static uint64_t handoff(void)
{
	const unsigned int turn = turns;

	begun = bench_start();
	semaphore_give(&ping);
	let_run(turn);
	return handed;
}
BENCHMARK_AROUND(handoff, "sem.handoff", 1000, taker_begin, taker_end);

static uint64_t block(void)
{
	const unsigned int turn = turns;

	semaphore_give(&ping);
	let_run(turn);
	return bench_stop(begun);
}
BENCHMARK_AROUND(block, "sem.block", 1000, taker_begin, taker_end);

static uint64_t lock_unlock(void)
{
	const uint64_t start = bench_start();

	mutex_lock(&mutex);
	mutex_unlock(&mutex);
	return bench_stop(start);
}
BENCHMARK(lock_unlock, "mutex.lock_unlock", 1000);
