/* SPDX-License-Identifier: MIT */
/*
 * Producers in threads of their own push to a channel, one takes, sleeps and is woken: each message
 * once and whole, each producer's in order, nobody sleeps for ever. Rings of 1, 2 and 64 cells.
 */
#include "stress.h"
#include <exo/string.h>
#include <uapi/exo/channel.h>

#define PRODUCERS 3
#define COUNT 30000
#define MOST 6 /* log2 of cells */
#define BYTES 6
#define WORDS 7

static uint64_t memory[EXO_CHANNEL_SIZE(MOST, BYTES) / sizeof(uint64_t)] __aligned(64);
static struct exo_channel *const channel = (struct exo_channel *)(void *)memory;
static struct exo_channel_shape shape;
static bool single;
static unsigned int producers;
/* Notifications: a word and who waits for it. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t told = PTHREAD_COND_INITIALIZER;
static uint64_t bits;
static unsigned long slept, waited;

#define FOR_CONSUMER (UINT64_C(1) << 63)

static void ntf_signal(uint64_t some)
{
	pthread_mutex_lock(&lock);
	bits |= some;
	pthread_cond_broadcast(&told);
	pthread_mutex_unlock(&lock);
}

/* A lost wake-up is a message, not a test that hangs. */
static void ntf_wait(uint64_t mask, unsigned long *count)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 60;
	pthread_mutex_lock(&lock);
	++*count;
	while (!(bits & mask))
		if (pthread_cond_timedwait(&told, &lock, &end)) {
			stress_wrong("nobody has woken who waits");
			break;
		}
	bits &= ~mask;
	pthread_mutex_unlock(&lock);
}

static int push(struct exo_producer *producer, const uint64_t *message)
{
	bool wake = false;
	int error;

	if (single) {
		error = exo_channel_push_single(producer, message, WORDS);
		wake = !error && exo_channel_flush(producer);
	} else {
		error = exo_channel_push(producer, message, WORDS, &wake);
	}
	if (!error && wake)
		ntf_signal(FOR_CONSUMER);
	return error;
}

static void produce(unsigned int self)
{
	uint64_t random = STRESS_SEED + self, message[WORDS];
	struct exo_producer producer;

	exo_producer_init(&producer, channel, &shape, self);
	for (uint64_t i = 0; i < COUNT; i++) {
		for (unsigned int j = 0; j < WORDS; j++)
			message[j] = (uint64_t)self << 56 | (i * WORDS + j);
		while (push(&producer, message))
			if (exo_channel_await_room(&producer, UINT64_C(1) << self))
				ntf_wait(UINT64_C(1) << self, &waited);
		stress_pause(&random);
	}
}

static void check(const uint64_t *message, uint64_t *next)
{
	const uint64_t self = message[0] >> 56;

	if (self >= producers) {
		stress_wrong("a message nobody has sent");
		return;
	}
	for (unsigned int j = 0; j < WORDS; j++)
		if (message[j] != (self << 56 | (next[self] * WORDS + j)))
			stress_wrong("a message came in another order, twice or in parts");
	next[self]++;
}

static void tell_room(struct exo_consumer *consumer)
{
	const uint64_t some = exo_channel_waiting(consumer);

	if (some)
		ntf_signal(some);
}

static void consume(unsigned int unused)
{
	uint64_t message[WORDS], next[PRODUCERS] = { 0 }, random = STRESS_SEED;
	struct exo_consumer consumer;

	(void)unused;
	exo_consumer_init(&consumer, channel, &shape, single);
	for (uint64_t left = (uint64_t)producers * COUNT; left;) {
		const int error = exo_channel_pop(&consumer, message, WORDS);

		if (!error) {
			check(message, next);
			left--;
			if (exo_channel_half(&consumer))
				tell_room(&consumer);
			stress_pause(&random);
		} else if (exo_channel_sleep(&consumer)) {
			tell_room(&consumer);
			ntf_wait(FOR_CONSUMER, &slept);
		} else if (error == -EXO_E_BUSY) {
			sched_yield();
		}
	}
}

static void run(uint32_t cells, unsigned int nr_producers, bool is_single)
{
	memset(memory, 0, sizeof(memory));
	shape = (struct exo_channel_shape){ cells, BYTES };
	producers = nr_producers;
	single = is_single;
	bits = 0;
	slept = waited = 0;
	stress_run(nr_producers, produce, 1, consume);
	stress_check();
	assert_int_not_equal(slept, 0);
	assert_int_not_equal(waited, 0);
}

static void each_comes_once_by_many_cells(void **state)
{
	(void)state;
	run(MOST, PRODUCERS, false);
}

static void each_comes_once_by_two_cells(void **state)
{
	(void)state;
	run(1, PRODUCERS, false);
}

static void each_comes_once_by_one_cell(void **state)
{
	(void)state;
	run(0, 2, false);
}

static void each_comes_once_from_a_single_producer(void **state)
{
	(void)state;
	run(MOST, 1, true);
	run(1, 1, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_comes_once_by_many_cells),
		cmocka_unit_test(each_comes_once_by_two_cells),
		cmocka_unit_test(each_comes_once_by_one_cell),
		cmocka_unit_test(each_comes_once_from_a_single_producer),
	};

	return stress_main(tests, ARRAY_SIZE(tests), "channel_threads");
}
