/* SPDX-License-Identifier: MIT */
/*
 * What a caller lends: its urgency, where the policy knows such, and its turn. All on one CPU, so
 * that the threads are in each other's way; the tester itself is the most urgent.
 */
#include "ipc_support.h"

#include <libexo/program.h>

#define LOW 10u
#define MEDIUM 20u
#define HIGH 30u
#define TESTER 200u
#define TOO_LONG (2000 * MS) /* a guess: what has not had the CPU by then is starved */
#define TURNS (400 * MS)

#define NEEDS_URGENCY(test)                                                     \
	do {                                                                    \
		if (!IS_ENABLED(CONFIG_SCHED_PRIORITY))                         \
			TEST_SKIP(test, "the policy knows no priorities");      \
		if (!IS_ENABLED(CONFIG_PREEMPT))                                \
			TEST_SKIP(test, "PREEMPT is off: nobody is preempted"); \
	} while (0)

static struct peer server, medium, client;
static volatile bool go, ran, starved;

static int64_t send_to(exo_cap_t thread, uint32_t priority, uint64_t cpus)
{
	const struct exo_sched sched = { .priority = priority,
					 .shares = EXO_SHARES_DEFAULT,
					 .affinity = { cpus } };

	return exo_thread_sched(thread, EXO_FIRST_CPUS, &sched).error;
}

/* Starts a thread, which waits for @go before it does anything, on the first CPU. */
static int start(struct peer *peer, void (*function)(void *), uint32_t priority)
{
	const int error = peer_start(peer, function);

	return error ? error : (int)send_to(peer->thread.cap, priority, 1);
}

static int begin(void)
{
	int64_t error = abi_begin(64);

	server = medium = (struct peer){ 0 };
	client = (struct peer){ .next = { EXO_TAG(1, 1), { 1 } } };
	go = ran = starved = false;
	if (!error)
		error = abi_make(EXO_TYPE_EP, 1);
	return (int)(error ? error : send_to(EXO_FIRST_THREAD, TESTER, 0));
}

static void end(void)
{
	struct peer *const peers[] = { &client, &medium, &server };

	for (unsigned int i = 0; i < ARRAY_SIZE(peers); i++)
		peer_end(peers[i]);
	(void)send_to(EXO_FIRST_THREAD, EXO_PRIORITY_DEFAULT, 0);
}

/* Keeps the CPU until something has happened, or for too long. */
static void spin_until(const volatile bool *happened)
{
	const uint64_t until = abi_now() + TOO_LONG;

	while (!*happened && abi_now() < until)
		;
	if (!*happened)
		starved = true;
}

/* Has the CPU, which it does not give up until the client has its answer. */
static void be_in_the_way(void *argument)
{
	struct peer *peer = argument;

	while (!go)
		abi_sleep(MS / 2);
	ran = true;
	spin_until(&client.done);
	peer->done = true;
}

static void run_once(void *argument)
{
	struct peer *peer = argument;

	while (!go)
		abi_sleep(MS / 2);
	ran = true;
	peer->done = true;
}

/* A message whose service takes the CPU for a while. */
static void serve_long(void *argument)
{
	struct peer *peer = argument;
	struct exo_message m = { 0 };

	(void)exo_ipc_wait(EP, &m);
	go = true; /* the medium thread wants to run from now on */
	for (const uint64_t until = abi_now() + 20 * MS; abi_now() < until;)
		;
	peer->served++;
	(void)exo_ipc_reply_wait(EP, &m);
}

static void ipc_urgency_is_lent(struct test *test)
{
	NEEDS_URGENCY(test);
	TEST_EQ(test, begin(), 0);
	TEST_EQ(test, start(&server, serve_long, LOW), 0);
	TEST_EQ(test, start(&medium, be_in_the_way, MEDIUM), 0);
	TEST_EQ(test, peer_waits(&server), 0);
	TEST_EQ(test, start(&client, call_once, HIGH), 0);
	ABI_UNTIL(test, medium.done && client.done);
	TEST_EQ(test, client.error, 0);
	TEST_TRUE(test, !starved);
	end();
}

/* With no client left the server is what it was, at once: it is in nobody's way. */
static void serve_and_spin(void *argument)
{
	struct peer *peer = argument;
	struct exo_message m = { 0 };

	(void)exo_ipc_wait(EP, &m);
	peer->badge = 1;
	if (peer->silent) {
		spin_until(&ran);
	} else {
		peer->error = exo_ipc_send(EXO_SELF, &m).error;
		go = true;
		spin_until(&ran);
	}
	peer->done = true;
}

enum end { ANSWERED, KILLED, TOO_LATE };

static void comes_back(struct test *test, enum end how)
{
	TEST_EQ(test, begin(), 0);
	server.silent = how != ANSWERED;
	if (how == TOO_LATE)
		client.next.tag |= EXO_TAG_DEADLINE;
	client.patience = 20 * MS;
	TEST_EQ(test, start(&server, serve_and_spin, LOW), 0);
	TEST_EQ(test, start(&medium, run_once, MEDIUM), 0);
	TEST_EQ(test, peer_waits(&server), 0);
	TEST_EQ(test, start(&client, call_once, HIGH), 0);
	ABI_UNTIL(test, server.badge);
	if (how == KILLED)
		TEST_EQ(test, peer_kill(&client), 0);
	if (how != ANSWERED) {
		ABI_UNTIL(test, how == KILLED || client.done);
		go = true;
	}
	ABI_UNTIL(test, server.done);
	TEST_TRUE(test, !starved);
	if (how == KILLED)
		TEST_EQ(test, peer_start(&client, run_once), 0);
	end();
}

static void ipc_urgency_comes_back(struct test *test)
{
	NEEDS_URGENCY(test);
	comes_back(test, ANSWERED);
	comes_back(test, KILLED);
	comes_back(test, TOO_LATE);
}

/* --- turns -------------------------------------------------------------------------------------*/

/* How long it has run: the clock's small steps. */
static void count_time(struct peer *peer, uint64_t *last)
{
	const uint64_t now = abi_now();

	if (now - *last < MS)
		peer->served += now - *last;
	*last = now;
}

static void call_all_the_time(void *argument)
{
	struct exo_message m = { EXO_TAG(0, 0), { 0 } };
	uint64_t last = abi_now();

	while (!ran) {
		client.error = exo_ipc_call(EP, &m).error;
		count_time(argument, &last);
	}
	client.done = true;
}

static void spin(void *argument)
{
	uint64_t last = abi_now();

	while (!ran)
		count_time(argument, &last);
	medium.done = true;
}

/* Two that call each other are to a third one as if they were one. What a host takes that stops the
 * CPU now and then is more of theirs than of one that just counts. */
static void ipc_callers_do_not_starve_others(struct test *test)
{
	if (!IS_ENABLED(CONFIG_PREEMPT))
		TEST_SKIP(test, "PREEMPT is off: there are no slices");
	TEST_EQ(test, begin(), 0);
	TEST_EQ(test, start(&server, serve_sums, MEDIUM), 0);
	TEST_EQ(test, start(&medium, spin, MEDIUM), 0);
	TEST_EQ(test, start(&client, call_all_the_time, MEDIUM), 0);
	abi_patience();
	/* Of the CPU's time, which may be less than the clock's. */
	while (medium.served + client.served < TURNS)
		TEST_TRUE(test, abi_patient());
	TEST_TRUE(test, medium.served > client.served / 2);
	TEST_TRUE(test, client.served > medium.served / 8);
	ran = true;
	ABI_UNTIL(test, medium.done && client.done);
	TEST_EQ(test, client.error, 0);
	end();
}

static const struct test_case ipc_urgency_cases[] = {
	TEST_CASE(ipc_urgency_is_lent),
	TEST_CASE(ipc_urgency_comes_back),
	TEST_CASE(ipc_callers_do_not_starve_others),
};
TEST_SUITE(user_ipc_urgency, ipc_urgency_cases);
