/* SPDX-License-Identifier: MIT */
/* Two producers and two consumers at an overflow queue. */
#define MODEL_THREADS 4u
#include "model.h"

#include "overflow_queue_port.h"

#define PRODUCERS 2
#define CONSUMERS 2

struct item {
	struct overflow_node node; /* first */
	unsigned int producer, number;
	rl::var<unsigned int> seen; /* written by the producer, then by the consumer */
};

/* Each producer pushes chains of LENGTH, COUNT times; each consumer takes up to MAX, TAKES times.
 */
template <unsigned int COUNT, unsigned int LENGTH, unsigned int TAKES, unsigned int MAX>
struct two_and_two : model_case {
	struct overflow_queue queue;
	struct item items[PRODUCERS][COUNT * LENGTH];
	unsigned int seen[PRODUCERS];

	void before()
	{
		queue.newest.store(NULL, rl::mo_relaxed, $);
		queue.oldest.store(NULL, rl::mo_relaxed, $);
		queue.claimed.store(false, rl::mo_relaxed, $);
		for (unsigned int i = 0; i < PRODUCERS; i++)
			seen[i] = 0;
	}

	/* @next: the number that must at least come of each producer. */
	bool consume(unsigned int *next, unsigned int max)
	{
		struct overflow_node *node = overflow_queue_take(&queue, max);
		const bool some = node;

		for (; node; node = overflow_queue_next(node)) {
			struct item *item = reinterpret_cast<struct item *>(node);

			RL_ASSERT(item->number >= next[item->producer]);
			next[item->producer] = item->number + 1;
			RL_ASSERT(item->seen($) == 1);
			item->seen($) = 2;
			seen[item->producer]++;
		}
		return some;
	}

	void thread(unsigned int number)
	{
		unsigned int next[PRODUCERS] = { 0, 0 };

		if (number >= PRODUCERS) {
			for (unsigned int i = 0; i < TAKES; i++)
				consume(next, MAX);
			return;
		}
		for (unsigned int i = 0; i < COUNT * LENGTH; i++) {
			struct item *item = &items[number][i];

			item->producer = number;
			item->number = i;
			item->seen($) = 1;
			if (i % LENGTH)
				overflow_queue_link(&items[number][i - 1].node, &item->node);
			if (i % LENGTH == LENGTH - 1)
				overflow_queue_push(&queue, &items[number][i - (LENGTH - 1)].node,
						    &item->node);
		}
	}

	void after()
	{
		unsigned int next[PRODUCERS] = { 0, 0 };

		while (consume(next, 9))
			;
		RL_ASSERT(overflow_queue_empty(&queue));
		RL_ASSERT(seen[0] == COUNT * LENGTH && seen[1] == COUNT * LENGTH);
	}
};

int main()
{
	model<two_and_two<1, 3, 2, 2>, ALL>("a_chain_each", MANY);
	model_more<two_and_two<2, 2, 1, 3>, ALL>("two_shorter_chains_each", MANY);
	model_more<two_and_two<2, 2, 3, 3>, RANDOM>("two_chains_each", 200000);
	return model_end();
}
