/* SPDX-License-Identifier: MIT */
/*
 * Going idle (kernel/sched/idle.c) and queueing work (core.c): no thread waits while a CPU sleeps.
 *
 * A CPU that finds nothing announces itself, fences, and looks again before it halts. A CPU that
 * has work pushes it to its ring, fences, and then looks at who has announced itself; it claims one
 * and interrupts it. A CPU that was claimed, but has found something by itself meanwhile, passes
 * the interrupt on to another one. This is a model of these few lines, as they need the kernel
 * around them; the ring is the real one.
 */
#define STEAL_RING_SIZE 4
#define MODEL_THREADS 4u
#include "model.h"

#include "steal_ring_port.h"

#ifdef BROKEN_waker_without_fence
#define WAKER_FENCES 0
#else
#define WAKER_FENCES 1
#endif
#ifdef BROKEN_count_before_fence
#define COUNT_FIRST 1
#else
#define COUNT_FIRST 0
#endif
#ifdef BROKEN_sleeper_without_fence
#define SLEEPER_FENCES 0
#else
#define SLEEPER_FENCES 1
#endif
#ifdef BROKEN_wake_not_passed_on
#define PASSES_ON 0
#else
#define PASSES_ON 1
#endif
#ifdef BROKEN_no_second_look
#define SECOND_LOOK 0
#else
#define SECOND_LOOK 1
#endif

/* WAKERS push a piece of work each to their rings, SLEEPERS look for some and go to sleep. */
template <unsigned int WAKERS, unsigned int SLEEPERS> struct idling : model_case {
	struct steal_ring rings[WAKERS + SLEEPERS];
	model_atomic<unsigned int> idle_cpus, idle_count;
	model_atomic<bool> interrupted[SLEEPERS];
	bool sleeps[SLEEPERS];
	char work;

	void before()
	{
		for (unsigned int i = 0; i < WAKERS + SLEEPERS; i++) {
			rings[i].head.store(0, rl::mo_relaxed, $);
			rings[i].tail.store(0, rl::mo_relaxed, $);
		}
		idle_cpus.store(0, rl::mo_relaxed, $);
		idle_count.store(0, rl::mo_relaxed, $);
		for (unsigned int i = 0; i < SLEEPERS; i++) {
			interrupted[i].store(false, rl::mo_relaxed, $);
			sleeps[i] = false;
		}
	}

	bool claim(unsigned int number)
	{
		const unsigned int bit = 1u << number;

		if (!(idle_cpus.load(rl::mo_relaxed, $) & bit) ||
		    !(idle_cpus.fetch_and(~bit, rl::mo_seq_cst, $) & bit))
			return false;
		idle_count.fetch_add(-1u, rl::mo_seq_cst, $);
		return true;
	}

	bool look(unsigned int number)
	{
		unsigned int more;

		for (unsigned int i = 0; i < WAKERS; i++)
			if (steal_ring_steal(&rings[i], &rings[WAKERS + number], &more))
				return true;
		return false;
	}

	void sleep(unsigned int number)
	{
		if (look(number))
			return;
		idle_cpus.fetch_or(1u << number, rl::mo_seq_cst, $);
		idle_count.fetch_add(1, rl::mo_seq_cst, $);
		if (SLEEPER_FENCES)
			model_fence($);
		if (!SECOND_LOOK || !look(number))
			sleeps[number] = true;
		else if (!claim(number) && PASSES_ON)
			wake_one();
	}

	void wake_one()
	{
		for (unsigned int i = 0; i < SLEEPERS; i++) {
			if (claim(i)) {
				interrupted[i].store(true, rl::mo_relaxed, $);
				break;
			}
		}
	}

	void wake(unsigned int number)
	{
		steal_ring_push(&rings[number], &work);
		if (COUNT_FIRST && !idle_count.load(rl::mo_relaxed, $))
			return;
		if (WAKER_FENCES)
			model_fence($);
		if (idle_count.load(rl::mo_relaxed, $))
			wake_one();
	}

	void thread(unsigned int number)
	{
		if (number < WAKERS)
			wake(number);
		else if (number - WAKERS < SLEEPERS)
			sleep(number - WAKERS);
	}

	void after()
	{
		unsigned int waiting = 0, asleep = 0;

		for (unsigned int i = 0; i < WAKERS; i++)
			waiting += steal_ring_length(&rings[i]);
		for (unsigned int i = 0; i < SLEEPERS; i++)
			if (sleeps[i] && !interrupted[i].load(rl::mo_relaxed, $))
				asleep++;
			else if (sleeps[i] && waiting)
				waiting--; /* it will take one */
		RL_ASSERT(!waiting || !asleep);
	}
};

int main()
{
	model<idling<1, 2>, ALL>("two_sleepers", MANY);
	model<idling<2, 1>, ALL>("two_wakers", MANY);
	model<idling<2, 2>, RANDOM>("two_of_both", 300000);
	return model_end();
}
