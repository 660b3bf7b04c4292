/* SPDX-License-Identifier: MIT */
/*
 * A partner that ends, is stopped, or whose time is over, at every point of an exchange; and
 * endpoints and capabilities that go while threads wait by them. Partners of other environments are
 * in ipc_env_test.c. That the queues and links are whole again the audit says that begins each
 * case.
 */
#include "ipc_support.h"

#define CALL(first)                                                 \
	{                                                           \
		.next = { EXO_TAG(1, 6), { first, 0, 0, 0, 0, 0 } } \
	}
#define ROUNDS 40u
#define MANY 70u

/* An endpoint, and a copy that others can be revoked by. */
#define BEGIN(test)                                                                            \
	do {                                                                                   \
		ABI_BEGIN(test, 64);                                                           \
		TEST_EQ(test, abi_make(EXO_TYPE_EP, 1), 0);                                    \
		TEST_EQ(test, exo_cap_copy(EP, EXO_SELF, BADGED, EXO_RIGHTS_ALL, 7).error, 0); \
	} while (0)

/* Nobody has a message, or takes one. */
static int64_t look(void)
{
	struct exo_message m = { EXO_TAG_DEADLINE, { 0 } };

	ABI_STATE->deadline = 0;
	return exo_ipc_wait(EP, &m).error;
}

static int64_t call_for(uint64_t ns)
{
	struct exo_message m = { EXO_TAG_DEADLINE, { 0 } };

	ABI_STATE->deadline = abi_now() + ns;
	return exo_ipc_call(EP, &m).error;
}

static int64_t reply(void)
{
	struct exo_message m = { 0 };

	return exo_ipc_send(EXO_SELF, &m).error;
}

static int64_t receive(void)
{
	struct exo_message m = { 0 };

	return exo_ipc_wait(EP, &m).error;
}

/* --- clients that end --------------------------------------------------------------------------*/

static void ipc_death_of_a_queued_client(struct test *test)
{
	struct peer one = CALL(1), two = CALL(2), three = CALL(3);
	struct exo_message m = { 0 };

	BEGIN(test);
	TEST_EQ(test, peer_start(&one, call_once) || peer_waits(&one), 0);
	TEST_EQ(test, peer_start(&two, send_once) || peer_waits(&two), 0);
	TEST_EQ(test, peer_start(&three, call_once) || peer_waits(&three), 0);
	/* From the middle, the beginning, and what is left alone. */
	TEST_EQ(test, peer_kill(&two), 0);
	TEST_EQ(test, peer_kill(&one), 0);
	TEST_EQ(test, exo_ipc_wait(EP, &m).error, 0);
	TEST_EQ(test, m.words[0], 3);
	TEST_EQ(test, reply(), 0);
	ABI_UNTIL(test, three.done);
	TEST_EQ(test, look(), -EXO_E_TIMEOUT);
	peer_end(&three);
}

static void ipc_death_of_a_client_that_is_served(struct test *test)
{
	struct peer client = CALL(1), next = CALL(2);
	struct exo_message m = { 0 };

	BEGIN(test);
	TEST_EQ(test, peer_start(&client, call_once), 0);
	TEST_EQ(test, receive(), 0);
	TEST_EQ(test, peer_kill(&client), 0);
	TEST_EQ(test, reply(), -EXO_E_DEAD);
	/* With the reply to nobody comes the next one's call. */
	TEST_EQ(test, peer_start(&client, call_once), 0);
	TEST_EQ(test, receive(), 0);
	TEST_EQ(test, peer_kill(&client), 0);
	TEST_EQ(test, peer_start(&next, call_once) || peer_waits(&next), 0);
	TEST_EQ(test, exo_ipc_reply_wait(EP, &m).error, 0);
	TEST_EQ(test, m.words[0], 2);
	TEST_EQ(test, reply(), 0);
	ABI_UNTIL(test, next.done);
	peer_end(&next);
}

static void ipc_death_of_a_client_just_answered(struct test *test)
{
	struct peer client = CALL(1);

	BEGIN(test);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		TEST_EQ(test, peer_start(&client, call_once), 0);
		TEST_EQ(test, receive(), 0);
		TEST_EQ(test, reply(), 0);
		TEST_EQ(test, peer_kill(&client), 0);
		TEST_EQ(test, reply(), -EXO_E_DEAD);
	}
	TEST_EQ(test, look(), -EXO_E_TIMEOUT);
}

/* --- servers that end --------------------------------------------------------------------------*/

static void ipc_death_of_a_server_that_waits(struct test *test)
{
	struct peer server = { 0 };

	BEGIN(test);
	TEST_EQ(test, peer_start(&server, serve_sums) || peer_waits(&server), 0);
	TEST_EQ(test, peer_kill(&server), 0);
	TEST_EQ(test, call_for(5 * MS), -EXO_E_TIMEOUT);
	TEST_EQ(test, look(), -EXO_E_TIMEOUT);
}

/* Whoever has called one that has ended learns it; who has not been received yet waits on. */
static void ipc_death_of_a_server_that_serves(struct test *test)
{
	struct peer server = { .silent = true }, client = CALL(1), other = CALL(2);

	BEGIN(test);
	client.ep = BADGED;
	TEST_EQ(test, peer_start(&server, serve_sums), 0);
	TEST_EQ(test, peer_start(&client, call_once), 0);
	ABI_UNTIL(test, server.badge == 7);
	TEST_EQ(test, peer_start(&other, call_once) || peer_waits(&other), 0);
	TEST_EQ(test, peer_kill(&server), 0);
	ABI_UNTIL(test, client.done);
	TEST_EQ(test, client.error, -EXO_E_DEAD);
	TEST_EQ(test, client.got.words[0], 1);
	TEST_TRUE(test, !other.done);
	TEST_EQ(test, receive(), 0);
	TEST_EQ(test, reply(), 0);
	ABI_UNTIL(test, other.done);
	TEST_EQ(test, other.error, 0);
	peer_end(&client);
	peer_end(&other);
}

/* One that waits for the next message has given up the call that it has. */
static void ipc_a_server_that_gives_up_a_call(struct test *test)
{
	struct peer client = CALL(1);

	BEGIN(test);
	TEST_EQ(test, peer_start(&client, call_once), 0);
	TEST_EQ(test, receive(), 0);
	TEST_TRUE(test, !client.done);
	TEST_EQ(test, look(), -EXO_E_TIMEOUT);
	ABI_UNTIL(test, client.done);
	TEST_EQ(test, client.error, -EXO_E_DEAD);
	TEST_EQ(test, reply(), -EXO_E_DEAD);
	peer_end(&client);
}

/* At any point: one goes on calling while servers come and go. */
static void call_on(void *argument)
{
	struct peer *peer = argument;
	struct exo_message m;

	while (!peer->silent) {
		m = (struct exo_message){ EXO_TAG_DEADLINE, { 0 } };
		peer->thread.state->deadline = abi_now() + 20 * MS;
		peer->error = exo_ipc_call(EP, &m).error;
		peer->served += peer->error == 0;
		if (peer->error && peer->error != -EXO_E_DEAD && peer->error != -EXO_E_TIMEOUT)
			break;
	}
	peer->done = true;
}

static void ipc_death_of_a_server_at_any_time(struct test *test)
{
	struct peer client = { 0 }, server = { 0 };

	BEGIN(test);
	TEST_EQ(test, peer_start(&client, call_on), 0);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		TEST_EQ(test, peer_start(&server, serve_sums), 0);
		ABI_UNTIL(test, server.served);
		TEST_EQ(test, peer_kill(&server), 0);
		TEST_TRUE(test, !client.done);
	}
	client.silent = true;
	ABI_UNTIL(test, client.done);
	TEST_TRUE(test, client.served >= ROUNDS);
	peer_end(&client);
}

/* --- partners that are stopped -----------------------------------------------------------------*/

static void stopped_in_queue(struct test *test, void (*function)(void *))
{
	struct peer peer = CALL(1);

	BEGIN(test);
	TEST_EQ(test, peer_start(&peer, function) || peer_waits(&peer), 0);
	TEST_EQ(test, peer_stop(&peer), 0);
	TEST_EQ(test, abi_stat(peer.thread.cap).used, EXO_THREAD_STOPPED);
	TEST_EQ(test, abi_stat(EXO_FIRST_THREAD).used, EXO_THREAD_RUNS);
	TEST_EQ(test, look(), -EXO_E_TIMEOUT);
	TEST_EQ(test, call_for(MS), -EXO_E_TIMEOUT);
	TEST_TRUE(test, !peer.done);
	TEST_EQ(test, peer_run(&peer), 0);
	ABI_UNTIL(test, peer.done);
	TEST_EQ(test, peer.error, -EXO_E_AGAIN);
	TEST_EQ(test, peer.got.words[0], 1);
	peer_end(&peer);
}

static void ipc_a_queued_thread_is_stopped(struct test *test)
{
	stopped_in_queue(test, call_once);
	stopped_in_queue(test, send_once);
	stopped_in_queue(test, wait_once);
}

/* A call that was received goes on: the thread stops when it has its answer. */
static void ipc_a_client_that_is_served_is_stopped(struct test *test)
{
	struct peer client = CALL(1);

	BEGIN(test);
	TEST_EQ(test, peer_start(&client, call_once), 0);
	TEST_EQ(test, receive(), 0);
	TEST_EQ(test, peer_stop(&client), 0);
	TEST_EQ(test, peer_waits(&client), 0);
	TEST_EQ(test, reply(), 0);
	abi_sleep(5 * MS);
	TEST_TRUE(test, !client.done);
	TEST_EQ(test, peer_run(&client), 0);
	ABI_UNTIL(test, client.done);
	TEST_EQ(test, client.error, 0);
	peer_end(&client);
	/* Stopped and let run before the answer: nothing is left of it. */
	client.done = false;
	TEST_EQ(test, peer_start(&client, call_once), 0);
	TEST_EQ(test, receive(), 0);
	TEST_EQ(test, peer_stop(&client), 0);
	TEST_EQ(test, peer_run(&client), 0);
	TEST_EQ(test, reply(), 0);
	ABI_UNTIL(test, client.done);
	TEST_EQ(test, client.error, 0);
	peer_end(&client);
}

static void ipc_a_stopped_client_is_killed(struct test *test)
{
	struct peer client = CALL(1);

	BEGIN(test);
	TEST_EQ(test, peer_start(&client, call_once), 0);
	TEST_EQ(test, receive(), 0);
	TEST_EQ(test, peer_stop(&client), 0);
	TEST_EQ(test, peer_kill(&client), 0);
	TEST_EQ(test, reply(), -EXO_E_DEAD);
}

static void ipc_a_server_is_stopped(struct test *test)
{
	struct peer server = { .silent = true }, client = CALL(1);

	BEGIN(test);
	client.ep = BADGED;
	TEST_EQ(test, peer_start(&server, serve_sums), 0);
	TEST_EQ(test, peer_start(&client, call_once), 0);
	ABI_UNTIL(test, server.badge == 7);
	TEST_EQ(test, peer_stop(&server), 0);
	server.silent = false;
	abi_sleep(5 * MS);
	TEST_TRUE(test, !client.done);
	TEST_EQ(test, peer_run(&server), 0);
	ABI_UNTIL(test, client.done);
	TEST_EQ(test, client.error, 0);
	peer_end(&client);
	peer_end(&server);
}

/* --- endpoints and capabilities that go --------------------------------------------------------*/

static void queued_when_it_goes(struct test *test, void (*function)(void *), bool end)
{
	static struct peer peers[3];

	BEGIN(test);
	for (unsigned int i = 0; i < 3; i++) {
		peers[i] = (struct peer)CALL(i);
		peers[i].ep = i == 1 ? EP : BADGED;
		TEST_EQ(test, peer_start(&peers[i], function) || peer_waits(&peers[i]), 0);
	}
	TEST_EQ(test, end ? exo_cap_delete(BADGED, 1).error : abi_revoke(EP), 0);
	ABI_UNTIL(test, peers[0].done && peers[2].done);
	abi_sleep(MS);
	TEST_TRUE(test, !peers[1].done);
	TEST_EQ(test, exo_cap_delete(EP, 1).error, 0);
	ABI_UNTIL(test, peers[1].done);
	for (unsigned int i = 0; i < 3; i++) {
		TEST_EQ(test, peers[i].error, -EXO_E_DEAD);
		TEST_EQ(test, peers[i].got.words[0], i);
		peer_end(&peers[i]);
	}
}

/* Who came by a capability that goes is sent away; with the last one the endpoint ends. */
static void ipc_queued_when_the_capability_goes(struct test *test)
{
	queued_when_it_goes(test, call_once, true);
	queued_when_it_goes(test, send_once, false);
	queued_when_it_goes(test, wait_once, true);
	queued_when_it_goes(test, wait_once, false);
}

static void ipc_many_queued_when_the_endpoint_ends(struct test *test)
{
	static struct peer peers[MANY];

	BEGIN(test);
	for (unsigned int i = 0; i < MANY; i++) {
		peers[i] = (struct peer)CALL(i);
		TEST_EQ(test, peer_start(&peers[i], i % 2 ? call_once : send_once), 0);
		TEST_EQ(test, peer_waits(&peers[i]), 0);
	}
	TEST_EQ(test, abi_revoke(ABI_BANK), 0);
	for (unsigned int i = 0; i < MANY; i++) {
		ABI_UNTIL(test, peers[i].done);
		TEST_TRUE(test, peers[i].error == -EXO_E_DEAD || peers[i].error == -EXO_E_CAP);
		peer_end(&peers[i]);
	}
}

/* A call that was received needs the endpoint no more. */
static void ipc_served_when_the_endpoint_ends(struct test *test)
{
	struct peer client = CALL(1);

	BEGIN(test);
	client.ep = BADGED;
	TEST_EQ(test, peer_start(&client, call_once), 0);
	TEST_EQ(test, receive(), 0);
	TEST_EQ(test, abi_revoke(EP), 0);
	TEST_EQ(test, exo_cap_delete(EP, 1).error, 0);
	TEST_TRUE(test, !client.done);
	TEST_EQ(test, reply(), 0);
	ABI_UNTIL(test, client.done);
	TEST_EQ(test, client.error, 0);
	peer_end(&client);
}

/* The kernel's audit knows where threads wait. */
static void ipc_waiting_threads_pass_the_audit(struct test *test)
{
	struct peer served = CALL(1), queued = CALL(2), sender = CALL(3), receiver = { 0 };

	BEGIN(test);
	TEST_EQ(test, abi_make(EXO_TYPE_EP, 4), 0);
	receiver.ep = abi_slot(4);
	TEST_EQ(test, peer_start(&served, call_once), 0);
	TEST_EQ(test, receive(), 0);
	TEST_EQ(test, peer_start(&queued, call_once) || peer_waits(&queued), 0);
	TEST_EQ(test, peer_start(&sender, send_once) || peer_waits(&sender), 0);
	TEST_EQ(test, peer_start(&receiver, wait_once) || peer_waits(&receiver), 0);
	TEST_EQ(test, abi_audit(), 0);
	TEST_TRUE(test, !served.done && !queued.done && !sender.done && !receiver.done);
	peer_end(&served);
	peer_end(&queued);
	peer_end(&sender);
	peer_end(&receiver);
	TEST_EQ(test, abi_audit(), 0);
}

/* --- deadlines ---------------------------------------------------------------------------------*/

static void times_out(struct test *test, void (*function)(void *))
{
	struct peer peer = CALL(1);

	BEGIN(test);
	peer.next.tag |= EXO_TAG_DEADLINE;
	peer.patience = 5 * MS;
	TEST_EQ(test, peer_start(&peer, function), 0);
	ABI_UNTIL(test, peer.done);
	TEST_EQ(test, peer.error, -EXO_E_TIMEOUT);
	TEST_EQ(test, peer.got.tag, peer.next.tag);
	TEST_EQ(test, look(), -EXO_E_TIMEOUT);
	peer_end(&peer);
}

static void ipc_queued_threads_time_out(struct test *test)
{
	times_out(test, call_once);
	times_out(test, send_once);
	times_out(test, wait_once);
}

/* Has the call of @client, which is stopped then, or not. A host that is slow has it time out
 * before: then it has more time. */
static int64_t serve_too_long(struct peer *client, bool stop)
{
	struct exo_message m = { EXO_TAG_DEADLINE, { 0 } };
	int64_t error;

	for (client->patience = 20 * MS; client->patience < ABI_PATIENCE; client->patience *= 2) {
		client->done = false;
		error = peer_start(client, call_once);
		if (error)
			return error;
		ABI_STATE->deadline = abi_now() + client->patience;
		error = exo_ipc_wait(EP, &m).error;
		if (stop && peer_stop(client))
			return -EXO_E_BUSY;
		if (!error && !client->done)
			break;
		if (stop && peer_run(client))
			return -EXO_E_BUSY;
		peer_end(client);
	}
	abi_sleep(client->patience + 5 * MS);
	return error;
}

/* While it is served, stopped or not; the answer comes too late. */
static void ipc_a_client_that_is_served_times_out(struct test *test)
{
	static struct peer client;

	BEGIN(test);
	client = (struct peer)CALL(1);
	client.next.tag |= EXO_TAG_DEADLINE;
	for (unsigned int stop = 0; stop < 2; stop++) {
		TEST_EQ(test, serve_too_long(&client, stop), 0);
		if (stop) {
			TEST_TRUE(test, !client.done);
			TEST_EQ(test, peer_run(&client), 0);
		}
		ABI_UNTIL(test, client.done);
		TEST_EQ(test, client.error, -EXO_E_TIMEOUT);
		TEST_EQ(test, reply(), -EXO_E_DEAD);
		peer_end(&client);
	}
}

static const struct test_case ipc_death_cases[] = {
	TEST_CASE(ipc_death_of_a_queued_client),
	TEST_CASE(ipc_death_of_a_client_that_is_served),
	TEST_CASE(ipc_death_of_a_client_just_answered),
	TEST_CASE(ipc_death_of_a_server_that_waits),
	TEST_CASE(ipc_death_of_a_server_that_serves),
	TEST_CASE(ipc_a_server_that_gives_up_a_call),
	TEST_CASE(ipc_death_of_a_server_at_any_time),
	TEST_CASE(ipc_a_queued_thread_is_stopped),
	TEST_CASE(ipc_a_client_that_is_served_is_stopped),
	TEST_CASE(ipc_a_stopped_client_is_killed),
	TEST_CASE(ipc_a_server_is_stopped),
	TEST_CASE(ipc_queued_when_the_capability_goes),
	TEST_CASE(ipc_many_queued_when_the_endpoint_ends),
	TEST_CASE(ipc_served_when_the_endpoint_ends),
	TEST_CASE(ipc_waiting_threads_pass_the_audit),
	TEST_CASE(ipc_queued_threads_time_out),
	TEST_CASE(ipc_a_client_that_is_served_times_out),
};
TEST_SUITE(user_ipc_death, ipc_death_cases);
