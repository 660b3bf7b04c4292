/* SPDX-License-Identifier: MIT */
/* Two producers push to an injector while its consumer takes. */
#define MODEL_THREADS 3u
#include "model.h"

#include "injector_port.h"

#define PRODUCERS 2

struct item {
	struct inject_node node; /* first */
	unsigned int producer, number;
	rl::var<unsigned int> seen; /* written by the producer, then by the consumer */
};

/* Each producer pushes COUNT; the consumer takes TAKES times meanwhile. */
template <unsigned int COUNT, unsigned int TAKES> struct two_producers : model_case {
	struct injector injector;
	struct item items[PRODUCERS][COUNT];
	unsigned int next[PRODUCERS], found_empty[PRODUCERS], takes;

	void before()
	{
		injector.newest.store(NULL, rl::mo_relaxed, $);
		takes = 0;
		for (unsigned int i = 0; i < PRODUCERS; i++)
			next[i] = found_empty[i] = 0;
	}

	void consume()
	{
		struct inject_node *node = injector_take(&injector);

		takes += node != NULL;
		for (; node; node = node->next($)) {
			struct item *item = reinterpret_cast<struct item *>(node);

			RL_ASSERT(item->number == next[item->producer]++);
			RL_ASSERT(item->seen($) == 1);
			item->seen($) = 2;
		}
	}

	void thread(unsigned int number)
	{
		if (number == PRODUCERS) {
			for (unsigned int i = 0; i < TAKES; i++)
				consume();
			return;
		}
		for (unsigned int i = 0; i < COUNT; i++) {
			struct item *item = &items[number][i];

			item->producer = number;
			item->number = i;
			item->seen($) = 1;
			found_empty[number] += injector_push(&injector, &item->node);
		}
	}

	void after()
	{
		consume();
		RL_ASSERT(next[0] == COUNT && next[1] == COUNT);
		RL_ASSERT(takes == found_empty[0] + found_empty[1]);
	}
};

int main()
{
	model<two_producers<2, 3>, ALL>("two_nodes_each", MANY);
	model_more<two_producers<3, 4>, RANDOM>("three_nodes_each", 100000);
	return model_end();
}
