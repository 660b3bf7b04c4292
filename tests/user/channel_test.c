/* SPDX-License-Identifier: MIT */
/*
 * Channels of programs: between two threads, and between two environments over a frame; full,
 * empty, asleep, and with a sender that is killed between the halves of a push.
 */
#include "abi.h"

#include "programs/abi-channel.h"

#include <exo/string.h>
#include <libexo/process.h>

#define FRAME abi_slot(1)
#define WAKE abi_slot(2) /* NTF: this program waits for it */
#define WAKE_CHILD abi_slot(3)
#define WORDS CHANNEL_WORDS
#define CELLS (1u << CHANNEL_CELLS)
#define MESSAGES 20000u
#define REQUESTS 2000u
#define SOON (abi_now() + 20 * MS)
#define LATER (abi_now() + ABI_PATIENCE)

static const struct exo_channel_shape shape = { CHANNEL_CELLS, CHANNEL_BYTES };
static struct exo_channel *const channel = (struct exo_channel *)ABI_ADDRESS;
static struct exo_channel *const second = (struct exo_channel *)(ABI_ADDRESS + CHANNEL_SECOND);
static struct exo_sender sender;
static struct exo_receiver receiver;
static struct exo_process child;

_Static_assert(EXO_CHANNEL_SIZE(CHANNEL_CELLS, CHANNEL_BYTES) <= CHANNEL_SECOND, "two fit a page");

/* A zeroed frame, mapped, both notifications, and both ends of the first channel in it. */
static int64_t begin_channel(bool single)
{
	int64_t error = abi_begin(64);

	(void)(error || (error = abi_frames(1, 1)) || (error = abi_make(EXO_TYPE_NTF, 2)) ||
	       (error = abi_make(EXO_TYPE_NTF, 3)) ||
	       (error = abi_map(EXO_MAP, 1, 1, ABI_ADDRESS, ABI_RW)) ||
	       (error = exo_sender_init(&sender, channel, &shape, 1, single)) ||
	       (error = exo_receiver_init(&receiver, channel, &shape, single)));
	sender.wake = receiver.wake = WAKE;
	sender.wake_bit = receiver.wake_bit = CHANNEL_MESSAGE;
	sender.room = receiver.room = WAKE_CHILD;
	sender.room_bit = CHANNEL_ROOM;
	return error;
}

static int send(uint64_t value, uint64_t deadline)
{
	const uint64_t message[WORDS] = { value, ~value, value, ~value, value, ~value, value };

	return exo_channel_send(&sender, message, WORDS, deadline);
}

/* The next message's value; 0 if none came, 1 if it is not whole. */
static uint64_t receive(uint64_t deadline)
{
	uint64_t message[WORDS];

	if (exo_channel_receive(&receiver, message, WORDS, deadline))
		return 0;
	for (unsigned int i = 0; i < WORDS; i++)
		if (message[i] != (i % 2 ? ~message[0] : message[0]))
			return 1;
	return message[0];
}

static void channel_makes_no_call_while_both_are_awake(struct test *test)
{
	TEST_EQ(test, begin_channel(false), 0);
	for (uint64_t value = 10; value < 10 + 3 * CELLS; value++) {
		TEST_EQ(test, send(value, 0), 0);
		TEST_EQ(test, receive(0), value);
	}
	/* What would have been told is still there to be seen. */
	TEST_EQ(test, abi_stat(WAKE).used, 0);
	TEST_EQ(test, abi_stat(WAKE_CHILD).used, 0);
	TEST_TRUE(test, exo_channel_sleep(&receiver.end));
	TEST_EQ(test, send(50, 0), 0);
	TEST_EQ(test, abi_stat(WAKE).used, CHANNEL_MESSAGE);
	TEST_EQ(test, send(51, 0), 0);
	TEST_EQ(test, receive(LATER), 50);
	TEST_EQ(test, receive(LATER), 51);
}

static void channel_full_and_empty_have_deadlines(struct test *test)
{
	uint64_t message[WORDS];

	TEST_EQ(test, begin_channel(false), 0);
	TEST_EQ(test, exo_channel_receive(&receiver, message, WORDS, 0), -EXO_E_AGAIN);
	TEST_EQ(test, exo_channel_receive(&receiver, message, WORDS, SOON), -EXO_E_TIMEOUT);
	for (unsigned int i = 0; i < CELLS; i++)
		TEST_EQ(test, send(10 + i, 0), 0);
	/* It does not sleep any more. */
	TEST_EQ(test, abi_stat(WAKE).used, 0);
	TEST_EQ(test, send(99, 0), -EXO_E_AGAIN);
	TEST_EQ(test, send(99, SOON), -EXO_E_TIMEOUT);
	sender.room = EXO_SELF;
	TEST_EQ(test, send(99, LATER), -EXO_E_AGAIN);
	for (unsigned int i = 0; i < CELLS; i++)
		TEST_EQ(test, receive(LATER), 10 + i);
	receiver.others = CHANNEL_GONE;
	TEST_EQ(test, exo_ntf_signal(WAKE, CHANNEL_GONE).error, 0);
	TEST_EQ(test, exo_channel_receive(&receiver, message, WORDS, LATER), -EXO_E_AGAIN);
	TEST_EQ(test, receiver.came, CHANNEL_GONE);
	TEST_EQ(test, exo_sender_init(&sender, channel, &shape, EXO_CHANNEL_IDS, false),
		-EXO_E_ARG);
}

/* --- threads -----------------------------------------------------------------------------------*/

#define SENDERS 2u

static struct exo_sender senders[SENDERS];
static struct exo_thread threads[SENDERS];
static volatile int failed;
static bool slowly; /* they give the receiver time to fall asleep */

static void send_all(void *argument)
{
	const uint64_t self = (uint64_t)argument;
	uint64_t message[WORDS] = { 0 };

	for (uint64_t i = 1; i <= MESSAGES; i++) {
		message[0] = message[6] = self << 32 | i;
		if (exo_channel_send(&senders[self], message, WORDS, EXO_DEADLINE_NEVER))
			failed = 1;
		if (slowly && i % 64 == 0)
			(void)exo_yield(EXO_SELF);
	}
}

/* @nr senders, in threads of their own; each message once and in order. */
static void receive_all(struct test *test, unsigned int nr, bool single)
{
	uint64_t message[WORDS] = { 0 }, got[SENDERS] = { 0 };
	unsigned int wrong = 0;

	TEST_EQ(test, begin_channel(single), 0);
	failed = 0;
	for (uint64_t i = 0; i < nr; i++) {
		senders[i] = sender;
		exo_producer_init(&senders[i].end, channel, &shape, (uint32_t)i);
		senders[i].room_bit = CHANNEL_ROOM << i;
		TEST_EQ(test, exo_thread_start(&threads[i], send_all, (void *)i, 4), 0);
	}
	for (unsigned int left = nr * MESSAGES; left && !wrong; left--) {
		wrong += exo_channel_receive(&receiver, message, WORDS, LATER) != 0;
		wrong += message[0] != message[6] || message[0] >> 32 >= nr;
		if (!wrong)
			wrong += (uint32_t)message[0] != ++got[message[0] >> 32];
	}
	for (unsigned int i = 0; i < nr; i++)
		exo_thread_end(&threads[i]);
	TEST_EQ(test, wrong + (unsigned int)failed, 0);
	TEST_EQ(test, receive(0), 0);
}

static void channel_between_threads(struct test *test)
{
	slowly = false;
	receive_all(test, 1, false);
	receive_all(test, SENDERS, false);
	receive_all(test, 1, true);
}

static void channel_between_threads_that_sleep(struct test *test)
{
	slowly = true;
	receive_all(test, 1, false);
	receive_all(test, SENDERS, false);
	receive_all(test, 1, true);
}

/* --- environments ------------------------------------------------------------------------------*/

static int spawn(const char *what)
{
	const char *const argv[] = { "abi-child", what };
	struct exo_program program = {
		.argc = 2, .argv = argv, .frames = 128, .node = EXO_NODE_ANY, .stack_pages = 4
	};
	int error;

	if (exo_program_find(&program, "abi-child"))
		return -EXO_E_ARG;
	error = exo_env_spawn(&program, &child, NULL);
	if (error)
		return error;
	error = (int)exo_cap_copy(WAKE_CHILD, child.env, CHANNEL_WAKE_CHILD, ABI_RW, 0).error;
	if (!error)
		error = (int)exo_cap_copy(WAKE, child.env, CHANNEL_WAKE_STARTER, ABI_RW, 0).error;
	if (!error)
		error = (int)exo_cap_copy(FRAME, child.env, CHANNEL_FRAME, ABI_RW, 0).error;
	return error;
}

/* As many requests as there may be, answered in another order; the child sleeps now and then. */
static unsigned int talk(struct exo_client *client)
{
	uint64_t message[WORDS] = { 0 }, asked = 0, sum = 0;
	unsigned int wrong = 0;

	for (unsigned int answered = 0; answered < REQUESTS && !wrong;) {
		int error = -EXO_E_AGAIN;

		if (asked < REQUESTS) {
			message[0] = asked + 1;
			error = exo_client_request(client, message, WORDS, LATER);
			asked += error == 0;
		}
		if (error == -EXO_E_AGAIN) {
			wrong += exo_client_response(client, message, WORDS, LATER) != 0;
			wrong += message[1] != ~message[0];
			sum += message[0];
			answered++;
		} else {
			wrong += error != 0;
		}
	}
	message[0] = 0;
	wrong += exo_client_request(client, message, WORDS, LATER) != 0;
	return wrong + (sum != (uint64_t)REQUESTS * (REQUESTS + 1) / 2);
}

static void channel_between_environments(struct test *test)
{
	struct exo_client client = { .outstanding = 0 };
	unsigned int wrong;

	ABI_NEEDS_ENV(test);
	TEST_EQ(test, begin_channel(false), 0);
	TEST_EQ(test, exo_sender_init(&client.requests, channel, &shape, 1, false), 0);
	TEST_EQ(test, exo_receiver_init(&client.responses, second, &shape, true), 0);
	client.requests.wake = WAKE_CHILD;
	client.requests.wake_bit = CHANNEL_MESSAGE;
	client.requests.room = client.responses.wake = WAKE;
	client.requests.room_bit = CHANNEL_ROOM;
	client.responses.wake_bit = CHANNEL_MESSAGE;
	TEST_EQ(test, spawn("echo"), 0);
	wrong = talk(&client);
	exo_env_end(&child);
	TEST_EQ(test, wrong, 0);
}

/* It has sent one message and half of another one; then comes one of this program. */
static void channel_goes_on_after_a_killed_sender(struct test *test)
{
	uint64_t message[WORDS] = { 0 };
	int error;

	ABI_NEEDS_ENV(test);
	TEST_EQ(test, begin_channel(false), 0);
	receiver.others = CHANNEL_GONE;
	TEST_EQ(test, spawn("claim"), 0);
	error = (int)exo_ntf_wait(WAKE, CHANNEL_CLAIMED, LATER).error;
	exo_producer_init(&sender.end, channel, &shape, 1);
	error = error ? error : send(20, 0);
	error = error ? error : exo_channel_receive(&receiver, message, WORDS, LATER);
	if (!error && exo_channel_receive(&receiver, message, WORDS, 0) != -EXO_E_BUSY)
		error = 1;
	if (!error && exo_channel_receive(&receiver, message, WORDS, SOON) != -EXO_E_BUSY)
		error = 2;
	/* Told when nobody but this program reaches the frame. */
	if (exo_cap_revoke(FRAME, EXO_REVOKE_ASK, 0, WAKE, CHANNEL_GONE).error)
		error = 3;
	exo_env_end(&child);
	TEST_EQ(test, error, 0);
	TEST_EQ(test, message[0], 1);
	TEST_EQ(test, exo_channel_receive(&receiver, message, WORDS, LATER), -EXO_E_AGAIN);
	TEST_EQ(test, receiver.came, CHANNEL_GONE);
	TEST_EQ(test, exo_channel_claimant(&receiver.end), CHANNEL_ID);
	TEST_EQ(test, exo_channel_skip(&receiver.end), 0);
	TEST_EQ(test, receive(LATER), 20);
	/* The ring has all its cells. */
	for (unsigned int i = 0; i < CELLS; i++)
		TEST_EQ(test, send(30 + i, 0), 0);
	TEST_EQ(test, send(99, 0), -EXO_E_AGAIN);
	for (unsigned int i = 0; i < CELLS; i++)
		TEST_EQ(test, receive(0), 30 + i);
}

static const struct test_case channel_cases[] = {
	TEST_CASE(channel_makes_no_call_while_both_are_awake),
	TEST_CASE(channel_full_and_empty_have_deadlines),
	TEST_CASE(channel_between_threads),
	TEST_CASE(channel_between_threads_that_sleep),
	TEST_CASE(channel_between_environments),
	TEST_CASE(channel_goes_on_after_a_killed_sender),
};
TEST_SUITE(user_channel, channel_cases);
