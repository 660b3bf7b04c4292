/* SPDX-License-Identifier: MIT */
/* What the suites about threads share: making them, waiting for things to happen, counting memory.
 */
#ifndef THREAD_SUPPORT_H
#define THREAD_SUPPORT_H

#include <arch/cpu.h>
#include <exo/clock.h>
#include <exo/sched.h>
#include <exo/thread.h>

#define PATIENCE (20 * NS_PER_S) /* a guess: what does not happen by then never will */

/*
 * Waits until @condition holds; false if it does not within PATIENCE. Sleeps in between, so that it
 * holds up nobody, however the scheduler chooses.
 */
#define UNTIL(condition)                                                     \
	({                                                                   \
		const uint64_t until_end = clock_ns() + PATIENCE;            \
		bool until_met;                                              \
                                                                             \
		while (!(until_met = (condition)) && clock_ns() < until_end) \
			thread_sleep_until(clock_ns() + 50 * NS_PER_US);     \
		until_met;                                                   \
	})

/* The set of one CPU. */
struct cpu_set only_cpu(cpu_t cpu);

/* The last CPU: not the boot CPU, if there are several. */
static inline cpu_t last_cpu(void)
{
	return nr_cpus_online - 1;
}

/* Makes and starts a thread. @affinity: NULL for all CPUs. NULL if that fails. */
struct thread *spawn(void (*entry)(void *argument), void *argument, uint8_t priority,
		     const struct cpu_set *affinity);

static inline enum thread_state state_of(const struct thread *thread)
{
	return (enum thread_state)atomic_load_explicit(&thread->state, memory_order_acquire);
}

/* Keeps the CPU busy. */
void burn(uint64_t ns);

/* A simple generator of numbers (xorshift); @state is not 0. */
uint32_t next_random(uint64_t *state);

struct memory_mark {
	uint64_t frames, blocks;
};

/* Gives back all that is kept for later, on every CPU, and notes what is then in use. */
void memory_mark(struct memory_mark *mark);

/* Is as much in use as at the mark? Waits for threads that are still on their way out. */
bool memory_is_back(const struct memory_mark *mark);

#endif
