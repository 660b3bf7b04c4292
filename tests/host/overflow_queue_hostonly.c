/* SPDX-License-Identifier: MIT */
/* Three threads push nodes and chains, two take: each once, each producer's in order. */
#include "stress.h"
#include <exo/overflow_queue.h>

#define PRODUCERS 3
#define CONSUMERS 2
#define COUNT 400000

struct item {
	struct overflow_node node;
	unsigned int producer, number;
	unsigned int seen; /* changed by whoever took it */
};

static struct item items[PRODUCERS][COUNT];
static struct overflow_queue queue;
static _Atomic unsigned int left = PRODUCERS * COUNT;

static void produce(unsigned int producer)
{
	struct item *const mine = items[producer];
	uint64_t random = STRESS_SEED + producer;
	unsigned int length;

	for (unsigned int i = 0; i < COUNT; i += length) {
		length = 1 + (unsigned int)(random >> 32) % 4;
		if (length > COUNT - i)
			length = COUNT - i;
		for (unsigned int j = i; j < i + length; j++) {
			mine[j].producer = producer;
			mine[j].number = j;
			if (j > i)
				overflow_queue_link(&mine[j - 1].node, &mine[j].node);
		}
		overflow_queue_push(&queue, &mine[i].node, &mine[i + length - 1].node);
		stress_pause(&random);
	}
}

static void consume(unsigned int consumer)
{
	unsigned int next[PRODUCERS] = { 0 };
	uint64_t random = STRESS_SEED + 77 * consumer;

	while (atomic_load_explicit(&left, memory_order_relaxed)) {
		struct overflow_node *node = overflow_queue_take(&queue, 1 + random % 5),
				     *following;
		unsigned int count = 0;

		for (; node; node = following) {
			struct item *item = container_of(node, struct item, node);

			if (item->number < next[item->producer])
				stress_wrong("a producer's nodes came in another order");
			next[item->producer] = item->number + 1;
			if (item->seen++)
				stress_wrong("a node came twice");
			following = overflow_queue_next(node);
			count++;
		}
		if (count)
			atomic_fetch_sub_explicit(&left, count, memory_order_relaxed);
		stress_pause(&random);
	}
}

static void each_comes_once_and_in_order(void **state)
{
	(void)state;
	stress_run(PRODUCERS, produce, CONSUMERS, consume);
	assert_true(overflow_queue_empty(&queue));
	for (unsigned int producer = 0; producer < PRODUCERS; producer++)
		for (unsigned int i = 0; i < COUNT; i++)
			assert_int_equal(items[producer][i].seen, 1);
	stress_check();
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(each_comes_once_and_in_order) };

	return stress_main(tests, ARRAY_SIZE(tests), "overflow_queue_threads");
}
