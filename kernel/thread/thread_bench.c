/* SPDX-License-Identifier: MIT */
#include <exo/bench.h>
#include <exo/mutex.h>
#include <exo/panic.h>
#include <exo/semaphore.h>
#include <exo/thread.h>

static struct thread *partner;
static volatile bool stop;

static void yielder(void *argument)
{
	(void)argument;
	while (!stop)
		thread_yield();
}

static void yield_begin(void)
{
	stop = false;
	if (thread_create(&partner, yielder, NULL, NULL))
		panic("bench");
	thread_start(partner);
	thread_yield();
}

static void yield_end(void)
{
	stop = true;
	thread_join(partner, DEADLINE_NEVER, NULL);
}

static uint64_t yield_pair(void)
{
	const uint64_t start = bench_start();

	thread_yield();
	return bench_stop(start) / 2;
}
BENCHMARK_AROUND(yield_pair, "thread.yield", 1000, yield_begin, yield_end);

static struct semaphore ping = SEMAPHORE_INIT(0);
static uint64_t given, taken;

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
		given = bench_stop(taken);
		taken = bench_start();
		semaphore_take(&ping, DEADLINE_NEVER);
	}
}

static void handoff_begin(void)
{
	stop = false;
	if (thread_create(&partner, taker, NULL,
			  &(struct thread_attributes){
				  .parameters = { .priority = 200, .shares = 100 } }))
		panic("bench");
	thread_start(partner);
	thread_yield();
}

static void handoff_end(void)
{
	stop = true;
	semaphore_give(&ping);
	thread_join(partner, DEADLINE_NEVER, NULL);
}

static uint64_t handoff(void)
{
	taken = bench_start();
	semaphore_give(&ping);
	return given;
}
BENCHMARK_AROUND(handoff, "sem.handoff", 1000, handoff_begin, handoff_end);

static uint64_t block(void)
{
	taken = bench_start();
	semaphore_give(&ping);
	return bench_stop(taken);
}
BENCHMARK_AROUND(block, "sem.block", 1000, handoff_begin, handoff_end);

static struct mutex mutex = MUTEX_INIT;
static uint64_t lock_unlock(void)
{
	const uint64_t start = bench_start();

	mutex_lock(&mutex);
	mutex_unlock(&mutex);
	return bench_stop(start);
}
BENCHMARK(lock_unlock, "mutex.lock_unlock", 1000);

static void started(void *argument)
{
	(void)argument;
	given = bench_stop(taken);
}

static uint64_t create_start(void)
{
	struct thread *thread;

	taken = bench_start();
	if (thread_create(&thread, started, NULL,
			  &(struct thread_attributes){
				  .parameters = { .priority = 200, .shares = 100 } }))
		panic("bench");
	thread_start(thread);
	thread_join(thread, DEADLINE_NEVER, NULL);
	return given;
}
BENCHMARK(create_start, "thread.create_start", 1000);
