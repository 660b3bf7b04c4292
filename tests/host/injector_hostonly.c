/* SPDX-License-Identifier: MIT */
/* Three threads push to an injector, one takes: each node once, each producer's in order. */
#include "stress.h"
#include <exo/injector.h>

#define PRODUCERS 3
#define COUNT 400000

struct item {
	struct inject_node node;
	unsigned int producer, number;
};

static struct item items[PRODUCERS][COUNT];
static struct injector injector;
static _Atomic unsigned int found_empty; /* pushes that said so */
static unsigned int takes; /* that gave something */

static void produce(unsigned int producer)
{
	uint64_t random = STRESS_SEED + producer;

	for (unsigned int i = 0; i < COUNT; i++) {
		struct item *item = &items[producer][i];

		item->producer = producer;
		item->number = i;
		if (injector_push(&injector, &item->node))
			atomic_fetch_add_explicit(&found_empty, 1, memory_order_relaxed);
		stress_pause(&random);
	}
}

static void consume(unsigned int consumer)
{
	unsigned int next[PRODUCERS] = { 0 };
	unsigned int left = PRODUCERS * COUNT;
	uint64_t random = STRESS_SEED;

	(void)consumer;
	while (left) {
		struct inject_node *node = injector_take(&injector);

		takes += node != NULL;
		for (; node; node = node->next) {
			const struct item *item = container_of(node, struct item, node);

			if (item->number != next[item->producer]++)
				stress_wrong("a producer's nodes came in another order, or twice");
			left--;
		}
		stress_pause(&random);
	}
}

static void each_comes_once_and_in_order(void **state)
{
	(void)state;
	stress_run(PRODUCERS, produce, 1, consume);
	assert_null(injector_take(&injector));
	/* Whoever finds it empty tells the consumer: just one for each list that is taken. */
	assert_int_equal(takes, found_empty);
	stress_check();
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(each_comes_once_and_in_order) };

	return stress_main(tests, ARRAY_SIZE(tests), "injector_threads");
}
