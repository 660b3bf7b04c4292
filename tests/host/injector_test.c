/* SPDX-License-Identifier: MIT */
/* The injector in one thread: order, and who has to tell the consumer. */
#include <exo/injector.h>
#include <exo/test.h>

static struct inject_node nodes[5];

static void injector_says_when_it_was_empty(struct test *test)
{
	struct injector injector = { NULL };

	TEST_TRUE(test, !injector_take(&injector));
	TEST_TRUE(test, injector_push(&injector, &nodes[0]));
	TEST_TRUE(test, !injector_push(&injector, &nodes[1]));
	TEST_TRUE(test, injector_take(&injector) == &nodes[0]);
	TEST_TRUE(test, injector_push(&injector, &nodes[2]));
}

/* All come at once, oldest first; what is pushed later is another list. */
static void injector_keeps_the_order(struct test *test)
{
	struct injector injector = { NULL };
	struct inject_node *node;

	for (unsigned int length = 1; length <= ARRAY_SIZE(nodes); length++) {
		for (unsigned int i = 0; i < length; i++)
			injector_push(&injector, &nodes[i]);
		node = injector_take(&injector);
		TEST_TRUE(test, !injector_take(&injector));
		for (unsigned int i = 0; i < length; i++) {
			TEST_TRUE(test, node == &nodes[i]);
			node = node->next;
		}
		TEST_TRUE(test, !node);
	}
}

static const struct test_case injector_cases[] = {
	TEST_CASE(injector_says_when_it_was_empty),
	TEST_CASE(injector_keeps_the_order),
};
TEST_SUITE(injector, injector_cases);
