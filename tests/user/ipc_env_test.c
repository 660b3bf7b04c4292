/* SPDX-License-Identifier: MIT */
/* Messages between environments; and the end of one, in each way, at each point of an exchange. */
#include "ipc_child.h"

#include <libexo/pages.h>

enum way {
	END_THREAD, /* its only capability is deleted */
	END_ENV,
	END_BANK, /* its bank is revoked */
	END_ALL,
	END_WAYS,
};

#define BEGIN(test)                                           \
	do {                                                  \
		ABI_NEEDS_ENV(test);                          \
		ABI_BEGIN(test, 64);                          \
		TEST_EQ(test, abi_make(EXO_TYPE_EP, 1), 0);   \
		TEST_EQ(test, ipc_partner_init(&partner), 0); \
	} while (0)

static struct ipc_partner partner;

static int64_t start(const char *way)
{
	return ipc_partner_start(&partner, way, EP, 1, 0);
}

/* Until it waits by the endpoint. */
static int child_waits(void)
{
	abi_patience();
	while (!partner.shared->ready)
		if (!abi_patient())
			return -EXO_E_TIMEOUT;
	return abi_until_waits(partner.process.thread);
}

/* The environment has a capability to its own thread, so that goes as well. */
static int64_t end(enum way way)
{
	const struct exo_process *process = &partner.process;

	if (way == END_THREAD)
		return abi_revoke(process->thread) ? -1 : exo_cap_delete(process->thread, 1).error;
	if (way == END_ENV)
		return abi_revoke(process->env) ? -1 : exo_cap_delete(process->env, 1).error;
	return way == END_BANK ? abi_revoke(process->bank) : 0;
}

/* Its endpoint, as the child sees it: nobody is in its queue. */
static bool is_empty(void)
{
	struct exo_message m = { EXO_TAG_DEADLINE, { 0 } };

	ABI_STATE->deadline = 0;
	return exo_ipc_wait(EP, &m).error == -EXO_E_TIMEOUT &&
	       exo_ipc_call(EP, &m).error == -EXO_E_TIMEOUT;
}

static void ipc_env_calls_are_answered(struct test *test)
{
	struct exo_message m;

	BEGIN(test);
	TEST_EQ(test, start("serve"), 0);
	for (uint64_t i = 0; i < 500; i++) {
		m = (struct exo_message){ EXO_TAG(i, 6), { i, 1, 2, 3, 4, i * i } };
		TEST_EQ(test, exo_ipc_call(EP, &m).error, 0);
		TEST_EQ(test, m.words[0], i + 100);
		TEST_EQ(test, m.words[3], 103);
		TEST_EQ(test, m.words[5], i * i + 100);
	}
	TEST_EQ(test, partner.shared->received, 500);
	exo_env_end(&partner.process);
	ipc_partner_exit(&partner);
}

/* A server ends that waits, and one that has the call. */
static void ipc_env_servers_end(struct test *test)
{
	struct peer client;

	BEGIN(test);
	for (enum way way = END_THREAD; way < END_WAYS; way++) {
		TEST_EQ(test, start("hold") || child_waits(), 0);
		TEST_EQ(test, end(way), 0);
		exo_env_end(&partner.process);
		TEST_TRUE(test, is_empty());

		client = (struct peer){ 0 };
		TEST_EQ(test, start("hold"), 0);
		TEST_EQ(test, peer_start(&client, call_once), 0);
		ABI_UNTIL(test, partner.shared->received);
		TEST_TRUE(test, !client.done);
		TEST_EQ(test, end(way), 0);
		if (way == END_ALL)
			exo_env_end(&partner.process);
		ABI_UNTIL(test, client.done);
		TEST_EQ(test, client.error, -EXO_E_DEAD);
		if (way != END_ALL)
			exo_env_end(&partner.process);
		TEST_TRUE(test, is_empty());
		peer_end(&client);
	}
	ipc_partner_exit(&partner);
}

/* A client ends that is queued, and one that is served, and one in between. */
static void ipc_env_clients_end(struct test *test)
{
	struct exo_message m = { 0 };

	BEGIN(test);
	for (enum way way = END_THREAD; way < END_WAYS; way++)
		for (unsigned int point = 0; point < 3; point++) {
			TEST_EQ(test, start("call") || child_waits(), 0);
			if (point > 0)
				TEST_EQ(test, exo_ipc_wait(EP, &m).error, 0);
			if (point > 1) {
				for (unsigned int i = 0; i < 20; i++)
					TEST_EQ(test, exo_ipc_reply_wait(EP, &m).error, 0);
				TEST_EQ(test, exo_ipc_send(EXO_SELF, &m).error, 0);
			}
			TEST_EQ(test, end(way), 0);
			exo_env_end(&partner.process);
			TEST_EQ(test, exo_ipc_send(EXO_SELF, &m).error, -EXO_E_DEAD);
			TEST_TRUE(test, is_empty());
		}
	ipc_partner_exit(&partner);
}

/* Time and again, with a call at each point: all memory comes back. */
static void ipc_env_ends_give_everything_back(struct test *test)
{
	static const char *const ways[] = { "serve", "hold", "call", "full", "work" };
	struct exo_message m;
	uint64_t before = 0;

	BEGIN(test);
	for (unsigned int round = 0; round < 3; round++) {
		for (unsigned int way = 0; way < ARRAY_SIZE(ways); way++) {
			TEST_EQ(test, start(ways[way]), 0);
			m = (struct exo_message){ EXO_TAG_DEADLINE, { 0 } };
			ABI_STATE->deadline = abi_now() + 10 * MS;
			(void)exo_ipc_wait(EP, &m);
			exo_env_end(&partner.process);
		}
		if (round)
			TEST_EQ(test, abi_used(EXO_FIRST_BANK), before);
		before = abi_used(EXO_FIRST_BANK);
	}
	ipc_partner_exit(&partner);
}

/* What cannot be granted after all is the sender's error; the receiver's words are as they were. */
static void ipc_env_no_room_for_what_is_granted(struct test *test)
{
	const unsigned int more = CONFIG_IPC_WORDS != 0;
	struct exo_message m = { EXO_TAG(9, 6 + more) | EXO_TAG_GRANT | EXO_TAG_DEADLINE, { 9 } };

	BEGIN(test);
	TEST_EQ(test, abi_frames(10, 1), 0);
	TEST_EQ(test, start("full") || child_waits(), 0);
	ABI_STATE->grant = EXO_GRANT(abi_slot(10), EXO_RIGHT_R);
	ABI_STATE->deadline = abi_now() + ABI_PATIENCE;
	ABI_STATE->message[0] = 5;
	TEST_EQ(test, exo_ipc_call(EP, &m).error, -EXO_E_SLOT);
	ABI_UNTIL(test, partner.shared->result);
	TEST_EQ(test, partner.shared->result, 1);
	exo_env_end(&partner.process);
	ipc_partner_exit(&partner);
}

static const struct test_case ipc_env_cases[] = {
	TEST_CASE(ipc_env_calls_are_answered),
	TEST_CASE(ipc_env_servers_end),
	TEST_CASE(ipc_env_clients_end),
	TEST_CASE(ipc_env_ends_give_everything_back),
	TEST_CASE(ipc_env_no_room_for_what_is_granted),
};
TEST_SUITE(user_ipc_env, ipc_env_cases);
