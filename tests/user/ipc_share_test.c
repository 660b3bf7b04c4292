/* SPDX-License-Identifier: MIT */
/* Several clients and servers at one endpoint, and servers that call others: nobody starves. */
#include "ipc_support.h"

#include <libexo/program.h>

#define CLIENTS 6u
#define SERVERS 2u
#define CALLS 300u /* all together */
#define EP2 abi_slot(4)

static struct peer clients[CLIENTS], servers[SERVERS], last;
static volatile bool stop, may_lose;
static unsigned int lost; /* calls whose server has ended */

static int begin(void)
{
	stop = may_lose = false;
	return abi_begin(64) || abi_make(EXO_TYPE_EP, 1) || abi_make(EXO_TYPE_EP, 4);
}

/* Until all are to stop, or something is wrong. */
static void call_on(void *argument)
{
	struct peer *peer = argument;

	do {
		struct exo_message m = peer->next;

		peer->thread.state->deadline = abi_now() + peer->patience;
		peer->error = exo_ipc_call(may_lose ? BADGED : EP, &m).error;
		if (peer->error == -EXO_E_DEAD && may_lose) {
			__atomic_fetch_add(&lost, 1, __ATOMIC_RELAXED);
			peer->error = 0;
			continue;
		}
		if (peer->error == 0 && m.words[0] != peer->next.words[0] + 100)
			peer->error = 99;
		peer->served += peer->error == 0;
		/* One that gives up has had an answer too. */
		if (peer->error == -EXO_E_TIMEOUT && peer->patience)
			peer->error = 0;
	} while (!stop && !peer->error);
	peer->done = true;
}

static int start_clients(unsigned int count)
{
	int error = 0;

	for (unsigned int i = 0; i < count && !error; i++) {
		clients[i] = (struct peer){ .next = { EXO_TAG(1, 1), { i } } };
		error = peer_start(&clients[i], call_on) || peer_waits(&clients[i]);
	}
	return error;
}

static uint64_t served(void)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < CLIENTS; i++)
		sum += clients[i].served;
	return sum;
}

static void end_clients(struct test *test)
{
	stop = true;
	for (unsigned int i = 0; i < CLIENTS; i++) {
		ABI_UNTIL(test, clients[i].done);
		TEST_EQ(test, clients[i].error, 0);
		peer_end(&clients[i]);
	}
}

/* Rests before each answer, so that all its clients are queued. */
static void serve_resting(void *argument)
{
	struct peer *peer = argument;
	struct exo_message m = { 0 };

	peer->error = exo_ipc_wait(EP, &m).error;
	while (!peer->error) {
		abi_sleep(MS / 5);
		m.words[0] += 100;
		peer->error = exo_ipc_reply_wait(EP, &m).error;
	}
}

static int start_servers(unsigned int count, void (*serve)(void *))
{
	int error = 0;

	for (unsigned int i = 0; i < count && !error; i++) {
		servers[i] = (struct peer){ 0 };
		error = peer_start(&servers[i], serve);
	}
	return error;
}

static uint64_t least_served(void)
{
	uint64_t least = UINT64_MAX;

	for (unsigned int i = 0; i < CLIENTS; i++)
		least = clients[i].served < least ? clients[i].served : least;
	return least;
}

/*
 * Queued clients are served in the order of their coming, so on one CPU all have the same; a CPU
 * that its host stops for a while has the others' clients served more often meanwhile. So has
 * stride, where a server that wakes up may go before a client that was woken before it. Where the
 * server is faster than its clients there is no queue, and who has the CPU is served, slice by
 * slice: how much that is, is the host's affair, but each has its slices.
 */
static void all_have_their_share(struct test *test, unsigned int nr_servers, uint64_t calls,
				 void (*serve)(void *))
{
	uint64_t least = UINT64_MAX, most = 0;

	TEST_EQ(test, begin(), 0);
	TEST_EQ(test, start_clients(CLIENTS), 0);
	TEST_EQ(test, start_servers(nr_servers, serve), 0);
	ABI_UNTIL(test, served() >= calls && least_served() >= calls / CLIENTS / 8);
	for (unsigned int i = 0; i < CLIENTS; i++) {
		const uint64_t one = clients[i].served;

		least = one < least ? one : least;
		most = one > most ? one : most;
	}
	end_clients(test);
	for (unsigned int i = 0; i < nr_servers; i++)
		peer_end(&servers[i]);
	if (exo_program_info.info->nr_cpus == 1 && serve == serve_resting &&
	    !IS_ENABLED(CONFIG_SCHED_STRIDE))
		TEST_TRUE(test, most - least <= nr_servers);
}

static void ipc_clients_have_their_share(struct test *test)
{
	all_have_their_share(test, 1, CALLS, serve_resting);
	all_have_their_share(test, 2, CALLS, serve_resting);
}

static void ipc_clients_of_fast_servers_have_their_share(struct test *test)
{
	all_have_their_share(test, 1, 40 * CALLS, serve_sums);
	all_have_their_share(test, 2, 40 * CALLS, serve_sums);
}

/* One of two servers ends hard, again and again: each time one call is lost. */
static void ipc_a_server_of_several_ends(struct test *test)
{
	TEST_EQ(test, begin(), 0);
	TEST_EQ(test, exo_cap_copy(EP, EXO_SELF, BADGED, EXO_RIGHTS_ALL, 7).error, 0);
	lost = 0;
	may_lose = true;
	TEST_EQ(test, start_clients(CLIENTS), 0);
	TEST_EQ(test, start_servers(1, serve_sums), 0);
	for (unsigned int round = 1; round <= 20; round++) {
		const uint64_t before = servers[0].served;

		servers[1] = (struct peer){ .silent = true };
		TEST_EQ(test, peer_start(&servers[1], serve_sums), 0);
		ABI_UNTIL(test, servers[1].badge == 7);
		/* The others are served meanwhile. */
		ABI_UNTIL(test, servers[0].served > before + 10);
		TEST_EQ(test, __atomic_load_n(&lost, __ATOMIC_RELAXED), round - 1);
		TEST_EQ(test, peer_kill(&servers[1]), 0);
		ABI_UNTIL(test, __atomic_load_n(&lost, __ATOMIC_RELAXED) == round);
	}
	may_lose = false;
	end_clients(test);
	peer_end(&servers[0]);
}

/* --- servers that call -------------------------------------------------------------------------*/

/* Has @last do it; the label of its answer is the error. */
static void serve_by_another(void *argument)
{
	struct peer *peer = argument;
	struct exo_message m = { 0 };
	int64_t error = exo_ipc_wait(EP, &m).error;

	while (!error) {
		error = exo_ipc_call(EP2, &m).error;
		m.tag = EXO_TAG(-error, 6);
		peer->served++;
		error = exo_ipc_reply_wait(EP, &m).error;
	}
	peer->error = error;
}

static void serve_last(void *argument)
{
	struct peer *peer = argument;
	struct exo_message m = { 0 };

	peer->error = exo_ipc_wait(EP2, &m).error;
	while (!peer->error) {
		peer->badge++; /* how many have come */
		while (peer->silent)
			abi_sleep(MS);
		m.words[0] += 100;
		peer->served++;
		peer->error = exo_ipc_reply_wait(EP2, &m).error;
	}
}

static void ipc_nested_calls(struct test *test)
{
	struct peer client = { .next = { EXO_TAG(7, 6), { 5 } } };
	struct exo_message m = client.next;

	TEST_EQ(test, begin(), 0);
	servers[0] = last = (struct peer){ 0 };
	TEST_EQ(test, peer_start(&servers[0], serve_by_another), 0);
	TEST_EQ(test, peer_start(&last, serve_last), 0);
	for (unsigned int i = 0; i < 200; i++) {
		m = (struct exo_message){ EXO_TAG(7, 6), { i } };
		TEST_EQ(test, exo_ipc_call(EP, &m).error, 0);
		TEST_EQ(test, m.tag, EXO_TAG(0, 6));
		TEST_EQ(test, m.words[0], i + 100);
	}
	TEST_EQ(test, last.served, 200);
	/* The last in the chain ends: the one in the middle learns it, and can still answer. */
	last.silent = true;
	TEST_EQ(test, peer_start(&client, call_once), 0);
	ABI_UNTIL(test, last.badge == 201);
	TEST_TRUE(test, !client.done);
	TEST_EQ(test, peer_kill(&last), 0);
	ABI_UNTIL(test, client.done);
	TEST_EQ(test, client.error, 0);
	TEST_EQ(test, client.got.tag, EXO_TAG(EXO_E_DEAD, 6));
	peer_end(&client);
	/* The one in the middle ends: the first learns it; the last answers nobody. */
	last = (struct peer){ .silent = true };
	TEST_EQ(test, peer_start(&last, serve_last), 0);
	TEST_EQ(test, peer_start(&client, call_once), 0);
	ABI_UNTIL(test, last.badge == 1);
	TEST_EQ(test, peer_kill(&servers[0]), 0);
	ABI_UNTIL(test, client.done);
	TEST_EQ(test, client.error, -EXO_E_DEAD);
	last.silent = false;
	m = (struct exo_message){ EXO_TAG(7, 6), { 1 } };
	TEST_EQ(test, exo_ipc_call(EP2, &m).error, 0);
	TEST_EQ(test, m.words[0], 101);
	peer_end(&client);
	peer_end(&last);
}

/* --- those who give up -------------------------------------------------------------------------*/

static void serve_slowly(void *argument)
{
	struct peer *peer = argument;
	struct exo_message m = { 0 };

	peer->error = exo_ipc_wait(EP, &m).error;
	while (!peer->error) {
		if (peer->served++ % 4 == 0)
			abi_sleep(MS / 2);
		m.words[0] += 100;
		peer->error = exo_ipc_reply_wait(EP, &m).error;
	}
}

static void ipc_some_give_up_while_others_are_served(struct test *test)
{
	TEST_EQ(test, begin(), 0);
	servers[0] = (struct peer){ 0 };
	for (unsigned int i = 0; i < CLIENTS; i++) {
		clients[i] = (struct peer){ .next = { EXO_TAG(1, 1), { i } } };
		if (i % 2) {
			clients[i].next.tag |= EXO_TAG_DEADLINE;
			clients[i].patience = MS / 5 * i;
		}
		TEST_EQ(test, peer_start(&clients[i], call_on), 0);
	}
	TEST_EQ(test, peer_start(&servers[0], serve_slowly), 0);
	for (unsigned int i = 0; i < CLIENTS; i += 2)
		ABI_UNTIL(test, clients[i].served >= 100);
	end_clients(test);
	peer_end(&servers[0]);
	TEST_EQ(test, abi_audit(), 0);
}

static const struct test_case ipc_share_cases[] = {
	TEST_CASE(ipc_clients_have_their_share),
	TEST_CASE(ipc_clients_of_fast_servers_have_their_share),
	TEST_CASE(ipc_a_server_of_several_ends),
	TEST_CASE(ipc_nested_calls),
	TEST_CASE(ipc_some_give_up_while_others_are_served),
};
TEST_SUITE(user_ipc_share, ipc_share_cases);
