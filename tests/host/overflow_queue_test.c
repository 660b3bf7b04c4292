/* SPDX-License-Identifier: MIT */
/* The overflow queue in one thread: order, chains, and the moments when others are in the middle.
 */
#include <exo/overflow_queue.h>
#include <exo/test.h>

static struct overflow_node nodes[12];

static void push_one(struct overflow_queue *queue, unsigned int number)
{
	overflow_queue_push(queue, &nodes[number], &nodes[number]);
}

static void push_chain(struct overflow_queue *queue, unsigned int from, unsigned int to)
{
	for (unsigned int i = from; i < to - 1; i++)
		overflow_queue_link(&nodes[i], &nodes[i + 1]);
	overflow_queue_push(queue, &nodes[from], &nodes[to - 1]);
}

/* Is @node a chain of nodes @from up to before @to? */
static bool chain_is(struct overflow_node *node, unsigned int from, unsigned int to)
{
	for (unsigned int i = from; i < to; i++) {
		if (node != &nodes[i])
			return false;
		node = overflow_queue_next(node);
	}
	return !node;
}

static void overflow_queue_is_a_fifo(struct test *test)
{
	struct overflow_queue queue = { .newest = NULL };

	TEST_TRUE(test, overflow_queue_empty(&queue));
	TEST_TRUE(test, !overflow_queue_take(&queue, 1));
	push_one(&queue, 0);
	TEST_TRUE(test, !overflow_queue_empty(&queue));
	push_one(&queue, 1);
	TEST_TRUE(test, chain_is(overflow_queue_take(&queue, 1), 0, 1));
	push_one(&queue, 2);
	TEST_TRUE(test, chain_is(overflow_queue_take(&queue, 1), 1, 2));
	TEST_TRUE(test, chain_is(overflow_queue_take(&queue, 1), 2, 3));
	TEST_TRUE(test, overflow_queue_empty(&queue));
	push_one(&queue, 3);
	TEST_TRUE(test, chain_is(overflow_queue_take(&queue, 1), 3, 4));
}

/* Chains go in and come out whole or in parts. */
static void overflow_queue_takes_chains(struct test *test)
{
	struct overflow_queue queue = { .newest = NULL };

	push_chain(&queue, 0, 5);
	push_one(&queue, 5);
	push_chain(&queue, 6, 12);
	TEST_TRUE(test, chain_is(overflow_queue_take(&queue, 3), 0, 3));
	TEST_TRUE(test, chain_is(overflow_queue_take(&queue, 8), 3, 11));
	TEST_TRUE(test, chain_is(overflow_queue_take(&queue, 8), 11, 12));
	TEST_TRUE(test, overflow_queue_empty(&queue) && !overflow_queue_take(&queue, 8));
}

/* While another consumer has the claim, nobody else gets or changes anything. */
static void overflow_queue_has_one_consumer(struct test *test)
{
	struct overflow_queue queue = { .newest = NULL };

	push_chain(&queue, 0, 2);
	queue.claimed = true;
	TEST_TRUE(test, !overflow_queue_take(&queue, 1) && !overflow_queue_empty(&queue));
	queue.claimed = false;
	TEST_TRUE(test, chain_is(overflow_queue_take(&queue, 9), 0, 2));
	TEST_TRUE(test, !queue.claimed);
}

/* A producer that has announced its node, but not linked it: what is behind it has to wait. */
static void overflow_queue_waits_for_a_link(struct test *test)
{
	struct overflow_queue queue = { .newest = NULL };

	nodes[0].next = NULL;
	queue.newest = &nodes[0];
	push_one(&queue, 1);
	TEST_TRUE(test, !overflow_queue_take(&queue, 9) && !overflow_queue_empty(&queue));
	queue.oldest = &nodes[0];
	TEST_TRUE(test, chain_is(overflow_queue_take(&queue, 1), 0, 1));
	nodes[2].next = NULL;
	queue.newest = &nodes[2];
	push_one(&queue, 3);
	TEST_TRUE(test, !overflow_queue_take(&queue, 9));
	TEST_TRUE(test, !overflow_queue_take(&queue, 9) && !overflow_queue_empty(&queue));
	nodes[1].next = &nodes[2];
	TEST_TRUE(test, chain_is(overflow_queue_take(&queue, 9), 1, 4));
	TEST_TRUE(test, overflow_queue_empty(&queue));
}

static const struct test_case overflow_queue_cases[] = {
	TEST_CASE(overflow_queue_is_a_fifo),
	TEST_CASE(overflow_queue_takes_chains),
	TEST_CASE(overflow_queue_has_one_consumer),
	TEST_CASE(overflow_queue_waits_for_a_link),
};
TEST_SUITE(overflow_queue, overflow_queue_cases);
