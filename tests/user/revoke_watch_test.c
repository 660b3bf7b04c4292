/* SPDX-License-Identifier: MIT */
/* Being told that the last capability that was derived from one's own has gone, however it went. */
#include "abi.h"

#define NTF 20u /* where each case has its notification */
#define TOLD (UINT64_C(1) << 40) /* what it asks for, of it */

static int64_t ask(unsigned int index, uint64_t bits)
{
	return exo_cap_revoke(abi_slot(index), EXO_REVOKE_ASK, 0, bits ? abi_slot(NTF) : 0, bits)
		.error;
}

/* The bits that have been signalled since. */
static uint64_t told(void)
{
	return exo_ntf_wait(abi_slot(NTF), UINT64_MAX, 0).value;
}

/* A frame in slot 1 with a copy in slot 2. */
static int64_t begin_watch(uint64_t frames)
{
	int64_t error = abi_begin(frames);

	(void)(error || (error = abi_frames(1, 1)) || (error = abi_make(EXO_TYPE_NTF, NTF)) ||
	       (error = abi_copy(1, 2, EXO_RIGHTS_ALL)));
	return error;
}

static int64_t drop(unsigned int index)
{
	return exo_cap_delete(abi_slot(index), 1).error;
}

static void revoke_tells_when_the_last_is_deleted(struct test *test)
{
	TEST_EQ(test, begin_watch(16), 0);
	TEST_EQ(test, abi_copy(1, 3, EXO_RIGHTS_ALL), 0);
	TEST_EQ(test, abi_copy(2, 4, EXO_RIGHTS_ALL), 0);
	TEST_EQ(test, ask(1, TOLD), 0);
	TEST_EQ(test, ask(2, 1), 0);
	TEST_EQ(test, told(), 0);
	/* What was copied from it moves up. */
	TEST_EQ(test, drop(2), 0);
	TEST_EQ(test, drop(3), 0);
	TEST_EQ(test, told(), 0);
	TEST_EQ(test, drop(4), 0);
	TEST_EQ(test, told(), TOLD);
	/* Once for each time that it is asked. */
	TEST_EQ(test, abi_copy(1, 2, ABI_RW), 0);
	TEST_EQ(test, drop(2), 0);
	TEST_EQ(test, told(), 0);
}

static void revoke_tells_at_once_or_when_it_has_taken(struct test *test)
{
	const exo_cap_t ntf = abi_slot(NTF);

	TEST_EQ(test, begin_watch(16), 0);
	TEST_EQ(test, exo_cap_revoke(abi_slot(1), EXO_REVOKE_FORCE, 0, ntf, 1).value, 1);
	TEST_EQ(test, told(), 1);
	TEST_EQ(test, ask(1, 2), 0);
	TEST_EQ(test, told(), 2);
	TEST_EQ(test, exo_cap_revoke(abi_slot(1), EXO_REVOKE_FORCE, 0, ntf, 4).error, 0);
	TEST_EQ(test, told(), 4);
	for (unsigned int i = 100; i < 100 + EXO_RANGE_MAX + 1; i++)
		TEST_EQ(test, abi_copy(1, i, ABI_RW), 0);
	TEST_EQ(test, exo_cap_revoke(abi_slot(1), EXO_REVOKE_FORCE, 0, ntf, 8).error, -EXO_E_AGAIN);
	TEST_EQ(test, told(), 0);
	TEST_EQ(test, drop(100), 0);
	TEST_EQ(test, told(), 8);
}

/* The last call says who is told. */
static void revoke_tells_whom_the_last_call_said(struct test *test)
{
	TEST_EQ(test, begin_watch(16), 0);
	TEST_EQ(test, ask(1, 1), 0);
	TEST_EQ(test, ask(1, 2), 0);
	TEST_EQ(test, drop(2), 0);
	TEST_EQ(test, told(), 2);
	TEST_EQ(test, abi_copy(1, 2, ABI_RW), 0);
	TEST_EQ(test, ask(1, 1), 0);
	TEST_EQ(test, ask(1, 0), 0);
	TEST_EQ(test, drop(2), 0);
	TEST_EQ(test, told(), 0);
	TEST_EQ(test, abi_copy(1, 2, ABI_RW), 0);
	TEST_EQ(test, ask(1, 1), 0);
	TEST_EQ(test, abi_revoke(abi_slot(1)), 0);
	TEST_EQ(test, told(), 0);
}

static void revoke_refuses_whom_it_may_not_tell(struct test *test)
{
	const exo_cap_t frame = abi_slot(1), ntf = abi_slot(NTF), part = abi_slot(NTF + 1);

	TEST_EQ(test, begin_watch(16), 0);
	TEST_EQ(test, ask(1, TOLD), 0);
	TEST_EQ(test, exo_cap_copy(ntf, EXO_SELF, part, EXO_RIGHT_W, 6).error, 0);
	TEST_EQ(test, abi_copy(NTF, NTF + 2, EXO_RIGHT_R), 0);
	TEST_EQ(test, exo_cap_revoke(frame, EXO_REVOKE_ASK, 0, 0, 1).error, -EXO_E_ARG);
	TEST_EQ(test, exo_cap_revoke(frame, EXO_REVOKE_ASK, 0, ntf, 0).error, -EXO_E_ARG);
	TEST_EQ(test, exo_cap_revoke(frame, EXO_REVOKE_ASK, 0, ntf, 3).error, -EXO_E_ARG);
	TEST_EQ(test, exo_cap_revoke(frame, EXO_REVOKE_ASK, 0, part, 1).error, -EXO_E_PERM);
	TEST_EQ(test, exo_cap_revoke(frame, EXO_REVOKE_ASK, 0, abi_slot(NTF + 2), 1).error,
		-EXO_E_PERM);
	TEST_EQ(test, exo_cap_revoke(frame, EXO_REVOKE_ASK, 0, frame, 1).error, -EXO_E_TYPE);
	TEST_EQ(test, exo_cap_revoke(frame, EXO_REVOKE_FORCE, 0, abi_slot(9), 1).error, -EXO_E_CAP);
	TEST_EQ(test, exo_cap_revoke(frame, 2, 0, ntf, 1).error, -EXO_E_ARG);
	/* Nothing has changed. */
	TEST_EQ(test, abi_stat(abi_slot(2)).type, EXO_TYPE_FRAME);
	TEST_EQ(test, drop(2), 0);
	TEST_EQ(test, told(), TOLD);
}

static void revoke_tells_when_the_holder_ends(struct test *test)
{
	ABI_NEEDS_ENV(test);
	TEST_EQ(test, begin_watch(64), 0);
	TEST_EQ(test, abi_make(EXO_TYPE_ENV, 3), 0);
	TEST_EQ(test, exo_cap_copy(abi_slot(1), abi_slot(3), 8, ABI_RW, 0).error, 0);
	TEST_EQ(test, ask(1, TOLD), 0);
	TEST_EQ(test, drop(2), 0);
	TEST_EQ(test, told(), 0);
	TEST_EQ(test, drop(3), 0);
	ABI_UNTIL(test, told() == TOLD);
}

static void revoke_tells_when_the_holders_bank_ends(struct test *test)
{
	ABI_NEEDS_ENV(test);
	TEST_EQ(test, begin_watch(64), 0);
	TEST_EQ(test, exo_bank_create(ABI_BANK, 16, EXO_NODE_ANY, abi_slot(3)).error, 0);
	TEST_EQ(test, exo_object_create(abi_slot(3), EXO_TYPE_ENV, abi_slot(4), 0).error, 0);
	TEST_EQ(test, exo_cap_copy(abi_slot(1), abi_slot(4), 8, ABI_RW, 0).error, 0);
	TEST_EQ(test, drop(2), 0);
	TEST_EQ(test, ask(1, TOLD), 0);
	TEST_EQ(test, told(), 0);
	TEST_EQ(test, abi_revoke(abi_slot(3)), 0);
	ABI_UNTIL(test, told() == TOLD);
}

static void revoke_tells_nobody_whose_own_has_gone(struct test *test)
{
	TEST_EQ(test, begin_watch(64), 0);
	TEST_EQ(test, ask(1, TOLD), 0);
	TEST_EQ(test, drop(1), 0);
	/* What is in the slot then is another one. */
	TEST_EQ(test, abi_copy(2, 1, EXO_RIGHTS_ALL), 0);
	TEST_EQ(test, abi_copy(1, 3, EXO_RIGHTS_ALL), 0);
	TEST_EQ(test, drop(3), 0);
	TEST_EQ(test, drop(1), 0);
	TEST_EQ(test, drop(2), 0);
	TEST_EQ(test, told(), 0);
	/* Frames end with their bank: the original first. */
	TEST_EQ(test, exo_bank_create(ABI_BANK, 16, EXO_NODE_ANY, abi_slot(3)).error, 0);
	TEST_EQ(test, exo_frames_allocate(abi_slot(3), abi_slot(1), 1), 0);
	TEST_EQ(test, abi_copy(1, 2, ABI_RW), 0);
	TEST_EQ(test, ask(1, TOLD), 0);
	TEST_EQ(test, abi_revoke(abi_slot(3)), 0);
	TEST_EQ(test, abi_stat(abi_slot(2)).type, EXO_TYPE_NONE);
	TEST_EQ(test, told(), 0);
}

/* Capabilities of every type: here of the notification itself, as a pipe's end would. */
static void revoke_tells_what_the_slot_has_then(struct test *test)
{
	TEST_EQ(test, begin_watch(16), 0);
	TEST_EQ(test, abi_copy(NTF, 3, EXO_RIGHT_W), 0);
	TEST_EQ(test, ask(NTF, TOLD), 0);
	TEST_EQ(test, told(), 0);
	TEST_EQ(test, drop(3), 0);
	TEST_EQ(test, told(), TOLD);
	TEST_EQ(test, ask(1, TOLD), 0);
	TEST_EQ(test, drop(NTF), 0);
	TEST_EQ(test, abi_make(EXO_TYPE_NTF, NTF), 0);
	TEST_EQ(test, drop(2), 0);
	TEST_EQ(test, told(), TOLD);
	TEST_EQ(test, abi_copy(1, 2, ABI_RW), 0);
	TEST_EQ(test, ask(1, TOLD), 0);
	TEST_EQ(test, drop(NTF), 0);
	TEST_EQ(test, drop(2), 0);
	/* It may not be told what its badge has not. */
	TEST_EQ(test, abi_make(EXO_TYPE_NTF, NTF), 0);
	TEST_EQ(test, told(), 0);
	TEST_EQ(test, abi_copy(1, 2, ABI_RW), 0);
	TEST_EQ(test, ask(1, TOLD), 0);
	TEST_EQ(test, abi_copy(NTF, NTF + 1, EXO_RIGHTS_ALL), 0);
	TEST_EQ(test, drop(NTF), 0);
	TEST_EQ(test, exo_cap_copy(abi_slot(NTF + 1), EXO_SELF, abi_slot(NTF), ABI_RW, 6).error, 0);
	TEST_EQ(test, drop(2), 0);
	TEST_EQ(test, told(), 0);
}

#define HOLDERS 3u
#define ROUNDS 100u

static struct exo_thread holders[HOLDERS];
static volatile unsigned int go, gone[HOLDERS];

/* Deletes its copy, in slot 30 and so on, as soon as a round begins. */
static void give_up(void *argument)
{
	const unsigned int self = (unsigned int)(uintptr_t)argument;

	for (unsigned int round = 1;; round++) {
		while (go < round)
			(void)exo_yield(EXO_SELF);
		(void)drop(30 + self);
		gone[self] = round;
	}
}

/* Copies for all, mapped, and in this CPU's TLB; then all are let go. True if that can be done. */
static bool let_go(unsigned int round)
{
	for (unsigned int i = 0; i < HOLDERS; i++)
		if (abi_copy(1, 30 + i, ABI_RW) ||
		    abi_map(EXO_MAP, 30 + i, 1, ABI_ADDRESS + i * EXO_PAGE, ABI_RW) ||
		    !abi_try(ABI_READ, ABI_ADDRESS + i * EXO_PAGE))
			return false;
	if (ask(1, TOLD) || told())
		return false;
	go = round;
	return true;
}

static void revoke_tells_once_when_all_give_up_together(struct test *test)
{
	unsigned int wrong = 0;

	TEST_EQ(test, begin_watch(64), 0);
	TEST_EQ(test, drop(2), 0);
	go = 0;
	for (unsigned int i = 0; i < HOLDERS; i++) {
		gone[i] = 0;
		TEST_EQ(test, exo_thread_start(&holders[i], give_up, (void *)(uintptr_t)i, 2), 0);
	}
	for (unsigned int round = 1; round <= ROUNDS && !wrong; round++) {
		wrong += !let_go(round);
		wrong += exo_ntf_wait(abi_slot(NTF), TOLD, abi_now() + ABI_PATIENCE).error != 0;
		for (unsigned int i = 0; i < HOLDERS; i++)
			wrong += abi_try(ABI_READ, ABI_ADDRESS + i * EXO_PAGE);
		abi_patience();
		for (unsigned int i = 0; i < HOLDERS; i++)
			while (gone[i] < round && !wrong)
				wrong += !abi_patient();
		wrong += told() != 0;
	}
	for (unsigned int i = 0; i < HOLDERS; i++)
		exo_thread_end(&holders[i]);
	TEST_EQ(test, wrong, 0);
}

#define OTHERS 31u /* that are unmapped before */
#define PAGES 32u /* of each */
#define LAST (100 + OTHERS)

/* Deletes copies of what is in slot 1 (that is LAST) and of other frames, with one flush. */
static void give_up_slowly(void *unused)
{
	(void)unused;
	for (unsigned int round = 1;; round++) {
		while (go < round)
			(void)exo_yield(EXO_SELF);
		(void)exo_cap_delete(abi_slot(100), OTHERS + 1);
		gone[0] = round;
	}
}

/* Deletes the other copy while the one in LAST has been taken, but is perhaps still mapped. */
static void give_up_meanwhile(void *unused)
{
	(void)unused;
	for (unsigned int round = 1;; round++) {
		while (go < round || abi_stat(abi_slot(LAST)).type != EXO_TYPE_NONE)
			;
		(void)drop(2);
		gone[1] = round;
	}
}

static bool let_go_slowly(unsigned int round)
{
	for (unsigned int i = 0; i < OTHERS; i++)
		if (abi_copy(3, 100 + i, ABI_RW) ||
		    abi_map(EXO_MAP, 100 + i, 1, ABI_ADDRESS + (i + 1) * PAGES * EXO_PAGE, ABI_RW))
			return false;
	if (abi_copy(1, LAST, ABI_RW) || abi_map(EXO_MAP, LAST, 1, ABI_ADDRESS, ABI_RW) ||
	    !abi_try(ABI_READ, ABI_ADDRESS) || (round > 1 && abi_copy(1, 2, ABI_RW)) ||
	    ask(1, TOLD) || told())
		return false;
	go = round;
	return true;
}

/* The last child may be deleted before another one, taken earlier, is unmapped. */
static void revoke_tells_when_nobody_reaches_it(struct test *test)
{
	static void (*const functions[])(void *) = { give_up_slowly, give_up_meanwhile };
	unsigned int wrong = 0;

	TEST_EQ(test, begin_watch(128), 0);
	TEST_EQ(test,
		exo_frame_alloc(ABI_BANK, EXO_WHERE(5, EXO_NODE_ANY), EXO_HINT_NONE, abi_slot(3), 1)
			.error,
		0);
	go = gone[0] = gone[1] = 0;
	for (unsigned int i = 0; i < 2; i++)
		TEST_EQ(test, exo_thread_start(&holders[i], functions[i], NULL, 2), 0);
	for (unsigned int round = 1; round <= ROUNDS && !wrong; round++) {
		wrong += !let_go_slowly(round);
		wrong += exo_ntf_wait(abi_slot(NTF), TOLD, abi_now() + ABI_PATIENCE).error != 0;
		wrong += abi_try(ABI_READ, ABI_ADDRESS);
		abi_patience();
		while ((gone[0] < round || gone[1] < round) && !wrong)
			wrong += !abi_patient();
		wrong += told() != 0;
	}
	for (unsigned int i = 0; i < 2; i++)
		exo_thread_end(&holders[i]);
	TEST_EQ(test, wrong, 0);
}

static const struct test_case revoke_watch_cases[] = {
	TEST_CASE(revoke_tells_when_the_last_is_deleted),
	TEST_CASE(revoke_tells_at_once_or_when_it_has_taken),
	TEST_CASE(revoke_tells_whom_the_last_call_said),
	TEST_CASE(revoke_refuses_whom_it_may_not_tell),
	TEST_CASE(revoke_tells_when_the_holder_ends),
	TEST_CASE(revoke_tells_when_the_holders_bank_ends),
	TEST_CASE(revoke_tells_nobody_whose_own_has_gone),
	TEST_CASE(revoke_tells_what_the_slot_has_then),
	TEST_CASE(revoke_tells_once_when_all_give_up_together),
	TEST_CASE(revoke_tells_when_nobody_reaches_it),
};
TEST_SUITE(user_revoke_watch, revoke_watch_cases);
