/* SPDX-License-Identifier: MIT */
/* The other threads of a benchmark: where they run, and what it takes to switch between them. */
#include "bench_partner.h"

#include <exo/panic.h>
#include <exo/sched.h>

struct thread_attributes bench_equal = {
	.name = "bench",
	.parameters = SCHED_PARAMETERS_INIT,
};
struct thread_attributes bench_urgent = {
	.name = "bench",
	.parameters = { .priority = PRIORITY_URGENT, .shares = 100 },
};
static struct cpu_set here;

void bench_stay_here(void)
{
	if (nr_cpus_online == 1)
		return;
	cpu_set_clear(&here);
	preempt_disable();
	cpu_set_add(&here, cpu_this()->number);
	preempt_enable();
	thread_set_affinity(thread_current(), &here);
	bench_equal.affinity = bench_urgent.affinity = &here;
}

void bench_go_anywhere(void)
{
	if (nr_cpus_online == 1)
		return;
	cpu_set_all(&here);
	thread_set_affinity(thread_current(), &here);
	bench_equal.affinity = bench_urgent.affinity = NULL;
}

struct thread *bench_partner(void (*entry)(void *argument), struct thread_attributes *attributes)
{
	struct thread *thread;

	if (thread_create(&thread, entry, NULL, attributes))
		panic("bench: no memory for a thread");
	thread_start(thread);
	return thread;
}

/*
 * What has been switched to in between is counted, since not every policy gives every thread one
 * turn a round. The harness takes one empty sample off the result, which must have just one.
 */
uint64_t bench_yield(void)
{
	const uint64_t empty = bench_stop(bench_start());
	uint64_t switches = this_cpu_read(switches), ticks;
	const uint64_t start = bench_start();

	thread_yield();
	ticks = bench_stop(start);
	switches = this_cpu_read(switches) - switches;
	if (switches <= 1 || ticks <= empty)
		return ticks;
	return (ticks - empty) / switches + empty;
}
