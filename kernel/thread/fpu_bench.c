/* SPDX-License-Identifier: MIT */
/*
 * The benchmark of switching between two threads that both use the FPU (CONFIG_FPU).
 *
 *	thread.yield.fpu	one switch by thread_yield(); both states are saved and restored
 *
 * A thread that has used the FPU has its state for good, so the benchmark's own thread must not: it
 * asks one of the two to measure, and waits.
 */
#include "bench_partner.h"

#include <exo/semaphore.h>

static struct semaphore asked = SEMAPHORE_INIT(0), done = SEMAPHORE_INIT(0);
static struct thread *measurer, *other;
static volatile bool stop;
static uint64_t measured;

/* No other kernel code uses these registers, nor does the compiler. */
static void use_fpu(void)
{
	__asm__ volatile("fninit; pcmpeqd %xmm0, %xmm0");
}

static void yield_with_fpu(void *argument)
{
	(void)argument;
	use_fpu();
	while (!stop)
		thread_yield();
}

static void measure_with_fpu(void *argument)
{
	(void)argument;
	use_fpu();
	for (;;) {
		semaphore_take(&asked, DEADLINE_NEVER);
		if (stop)
			return;
		measured = bench_yield();
		semaphore_give(&done);
	}
}

static void fpu_begin(void)
{
	bench_stay_here();
	stop = false;
	measurer = bench_partner(measure_with_fpu, &bench_equal);
	other = bench_partner(yield_with_fpu, &bench_equal);
}

static void fpu_end(void)
{
	stop = true;
	semaphore_give(&asked);
	thread_join(measurer, DEADLINE_NEVER, NULL);
	thread_join(other, DEADLINE_NEVER, NULL);
	bench_go_anywhere();
}

static uint64_t yield_fpu(void)
{
	semaphore_give(&asked);
	semaphore_take(&done, DEADLINE_NEVER);
	return measured;
}
BENCHMARK_AROUND(yield_fpu, "thread.yield.fpu", 1000, fpu_begin, fpu_end);
