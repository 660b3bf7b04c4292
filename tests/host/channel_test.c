/* SPDX-License-Identifier: MIT */
/* Channels in one thread: order, full, empty, wrap-around, halves of a push, peers that scribble.
 */
#include <exo/compiler.h>
#include <exo/string.h>
#include <exo/test.h>
#include <uapi/exo/channel.h>

#define CELLS 2 /* log2 */
#define BYTES 5 /* log2: three words */
#define WORDS 3
#define NR (1u << CELLS)

#define MEMORY (EXO_CHANNEL_SIZE(CELLS, BYTES) / sizeof(uint64_t))
#define BEHIND 8

static uint64_t memory[MEMORY + BEHIND] __aligned(64);
static struct exo_channel *const channel = (struct exo_channel *)(void *)memory;
static struct exo_producer first, second;
static struct exo_consumer consumer;

static void begin(bool single)
{
	static const struct exo_channel_shape shape = { CELLS, BYTES };

	memset(memory, 0, sizeof(memory));
	exo_producer_init(&first, channel, &shape, 7);
	exo_producer_init(&second, channel, &shape, EXO_CHANNEL_IDS - 1);
	exo_consumer_init(&consumer, channel, &shape, single);
}

static int push(struct exo_producer *producer, uint64_t value, bool *wake)
{
	const uint64_t message[WORDS] = { value, ~value, value << 32 };

	return exo_channel_push(producer, message, WORDS, wake);
}

/* The value of the next message; 0 if there is none, 1 if it is not whole, 2 if it is not there. */
static uint64_t pop(void)
{
	uint64_t message[WORDS];
	const int error = exo_channel_pop(&consumer, message, WORDS);

	if (error)
		return error == -EXO_E_BUSY ? 2 : 0;
	return message[1] == ~message[0] && message[2] == message[0] << 32 ? message[0] : 1;
}

static void channel_is_full_and_empty_lap_after_lap(struct test *test)
{
	bool wake = true;

	begin(false);
	for (uint64_t lap = 0, value = 10; lap < 5; lap++) {
		TEST_EQ(test, pop(), 0);
		for (unsigned int i = 0; i < NR; i++) {
			TEST_EQ(test, push(i % 2 ? &first : &second, value + i, &wake), 0);
			TEST_TRUE(test, !wake);
		}
		TEST_EQ(test, push(&first, 99, &wake), -EXO_E_AGAIN);
		TEST_EQ(test, push(&second, 99, &wake), -EXO_E_AGAIN);
		TEST_EQ(test, pop(), value++);
		TEST_EQ(test, push(&second, value + NR - 1, &wake), 0);
		TEST_EQ(test, push(&second, 99, &wake), -EXO_E_AGAIN);
		for (unsigned int i = 0; i < NR; i++)
			TEST_EQ(test, pop(), value++);
	}
}

/* One producer has not looked for many laps, one comes newly. */
static void channel_takes_up_who_was_away(struct test *test)
{
	static const struct exo_channel_shape shape = { CELLS, BYTES };
	struct exo_producer third;
	bool wake;

	begin(false);
	for (uint64_t value = 10; value < 10 + 5 * NR + 1; value++) {
		TEST_EQ(test, push(&first, value, &wake), 0);
		TEST_EQ(test, pop(), value);
	}
	TEST_EQ(test, push(&second, 50, &wake), 0);
	exo_producer_init(&third, channel, &shape, 1);
	TEST_EQ(test, push(&third, 51, &wake), 0);
	/* The hint has gone back by more than the ring is long. */
	channel->tail = 0;
	TEST_EQ(test, push(&second, 52, &wake), 0);
	channel->tail = 0;
	exo_producer_init(&third, channel, &shape, 1);
	TEST_EQ(test, push(&third, 53, &wake), 0);
	for (uint64_t value = 50; value < 54; value++)
		TEST_EQ(test, pop(), value);
	TEST_EQ(test, pop(), 0);
}

static void channel_positions_wrap(struct test *test)
{
	static const struct exo_channel_shape shape = { CELLS, BYTES };
	const uint64_t start = -6 * EXO_CHANNEL_STEP;
	bool wake;

	begin(false);
	channel->head = channel->tail = start;
	for (unsigned int i = 0; i < NR; i++)
		exo_channel_at(channel, (NR - 1) << BYTES, 16 - BYTES, start + i * EXO_CHANNEL_STEP)
			->word =
			start + (i + 1 - (uint64_t)NR) * EXO_CHANNEL_STEP + EXO_CHANNEL_PUBLISHED;
	exo_producer_init(&first, channel, &shape, 7);
	exo_consumer_init(&consumer, channel, &shape, false);
	for (uint64_t value = 10; value < 10 + 4 * NR; value += 3) {
		for (unsigned int i = 0; i < 3; i++) {
			TEST_EQ(test, push(&first, value + i, &wake), 0);
			TEST_TRUE(test, !wake);
		}
		for (unsigned int i = 0; i < 3; i++)
			TEST_EQ(test, pop(), value + i);
		TEST_EQ(test, pop(), 0);
	}
}

static void channel_wakes_once_who_sleeps(struct test *test)
{
	bool wake;

	begin(false);
	for (uint64_t value = 10; value < 10 + 2 * NR; value += 2) {
		TEST_TRUE(test, exo_channel_sleep(&consumer));
		TEST_TRUE(test, exo_channel_sleep(&consumer));
		TEST_EQ(test, push(&first, value, &wake), 0);
		TEST_TRUE(test, wake);
		TEST_TRUE(test, !exo_channel_sleep(&consumer));
		TEST_EQ(test, push(&second, value + 1, &wake), 0);
		TEST_TRUE(test, !wake);
		TEST_EQ(test, pop(), value);
		TEST_TRUE(test, !exo_channel_sleep(&consumer));
		TEST_EQ(test, pop(), value + 1);
	}
	TEST_TRUE(test, exo_channel_sleep(&consumer));
	exo_channel_stay_awake(&consumer);
	TEST_EQ(test, push(&first, 50, &wake), 0);
	TEST_TRUE(test, !wake);
	exo_channel_stay_awake(&consumer);
	TEST_EQ(test, pop(), 50);
}

static void channel_gives_nothing_that_is_not_published(struct test *test)
{
	const uint64_t message[WORDS] = { 20, ~UINT64_C(20), UINT64_C(20) << 32 };
	struct exo_claim claim;
	bool wake;

	begin(false);
	TEST_TRUE(test, exo_channel_sleep(&consumer));
	TEST_EQ(test, exo_channel_claim(&first, &claim), 0);
	TEST_EQ(test, push(&second, 21, &wake), 0);
	TEST_TRUE(test, !wake);
	TEST_EQ(test, pop(), 2);
	TEST_EQ(test, exo_channel_claimant(&consumer), 7);
	TEST_TRUE(test, !exo_channel_sleep(&consumer));
	exo_channel_stay_awake(&consumer);
	memcpy(exo_channel_message(claim.cell), message, sizeof(message));
	TEST_TRUE(test, exo_channel_publish(&first, &claim));
	TEST_EQ(test, exo_channel_skip(&consumer), -EXO_E_AGAIN);
	TEST_EQ(test, pop(), 20);
	TEST_EQ(test, pop(), 21);
	TEST_EQ(test, exo_channel_skip(&consumer), -EXO_E_AGAIN);
}

/* Each lap another cell is lost; the ring has as many as before. */
static void channel_goes_on_without_who_has_gone(struct test *test)
{
	struct exo_claim claim;
	bool wake;

	for (unsigned int lost = 0; lost < NR; lost++) {
		begin(false);
		for (unsigned int lap = 0; lap < 3; lap++) {
			for (unsigned int i = 0; i < NR; i++)
				TEST_EQ(test,
					i == lost ? exo_channel_claim(&second, &claim)
						  : push(&first, 10 + i, &wake),
					0);
			TEST_EQ(test, push(&first, 99, &wake), -EXO_E_AGAIN);
			for (unsigned int i = 0; i < NR; i++) {
				if (i != lost) {
					TEST_EQ(test, pop(), 10 + i);
					continue;
				}
				TEST_EQ(test, pop(), 2);
				TEST_EQ(test, exo_channel_claimant(&consumer), EXO_CHANNEL_IDS - 1);
				TEST_EQ(test, exo_channel_skip(&consumer), 0);
			}
			TEST_EQ(test, pop(), 0);
		}
	}
}

static void channel_of_a_single_producer(struct test *test)
{
	static const struct exo_channel_shape shape = { CELLS, BYTES };
	uint64_t message[WORDS];

	begin(true);
	for (unsigned int value = 10; value < 10 + 3 * NR; value += 2) {
		TEST_TRUE(test, !exo_channel_flush(&first));
		TEST_TRUE(test, exo_channel_sleep(&consumer));
		for (unsigned int i = 0; i < 2; i++) {
			message[0] = value + i;
			message[1] = ~message[0];
			message[2] = message[0] << 32;
			TEST_EQ(test, exo_channel_push_single(&first, message, WORDS), 0);
		}
		TEST_TRUE(test, exo_channel_flush(&first));
		TEST_TRUE(test, !exo_channel_flush(&first));
		TEST_TRUE(test, !exo_channel_sleep(&consumer));
		/* Whoever comes after one that has died just before it told where it is. */
		channel->tail -= EXO_CHANNEL_STEP;
		exo_producer_init(&first, channel, &shape, 0);
		TEST_EQ(test, pop(), value);
		TEST_EQ(test, pop(), value + 1);
	}
	for (unsigned int i = 0; i < NR; i++)
		TEST_EQ(test, exo_channel_push_single(&first, message, WORDS), 0);
	TEST_EQ(test, exo_channel_push_single(&first, message, WORDS), -EXO_E_AGAIN);
	TEST_TRUE(test, exo_channel_sleep(&consumer) == false);
	exo_channel_stay_awake(&consumer);
	TEST_TRUE(test, !exo_channel_flush(&first));
}

static void channel_tells_who_waits_for_room(struct test *test)
{
	bool wake;

	begin(false);
	TEST_TRUE(test, !exo_channel_await_room(&first, 4));
	TEST_EQ(test, exo_channel_waiting(&consumer), 4);
	for (unsigned int i = 0; i < NR; i++)
		TEST_EQ(test, push(&first, 10 + i, &wake), 0);
	TEST_EQ(test, push(&second, 99, &wake), -EXO_E_AGAIN);
	TEST_EQ(test, push(&first, 99, &wake), -EXO_E_AGAIN);
	TEST_TRUE(test, exo_channel_await_room(&first, 1));
	TEST_TRUE(test, exo_channel_await_room(&second, UINT64_C(1) << 63));
	TEST_EQ(test, pop(), 10);
	TEST_EQ(test, exo_channel_waiting(&consumer), (UINT64_C(1) << 63) + 1);
	TEST_EQ(test, exo_channel_waiting(&consumer), 0);
	TEST_TRUE(test, !exo_channel_await_room(&first, 1));
}

/* Whatever is in the memory: each call ends, and nothing behind the channel is touched. */
static void channel_survives_scribbling(struct test *test)
{
	uint64_t random = 88172645463325252, message[WORDS];
	struct exo_claim claim;
	bool wake;

	begin(false);
	memset(memory + MEMORY, 0x5a, BEHIND * sizeof(*memory));
	for (unsigned int i = 0; i < 100000; i++) {
		const unsigned int place = (unsigned int)(random % MEMORY);

		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		/* Anything, or something near to what is right. */
		memory[place] = i % 2 ? random : channel->head + (random & 0x7ffff);
		consumer.single = i % 3 == 0;
		(void)push(i % 5 ? &first : &second, i, &wake);
		(void)exo_channel_push_single(&second, message, WORDS);
		(void)exo_channel_flush(&second);
		(void)exo_channel_await_room(&first, 1);
		if (!exo_channel_claim(&first, &claim)) {
			TEST_TRUE(test, &claim.cell->word >= (uint64_t *)(channel + 1));
			TEST_TRUE(test, &claim.cell->word < memory + MEMORY);
		}
		(void)exo_channel_pop(&consumer, message, WORDS);
		(void)exo_channel_skip(&consumer);
		(void)exo_channel_sleep(&consumer);
		(void)exo_channel_stay_awake(&consumer);
		(void)exo_channel_waiting(&consumer);
		TEST_TRUE(test, exo_channel_claimant(&consumer) < EXO_CHANNEL_IDS);
	}
	for (unsigned int i = 0; i < BEHIND; i++)
		TEST_EQ(test, memory[MEMORY + i], UINT64_C(0x5a5a5a5a5a5a5a5a));
}

static const struct test_case channel_cases[] = {
	TEST_CASE(channel_is_full_and_empty_lap_after_lap),
	TEST_CASE(channel_takes_up_who_was_away),
	TEST_CASE(channel_positions_wrap),
	TEST_CASE(channel_wakes_once_who_sleeps),
	TEST_CASE(channel_gives_nothing_that_is_not_published),
	TEST_CASE(channel_goes_on_without_who_has_gone),
	TEST_CASE(channel_of_a_single_producer),
	TEST_CASE(channel_tells_who_waits_for_room),
	TEST_CASE(channel_survives_scribbling),
};
TEST_SUITE(channel, channel_cases);
