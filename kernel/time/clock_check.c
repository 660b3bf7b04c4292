/* SPDX-License-Identifier: MIT */
/*
 * Do the TSCs of two CPUs agree? The two take turns: each reads its TSC after it has seen what the
 * other's showed, and finds it smaller only if the clock would have gone back for a thread that
 * moved with the message. A difference that no message is fast enough to show does no harm. Several
 * turns, because the fastest counts.
 *
 * @turn goes from 0 to TURNS: the boot CPU moves when it is even, the other when it is odd. In the
 * last turn the boot CPU draws the conclusion; then it is 0 again, for the next CPU.
 */
#include "clock.h"

#include <arch/cpu.h>
#include <exo/clock.h>
#include <exo/preempt.h>
#include <stdatomic.h>

#define TURNS 8u /* even; a guess: on a host that is loaded each takes it a slice */
#define PATIENCE (1u << 22) /* pauses: 0.2 s natively, seconds in an emulator */

static _Atomic unsigned int turn;
static _Atomic uint64_t stamp; /* of the CPU that moved last */
static _Atomic bool warped;

static bool wait_for(unsigned int which)
{
	for (unsigned int i = 0; i < PATIENCE; i++) {
		if (atomic_load_explicit(&turn, memory_order_acquire) == which)
			return true;
		cpu_pause();
	}
	return false;
}

/* Moves in every second turn, from @first on. Returns false if the other CPU does not. */
static bool take_turns(unsigned int first)
{
	for (unsigned int i = first; i < TURNS; i += 2) {
		uint64_t now;

		if (!wait_for(i))
			return false;
		now = cpu_tsc_ordered();
		if (now < atomic_load_explicit(&stamp, memory_order_relaxed))
			atomic_store_explicit(&warped, true, memory_order_relaxed);
		atomic_store_explicit(&stamp, now, memory_order_relaxed);
		atomic_store_explicit(&turn, i + 1, memory_order_release);
	}
	return true;
}

void clock_check_cpu(bool starts)
{
	bool turns;

	if (starts) {
		if (take_turns(1))
			wait_for(0);
		return;
	}
	preempt_disable();
	turns = take_turns(0) && wait_for(TURNS);
	preempt_enable();
	if (!turns)
		clock_leave_tsc("a CPU did not show its time-stamp counter");
	else if (!clock_tsc_shared(&clock_facts))
		clock_leave_tsc("the time-stamp counters depend on power states");
	else if (atomic_load_explicit(&warped, memory_order_relaxed))
		clock_leave_tsc("the time-stamp counters of two CPUs differ");
	atomic_store_explicit(&warped, false, memory_order_relaxed);
	atomic_store_explicit(&stamp, 0, memory_order_relaxed);
	atomic_store_explicit(&turn, 0, memory_order_release);
}
