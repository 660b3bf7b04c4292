/* SPDX-License-Identifier: MIT */
/* Notifications: signalling, waiting, deadlines, upcalls, and what becomes of those who wait. */
#include "abi.h"

#define NTF abi_slot(1)
#define DONE abi_slot(2)

static struct exo_result poll(exo_cap_t ntf, uint64_t mask)
{
	return exo_ntf_wait(ntf, mask, 0);
}

static void ntf_bits_are_set_and_taken(struct test *test)
{
	ABI_BEGIN(test, 16);
	TEST_EQ(test, abi_make(EXO_TYPE_NTF, 1), 0);
	TEST_EQ(test, poll(NTF, ~UINT64_C(0)).error, -EXO_E_TIMEOUT);
	TEST_EQ(test, exo_ntf_signal(NTF, 0x13).error, 0);
	TEST_EQ(test, exo_ntf_signal(NTF, 0x13).error, 0);
	TEST_EQ(test, exo_ntf_signal(NTF, UINT64_C(1) << 63).error, 0);
	TEST_EQ(test, abi_stat(NTF).used, 0x13 | UINT64_C(1) << 63);
	TEST_EQ(test, poll(NTF, 0xf0).value, 0x10);
	TEST_EQ(test, poll(NTF, 0xf0).error, -EXO_E_TIMEOUT);
	TEST_EQ(test, exo_ntf_wait(NTF, 0x3, EXO_DEADLINE_NEVER).value, 0x3);
	TEST_EQ(test, abi_stat(NTF).used, UINT64_C(1) << 63);
	TEST_EQ(test, exo_ntf_signal(NTF, 0).error, 0);
}

static void ntf_refuses_bad_arguments(struct test *test)
{
	ABI_BEGIN(test, 16);
	TEST_EQ(test, abi_make(EXO_TYPE_NTF, 1), 0);
	TEST_EQ(test, abi_copy(1, 3, EXO_RIGHT_R), 0);
	TEST_EQ(test, abi_copy(1, 4, EXO_RIGHT_W), 0);
	TEST_EQ(test, exo_ntf_signal(abi_slot(3), 1).error, -EXO_E_PERM);
	TEST_EQ(test, exo_ntf_signal(NTF, 4).error, 0);
	TEST_EQ(test, abi_stat(abi_slot(3)).used, 4);
	TEST_EQ(test, abi_stat(abi_slot(4)).used, 0); /* who may not wait may not look */
	TEST_EQ(test, poll(abi_slot(4), 1).error, -EXO_E_PERM);
	TEST_EQ(test, exo_ntf_bind(abi_slot(3), EXO_FIRST_THREAD, 1).error, -EXO_E_PERM);
	TEST_EQ(test, poll(NTF, 0).error, -EXO_E_ARG);
	TEST_EQ(test, poll(EXO_SELF, 1).error, -EXO_E_ARG);
	TEST_EQ(test, poll(abi_slot(9), 1).error, -EXO_E_CAP);
	TEST_EQ(test, exo_ntf_signal(abi_slot(9), 1).error, -EXO_E_CAP);
	TEST_EQ(test, exo_ntf_bind(abi_slot(9), EXO_FIRST_THREAD, 1).error, -EXO_E_CAP);
	TEST_EQ(test, exo_ntf_bind(NTF, abi_slot(9), 1).error, -EXO_E_CAP);
	TEST_EQ(test, exo_ntf_bind(NTF, ABI_BANK, 1).error, -EXO_E_TYPE);
}

/* A copy may be good for some bits only, and its copies for no more. */
static void ntf_badges(struct test *test)
{
	ABI_BEGIN(test, 16);
	TEST_EQ(test, abi_make(EXO_TYPE_NTF, 1), 0);
	TEST_EQ(test, exo_cap_copy(NTF, EXO_SELF, abi_slot(3), EXO_RIGHTS_ALL, 0x30).error, 0);
	TEST_EQ(test, exo_ntf_signal(abi_slot(3), 0x31).error, -EXO_E_PERM);
	TEST_EQ(test, abi_stat(NTF).used, 0);
	TEST_EQ(test, exo_ntf_signal(abi_slot(3), 0x20).error, 0);
	TEST_EQ(test, poll(NTF, ~UINT64_C(0)).value, 0x20);
	TEST_EQ(test, exo_cap_copy(abi_slot(3), EXO_SELF, abi_slot(4), EXO_RIGHTS_ALL, 0x40).error,
		-EXO_E_RANGE);
	TEST_EQ(test, exo_cap_copy(abi_slot(3), EXO_SELF, abi_slot(4), EXO_RIGHTS_ALL, 0).error, 0);
	TEST_EQ(test, exo_ntf_signal(abi_slot(4), 1).error, -EXO_E_PERM);
}

static void ntf_deadlines(struct test *test)
{
	uint64_t before;

	ABI_BEGIN(test, 16);
	TEST_EQ(test, abi_make(EXO_TYPE_NTF, 1), 0);
	before = abi_now();
	TEST_EQ(test, exo_ntf_wait(NTF, 1, before + 20 * MS).error, -EXO_E_TIMEOUT);
	TEST_TRUE(test, abi_now() >= before + 20 * MS);
	TEST_EQ(test, exo_ntf_wait(NTF, 1, before).error, -EXO_E_TIMEOUT);
	before = abi_now();
	TEST_EQ(test, exo_ntf_wait(EXO_SELF, 0, before + 20 * MS).error, -EXO_E_TIMEOUT);
	TEST_TRUE(test, abi_now() >= before + 20 * MS);
	TEST_EQ(test, exo_ntf_wait(EXO_SELF, 0, 0).error, -EXO_E_TIMEOUT);
}

/* --- others who wait ---------------------------------------------------------------------------*/

struct waiter {
	struct exo_thread thread;
	struct exo_result got;
	uint64_t mask, done_bit;
	volatile bool waits;
};

static void wait_in_thread(void *argument)
{
	struct waiter *waiter = argument;

	waiter->waits = true;
	waiter->got = exo_ntf_wait(NTF, waiter->mask, EXO_DEADLINE_NEVER);
	(void)exo_ntf_signal(DONE, waiter->done_bit);
}

/* Begins one; it is in the call when this returns, or as good as. */
static int begin(struct waiter *waiter, uint64_t mask, uint64_t done_bit)
{
	int error;

	waiter->mask = mask;
	waiter->done_bit = done_bit;
	waiter->waits = false;
	waiter->got = (struct exo_result){ 77, 77 };
	error = exo_thread_start(&waiter->thread, wait_in_thread, waiter, 2);
	abi_patience();
	while (!error && !waiter->waits && abi_patient())
		;
	abi_sleep(5 * MS);
	return error;
}

static struct exo_result wait_done(uint64_t mask)
{
	return exo_ntf_wait(DONE, mask, abi_now() + ABI_PATIENCE);
}

static void ntf_wakes_who_wants_the_bits(struct test *test)
{
	static struct waiter first, second;

	ABI_BEGIN(test, 16);
	TEST_EQ(test, abi_make(EXO_TYPE_NTF, 1), 0);
	TEST_EQ(test, abi_make(EXO_TYPE_NTF, 2), 0);
	TEST_EQ(test, begin(&first, 0x0f, 1), 0);
	TEST_EQ(test, begin(&second, 0xf0, 2), 0);
	TEST_EQ(test, exo_ntf_signal(NTF, 0x130).error, 0);
	TEST_EQ(test, wait_done(3).value, 2);
	TEST_EQ(test, second.got.error, 0);
	TEST_EQ(test, second.got.value, 0x30);
	TEST_EQ(test, abi_stat(NTF).used, 0x100);
	TEST_EQ(test, exo_ntf_signal(NTF, 1).error, 0);
	TEST_EQ(test, wait_done(1).value, 1);
	TEST_EQ(test, first.got.value, 1);
	exo_thread_end(&first.thread);
	exo_thread_end(&second.thread);
}

/* One bit wakes one, and that is who came first. */
static void ntf_serves_in_order(struct test *test)
{
	static struct waiter first, second;

	ABI_BEGIN(test, 16);
	TEST_EQ(test, abi_make(EXO_TYPE_NTF, 1), 0);
	TEST_EQ(test, abi_make(EXO_TYPE_NTF, 2), 0);
	TEST_EQ(test, begin(&first, 1, 1), 0);
	TEST_EQ(test, begin(&second, 1, 2), 0);
	TEST_EQ(test, exo_ntf_signal(NTF, 1).error, 0);
	TEST_EQ(test, wait_done(3).value, 1);
	abi_sleep(10 * MS);
	TEST_EQ(test, poll(DONE, 3).error, -EXO_E_TIMEOUT);
	TEST_EQ(test, exo_ntf_signal(NTF, 1).error, 0);
	TEST_EQ(test, wait_done(3).value, 2);
	exo_thread_end(&first.thread);
	exo_thread_end(&second.thread);
}

static void ntf_its_end_wakes(struct test *test)
{
	static struct waiter waiter;

	ABI_BEGIN(test, 16);
	TEST_EQ(test, abi_make(EXO_TYPE_NTF, 1), 0);
	TEST_EQ(test, abi_make(EXO_TYPE_NTF, 2), 0);
	TEST_EQ(test, begin(&waiter, 1, 1), 0);
	TEST_EQ(test, exo_cap_delete(NTF, 1).error, 0);
	TEST_EQ(test, wait_done(1).value, 1);
	TEST_EQ(test, waiter.got.error, -EXO_E_DEAD);
	TEST_EQ(test, waiter.got.value, 0);
	exo_thread_end(&waiter.thread);
}

static void ntf_a_thread_that_waits_can_be_ended(struct test *test)
{
	static struct waiter waiter;

	ABI_BEGIN(test, 16);
	TEST_EQ(test, abi_make(EXO_TYPE_NTF, 1), 0);
	TEST_EQ(test, abi_make(EXO_TYPE_NTF, 2), 0);
	TEST_EQ(test, begin(&waiter, 1, 1), 0);
	exo_thread_end(&waiter.thread);
	ABI_UNTIL(test, abi_stat(EXO_FIRST_ENV).used == 1);
	/* The bit waits for the next who comes. */
	TEST_EQ(test, exo_ntf_signal(NTF, 1).error, 0);
	TEST_EQ(test, poll(NTF, 1).value, 1);
}

/* No more than so many wait, as a signal looks at them all with interrupts off. */
static void ntf_has_so_many_waiters(struct test *test)
{
	static struct waiter waiters[EXO_NTF_WAITERS];
	unsigned int begun = 0, waiting = 0;
	int error = 0;

	ABI_BEGIN(test, 16);
	TEST_EQ(test, abi_make(EXO_TYPE_NTF, 1), 0);
	TEST_EQ(test, abi_make(EXO_TYPE_NTF, 2), 0);
	while (begun < EXO_NTF_WAITERS && !error) {
		error = begin(&waiters[begun], 1, 1);
		begun += !error;
	}
	TEST_EQ(test, error, 0);
	for (unsigned int i = 0; i < begun; i++)
		waiting += waiters[i].got.error == 77; /* it has not come back */
	TEST_EQ(test, waiting, EXO_NTF_WAITERS);
	TEST_EQ(test, exo_ntf_wait(NTF, 2, abi_now() + ABI_PATIENCE).error, -EXO_E_BUSY);
	TEST_EQ(test, exo_ntf_wait(NTF, 2, 0).error, -EXO_E_TIMEOUT);
	TEST_EQ(test, exo_ntf_signal(NTF, 1).error, 0);
	TEST_EQ(test, wait_done(1).value, 1);
	TEST_EQ(test, exo_ntf_wait(NTF, 2, abi_now() + MS).error, -EXO_E_TIMEOUT);
	while (begun > 0)
		exo_thread_end(&waiters[--begun].thread);
}

/* --- upcalls -----------------------------------------------------------------------------------*/

static void ntf_bound_interrupts(struct test *test)
{
	ABI_BEGIN(test, 16);
	TEST_EQ(test, abi_make(EXO_TYPE_NTF, 1), 0);
	TEST_EQ(test, abi_make(EXO_TYPE_NTF, 3), 0);
	abi_upcalls(EXO_EVENT_NTF);
	TEST_EQ(test, exo_ntf_bind(NTF, EXO_FIRST_THREAD, 0xf0).error, 0);
	TEST_EQ(test, exo_ntf_signal(NTF, 0x0f).error, 0);
	TEST_EQ(test, abi_events, 0);
	TEST_EQ(test, exo_ntf_signal(NTF, 0x10).error, 0);
	TEST_EQ(test, abi_events, 1);
	TEST_EQ(test, abi_event_bits, EXO_EVENT_NTF);
	TEST_EQ(test, poll(NTF, 0xff).value, 0x1f);
	/* Each is bound to one. */
	TEST_EQ(test, exo_ntf_bind(NTF, EXO_FIRST_THREAD, 1).error, -EXO_E_BUSY);
	TEST_EQ(test, exo_ntf_bind(abi_slot(3), EXO_FIRST_THREAD, 1).error, -EXO_E_BUSY);
	TEST_EQ(test, exo_ntf_bind(NTF, EXO_SELF, 0).error, 0);
	TEST_EQ(test, exo_ntf_signal(NTF, 0x10).error, 0);
	TEST_EQ(test, abi_events, 1);
	/* What is set already interrupts at once. */
	TEST_EQ(test, exo_ntf_bind(NTF, EXO_FIRST_THREAD, 0x10).error, 0);
	TEST_EQ(test, abi_events, 2);
	TEST_EQ(test, exo_ntf_bind(NTF, EXO_SELF, 0).error, 0);
}

static void ntf_events_wait_while_disabled(struct test *test)
{
	ABI_BEGIN(test, 16);
	TEST_EQ(test, abi_make(EXO_TYPE_NTF, 1), 0);
	abi_upcalls(EXO_EVENT_NTF);
	TEST_EQ(test, exo_ntf_bind(NTF, EXO_FIRST_THREAD, 1).error, 0);
	__atomic_store_n(&ABI_STATE->disabled, 1, __ATOMIC_SEQ_CST);
	TEST_EQ(test, exo_ntf_signal(NTF, 1).error, 0);
	TEST_EQ(test, abi_events, 0);
	TEST_EQ(test, ABI_STATE->pending, EXO_EVENT_NTF);
	TEST_EQ(test, exo_upcall_resume().error, 0);
	TEST_EQ(test, abi_events, 1);
	TEST_EQ(test, ABI_STATE->disabled, 0);
	TEST_EQ(test, ABI_STATE->pending, 0);
	/* What is not wanted is noted, and does not interrupt. */
	abi_upcalls(0);
	TEST_EQ(test, exo_ntf_signal(NTF, 1).error, 0);
	TEST_EQ(test, abi_events, 0);
	TEST_EQ(test, ABI_STATE->pending, EXO_EVENT_NTF);
	TEST_EQ(test, exo_ntf_bind(NTF, EXO_SELF, 0).error, 0);
}

static volatile bool storm_ends;

static void signal_all_the_time(void *unused)
{
	(void)unused;
	while (!storm_ends)
		(void)exo_ntf_signal(NTF, 1);
}

/* A leaf with all its values in registers and the red zone; what it answers depends on each. */
static __noinline uint64_t mix(uint64_t seed)
{
	volatile uint64_t below[8]; /* the stack pointer's red zone */
	uint64_t a = seed, b = ~seed, c = seed * 3, d = seed * 5, e = seed * 7, f = seed * 11;

	for (unsigned int i = 0; i < 2000; i++) {
		below[i % 8] = a ^ f;
		a += b >> 3;
		b ^= c << 1;
		c += d ^ a;
		d = (d << 7 | d >> 57) + e;
		e ^= below[i % 8];
		f += (a < b) + e;
	}
	return a ^ b ^ c ^ d ^ e ^ f;
}

/* Wherever an upcall comes, the program goes on as if it had not. */
static void ntf_upcalls_leave_no_trace(struct test *test)
{
	static struct exo_thread thread;
	const uint64_t expected = mix(42);
	uint64_t wrong = 0;

	ABI_BEGIN(test, 16);
	TEST_EQ(test, abi_make(EXO_TYPE_NTF, 1), 0);
	abi_upcalls(EXO_EVENT_NTF);
	storm_ends = false;
	TEST_EQ(test, exo_thread_start(&thread, signal_all_the_time, NULL, 2), 0);
	TEST_EQ(test, exo_ntf_bind(NTF, EXO_FIRST_THREAD, 1).error, 0);
	abi_patience();
	while (abi_events < 100 && abi_patient())
		for (unsigned int i = 0; i < 100; i++)
			wrong += mix(42) != expected;
	storm_ends = true;
	exo_thread_end(&thread);
	TEST_EQ(test, exo_ntf_bind(NTF, EXO_SELF, 0).error, 0);
	TEST_TRUE(test, abi_events >= 100);
	TEST_EQ(test, wrong, 0);
}

static const struct test_case ntf_cases[] = {
	TEST_CASE(ntf_bits_are_set_and_taken),
	TEST_CASE(ntf_refuses_bad_arguments),
	TEST_CASE(ntf_badges),
	TEST_CASE(ntf_deadlines),
	TEST_CASE(ntf_wakes_who_wants_the_bits),
	TEST_CASE(ntf_serves_in_order),
	TEST_CASE(ntf_its_end_wakes),
	TEST_CASE(ntf_a_thread_that_waits_can_be_ended),
	TEST_CASE(ntf_has_so_many_waiters),
	TEST_CASE(ntf_bound_interrupts),
	TEST_CASE(ntf_events_wait_while_disabled),
	TEST_CASE(ntf_upcalls_leave_no_trace),
};
TEST_SUITE(user_ntf, ntf_cases);
