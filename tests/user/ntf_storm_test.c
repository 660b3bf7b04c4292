/* SPDX-License-Identifier: MIT */
/*
 * Several threads signal one notification while several wait for it, on as many CPUs as there are:
 * each bit that is set is seen by exactly one of those who wait, and none is lost, whether their
 * time is just over or not.
 */
#include "abi.h"

#include <stdatomic.h>
#include <uapi/exo/thread.h>

#define NTF abi_slot(1)
#define SIGNALLERS 4u
#define WAITERS 4u
#define ROUNDS 400u
#define BITS_EACH 16u /* of a signaller's own */

static struct exo_thread threads[SIGNALLERS + WAITERS];
static _Atomic uint64_t seen[64];
static _Atomic unsigned int running, lost, strange;
static volatile bool storm_ends;

/* Who waits for what, and for how long at most. The first one wants all, so somebody always does.
 */
static const struct waiting {
	uint64_t mask, patience;
} waitings[WAITERS] = {
	{ UINT64_MAX, 20 * MS },
	{ UINT64_C(0x00000000ffffffff), 20 * MS },
	{ UINT64_C(0xaaaaaaaaaaaaaaaa), MS },
	{ UINT64_MAX, MS / 100 },
};

static void wait_and_count(void *argument)
{
	const struct waiting *own = argument;

	while (!storm_ends) {
		const struct exo_result got =
			exo_ntf_wait(NTF, own->mask, abi_now() + own->patience);

		if (got.error ? got.error != -EXO_E_TIMEOUT || got.value : !got.value)
			atomic_fetch_add(&strange, 1);
		if (got.value & ~own->mask)
			atomic_fetch_add(&strange, 1);
		for (uint64_t left = got.value; left; left &= left - 1)
			atomic_fetch_add(&seen[__builtin_ctzll(left)], 1);
	}
}

/* How often the bit of a round is signalled: these may coalesce. */
static unsigned int signals_of(unsigned int round)
{
	return round % 5 ? 1 : 3;
}

/* Waits until a bit has been seen. Of one that was signalled several times in an earlier round more
 * may come: who has taken it from the word may not have counted it yet. */
static bool is_seen(unsigned int bit, uint64_t before)
{
	const uint64_t end = abi_now() + ABI_PATIENCE;

	while (atomic_load(&seen[bit]) == before && abi_now() < end)
		(void)exo_yield(EXO_SELF);
	return atomic_load(&seen[bit]) != before;
}

static void signal_and_look(void *argument)
{
	const unsigned int first = BITS_EACH * (unsigned int)(uintptr_t)argument;

	for (unsigned int i = 0; i < ROUNDS && !atomic_load(&lost); i++) {
		const unsigned int bit = first + i % BITS_EACH;
		const uint64_t before = atomic_load(&seen[bit]);

		for (unsigned int k = 0; k < signals_of(i); k++)
			(void)exo_ntf_signal(NTF, UINT64_C(1) << bit);
		if (!is_seen(bit, before))
			atomic_fetch_add(&lost, 1);
	}
	atomic_fetch_sub(&running, 1);
}

static unsigned int begin_all(void)
{
	unsigned int begun = 0;

	for (unsigned int i = 0; i < WAITERS; i++)
		begun +=
			!exo_thread_start(&threads[begun], wait_and_count, (void *)&waitings[i], 2);
	for (unsigned int i = 0; begun == WAITERS + i && i < SIGNALLERS; i++)
		begun += !exo_thread_start(&threads[begun], signal_and_look, (void *)(uintptr_t)i,
					   2);
	return begun;
}

/* Bits that were seen more often than signalled: somebody has seen what was another one's. */
static unsigned int seen_too_often(void)
{
	unsigned int found = 0;

	for (unsigned int bit = 0; bit < 64; bit++) {
		uint64_t signals = 0;

		for (unsigned int round = bit % BITS_EACH; round < ROUNDS; round += BITS_EACH)
			signals += signals_of(round);
		found += atomic_load(&seen[bit]) > signals;
	}
	return found;
}

static void ntf_each_bit_is_seen_once(struct test *test)
{
	uint64_t sum = 0, least = 0;
	unsigned int begun;

	ABI_BEGIN(test, 16);
	TEST_EQ(test, abi_make(EXO_TYPE_NTF, 1), 0);
	for (unsigned int i = 0; i < 64; i++)
		atomic_store(&seen[i], 0);
	atomic_store(&lost, 0);
	atomic_store(&strange, 0);
	atomic_store(&running, SIGNALLERS);
	storm_ends = false;
	begun = begin_all();
	while (begun == SIGNALLERS + WAITERS && atomic_load(&running))
		abi_sleep(MS);
	storm_ends = true;
	abi_sleep(50 * MS);
	for (unsigned int i = 0; i < begun; i++)
		exo_thread_end(&threads[i]);
	TEST_EQ(test, begun, SIGNALLERS + WAITERS);
	TEST_EQ(test, atomic_load(&lost), 0);
	TEST_EQ(test, seen_too_often(), 0);
	TEST_EQ(test, atomic_load(&strange), 0);
	for (unsigned int i = 0; i < 64; i++)
		sum += atomic_load(&seen[i]);
	least = SIGNALLERS * ROUNDS;
	TEST_TRUE(test, sum >= least);
	TEST_TRUE(test, sum <= least + 2 * least / 5);
	TEST_EQ(test, exo_ntf_wait(NTF, UINT64_MAX, 0).error, -EXO_E_TIMEOUT);
}

static const struct test_case ntf_storm_cases[] = {
	TEST_CASE(ntf_each_bit_is_seen_once),
};
TEST_SUITE(user_ntf_storm, ntf_storm_cases);
