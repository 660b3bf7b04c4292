/* SPDX-License-Identifier: MIT */
/* Priority queues against a sorted array of keys, by random operations. */
#include <exo/priority_queue.h>
#include <exo/string.h>
#include <exo/test.h>

#define MAX_NODES 256
#define OPERATIONS (__STDC_HOSTED__ ? 1000000u : 20000u)

struct item {
	struct pq_node node;
	bool queued, seen;
};

static struct item items[MAX_NODES];
static uint64_t model[MAX_NODES]; /* the keys in the queue, ascending */
static unsigned int model_size;
static uint32_t random_state;

static uint32_t random(uint32_t below)
{
	random_state = random_state * 1664525 + 1013904223;
	return (uint32_t)(((uint64_t)random_state * below) >> 32);
}

static void model_insert(uint64_t key)
{
	unsigned int at = model_size++;

	for (; at > 0 && model[at - 1] > key; at--)
		model[at] = model[at - 1];
	model[at] = key;
}

static void model_remove(uint64_t key)
{
	unsigned int at = 0;

	while (model[at] != key)
		at++;
	model_size--;
	memmove(&model[at], &model[at + 1], (model_size - at) * sizeof(*model));
}

static void reset(struct priority_queue *queue, uint32_t seed)
{
	memset(items, 0xa5, sizeof(items)); /* links of a node outside mean nothing */
	for (unsigned int i = 0; i < MAX_NODES; i++)
		items[i].queued = items[i].seen = false;
	queue->first = NULL;
	model_size = 0;
	random_state = seed;
}

static void insert(struct priority_queue *queue, struct item *item, uint64_t key)
{
	item->node.key = key;
	item->queued = true;
	pq_insert(queue, &item->node);
	model_insert(key);
}

static void leave(struct item *item)
{
	item->queued = false;
	model_remove(item->node.key);
	memset(&item->node, 0xa5, sizeof(item->node));
}

/* pq_walk() sees each queued node once and no other, and each is well linked. */
static bool walk_is_complete(struct priority_queue *queue)
{
	unsigned int seen = 0;

	for (struct pq_node *n = pq_walk(queue, NULL); n; n = pq_walk(queue, n)) {
		struct item *item = pq_entry(n, struct item, node);

		if (!item->queued || item->seen || (n->child && n->child->previous != n) ||
		    (n->next && n->next->previous != n) || n->key < queue->first->key)
			return false;
		item->seen = true;
		seen++;
	}
	for (unsigned int i = 0; i < MAX_NODES; i++)
		items[i].seen = false;
	return seen == model_size;
}

static void queue_agrees_with_a_sorted_array(struct test *test)
{
	struct priority_queue queue;

	reset(&queue, 1);
	for (unsigned int i = 0; i < OPERATIONS; i++) {
		/* Grows and shrinks: more inserts than removals for a while, then fewer. */
		const unsigned int bias = i / 4096 % 2 ? 3 : 7;
		struct item *item = &items[random(MAX_NODES)];
		struct pq_node *first;

		if (random(10) < bias) {
			if (!item->queued) /* few different keys in between: many are equal */
				insert(&queue, item, random(i / 8192 % 2 ? 16 : 1u << 30));
		} else if (random(2) && item->queued) {
			pq_remove(&queue, &item->node);
			leave(item);
		} else {
			first = pq_take(&queue);
			TEST_EQ(test, first != NULL, model_size > 0);
			if (first) {
				TEST_EQ(test, first->key, model[0]);
				leave(pq_entry(first, struct item, node));
			}
		}
		first = pq_first(&queue);
		TEST_EQ(test, first != NULL, model_size > 0);
		TEST_TRUE(test, !first || first->key == model[0]);
		if (i % 64 == 0)
			TEST_TRUE(test, walk_is_complete(&queue));
	}
	while (model_size) {
		struct pq_node *first = pq_take(&queue);

		TEST_EQ(test, first->key, model[0]);
		leave(pq_entry(first, struct item, node));
	}
	TEST_TRUE(test, !pq_take(&queue));
}

static void queue_sorts(struct test *test)
{
	struct priority_queue queue;

	/* Ascending, descending, all equal, the extremes. */
	for (unsigned int order = 0; order < 4; order++) {
		reset(&queue, 2);
		for (unsigned int i = 0; i < MAX_NODES; i++) {
			const uint64_t keys[] = { i, MAX_NODES - i, 7, i % 2 ? UINT64_MAX : 0 };

			insert(&queue, &items[i], keys[order]);
		}
		TEST_TRUE(test, walk_is_complete(&queue));
		for (unsigned int i = 0; i < MAX_NODES; i++) {
			struct pq_node *first = pq_take(&queue);

			TEST_EQ(test, first->key, model[0]);
			leave(pq_entry(first, struct item, node));
		}
		TEST_TRUE(test, !pq_first(&queue));
	}
}

static void empty_queue(struct test *test)
{
	struct priority_queue queue = { NULL };

	TEST_TRUE(test, !pq_first(&queue));
	TEST_TRUE(test, !pq_take(&queue));
	TEST_TRUE(test, !pq_walk(&queue, NULL));
}

static const struct test_case priority_queue_cases[] = {
	TEST_CASE(empty_queue),
	TEST_CASE(queue_sorts),
	TEST_CASE(queue_agrees_with_a_sorted_array),
};
TEST_SUITE(priority_queue, priority_queue_cases);
