/* SPDX-License-Identifier: MIT */
/* An owner pushes more than its ring has room for, and pops, while thieves take halves. */
#define STEAL_RING_SIZE 4
#define MODEL_THREADS 3u
#include "model.h"

#include "steal_ring_port.h"

struct item {
	unsigned int number;
	rl::var<unsigned int> seen; /* written by the owner, then by whoever takes it */
};

/*
 * The owner pushes COUNT items, with a pop after every third and the last one, and takes half out
 * when the ring is full. A thief steals STEALS times, from the owner or, every second time, from
 * the next thief.
 */
template <unsigned int THIEVES, unsigned int COUNT, unsigned int STEALS>
struct stealing : model_case {
	struct steal_ring rings[THIEVES + 1]; /* the owner's is the last */
	struct item items[COUNT];
	unsigned int taken[THIEVES + 1];

	void before()
	{
		for (unsigned int i = 0; i <= THIEVES; i++) {
			rings[i].head.store(i, rl::mo_relaxed, $);
			rings[i].tail.store(i, rl::mo_relaxed, $);
			for (unsigned int j = 0; j < STEAL_RING_SIZE; j++)
				rings[i].slots[j].store(NULL, rl::mo_relaxed, $);
			taken[i] = 0;
		}
	}

	void take(unsigned int who, void *pointer)
	{
		struct item *item = static_cast<struct item *>(pointer);

		if (!item)
			return;
		RL_ASSERT(item->seen($) == 1);
		item->seen($) = 2;
		taken[who]++;
	}

	void own(struct steal_ring *ring)
	{
		uint64_t first;

		for (unsigned int i = 0; i < COUNT; i++) {
			items[i].number = i;
			items[i].seen($) = 1;
			while (!steal_ring_push(ring, &items[i])) {
				const unsigned int count = steal_ring_pop_half(ring, &first);

				for (unsigned int j = 0; j < count; j++)
					take(THIEVES, steal_ring_item(ring, first + j));
			}
			if (i % 3 == 2)
				take(THIEVES, steal_ring_pop(ring));
		}
		take(THIEVES, steal_ring_pop(ring));
	}

	void thread(unsigned int number)
	{
		unsigned int more;

		if (number == THIEVES) {
			own(&rings[THIEVES]);
			return;
		}
		if (number > THIEVES)
			return;
		for (unsigned int i = 0; i < STEALS; i++) {
			struct steal_ring *victim =
				&rings[i % 2 ? (number + 1) % THIEVES : THIEVES];

			take(number, steal_ring_steal(victim, &rings[number], &more));
			steal_ring_publish(&rings[number], more);
		}
		if (number == 0)
			take(number, steal_ring_pop(&rings[number]));
	}

	void after()
	{
		for (unsigned int i = 0; i <= THIEVES; i++)
			while (steal_ring_length(&rings[i]))
				take(i, steal_ring_pop(&rings[i]));
		for (unsigned int i = 1; i <= THIEVES; i++)
			taken[0] += taken[i];
		RL_ASSERT(taken[0] == COUNT);
	}
};

int main()
{
	model<stealing<2, 3, 2>, ALL>("two_thieves", MANY);
	model<stealing<1, 6, 2>, ALL>("overflow_and_wrap", MANY);
	model_more<stealing<2, 7, 4>, RANDOM>("steal_from_each_other", 200000);
	return model_end();
}
