/* SPDX-License-Identifier: MIT */
/*
 * An end that comes just while the kernel has a caller in its hands, who then is in no queue and
 * has no server: while a capability goes over, or a reply turns out to be none. What is to end the
 * call finds nothing to end, on another CPU; so who gives the caller back to its server has to.
 */
#include "ipc_support.h"

#define ROUNDS 100u
#define US UINT64_C(1000)
#define LONGEST (60 * US) /* a guess: that a caller waits */
#define NOTHING abi_slot(4)

static struct peer client, killer;

#define BEGIN(test)                                         \
	do {                                                \
		ABI_BEGIN(test, 64);                        \
		TEST_EQ(test, abi_make(EXO_TYPE_EP, 1), 0); \
	} while (0)

/* A reply that cannot be, as there is nothing to grant; the caller goes on waiting. */
static int64_t fail_to_reply(void)
{
	struct exo_message m = { EXO_TAG_GRANT, { 0 } };

	ABI_STATE->grant = EXO_GRANT(NOTHING, EXO_RIGHT_R);
	return exo_ipc_send(EXO_SELF, &m).error;
}

/* Of a caller whose time is over: 0 if it was received before. */
static int64_t fail_until(uint64_t end)
{
	struct exo_message m = { EXO_TAG_DEADLINE, { 0 } };
	int64_t error;

	ABI_STATE->deadline = abi_now() + LONGEST;
	error = exo_ipc_wait(EP, &m).error;
	while (!error && fail_to_reply() == -EXO_E_CAP && abi_now() < end)
		;
	return error;
}

static void ipc_a_deadline_while_a_reply_fails(struct test *test)
{
	unsigned int received = 0;

	BEGIN(test);
	for (unsigned int i = 0; i < ROUNDS || !received; i++) {
		client = (struct peer){ .next = { EXO_TAG_DEADLINE, { 0 } } };
		client.patience = (i + 1) * LONGEST / ROUNDS;
		TEST_EQ(test, peer_start(&client, call_once), 0);
		received += !fail_until(abi_now() + 3 * LONGEST);
		ABI_UNTIL(test, client.done);
		TEST_EQ(test, client.error, -EXO_E_TIMEOUT);
		peer_end(&client);
	}
}

static void kill_client(void *argument)
{
	struct peer *self = argument;

	self->error = peer_kill(&client);
	self->done = true;
}

static void ipc_a_kill_while_a_reply_fails(struct test *test)
{
	struct exo_message m = { 0 };
	int64_t error;

	BEGIN(test);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		client = killer = (struct peer){ 0 };
		TEST_EQ(test, peer_start(&client, call_once), 0);
		TEST_EQ(test, exo_ipc_wait(EP, &m).error, 0);
		TEST_EQ(test, peer_start(&killer, kill_client), 0);
		do {
			error = fail_to_reply();
			(void)exo_yield(EXO_SELF);
		} while (error == -EXO_E_CAP && !killer.done);
		ABI_UNTIL(test, killer.done);
		TEST_EQ(test, killer.error, 0);
		TEST_EQ(test, fail_to_reply(), -EXO_E_DEAD);
		peer_end(&killer);
	}
}

static const struct test_case ipc_window_cases[] = {
	TEST_CASE(ipc_a_deadline_while_a_reply_fails),
	TEST_CASE(ipc_a_kill_while_a_reply_fails),
};
TEST_SUITE(user_ipc_window, ipc_window_cases);
