/* SPDX-License-Identifier: MIT */
/*
 * What channels do when something is missing: a message, room, or the second half of a push.
 *
 * The last is not waited for by a notification: a sender that was interrupted between both halves
 * goes on soon, or never. So the receiver gives up the CPU a few times, then looks now and then.
 */
#include <exo/compiler.h>
#include <exo/string.h>
#include <libexo/channel.h>
#include <uapi/exo/sys.h>

#define ROUNDS 1000u /* a guess: so often a sender is refused, and told that there is room */
#define YIELDS 16u /* a guess */
#define LOOK_NS UINT64_C(1000000) /* a guess */

static bool shape_is_possible(const struct exo_channel_shape *shape)
{
	return shape->cells <= 16 && shape->bytes >= 4 && shape->bytes <= 12;
}

int exo_sender_init(struct exo_sender *sender, struct exo_channel *channel,
		    const struct exo_channel_shape *shape, uint32_t id, bool single)
{
	if (!shape_is_possible(shape) || id >= EXO_CHANNEL_IDS)
		return -EXO_E_ARG;
	memset(sender, 0, sizeof(*sender));
	exo_producer_init(&sender->end, channel, shape, id);
	sender->single = single;
	return 0;
}

int exo_receiver_init(struct exo_receiver *receiver, struct exo_channel *channel,
		      const struct exo_channel_shape *shape, bool single)
{
	if (!shape_is_possible(shape))
		return -EXO_E_ARG;
	memset(receiver, 0, sizeof(*receiver));
	exo_consumer_init(&receiver->end, channel, shape, single);
	return 0;
}

int exo_channel_send_slow(struct exo_sender *sender, const uint64_t *message, uint32_t words,
			  uint64_t deadline)
{
	unsigned int rounds = 0;

	while (sender->room && deadline && rounds++ < ROUNDS) {
		if (exo_channel_await_room(&sender->end, sender->room_bit)) {
			const struct exo_result result =
				exo_ntf_wait(sender->room, sender->room_bit, deadline);

			if (result.error)
				return (int)result.error;
			rounds = 0;
		}
		if (!exo_channel_try_send(sender, message, words))
			return 0;
	}
	return -EXO_E_AGAIN;
}

void exo_channel_tell_room(struct exo_receiver *receiver)
{
	const uint64_t bits = receiver->room ? exo_channel_waiting(&receiver->end) : 0;

	if (bits)
		(void)exo_ntf_signal(receiver->room, bits);
}

/* Waits up to @deadline. Returns 0 if it is worth looking again. */
static int wait(struct exo_receiver *receiver, uint64_t deadline)
{
	const struct exo_result result =
		exo_ntf_wait(receiver->wake, receiver->wake_bit | receiver->others, deadline);

	if (result.error)
		return (int)result.error;
	receiver->came |= result.value & receiver->others;
	return result.value & receiver->others ? -EXO_E_AGAIN : 0;
}

/* The same, for the other half of a push. */
static int wait_published(struct exo_receiver *receiver, uint64_t deadline, unsigned int *yields)
{
	uint64_t look;
	int error;

	if (*yields < YIELDS) {
		++*yields;
		(void)exo_yield(EXO_SELF);
		return 0;
	}
	exo_channel_tell_room(receiver);
	look = exo_sys_ctl(EXO_SELF, EXO_SYS_CLOCK, 0, 0).value + LOOK_NS;
	if (look < deadline) {
		error = wait(receiver, look);
		return error == -EXO_E_TIMEOUT ? 0 : error;
	}
	error = wait(receiver, deadline);
	return error == -EXO_E_TIMEOUT ? -EXO_E_BUSY : error;
}

int exo_channel_receive_slow(struct exo_receiver *receiver, uint64_t *message, uint32_t words,
			     uint64_t deadline)
{
	unsigned int yields = 0;
	int error;

	for (;;) {
		const int found = exo_channel_pop(&receiver->end, message, words);

		if (!found) {
			exo_channel_tell_room(receiver);
			return 0;
		}
		if (!deadline)
			return found;
		if (found == -EXO_E_BUSY) {
			error = wait_published(receiver, deadline, &yields);
		} else if (exo_channel_sleep(&receiver->end)) {
			exo_channel_tell_room(receiver);
			error = wait(receiver, deadline);
		} else {
			error = 0;
		}
		if (error) {
			exo_channel_stay_awake(&receiver->end);
			return error;
		}
	}
}

int exo_client_request(struct exo_client *client, const uint64_t *message, uint32_t words,
		       uint64_t deadline)
{
	const struct exo_consumer *end = &client->responses.end;
	int error;

	if (client->outstanding > end->mask >> (16 - end->shift))
		return -EXO_E_AGAIN;
	error = exo_channel_send(&client->requests, message, words, deadline);
	if (!error)
		client->outstanding++;
	return error;
}

int exo_client_response(struct exo_client *client, uint64_t *message, uint32_t words,
			uint64_t deadline)
{
	const int error = exo_channel_receive(&client->responses, message, words, deadline);

	if (!error && client->outstanding)
		client->outstanding--;
	return error;
}
