/* SPDX-License-Identifier: MIT */
/*
 * Channels between threads and programs: uapi/exo/channel.h over shared memory, where who finds
 * nothing, or no room, waits by a notification. While both sides are awake no call is made.
 *
 * An end is for one thread at a time. The memory is zeroed when the channel begins, aligned to 64,
 * and as long as EXO_CHANNEL_SIZE() says: a page for 32 cells of 64 bytes, say. A message is 8-byte
 * words, at most one less than a cell has; their number best a constant.
 *
 * Deadlines: ns, as the clock of the info page counts; 0: no waiting; EXO_DEADLINE_NEVER.
 */
#ifndef LIBEXO_CHANNEL_H
#define LIBEXO_CHANNEL_H

#include <libexo/exo.h>
#include <stdbool.h>
#include <uapi/exo/channel.h>

#ifdef __cplusplus
extern "C" {
#endif

struct exo_sender {
	struct exo_producer end;
	exo_cap_t wake; /* NTF that the receiver waits for, with W */
	uint64_t wake_bit;
	exo_cap_t room; /* NTF that it waits for room with, with R; EXO_SELF: it never waits */
	uint64_t room_bit; /* no other sender's of this channel */
	bool single;
};

struct exo_receiver {
	struct exo_consumer end;
	exo_cap_t wake; /* NTF, with R */
	uint64_t wake_bit;
	uint64_t others; /* bits of the same one that end a wait, too */
	uint64_t came; /* of them, those that have: the caller clears them */
	exo_cap_t room; /* NTF of the senders that wait for room, with W; EXO_SELF: none does */
};

/**
 * exo_sender_init() - set up a sender
 * @shape: as the receiver has it, and not from the shared memory
 * @id: below EXO_CHANNEL_IDS: what the receiver is told of a message that stays away
 * @single: there is no other at a time, which the receiver has been told, too
 * The capabilities are the caller's to set then; they are 0. Returns 0, -EXO_E_ARG.
 */
int exo_sender_init(struct exo_sender *sender, struct exo_channel *channel,
		    const struct exo_channel_shape *shape, uint32_t id, bool single);

int exo_receiver_init(struct exo_receiver *receiver, struct exo_channel *channel,
		      const struct exo_channel_shape *shape, bool single);

/* What the inline functions leave to the library. */
int exo_channel_send_slow(struct exo_sender *sender, const uint64_t *message, uint32_t words,
			  uint64_t deadline);
int exo_channel_receive_slow(struct exo_receiver *receiver, uint64_t *message, uint32_t words,
			     uint64_t deadline);
void exo_channel_tell_room(struct exo_receiver *receiver);

/* One attempt: what exo_channel_push() returns. Wakes the receiver if that sleeps. */
static inline int exo_channel_try_send(struct exo_sender *sender, const uint64_t *message,
				       uint32_t words)
{
	bool wake = false;
	int error;

	if (sender->single) {
		error = exo_channel_push_single(&sender->end, message, words);
		wake = !error && exo_channel_flush(&sender->end);
	} else {
		error = exo_channel_push(&sender->end, message, words, &wake);
	}
	if (__builtin_expect(wake, 0))
		(void)exo_ntf_signal(sender->wake, sender->wake_bit);
	return error;
}

/**
 * exo_channel_send() - send a message, and wait for room if need be
 * Returns 0; -EXO_E_AGAIN: there is none, and it may not wait; what ntf_wait() answers:
 * -EXO_E_TIMEOUT, -EXO_E_DEAD and so on. Whether the receiver exists is not known.
 */
static inline int exo_channel_send(struct exo_sender *sender, const uint64_t *message,
				   uint32_t words, uint64_t deadline)
{
	if (__builtin_expect(exo_channel_try_send(sender, message, words) == 0, 1))
		return 0;
	return exo_channel_send_slow(sender, message, words, deadline);
}

/**
 * exo_channel_receive() - take the next message, and wait for one if need be
 * Returns 0; -EXO_E_AGAIN: there is none, and @deadline is 0 or one of @others came; -EXO_E_BUSY:
 * until the deadline the next one was claimed, by exo_channel_claimant(), and not published: see
 * exo_channel_skip(); what ntf_wait() answers.
 */
static inline int exo_channel_receive(struct exo_receiver *receiver, uint64_t *message,
				      uint32_t words, uint64_t deadline)
{
	if (__builtin_expect(exo_channel_pop(&receiver->end, message, words) != 0, 0))
		return exo_channel_receive_slow(receiver, message, words, deadline);
	if (receiver->room && exo_channel_half(&receiver->end))
		exo_channel_tell_room(receiver);
	return 0;
}

/*
 * Requests and responses: two channels. A client sends requests, each with a tag of its own choice
 * in some word, and has at most as many outstanding as its channel of responses has cells: so who
 * responds, in any order, as the single sender of that channel, always has room.
 */
struct exo_client {
	struct exo_sender requests;
	struct exo_receiver responses;
	uint64_t outstanding;
};

/* -EXO_E_AGAIN: first take a response; else as exo_channel_send(). */
int exo_client_request(struct exo_client *client, const uint64_t *message, uint32_t words,
		       uint64_t deadline);

/* The next response, to whatever request: as exo_channel_receive(). */
int exo_client_response(struct exo_client *client, uint64_t *message, uint32_t words,
			uint64_t deadline);

#ifdef __cplusplus
}
#endif

#endif
