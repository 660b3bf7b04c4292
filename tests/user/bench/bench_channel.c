/* SPDX-License-Identifier: MIT */
/* A message of a cache line through a channel, sent and received by one thread: no call is made. */
#include "bench.h"

#include <exo/compiler.h>
#include <libexo/channel.h>

#define CELLS 3
#define BYTES 6
#define WORDS 7
#define TURNS 64

static uint64_t memory[EXO_CHANNEL_SIZE(CELLS, BYTES) / sizeof(uint64_t)] __aligned(64);
static struct exo_sender sender;
static struct exo_receiver receiver;

static void begin(bool single)
{
	static const struct exo_channel_shape shape = { CELLS, BYTES };
	struct exo_channel *channel = (struct exo_channel *)(void *)memory;

	bench_must("sender", exo_sender_init(&sender, channel, &shape, 0, single));
	bench_must("receiver", exo_receiver_init(&receiver, channel, &shape, single));
}

static void begin_many(void)
{
	begin(false);
}

static void begin_single(void)
{
	begin(true);
}

static void end(void)
{
}

static uint64_t channel_msg(void)
{
	uint64_t message[WORDS] = { 1, 2, 3, 4, 5, 6, 7 };
	const uint64_t start = bench_start();
	int wrong = 0;

	for (unsigned int i = 0; i < TURNS; i++) {
		bool wake;

		wrong |= exo_channel_push(&sender.end, message, WORDS, &wake) | wake;
		wrong |= exo_channel_pop(&receiver.end, message, WORDS);
		barrier();
	}
	bench_must("channel", wrong);
	return bench_stop(start) / TURNS;
}
BENCHMARK_AROUND(channel_msg, "channel.msg", 100, begin_many, end);

static uint64_t channel_spsc_msg(void)
{
	uint64_t message[WORDS] = { 1, 2, 3, 4, 5, 6, 7 };
	const uint64_t start = bench_start();
	int wrong = 0;

	for (unsigned int i = 0; i < TURNS; i++) {
		wrong |= exo_channel_push_single(&sender.end, message, WORDS);
		wrong |= exo_channel_pop(&receiver.end, message, WORDS);
		barrier();
	}
	bench_must("channel", wrong);
	return bench_stop(start) / TURNS;
}
BENCHMARK_AROUND(channel_spsc_msg, "channel.spsc.msg", 100, begin_single, end);
