/* SPDX-License-Identifier: MIT */
/*
 * Running a function while all other CPUs stand still.
 *
 * Standing still is a call (smp_call.c) whose function waits. A CPU that is in the middle of
 * something, perhaps with a lock that another one waits for with interrupts off, refuses: then all
 * go on, and it is tried again. The count of preempt_disable() tells: an interrupt adds one, and so
 * does who serves calls while waiting for its own.
 */
#include "smp_calls.h"

#include <arch/pause.h>
#include <exo/errno.h>
#include <exo/preempt.h>

/* A guess: a console that is being written to refuses for milliseconds. */
#define TRIES 1000

static struct {
	_Atomic bool taken; /* by the CPU whose the rest is */
	_Atomic bool refused, over;
	_Atomic unsigned int arrived;
	struct smp_call call;
} alone;

static void stand_still(void *unused)
{
	(void)unused;
	if ((cpu_this()->preempt & ~PREEMPT_UNWANTED) > 1)
		atomic_store(&alone.refused, true);
	atomic_fetch_add(&alone.arrived, 1);
	while (!atomic_load(&alone.over) && !atomic_load(&alone.refused))
		cpu_pause();
}

/* True if all stand still, up to go_on(). */
static bool stop_others(void)
{
	const unsigned int others = nr_cpus_online - 1;

	atomic_store(&alone.refused, false);
	atomic_store(&alone.over, false);
	atomic_store(&alone.arrived, 0);
	alone.call.function = stand_still;
	atomic_store(&alone.call.pending, others);
	for (cpu_t cpu = 0; cpu < nr_cpus_online; cpu++)
		if (cpu != cpu_current())
			smp_call_send(&alone.call, cpu);
	while (atomic_load(&alone.arrived) < others) {
		smp_call_serve();
		cpu_pause();
	}
	return !atomic_load(&alone.refused);
}

static void go_on(void)
{
	atomic_store(&alone.over, true);
	smp_call_wait(&alone.call);
}

int smp_alone(void (*function)(void *argument), void *argument)
{
	bool stand = false;

	if (atomic_exchange(&alone.taken, true))
		return -EXO_E_BUSY;
	preempt_disable();
	for (unsigned int i = 0; i < TRIES && !stand; i++) {
		stand = stop_others();
		if (stand)
			function(argument);
		go_on();
	}
	preempt_enable();
	atomic_store(&alone.taken, false);
	return stand ? 0 : -EXO_E_AGAIN;
}
