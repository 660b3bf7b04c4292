/* SPDX-License-Identifier: MIT */
/* A message through a channel, pushed and popped by one thread, both ends awake: no call is made.
 */
#include "bench.h"

#include <exo/compiler.h>
#include <uapi/exo/channel.h>

#define CELLS 4
#define MOST 6
#define TURNS 64

static uint64_t memory[EXO_CHANNEL_SIZE(CELLS, MOST) / sizeof(uint64_t)] __aligned(64);
static struct exo_producer producer;
static struct exo_consumer consumer;

static void begin(uint32_t bytes, bool single)
{
	const struct exo_channel_shape shape = { CELLS, bytes };
	struct exo_channel *channel = (struct exo_channel *)(void *)memory;

	for (unsigned int i = 0; i < sizeof(memory) / sizeof(*memory); i++)
		memory[i] = 0;
	exo_producer_init(&producer, channel, &shape, 0);
	exo_consumer_init(&consumer, channel, &shape, single);
}

static void begin_short(void)
{
	begin(5, false);
}

static void begin_line(void)
{
	begin(6, false);
}

static void begin_single(void)
{
	begin(5, true);
}

static void end(void)
{
}

/* A turn's share. @words: a constant. */
static __inline_always uint64_t measure(uint32_t words, bool single)
{
	uint64_t message[7] = { 1, 2, 3, 4, 5, 6, 7 };
	const uint64_t start = bench_start();
	int wrong = 0;

	for (unsigned int i = 0; i < TURNS; i++) {
		bool wake = false;

		wrong |= single ? exo_channel_push_single(&producer, message, words)
				: exo_channel_push(&producer, message, words, &wake);
		wrong |= wake;
		wrong |= exo_channel_pop(&consumer, message, words);
	}
	bench_must("channel", wrong);
	return bench_stop(start) / TURNS;
}

/* 24 bytes, in half a cache line. */
static uint64_t channel_msg(void)
{
	return measure(3, false);
}
BENCHMARK_AROUND(channel_msg, "channel.msg", 100, begin_short, end);

/* 56 bytes, in a cache line. */
static uint64_t channel_line_msg(void)
{
	return measure(7, false);
}
BENCHMARK_AROUND(channel_line_msg, "channel.line.msg", 100, begin_line, end);

/* 24 bytes, without the look whether the consumer sleeps. */
static uint64_t channel_spsc_msg(void)
{
	return measure(3, true);
}
BENCHMARK_AROUND(channel_spsc_msg, "channel.spsc.msg", 100, begin_single, end);
