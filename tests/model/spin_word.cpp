/* SPDX-License-Identifier: MIT */
/*
 * The word of a spinlock: one waits as the first of a queue, while others come and take the lock if
 * they find it free. One holder at a time, who sees what the one before has done; and the first of
 * the queue gets it.
 */
#define MODEL_THREADS 4u
#include "model.h"

#define cpu_pause() rl::yield(1, $)

#ifdef BROKEN_try_without_acquire
#define TRY_ORDER rl::mo_relaxed
#else
#define TRY_ORDER rl::mo_acquire
#endif
#ifdef BROKEN_release_without_release
#define RELEASE_ORDER rl::mo_relaxed
#else
#define RELEASE_ORDER rl::mo_release
#endif

/* <arch/atomic.h>: the holder's shift is a load and a store. */
static bool atomic_acquire_bit16(model_atomic<uint16_t> *flags)
{
	return !(flags->fetch_or(1, TRY_ORDER, $) & 1);
}

static void atomic_release_shift16(model_atomic<uint16_t> *flags)
{
	const uint16_t before = flags->load(rl::mo_relaxed, $);

	flags->store(before >> 1, RELEASE_ORDER, $);
}

#include "spin_word_port.h"

/* One that waits, and PASSERS that come ROUNDS times each and go away if they find it taken. */
template <unsigned int PASSERS, unsigned int ROUNDS> struct turns : model_case {
	struct spin_word word;
	rl::var<unsigned int> count;
	unsigned int taken;

	void before()
	{
		word.state.store(SPIN_FREE, rl::mo_relaxed, $);
		count($) = 0;
		taken = 0;
	}

	void hold()
	{
		taken++;
		count($) = count($) + 1;
		spin_word_release(&word);
	}

	void thread(unsigned int number)
	{
		if (number == 0) {
			if (!spin_word_try(&word))
				spin_word_take_turn(&word);
			hold();
			return;
		}
		for (unsigned int i = 0; i < ROUNDS && number <= PASSERS; i++)
			if (spin_word_try(&word))
				hold();
	}

	void after()
	{
		RL_ASSERT(count($) == taken);
		RL_ASSERT(word.state.load(rl::mo_relaxed, $) == SPIN_FREE);
	}
};

int main()
{
	model<turns<1, 2>, 4>("one_passes_twice", MANY);
	model_more<turns<2, 1>, 3>("two_pass", MANY);
	model_more<turns<3, 2>, RANDOM>("three_pass_twice", 300000);
	return model_end();
}
