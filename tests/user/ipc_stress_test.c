/* SPDX-License-Identifier: MIT */
/*
 * Messages at random among threads of two environments (ipc_worker.c), with their ends: deadlines,
 * kills, stops, and capabilities that are revoked and given again, the endpoints' own among them.
 * The kernel looks at its state in between. Afterwards no thread hangs, and all memory is back.
 *
 * And bits and messages for the same thread at once, each of which must come, once.
 */
#include "ipc_child.h"

#define THREADS 4u
#define TIME (2500 * MS) /* a guess */
#define SOURCE abi_slot(8) /* endpoints and a frame; the workers have copies */
#define COPIES abi_slot(16)
#define MAILBOXES 40u
#define CHILD_LIFE 150u /* a guess: acts of chaos between two programs */

static struct ipc_partner partner;
static struct fighter {
	struct exo_thread thread;
	struct ipc_worker worker;
} fighters[THREADS];
static unsigned int fought; /* rounds, to the end */
static uint64_t seed = 0x123456789abcdef;

static uint64_t below(uint64_t limit)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (seed * UINT64_C(0x2545f4914f6cdd1d) >> 33) % limit;
}

/* --- who fights --------------------------------------------------------------------------------*/

static void fight(void *argument)
{
	struct fighter *fighter = argument;

	fighter->worker.state = fighter->thread.state;
	ipc_work(&fighter->worker);
}

static int begin(struct fighter *fighter)
{
	fighter->worker.stop = fighter->worker.done = false;
	fighter->worker.seed = below(UINT32_MAX) + 1;
	fighter->worker.eps = COPIES;
	fighter->worker.frame = COPIES + WORKER_EPS;
	fighter->worker.mailbox = abi_slot(MAILBOXES + (unsigned int)(fighter - fighters));
	return exo_thread_start(&fighter->thread, fight, fighter, 2);
}

static int begin_child(void)
{
	for (unsigned int i = 0; i < IPC_THREADS; i++)
		partner.shared->workers[i] = (struct ipc_worker){ .seed = below(UINT32_MAX) + 1,
								  .eps = IPC_SLOT,
								  .frame = IPC_SLOT + WORKER_EPS,
								  .mailbox = IPC_MAILBOX + i };
	return ipc_partner_start(&partner, "work", SOURCE, WORKER_EPS, SOURCE + WORKER_EPS);
}

/* Copies for both, where there are none. */
static void give_copies(void)
{
	for (unsigned int i = 0; i <= WORKER_EPS; i++) {
		(void)exo_cap_copy(SOURCE + i, EXO_SELF, COPIES + i, EXO_RIGHTS_ALL,
				   i < WORKER_EPS ? i + 1 : 0);
		(void)exo_cap_copy(SOURCE + i, partner.process.env, IPC_SLOT + i, EXO_RIGHTS_ALL,
				   i < WORKER_EPS ? i + 1 : 0);
	}
}

static int64_t make_sources(void)
{
	int64_t error = 0;

	for (unsigned int i = 0; i < WORKER_EPS && !error; i++)
		error = exo_object_create(ABI_BANK, EXO_TYPE_EP, SOURCE + i, 0).error;
	if (!error)
		error = exo_frames_allocate(ABI_BANK, SOURCE + WORKER_EPS, 1);
	return error;
}

/* --- what happens to them ----------------------------------------------------------------------*/

static int64_t kill_one(struct fighter *fighter)
{
	struct peer peer = { .thread = fighter->thread };

	return peer_kill(&peer) ? -1 : begin(fighter);
}

static int64_t stop_one(const struct fighter *fighter, uint64_t for_us)
{
	struct peer peer = { .thread = fighter->thread };
	const int64_t error = peer_stop(&peer);

	abi_sleep(for_us * 1000);
	return error ? error : peer_run(&peer);
}

/* 0, or what has gone wrong, as a line of this file. */
static int act(unsigned int number)
{
	struct fighter *fighter = &fighters[below(THREADS)];

	if (number % CHILD_LIFE == CHILD_LIFE - 1) {
		exo_env_end(&partner.process);
		return begin_child() ? __LINE__ : 0;
	}
	switch (below(8)) {
	case 0:
	case 1:
		return kill_one(fighter) ? __LINE__ : 0;
	case 2:
	case 3:
		return stop_one(fighter, below(1000)) ? __LINE__ : 0;
	case 4:
		return abi_revoke(SOURCE + below(WORKER_EPS + 1)) ? __LINE__ : 0;
	case 5:
		(void)exo_cap_delete(COPIES + below(WORKER_EPS), 1);
		return 0;
	case 6:
		/* The end of an endpoint, and another one. */
		if (below(4))
			return 0;
		if (abi_revoke(SOURCE) || exo_cap_delete(SOURCE, 1).error)
			return __LINE__;
		return exo_object_create(ABI_BANK, EXO_TYPE_EP, SOURCE, 0).error ? __LINE__ : 0;
	default:
		return abi_audit() ? __LINE__ : 0;
	}
}

static int chaos(void)
{
	const uint64_t end = abi_now() + TIME;
	int wrong = 0;

	for (unsigned int i = 0; !wrong && abi_now() < end; i++) {
		wrong = act(i);
		give_copies();
		abi_sleep(below(500) * 1000);
	}
	return wrong;
}

static bool all_done(void)
{
	bool done = true;

	for (unsigned int i = 0; i < THREADS; i++)
		done &= fighters[i].worker.done;
	for (unsigned int i = 0; i < IPC_THREADS; i++)
		done &= partner.shared->workers[i].done;
	return done;
}

/* --- the cases ---------------------------------------------------------------------------------*/

static void fight_once(struct test *test)
{
	uint64_t messages = 0;

	ABI_BEGIN(test, 64);
	TEST_EQ(test, make_sources(), 0);
	TEST_EQ(test, begin_child(), 0);
	give_copies();
	for (unsigned int i = 0; i < THREADS; i++)
		TEST_EQ(test, begin(&fighters[i]), 0);
	TEST_EQ(test, chaos(), 0);
	for (unsigned int i = 0; i < THREADS; i++)
		fighters[i].worker.stop = true;
	for (unsigned int i = 0; i < IPC_THREADS; i++)
		partner.shared->workers[i].stop = true;
	ABI_UNTIL(test, all_done());
	TEST_EQ(test, abi_audit(), 0);
	for (unsigned int i = 0; i < IPC_THREADS; i++)
		TEST_EQ(test, partner.shared->workers[i].wrong, 0);
	exo_env_end(&partner.process);
	for (unsigned int i = 0; i < THREADS; i++) {
		TEST_EQ(test, fighters[i].worker.wrong, 0);
		messages += fighters[i].worker.received;
		exo_thread_end(&fighters[i].thread);
	}
	TEST_TRUE(test, messages > 100);
	TEST_EQ(test, abi_revoke(ABI_BANK), 0);
	TEST_EQ(test, abi_used(ABI_BANK), 0);
	fought++;
}

static void ipc_stress(struct test *test)
{
	uint64_t before = 0;

	ABI_NEEDS_ENV(test);
	fought = 0;
	TEST_EQ(test, ipc_partner_init(&partner), 0);
	for (unsigned int round = 0; round < 2; round++) {
		fight_once(test);
		if (fought != round + 1)
			return; /* it has failed */
		/* The first round may have needed pages for slots. */
		if (round)
			TEST_EQ(test, abi_used(EXO_FIRST_BANK), before);
		before = abi_used(EXO_FIRST_BANK);
	}
	ipc_partner_exit(&partner);
}

/* --- bits and messages -------------------------------------------------------------------------*/

#define SIGNALLERS 2u
#define CALLERS 2u
#define EACH 2000u

static struct counter {
	struct exo_thread thread;
	uint64_t number;
	volatile uint64_t count, seen; /* told; of these seen by the receiver */
	volatile int64_t error;
	volatile bool done;
} counters[SIGNALLERS + CALLERS];

/* A bit at a time: the next one only when that has come, as bits coalesce. */
static void signal_bits(void *argument)
{
	struct counter *self = argument;

	for (uint64_t i = 0; i < EACH && !self->error; i++) {
		self->count = i + 1;
		self->error = exo_ntf_signal(NTF, UINT64_C(1) << self->number).error;
		for (uint64_t k = 0; self->seen != i + 1 && !self->error; k++) {
			(void)exo_yield(EXO_SELF);
			if (k > 100)
				abi_sleep(MS / 10);
		}
	}
	self->done = true;
}

static void call_counting(void *argument)
{
	struct counter *self = argument;

	for (uint64_t i = 0; i < EACH && !self->error; i++) {
		struct exo_message m = { EXO_TAG(0, 2), { self->number, i } };

		self->count = i + 1;
		self->error = exo_ipc_call(EP, &m).error;
		if (!self->error && m.words[1] != i + 1)
			self->error = 99;
	}
	self->done = true;
}

/* What has come; the reply to it is in @m. */
static int take(struct exo_message *m)
{
	struct counter *from = &counters[m->words[0] % (SIGNALLERS + CALLERS)];
	const uint64_t bits = m->words[0];

	if (!(m->tag & EXO_TAG_BITS)) {
		if (m->words[1] != from->seen++)
			return __LINE__;
		m->words[1]++;
		return 0;
	}
	if (!bits || bits >> SIGNALLERS)
		return __LINE__;
	for (unsigned int i = 0; i < SIGNALLERS; i++) {
		/* Read first: it goes on as soon as it is seen. */
		const uint64_t told = counters[i].count;

		if (bits >> i & 1 && ++counters[i].seen != told)
			return __LINE__;
	}
	return 0;
}

static void ipc_bits_and_messages_race(struct test *test)
{
	struct exo_message m = { EXO_TAG_DEADLINE, { 0 } };
	int64_t error;

	ABI_BEGIN(test, 64);
	TEST_EQ(test, abi_make(EXO_TYPE_EP, 1), 0);
	TEST_EQ(test, abi_make(EXO_TYPE_NTF, 2), 0);
	TEST_EQ(test, exo_ntf_bind(NTF, EXO_FIRST_THREAD, UINT64_MAX).error, 0);
	for (unsigned int i = 0; i < SIGNALLERS + CALLERS; i++) {
		counters[i] = (struct counter){ .number = i };
		TEST_EQ(test,
			exo_thread_start(&counters[i].thread,
					 i < SIGNALLERS ? signal_bits : call_counting, &counters[i],
					 2),
			0);
	}
	ABI_STATE->deadline = abi_now() + ABI_PATIENCE;
	error = exo_ipc_wait(EP, &m).error;
	for (unsigned int i = 0; i < (SIGNALLERS + CALLERS) * EACH; i++) {
		TEST_EQ(test, error, 0);
		i += m.tag & EXO_TAG_BITS && m.words[0] == 3; /* two at once */
		TEST_EQ(test, take(&m), 0);
		m.tag = EXO_TAG(0, 2) | EXO_TAG_DEADLINE;
		ABI_STATE->deadline = abi_now() + ABI_PATIENCE;
		if (i + 1 < (SIGNALLERS + CALLERS) * EACH)
			error = exo_ipc_reply_wait(EP, &m).error;
		else
			(void)exo_ipc_send(EXO_SELF, &m);
	}
	for (unsigned int i = 0; i < SIGNALLERS + CALLERS; i++) {
		ABI_UNTIL(test, counters[i].done);
		TEST_EQ(test, counters[i].error, 0);
		TEST_EQ(test, counters[i].seen, EACH);
		exo_thread_end(&counters[i].thread);
	}
	TEST_EQ(test, abi_stat(NTF).used, 0);
	TEST_EQ(test, exo_ntf_bind(NTF, EXO_SELF, 0).error, 0);
}

static const struct test_case ipc_stress_cases[] = {
	TEST_CASE(ipc_stress),
	TEST_CASE(ipc_bits_and_messages_race),
};
TEST_SUITE(user_ipc_stress, ipc_stress_cases);
