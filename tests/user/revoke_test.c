/* SPDX-License-Identifier: MIT */
/* Revoking: asking for what was given away, taking it, and what its holders are told. */
#include "abi.h"

#define STATE_COPY UINT64_C(0x20000100000) /* where a case sees another thread's state page */

static struct exo_thread thread;
static volatile uint64_t reads;

/* A table of its own with a copy of the frame in slot 1 in its slot 8, and with a thread that is
 * told of it, whose state page this program sees. */
static int64_t make_holder(struct exo_state_page **state)
{
	int64_t error;

	*state = (struct exo_state_page *)STATE_COPY;
	(void)((error = abi_make(EXO_TYPE_ENV, 2)) || (error = abi_make(EXO_TYPE_THREAD, 3)) ||
	       (error = abi_frames(4, 1)) || (error = abi_map(EXO_MAP, 4, 1, STATE_COPY, ABI_RW)) ||
	       (error = exo_thread_config(abi_slot(3), abi_slot(2), 0x400000, 0, 0, abi_slot(4))
				.error) ||
	       (error = exo_cap_copy(abi_slot(3), abi_slot(2), 9, 0, 0).error) ||
	       (error = exo_env_config(abi_slot(2), EXO_ENV_EVENTS, 9, 0).error) ||
	       (error = exo_cap_copy(abi_slot(1), abi_slot(2), 8, EXO_RIGHTS_ALL, 0).error));
	return error;
}

static void revoke_takes_what_is_below(struct test *test)
{
	struct exo_result result;

	ABI_BEGIN(test, 16);
	TEST_EQ(test, abi_frames(1, 1), 0);
	TEST_EQ(test, abi_copy(1, 2, EXO_RIGHTS_ALL), 0);
	TEST_EQ(test, abi_copy(1, 3, EXO_RIGHTS_ALL), 0);
	TEST_EQ(test, abi_copy(2, 4, EXO_RIGHTS_ALL), 0);
	TEST_EQ(test, abi_copy(4, 5, EXO_RIGHTS_ALL), 0);
	result = exo_cap_revoke(abi_slot(2), EXO_REVOKE_FORCE, 0, 0, 0);
	TEST_EQ(test, result.error, 0);
	TEST_EQ(test, result.value, 2);
	TEST_EQ(test, abi_stat(abi_slot(4)).type, EXO_TYPE_NONE);
	TEST_EQ(test, abi_stat(abi_slot(5)).type, EXO_TYPE_NONE);
	TEST_EQ(test, abi_stat(abi_slot(2)).type, EXO_TYPE_FRAME);
	TEST_EQ(test, abi_stat(abi_slot(3)).type, EXO_TYPE_FRAME);
	TEST_EQ(test, exo_cap_revoke(abi_slot(2), EXO_REVOKE_FORCE, 0, 0, 0).value, 0);
}

static void revoke_refuses_bad_arguments(struct test *test)
{
	ABI_BEGIN(test, 16);
	TEST_EQ(test, abi_frames(1, 1), 0);
	TEST_EQ(test, abi_copy(1, 2, EXO_RIGHTS_ALL & ~(unsigned int)EXO_RIGHT_C), 0);
	TEST_EQ(test, exo_cap_revoke(abi_slot(2), EXO_REVOKE_FORCE, 0, 0, 0).error, -EXO_E_PERM);
	TEST_EQ(test, exo_cap_revoke(abi_slot(2), EXO_REVOKE_ASK, 0, 0, 0).error, -EXO_E_PERM);
	TEST_EQ(test, exo_cap_revoke(abi_slot(1), 2, 0, 0, 0).error, -EXO_E_ARG);
	TEST_EQ(test, exo_cap_revoke(abi_slot(9), EXO_REVOKE_FORCE, 0, 0, 0).error, -EXO_E_CAP);
	TEST_EQ(test, exo_cap_revoke(EXO_SELF, EXO_REVOKE_FORCE, 0, 0, 0).error, -EXO_E_CAP);
	TEST_EQ(test, exo_cap_revoke(UINT64_MAX, EXO_REVOKE_FORCE, 0, 0, 0).error, -EXO_E_CAP);
	TEST_EQ(test, abi_stat(abi_slot(2)).type, EXO_TYPE_FRAME);
}

static void revoke_of_many_goes_on(struct test *test)
{
	struct exo_result result;
	uint64_t taken = 0;

	ABI_BEGIN(test, 64);
	TEST_EQ(test, abi_frames(1, 1), 0);
	for (unsigned int i = 2; i < 702; i++)
		TEST_EQ(test, abi_copy(1, i, ABI_RW), 0);
	do {
		result = exo_cap_revoke(abi_slot(1), EXO_REVOKE_FORCE, 0, 0, 0);
		TEST_TRUE(test, result.value <= EXO_RANGE_MAX);
		taken += result.value;
	} while (result.error == -EXO_E_AGAIN);
	TEST_EQ(test, result.error, 0);
	TEST_EQ(test, taken, 700);
}

static void revoke_unmaps(struct test *test)
{
	ABI_BEGIN(test, 64);
	TEST_EQ(test, abi_frames(1, 1), 0);
	TEST_EQ(test, abi_copy(1, 2, ABI_RW), 0);
	TEST_EQ(test, abi_map(EXO_MAP, 1, 1, ABI_ADDRESS, ABI_RW), 0);
	TEST_EQ(test, abi_map(EXO_MAP, 2, 1, ABI_ADDRESS + EXO_PAGE, ABI_RW), 0);
	TEST_TRUE(test, abi_try(ABI_WRITE, ABI_ADDRESS + EXO_PAGE));
	TEST_EQ(test, abi_revoke(abi_slot(1)), 0);
	TEST_TRUE(test, !abi_try(ABI_READ, ABI_ADDRESS + EXO_PAGE));
	TEST_TRUE(test, abi_try(ABI_WRITE, ABI_ADDRESS));
}

static void read_for_ever(void *unused)
{
	(void)unused;
	for (;;) {
		(void)*(volatile uint8_t *)ABI_ADDRESS;
		reads++;
	}
}

/* A thread that is just reading it, perhaps on another CPU, faults from then on. */
static void revoke_reaches_who_is_using_it(struct test *test)
{
	ABI_BEGIN(test, 64);
	TEST_EQ(test, abi_frames(1, 1), 0);
	TEST_EQ(test, abi_make(EXO_TYPE_NTF, 3), 0);
	TEST_EQ(test, exo_env_config(EXO_SELF, EXO_ENV_FAULTS, abi_slot(3), 1).error, 0);
	for (unsigned int round = 0; round < 10; round++) {
		struct exo_registers registers;
		uint64_t before;

		TEST_EQ(test, abi_copy(1, 2, EXO_RIGHT_R), 0);
		TEST_EQ(test, abi_map(EXO_MAP, 2, 1, ABI_ADDRESS, EXO_RIGHT_R), 0);
		reads = 0;
		TEST_EQ(test, exo_thread_start(&thread, read_for_ever, NULL, 2), 0);
		ABI_UNTIL(test, reads > 100);
		TEST_EQ(test, abi_revoke(abi_slot(1)), 0);
		before = reads;
		TEST_EQ(test, exo_ntf_wait(abi_slot(3), 1, abi_now() + ABI_PATIENCE).error, 0);
		TEST_TRUE(test, reads <= before + 1);
		ABI_UNTIL(test,
			  exo_thread_state(thread.cap, EXO_THREAD_READ, &registers).error == 0);
		exo_thread_end(&thread);
	}
}

static void revoke_asks_and_takes_nothing(struct test *test)
{
	const struct exo_record *record = &ABI_STATE->requests[0];
	struct exo_result result;
	uint64_t before;

	ABI_BEGIN(test, 64);
	TEST_EQ(test, abi_frames(1, 1), 0);
	TEST_EQ(test, abi_copy(1, 2, ABI_RW), 0);
	abi_upcalls(EXO_EVENT_REVOKE);
	TEST_EQ(test, exo_env_config(EXO_SELF, EXO_ENV_EVENTS, EXO_FIRST_THREAD, 0).error, 0);
	before = ABI_STATE->nr_requests;
	result = exo_cap_revoke(abi_slot(1), EXO_REVOKE_ASK, 12345, 0, 0);
	TEST_EQ(test, result.error, 0);
	TEST_EQ(test, result.value, 1);
	TEST_EQ(test, abi_events, 1);
	TEST_EQ(test, abi_event_bits, EXO_EVENT_REVOKE);
	TEST_EQ(test, ABI_STATE->nr_requests, before + 1);
	record += before % EXO_RECORDS;
	TEST_EQ(test, record->slot, abi_slot(2));
	TEST_EQ(test, record->base, abi_stat(abi_slot(1)).base);
	TEST_EQ(test, record->size, EXO_PAGE);
	TEST_EQ(test, record->deadline, 12345);
	TEST_EQ(test, abi_stat(abi_slot(2)).type, EXO_TYPE_FRAME);
	/* Who has nobody to be told is not asked, and may lose it all the same. */
	TEST_EQ(test, exo_env_config(EXO_SELF, EXO_ENV_EVENTS, 0, 0).error, 0);
	TEST_EQ(test, exo_cap_revoke(abi_slot(1), EXO_REVOKE_ASK, 1, 0, 0).value, 1);
	TEST_EQ(test, ABI_STATE->nr_requests, before + 1);
	TEST_EQ(test, abi_revoke(abi_slot(1)), 0);
	TEST_EQ(test, abi_stat(abi_slot(2)).type, EXO_TYPE_NONE);
}

static void revoke_leaves_a_record_of_what_it_took(struct test *test)
{
	struct exo_state_page *state;

	ABI_NEEDS_ENV(test);
	ABI_BEGIN(test, 64);
	TEST_EQ(test, abi_frames(1, 1), 0);
	TEST_EQ(test, make_holder(&state), 0);
	TEST_EQ(test, exo_cap_revoke(abi_slot(1), EXO_REVOKE_ASK, 777, 0, 0).value, 1);
	TEST_EQ(test, state->nr_requests, 1);
	TEST_EQ(test, state->requests[0].slot, 8);
	TEST_EQ(test, state->requests[0].deadline, 777);
	TEST_EQ(test, state->nr_taken, 0);
	TEST_EQ(test, abi_revoke(abi_slot(1)), 0);
	TEST_EQ(test, state->nr_taken, 1);
	TEST_EQ(test, state->taken[0].slot, 8);
	TEST_EQ(test, state->taken[0].base, abi_stat(abi_slot(1)).base);
	TEST_EQ(test, state->taken[0].size, EXO_PAGE);
	TEST_EQ(test, state->taken[0].deadline, 0);
	/* Its slot is free. */
	TEST_EQ(test, exo_cap_copy(abi_slot(1), abi_slot(2), 8, ABI_RW, 0).error, 0);
}

/* The ring keeps the newest, and the count says how many there were. */
static void revoke_records_go_round(struct test *test)
{
	struct exo_state_page *state;

	ABI_NEEDS_ENV(test);
	ABI_BEGIN(test, 64);
	TEST_EQ(test, abi_frames(1, 1), 0);
	TEST_EQ(test, make_holder(&state), 0);
	for (uint64_t i = 1; i <= EXO_RECORDS + 3; i++)
		TEST_EQ(test, exo_cap_revoke(abi_slot(1), EXO_REVOKE_ASK, i, 0, 0).value, 1);
	TEST_EQ(test, state->nr_requests, EXO_RECORDS + 3);
	TEST_EQ(test, state->requests[2].deadline, EXO_RECORDS + 3);
	TEST_EQ(test, state->requests[3].deadline, 4);
	/* The kernel counts for itself: what the program writes there does not mislead it. */
	state->nr_requests = UINT64_MAX;
	TEST_EQ(test, exo_cap_revoke(abi_slot(1), EXO_REVOKE_ASK, 1000, 0, 0).value, 1);
	TEST_EQ(test, state->nr_requests, EXO_RECORDS + 4);
	TEST_EQ(test, state->requests[3].deadline, 1000);
}

static const struct test_case revoke_cases[] = {
	TEST_CASE(revoke_takes_what_is_below),
	TEST_CASE(revoke_refuses_bad_arguments),
	TEST_CASE(revoke_of_many_goes_on),
	TEST_CASE(revoke_unmaps),
	TEST_CASE(revoke_reaches_who_is_using_it),
	TEST_CASE(revoke_asks_and_takes_nothing),
	TEST_CASE(revoke_leaves_a_record_of_what_it_took),
	TEST_CASE(revoke_records_go_round),
};
TEST_SUITE(user_revoke, revoke_cases);
