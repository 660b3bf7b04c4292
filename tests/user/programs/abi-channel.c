/* SPDX-License-Identifier: MIT */
/* What abi-child does at the other end of channels: answers requests, or leaves one half sent. */
#include "abi-channel.h"

#include <libexo/program.h>
#include <uapi/exo/map.h>
#include <uapi/exo/thread.h>

#define ADDRESS UINT64_C(0x30000000000)

static const struct exo_channel_shape shape = { CHANNEL_CELLS, CHANNEL_BYTES };

/* Waits until the starter has put the frame into its slot, and maps it. */
static struct exo_channel *attach(void)
{
	const struct exo_map_op op = { .address = ADDRESS,
				       .slot = CHANNEL_FRAME,
				       .count = 1,
				       .act = EXO_MAP,
				       .rights = EXO_RIGHT_R | EXO_RIGHT_W };
	struct exo_cap_info info;

	while (exo_cap_stat(CHANNEL_FRAME, &info).error || info.type != EXO_TYPE_FRAME)
		(void)exo_yield(EXO_SELF);
	return exo_map(EXO_SELF, &op, 1).error ? NULL : (struct exo_channel *)ADDRESS;
}

/* Two requests at a time, answered the other way round; one of 0 ends it. */
int channel_echo(void)
{
	struct exo_channel *channel = attach();
	uint64_t requests[2][CHANNEL_WORDS] = { { 0 } };
	struct exo_receiver receiver;
	struct exo_sender sender;

	if (!channel || exo_receiver_init(&receiver, channel, &shape, false) ||
	    exo_sender_init(&sender,
			    (struct exo_channel *)(void *)((char *)channel + CHANNEL_SECOND),
			    &shape, 0, true))
		return 1;
	receiver.wake = CHANNEL_WAKE_CHILD;
	receiver.wake_bit = CHANNEL_MESSAGE;
	receiver.room = CHANNEL_WAKE_STARTER;
	sender.wake = CHANNEL_WAKE_STARTER;
	sender.wake_bit = CHANNEL_MESSAGE;
	for (;;) {
		for (unsigned int i = 0; i < 2; i++) {
			if (exo_channel_receive(&receiver, requests[i], CHANNEL_WORDS,
						EXO_DEADLINE_NEVER))
				return 2;
			if (!requests[i][0])
				return 0;
		}
		for (unsigned int i = 2; i-- > 0;) {
			requests[i][1] = ~requests[i][0];
			if (exo_channel_send(&sender, requests[i], CHANNEL_WORDS, 0))
				return 3;
		}
	}
}

/* One message, and the first half of another one. */
int channel_claim(void)
{
	const uint64_t message[CHANNEL_WORDS] = { 1 };
	struct exo_channel *channel = attach();
	struct exo_sender sender;
	struct exo_claim claim;

	if (!channel || exo_sender_init(&sender, channel, &shape, CHANNEL_ID, false) ||
	    exo_channel_send(&sender, message, CHANNEL_WORDS, 0) ||
	    exo_channel_claim(&sender.end, &claim))
		return 1;
	*exo_channel_message(claim.cell) = 2;
	(void)exo_ntf_signal(CHANNEL_WAKE_STARTER, CHANNEL_CLAIMED);
	for (;;)
		(void)exo_yield(EXO_SELF);
}
