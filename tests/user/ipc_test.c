/* SPDX-License-Identifier: MIT */
/*
 * Messages: what comes over, who is answered, and the errors of whoever cannot be. All of it holds
 * with the fast path and without (CONFIG_IPC_FASTPATH): the suite runs in kernels of both kinds.
 */
#include "ipc_support.h"

#define STATE(peer) ((peer)->thread.state)

static struct exo_message message(uint64_t tag, uint64_t first)
{
	struct exo_message m = { tag,
				 { first, first + 1, first + 2, first + 3, first + 4, first + 5 } };

	return m;
}

static bool is(const struct exo_message *m, uint64_t tag, uint64_t first)
{
	bool same = m->tag == tag;

	for (unsigned int i = 0; i < EXO_MESSAGE_REGISTERS; i++)
		same = same && m->words[i] == first + i;
	return same;
}

/* --- an exchange -------------------------------------------------------------------------------*/

static void ipc_a_call_is_answered(struct test *test)
{
	struct peer server = { 0 };
	struct exo_message m;

	ABI_BEGIN(test, 64);
	TEST_EQ(test, abi_make(EXO_TYPE_EP, 1), 0);
	TEST_EQ(test, exo_cap_copy(EP, EXO_SELF, BADGED, EXO_RIGHTS_ALL, 0xabcdef0123456789).error,
		0);
	TEST_EQ(test, peer_start(&server, serve_sums), 0);
	for (uint64_t i = 0; i < 1000; i++) {
		m = message(EXO_TAG(7, 6), i);
		TEST_EQ(test, exo_ipc_call(i % 2 ? BADGED : EP, &m).error, 0);
		TEST_EQ(test, server.badge, i % 2 ? 0xabcdef0123456789 : 0);
		TEST_TRUE(test, is(&server.got, EXO_TAG(7, 6), i));
		TEST_TRUE(test, is(&m, EXO_TAG(8, 6), i + 100));
	}
	peer_end(&server);
}

/* Whoever comes first waits: senders in a queue, in order. */
static void ipc_callers_are_served_in_order(struct test *test)
{
	static struct peer clients[8];
	struct exo_message m = { 0 };

	ABI_BEGIN(test, 128);
	TEST_EQ(test, abi_make(EXO_TYPE_EP, 1), 0);
	for (unsigned int i = 0; i < 8; i++) {
		clients[i].next = message(EXO_TAG(i, 6), i);
		TEST_EQ(test, peer_start(&clients[i], call_once) || peer_waits(&clients[i]), 0);
	}
	TEST_EQ(test, exo_ipc_wait(EP, &m).error, 0);
	for (unsigned int i = 0; i < 8; i++) {
		TEST_TRUE(test, is(&m, EXO_TAG(i, 6), i));
		m = message(EXO_TAG(i, 6), 50 + i);
		if (i < 7)
			TEST_EQ(test, exo_ipc_reply_wait(EP, &m).error, 0);
		else
			TEST_EQ(test, exo_ipc_send(EXO_SELF, &m).error, 0);
	}
	for (unsigned int i = 0; i < 8; i++) {
		ABI_UNTIL(test, clients[i].done);
		TEST_EQ(test, clients[i].error, 0);
		TEST_TRUE(test, is(&clients[i].got, EXO_TAG(i, 6), 50 + i));
		peer_end(&clients[i]);
	}
}

static void ipc_a_send_wants_no_answer(struct test *test)
{
	struct peer client = { .next = message(EXO_TAG(3, 2), 9) };
	struct exo_message m = { 0 };

	ABI_BEGIN(test, 64);
	TEST_EQ(test, abi_make(EXO_TYPE_EP, 1), 0);
	TEST_EQ(test, peer_start(&client, send_once), 0);
	TEST_EQ(test, exo_ipc_wait(EP, &m).error, 0);
	TEST_TRUE(test, is(&m, EXO_TAG(3, 2), 9));
	ABI_UNTIL(test, client.done);
	TEST_EQ(test, client.error, 0);
	/* Nobody is left to be answered. */
	TEST_EQ(test, exo_ipc_send(EXO_SELF, &m).error, -EXO_E_DEAD);
	peer_end(&client);
}

/* A right to reply is used up by it. */
static void ipc_a_reply_is_given_once(struct test *test)
{
	struct peer client = { .next = message(EXO_TAG(3, 2), 9) };
	struct exo_message m = { 0 };

	ABI_BEGIN(test, 64);
	TEST_EQ(test, abi_make(EXO_TYPE_EP, 1), 0);
	TEST_EQ(test, peer_start(&client, call_once), 0);
	TEST_EQ(test, exo_ipc_wait(EP, &m).error, 0);
	TEST_EQ(test, exo_ipc_send(EXO_SELF, &m).error, 0);
	TEST_EQ(test, exo_ipc_send(EXO_SELF, &m).error, -EXO_E_DEAD);
	ABI_UNTIL(test, client.done);
	TEST_EQ(test, client.error, 0);
	peer_end(&client);
}

/* Registers that are no words come back as they were, on either side. */
static void ipc_other_registers_are_kept(struct test *test)
{
	struct peer server = { 0 };
	uint64_t rbx = 0x1111, rbp = 0x2222, r14 = 0x3333, r15 = 0x4444, error;

	ABI_BEGIN(test, 64);
	TEST_EQ(test, abi_make(EXO_TYPE_EP, 1), 0);
	TEST_EQ(test, peer_start(&server, serve_sums), 0);
	for (unsigned int i = 0; i < 100; i++) {
		ipc_call_with_registers(EP, &rbx, &rbp, &r14, &r15, &error);
		TEST_EQ(test, error, 0);
		TEST_EQ(test, rbx, 0x1111);
		TEST_EQ(test, rbp, 0x2222);
		TEST_EQ(test, r14, 0x3333);
		TEST_EQ(test, r15, 0x4444);
	}
	peer_end(&server);
}

/* --- arguments ---------------------------------------------------------------------------------*/

static int64_t try_call(exo_cap_t slot, uint64_t tag)
{
	struct exo_message m = message(tag, 5);
	const int64_t error = exo_ipc_call(slot, &m).error;

	return is(&m, tag, 5) ? error : 1; /* after an error all is as it was */
}

static int64_t try_wait(exo_cap_t slot, uint64_t tag)
{
	struct exo_message m = message(tag, 5);
	const int64_t error = exo_ipc_wait(slot, &m).error;

	return is(&m, tag, 5) ? error : 1;
}

static void ipc_refuses_bad_arguments(struct test *test)
{
	ABI_BEGIN(test, 64);
	TEST_EQ(test, abi_make(EXO_TYPE_EP, 1), 0);
	TEST_EQ(test, abi_copy(1, 3, EXO_RIGHT_R), 0);
	TEST_EQ(test, abi_copy(1, 4, EXO_RIGHT_W), 0);
	TEST_EQ(test, try_call(EXO_SELF, 0), -EXO_E_CAP);
	TEST_EQ(test, try_call(abi_slot(9), 0), -EXO_E_CAP);
	TEST_EQ(test, try_call(~UINT64_C(0), 0), -EXO_E_CAP);
	TEST_EQ(test, try_call(ABI_BANK, 0), -EXO_E_TYPE);
	TEST_EQ(test, try_call(abi_slot(3), 0), -EXO_E_PERM);
	TEST_EQ(test, try_wait(abi_slot(4), 0), -EXO_E_PERM);
	TEST_EQ(test, try_wait(EXO_SELF, 0), -EXO_E_CAP);
	TEST_EQ(test, try_call(EP, 1u << 12), -EXO_E_ARG);
	TEST_EQ(test, try_call(EP, EXO_TAG_BITS), -EXO_E_ARG);
	TEST_EQ(test, try_call(EP, EXO_TAG(0, EXO_MESSAGE_REGISTERS + EXO_MESSAGE_MORE + 1)),
		-EXO_E_RANGE);
	TEST_EQ(test, try_call(EP, EXO_TAG(0, 0xfff)), -EXO_E_RANGE);
	TEST_EQ(test, exo_object_create(ABI_BANK, EXO_TYPE_EP, abi_slot(5), 1).error, -EXO_E_ARG);
}

static void ipc_a_badge_is_given_once(struct test *test)
{
	ABI_BEGIN(test, 64);
	TEST_EQ(test, abi_make(EXO_TYPE_EP, 1), 0);
	TEST_EQ(test, abi_stat(EP).used, 0);
	TEST_EQ(test, exo_cap_copy(EP, EXO_SELF, BADGED, EXO_RIGHTS_ALL, UINT64_C(5) << 32).error,
		0);
	TEST_EQ(test, abi_stat(BADGED).used, UINT64_C(5) << 32);
	TEST_EQ(test, exo_cap_copy(BADGED, EXO_SELF, abi_slot(5), EXO_RIGHTS_ALL, 6).error,
		-EXO_E_RANGE);
	TEST_EQ(test, exo_cap_copy(BADGED, EXO_SELF, abi_slot(5), EXO_RIGHTS_ALL, 0).error, 0);
	TEST_EQ(test, abi_stat(abi_slot(5)).used, UINT64_C(5) << 32);
}

/* --- deadlines ---------------------------------------------------------------------------------*/

static int64_t call_until(exo_cap_t slot, uint64_t deadline)
{
	ABI_STATE->deadline = deadline;
	return try_call(slot, EXO_TAG_DEADLINE);
}

static void ipc_deadlines(struct test *test)
{
	struct peer server = { 0 };
	uint64_t before;

	ABI_BEGIN(test, 64);
	TEST_EQ(test, abi_make(EXO_TYPE_EP, 1), 0);
	TEST_EQ(test, call_until(EP, 0), -EXO_E_TIMEOUT);
	before = abi_now();
	TEST_EQ(test, call_until(EP, before + 20 * MS), -EXO_E_TIMEOUT);
	TEST_TRUE(test, abi_now() >= before + 20 * MS);
	ABI_STATE->deadline = before + 40 * MS;
	TEST_EQ(test, try_wait(EP, EXO_TAG_DEADLINE), -EXO_E_TIMEOUT);
	TEST_TRUE(test, abi_now() >= before + 40 * MS);
	/* One that was received, and is not answered in time. The server does not notice. */
	server.silent = true;
	TEST_EQ(test, peer_start(&server, serve_sums), 0);
	before = abi_now();
	TEST_EQ(test, call_until(EP, before + 20 * MS), -EXO_E_TIMEOUT);
	TEST_TRUE(test, abi_now() >= before + 20 * MS);
	server.silent = false;
	ABI_UNTIL(test, try_call(EP, 0) == 1);
	/* In time: nothing of the deadline is left. */
	ABI_STATE->deadline = abi_now() + ABI_PATIENCE;
	TEST_EQ(test, try_call(EP, EXO_TAG_DEADLINE), 1);
	abi_sleep(MS);
	peer_end(&server);
}

/* --- long messages -----------------------------------------------------------------------------*/

static void ipc_long_messages(struct test *test)
{
	static const unsigned int lengths[] = { 7, 8, 60, 120, 133, 134 };
	struct peer server = { 0 };
	struct exo_message m;

	ABI_BEGIN(test, 64);
	TEST_EQ(test, abi_make(EXO_TYPE_EP, 1), 0);
	TEST_EQ(test, peer_start(&server, serve_sums), 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(lengths); i++) {
		const unsigned int more = lengths[i] - EXO_MESSAGE_REGISTERS;

		if (more > CONFIG_IPC_WORDS)
			continue;
		for (unsigned int w = 0; w < EXO_MESSAGE_MORE; w++) {
			ABI_STATE->message[w] = 1000 * i + w;
			STATE(&server)->message[w] = 0;
		}
		m = message(EXO_TAG(1, lengths[i]), i);
		TEST_EQ(test, exo_ipc_call(EP, &m).error, 0);
		TEST_TRUE(test, is(&m, EXO_TAG(2, lengths[i]), i + 100));
		for (unsigned int w = 0; w < EXO_MESSAGE_MORE; w++) {
			TEST_EQ(test, STATE(&server)->message[w], w < more ? 1000 * i + w + 1 : 0);
			TEST_EQ(test, ABI_STATE->message[w], 1000 * i + w + (w < more));
		}
	}
	peer_end(&server);
}

/* --- capabilities ------------------------------------------------------------------------------*/

static void ipc_a_capability_is_granted(struct test *test)
{
	struct peer server = { 0 };
	struct exo_message m;

	ABI_BEGIN(test, 64);
	TEST_EQ(test, abi_make(EXO_TYPE_EP, 1), 0);
	TEST_EQ(test, abi_frames(10, 1), 0);
	server.mailbox = abi_slot(20);
	TEST_EQ(test, peer_start(&server, serve_sums), 0);
	ABI_STATE->grant = EXO_GRANT(abi_slot(10), EXO_RIGHT_R | EXO_RIGHT_D);
	m = message(EXO_TAG(1, 6) | EXO_TAG_GRANT, 1);
	TEST_EQ(test, exo_ipc_call(EP, &m).error, 0);
	TEST_EQ(test, server.got.tag, EXO_TAG(1, 6) | EXO_TAG_GRANT);
	TEST_EQ(test, m.tag, EXO_TAG(2, 6));
	TEST_EQ(test, abi_stat(abi_slot(20)).type, EXO_TYPE_FRAME);
	TEST_EQ(test, abi_stat(abi_slot(20)).base, abi_stat(abi_slot(10)).base);
	TEST_EQ(test, abi_stat(abi_slot(20)).rights, EXO_RIGHT_R | EXO_RIGHT_D);
	/* It is a copy: taken back with what was granted. */
	TEST_EQ(test, abi_revoke(abi_slot(10)), 0);
	TEST_EQ(test, abi_stat(abi_slot(20)).type, EXO_TYPE_NONE);
	peer_end(&server);
}

static int64_t grant(exo_cap_t slot, unsigned int rights)
{
	ABI_STATE->grant = EXO_GRANT(slot, rights);
	return try_call(EP, EXO_TAG_GRANT);
}

/* Whatever stands against a grant is the sender's error, and the receiver waits on. */
static void ipc_grants_that_cannot_be(struct test *test)
{
	struct peer server = { 0 };

	ABI_BEGIN(test, 64);
	TEST_EQ(test, abi_make(EXO_TYPE_EP, 1), 0);
	TEST_EQ(test, abi_frames(10, 1), 0);
	TEST_EQ(test, abi_copy(10, 11, EXO_RIGHT_R | EXO_RIGHT_G), 0);
	TEST_EQ(test, abi_copy(10, 12, EXO_RIGHT_R | EXO_RIGHT_D), 0);
	TEST_EQ(test, peer_start(&server, serve_sums) || peer_waits(&server), 0);
	TEST_EQ(test, grant(abi_slot(10), EXO_RIGHT_R), -EXO_E_SLOT); /* no mailbox */
	STATE(&server)->mailbox = abi_slot(10);
	TEST_EQ(test, grant(abi_slot(10), EXO_RIGHT_R), -EXO_E_SLOT);
	STATE(&server)->mailbox = ~UINT64_C(0);
	TEST_EQ(test, grant(abi_slot(10), EXO_RIGHT_R), -EXO_E_SLOT);
	STATE(&server)->mailbox = abi_slot(20);
	TEST_EQ(test, grant(abi_slot(30), EXO_RIGHT_R), -EXO_E_CAP);
	TEST_EQ(test, grant(0, EXO_RIGHT_R), -EXO_E_CAP);
	TEST_EQ(test, grant(abi_slot(11), EXO_RIGHT_R), -EXO_E_PERM);
	TEST_EQ(test, grant(abi_slot(12), EXO_RIGHT_R), -EXO_E_PERM);
	TEST_EQ(test, abi_stat(abi_slot(20)).type, EXO_TYPE_NONE);
	TEST_EQ(test, server.served, 0);
	TEST_EQ(test, grant(abi_slot(10), EXO_RIGHT_R), 1);
	TEST_EQ(test, server.served, 1);
	TEST_EQ(test, abi_stat(abi_slot(20)).rights, EXO_RIGHT_R);
	peer_end(&server);
}

/* In the other direction; and one that fails leaves the right to reply. */
static void ipc_a_reply_grants(struct test *test)
{
	static struct peer client;
	struct exo_message m = { 0 };

	ABI_BEGIN(test, 64);
	client = (struct peer){ .next = message(EXO_TAG(1, 6), 1) };
	TEST_EQ(test, abi_make(EXO_TYPE_EP, 1), 0);
	TEST_EQ(test, abi_frames(10, 1), 0);
	TEST_EQ(test, peer_start(&client, call_once), 0);
	TEST_EQ(test, exo_ipc_wait(EP, &m).error, 0);
	ABI_STATE->grant = EXO_GRANT(abi_slot(10), EXO_RIGHT_R);
	m = message(EXO_TAG(5, 6) | EXO_TAG_GRANT, 5);
	TEST_EQ(test, exo_ipc_reply_wait(EP, &m).error, -EXO_E_SLOT);
	TEST_TRUE(test, !client.done);
	STATE(&client)->mailbox = abi_slot(20);
	TEST_EQ(test, exo_ipc_send(EXO_SELF, &m).error, 0);
	ABI_UNTIL(test, client.done);
	TEST_EQ(test, client.error, 0);
	TEST_TRUE(test, is(&client.got, EXO_TAG(5, 6) | EXO_TAG_GRANT, 5));
	TEST_EQ(test, abi_stat(abi_slot(20)).type, EXO_TYPE_FRAME);
	peer_end(&client);
}

/* --- bits and messages at once -----------------------------------------------------------------*/

static void ipc_bits_come_as_a_message(struct test *test)
{
	struct peer client = { .next = message(EXO_TAG(3, 6), 9) };
	struct exo_message m = { 0 };

	ABI_BEGIN(test, 64);
	TEST_EQ(test, abi_make(EXO_TYPE_EP, 1), 0);
	TEST_EQ(test, abi_make(EXO_TYPE_NTF, 2), 0);
	TEST_EQ(test, exo_ntf_bind(NTF, EXO_FIRST_THREAD, 0xff).error, 0);
	/* Set before it waits, several in one. */
	TEST_EQ(test, exo_ntf_signal(NTF, 0x102).error, 0);
	TEST_EQ(test, exo_ntf_signal(NTF, 0x010).error, 0);
	TEST_EQ(test, exo_ipc_wait(EP, &m).error, 0);
	TEST_EQ(test, m.tag, EXO_TAG(0, 1) | EXO_TAG_BITS);
	TEST_EQ(test, m.words[0], 0x12);
	TEST_EQ(test, abi_stat(NTF).used, 0x100);
	/* While it waits. */
	TEST_EQ(test, peer_start(&client, signal_later), 0);
	m.tag = 0;
	TEST_EQ(test, exo_ipc_wait(EP, &m).error, 0);
	TEST_EQ(test, m.tag, EXO_TAG(0, 1) | EXO_TAG_BITS);
	TEST_EQ(test, m.words[0], 0x4);
	/* Then the message of the same thread; bits do not get lost meanwhile. */
	m.tag = 0;
	TEST_EQ(test, exo_ipc_wait(EP, &m).error, 0);
	TEST_TRUE(test, is(&m, EXO_TAG(3, 6), 9));
	TEST_EQ(test, exo_ntf_signal(NTF, 8).error, 0);
	TEST_EQ(test, exo_ipc_reply_wait(EP, &m).error, 0);
	TEST_EQ(test, m.tag, EXO_TAG(0, 1) | EXO_TAG_BITS);
	TEST_EQ(test, m.words[0], 8);
	ABI_UNTIL(test, client.done);
	TEST_EQ(test, client.error, 0);
	TEST_EQ(test, exo_ntf_bind(NTF, EXO_SELF, 0).error, 0);
	peer_end(&client);
}

static const struct test_case ipc_cases[] = {
	TEST_CASE(ipc_a_call_is_answered),
	TEST_CASE(ipc_callers_are_served_in_order),
	TEST_CASE(ipc_a_send_wants_no_answer),
	TEST_CASE(ipc_a_reply_is_given_once),
	TEST_CASE(ipc_other_registers_are_kept),
	TEST_CASE(ipc_refuses_bad_arguments),
	TEST_CASE(ipc_a_badge_is_given_once),
	TEST_CASE(ipc_deadlines),
	TEST_CASE(ipc_long_messages),
	TEST_CASE(ipc_a_capability_is_granted),
	TEST_CASE(ipc_grants_that_cannot_be),
	TEST_CASE(ipc_a_reply_grants),
	TEST_CASE(ipc_bits_come_as_a_message),
};
TEST_SUITE(user_ipc, ipc_cases);
