/* SPDX-License-Identifier: MIT */
/* An owner with three thieves, and four who steal from each other: each item comes out once. */
#define STEAL_RING_SIZE 16 /* so that it is often full, often empty, and goes round quickly */
#include "stress.h"
#include <exo/steal_ring.h>

#define OWNERS 4
#define COUNT 1000000

struct item {
	unsigned int number;
	unsigned int seen; /* changed by whoever took it */
};

static struct item items[COUNT];
static struct steal_ring rings[OWNERS];
static _Atomic unsigned int left;

/* @item, if any, has come out; @next: the lowest number that may. */
static unsigned int see(struct item *item, unsigned int *next)
{
	if (!item)
		return 0;
	if (item->number < *next)
		stress_wrong("items came out in another order");
	*next = item->number + 1;
	if (item->seen++)
		stress_wrong("an item came out twice");
	return 1;
}

static void count_down(unsigned int count)
{
	if (count)
		atomic_fetch_sub_explicit(&left, count, memory_order_relaxed);
}

/* Pushes everything to ring 0; pops now and then, and takes half out when it is full. */
static void own(unsigned int number)
{
	unsigned int next = 0;
	uint64_t random = STRESS_SEED, first;

	(void)number;
	for (unsigned int i = 0; i < COUNT; i++) {
		items[i].number = i;
		while (!steal_ring_push(&rings[0], &items[i])) {
			const unsigned int count = steal_ring_pop_half(&rings[0], &first);

			for (unsigned int j = 0; j < count; j++)
				see(steal_ring_item(&rings[0], first + j), &next);
			count_down(count);
		}
		if (random % 3 == 0)
			count_down(see(steal_ring_pop(&rings[0]), &next));
		stress_pause(&random);
	}
	while (atomic_load_explicit(&left, memory_order_relaxed)) {
		count_down(see(steal_ring_pop(&rings[0]), &next));
		stress_pause(&random);
	}
}

/* Steals from ring 0 and pops its own ring empty: what one thief gets is in the owner's order. */
static void thieve(unsigned int number)
{
	struct steal_ring *mine = &rings[number + 1];
	uint64_t random = STRESS_SEED + number;
	unsigned int next = 0, more;

	while (atomic_load_explicit(&left, memory_order_relaxed)) {
		unsigned int count = see(steal_ring_steal(&rings[0], mine, &more), &next);

		for (unsigned int i = 0; i < more; i++)
			if (!steal_ring_stolen(mine, i))
				stress_wrong("a stolen item is not there");
		steal_ring_publish(mine, more);
		for (unsigned int i = 0; i < more; i++)
			count += see(steal_ring_pop(mine), &next);
		count_down(count);
		stress_pause(&random);
	}
}

/* Each pushes its share to its own ring, and takes from it or else from another. */
static void share(unsigned int number)
{
	struct steal_ring *mine = &rings[number];
	unsigned int i = number, any = 0, more;
	uint64_t random = STRESS_SEED + number;

	while (atomic_load_explicit(&left, memory_order_relaxed)) {
		struct item *item = NULL;

		if (i < COUNT && steal_ring_push(mine, &items[i])) {
			i += OWNERS;
		} else {
			item = steal_ring_pop(mine);
			if (!item) {
				item = steal_ring_steal(&rings[(number + 1 + random % 3) % OWNERS],
							mine, &more);
				steal_ring_publish(mine, more);
			}
		}
		any = 0;
		count_down(see(item, &any));
		stress_pause(&random);
	}
}

static void check_all(void)
{
	for (unsigned int i = 0; i < OWNERS; i++)
		assert_int_equal(steal_ring_length(&rings[i]), 0);
	for (unsigned int i = 0; i < COUNT; i++) {
		assert_int_equal(items[i].seen, 1);
		items[i].seen = 0;
	}
	stress_check();
}

static void thieves_get_each_once_and_in_order(void **state)
{
	(void)state;
	left = COUNT;
	stress_run(1, own, OWNERS - 1, thieve);
	check_all();
}

static void owners_steal_from_each_other(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < COUNT; i++)
		items[i].number = i;
	left = COUNT;
	stress_run(OWNERS, share, 0, NULL);
	check_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thieves_get_each_once_and_in_order),
		cmocka_unit_test(owners_steal_from_each_other),
	};

	return stress_main(tests, ARRAY_SIZE(tests), "steal_ring_threads");
}
