/* SPDX-License-Identifier: MIT */
/*
 * The benchmarks of threads: switching between them, making one, waking one by a timer.
 *
 *	thread.yield		one switch by thread_yield(), between two threads
 *	thread.yield.1000	the same among a thousand, or as many as there can be
 *	thread.create_start	thread_create() and thread_start(), up to the first instruction of
 *				the new thread, which is more urgent than its creator
 *	thread.create_join	a thread's whole life: made, started, run, ended and joined
 *	irq.timer_to_thread	from the time up to which a thread sleeps to its next instruction,
 *				while a less urgent one uses the CPU
 *
 * Where the policy knows no urgency, or kernel code is not preempted, create_start includes the way
 * into thread_join(), where the creator gives up the CPU; and timer_to_thread is PATIENCE longer,
 * because the busy thread yields that long after the time.
 */
#include "bench_partner.h"

#include <exo/panic.h>
#include <exo/semaphore.h>

#define NR_READY 1000
#define NAP (100 * NS_PER_US)
#define PATIENCE (50 * NS_PER_US)

static struct thread *partners[NR_READY];
static unsigned int nr_partners;
static volatile bool stop;

static void join(struct thread *thread)
{
	thread_join(thread, DEADLINE_NEVER, NULL);
}

/* --- yielding ----------------------------------------------------------------------------------*/

static void yielder(void *argument)
{
	(void)argument;
	while (!stop)
		thread_yield();
}

static void yield_begin(void)
{
	bench_stay_here();
	stop = false;
	partners[nr_partners++] = bench_partner(yielder, &bench_equal);
	thread_yield();
}

static void yield_begin_1000(void)
{
	yield_begin();
	while (nr_partners < NR_READY &&
	       thread_create(&partners[nr_partners], yielder, NULL, &bench_equal) == 0)
		thread_start(partners[nr_partners++]);
}

static void yield_end(void)
{
	stop = true;
	while (nr_partners > 0)
		join(partners[--nr_partners]);
	bench_go_anywhere();
}

static uint64_t yield_two(void)
{
	return bench_yield();
}
BENCHMARK_AROUND(yield_two, "thread.yield", 1000, yield_begin, yield_end);

static uint64_t yield_1000(void)
{
	return bench_yield();
}
BENCHMARK_AROUND(yield_1000, "thread.yield.1000", 50, yield_begin_1000, yield_end);

/* --- a thread's life ---------------------------------------------------------------------------*/

static uint64_t begun, ran;

static void note_time(void *argument)
{
	(void)argument;
	ran = bench_stop(begun);
}

static uint64_t create_start(void)
{
	struct thread *thread;

	begun = bench_start();
	if (thread_create(&thread, note_time, NULL, &bench_urgent))
		panic("bench: no memory for a thread");
	thread_start(thread);
	join(thread);
	return ran;
}
BENCHMARK_AROUND(create_start, "thread.create_start", 1000, bench_stay_here, bench_go_anywhere);

static void do_nothing(void *argument)
{
	(void)argument;
}

static uint64_t create_join(void)
{
	const uint64_t start = bench_start();
	struct thread *thread;

	if (thread_create(&thread, do_nothing, NULL, &bench_equal))
		panic("bench: no memory for a thread");
	thread_start(thread);
	join(thread);
	return bench_stop(start);
}
BENCHMARK_AROUND(create_join, "thread.create_join", 1000, bench_stay_here, bench_go_anywhere);

/* --- waking by a timer -------------------------------------------------------------------------*/

static struct semaphore bed = SEMAPHORE_INIT(0);
static uint64_t deadline, late; /* ns */
static volatile bool asleep, awake;

static void sleeper(void *argument)
{
	(void)argument;
	for (;;) {
		semaphore_take(&bed, DEADLINE_NEVER);
		if (stop)
			return;
		asleep = true;
		thread_sleep_until(deadline);
		late = clock_ns() - deadline;
		awake = true;
	}
}

static void sleep_begin(void)
{
	bench_stay_here();
	stop = false;
	partners[0] = bench_partner(sleeper, &bench_urgent);
}

static void sleep_end(void)
{
	stop = true;
	semaphore_give(&bed);
	join(partners[0]);
	bench_go_anywhere();
}

static uint64_t ns_to_ticks(uint64_t ns)
{
	return ns * (clock_tsc_hz() / 1000) / NS_PER_MS;
}

static uint64_t timer_to_thread(void)
{
	uint64_t give_way;

	asleep = awake = false;
	deadline = clock_ns() + NAP;
	give_way = cpu_tsc() + ns_to_ticks(NAP + PATIENCE);
	semaphore_give(&bed);
	while (!asleep)
		thread_yield();
	while (!awake)
		if (cpu_tsc() > give_way)
			thread_yield();
	return ns_to_ticks(late);
}
BENCHMARK_AROUND(timer_to_thread, "irq.timer_to_thread", 1000, sleep_begin, sleep_end);
