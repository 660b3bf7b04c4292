/* SPDX-License-Identifier: MIT */
/* The stealing ring in one thread: order, limits, halves, and what its numbers do when they wrap.
 */
#include <exo/steal_ring.h>
#include <exo/string.h>
#include <exo/test.h>

static struct steal_ring ring, thief;
static char items[3 * STEAL_RING_SIZE];

/* Two empty rings whose numbers begin at @number. */
static void new_rings(uint64_t number)
{
	memset(&ring, 0, sizeof(ring));
	memset(&thief, 0, sizeof(thief));
	ring.head = ring.tail = number;
	thief.head = thief.tail = 3 * number + 5;
}

/* Pushes items @from up to before @to; false if one does not fit. */
static bool push(struct steal_ring *where, unsigned int from, unsigned int to)
{
	for (unsigned int i = from; i < to; i++)
		if (!steal_ring_push(where, &items[i]))
			return false;
	return true;
}

/* Pops items @from up to before @to; false if something else comes. */
static bool pop(struct steal_ring *where, unsigned int from, unsigned int to)
{
	for (unsigned int i = from; i < to; i++)
		if (steal_ring_pop(where) != &items[i])
			return false;
	return true;
}

static void steal_ring_is_a_fifo(struct test *test)
{
	new_rings(0);
	TEST_EQ(test, steal_ring_length(&ring), 0);
	TEST_TRUE(test, !steal_ring_pop(&ring));
	TEST_TRUE(test, push(&ring, 0, 3) && pop(&ring, 0, 2) && push(&ring, 3, 5));
	TEST_EQ(test, steal_ring_length(&ring), 3);
	TEST_TRUE(test, pop(&ring, 2, 5));
	TEST_TRUE(test, !steal_ring_pop(&ring));
}

/* Full is full, and one that was popped makes room for one; also where the numbers wrap. */
static void steal_ring_is_bounded(struct test *test)
{
	static const uint64_t numbers[] = { 0, 1, STEAL_RING_MASK, UINT32_MAX - 3, UINT64_MAX - 3 };

	TEST_EQ(test, STEAL_RING_SIZE & STEAL_RING_MASK, 0);
	TEST_TRUE(test, STEAL_RING_SIZE >= CONFIG_SCHED_RING_SIZE);
	for (unsigned int i = 0; i < ARRAY_SIZE(numbers); i++) {
		new_rings(numbers[i]);
		TEST_TRUE(test, push(&ring, 0, STEAL_RING_SIZE));
		TEST_EQ(test, steal_ring_length(&ring), STEAL_RING_SIZE);
		TEST_TRUE(test, !steal_ring_push(&ring, &items[0]));
		TEST_TRUE(test, pop(&ring, 0, 1));
		TEST_TRUE(test, push(&ring, STEAL_RING_SIZE, STEAL_RING_SIZE + 1));
		TEST_TRUE(test, !steal_ring_push(&ring, &items[0]));
		TEST_TRUE(test, pop(&ring, 1, STEAL_RING_SIZE + 1));
		TEST_EQ(test, steal_ring_length(&ring), 0);
	}
}

/* A thief gets the older half, rounded up, in order; it shows only when it is published. */
static void steal_ring_gives_half(struct test *test)
{
	static const unsigned int lengths[] = { 0, 1, 2, 3, 7, 8, STEAL_RING_SIZE };
	unsigned int more;

	for (unsigned int i = 0; i < ARRAY_SIZE(lengths); i++) {
		const unsigned int length = lengths[i], half = (length + 1) / 2;

		new_rings(UINT64_MAX - 1);
		TEST_TRUE(test, push(&ring, 0, length));
		TEST_TRUE(test,
			  steal_ring_steal(&ring, &thief, &more) == (length ? &items[0] : NULL));
		TEST_EQ(test, more, length ? half - 1 : 0);
		TEST_EQ(test, steal_ring_length(&ring), length - half);
		TEST_EQ(test, steal_ring_length(&thief), 0);
		for (unsigned int j = 0; j < more; j++)
			TEST_TRUE(test, steal_ring_stolen(&thief, j) == &items[j + 1]);
		steal_ring_publish(&thief, more);
		TEST_TRUE(test, pop(&thief, 1, half) && !steal_ring_pop(&thief));
		TEST_TRUE(test, pop(&ring, half, length) && !steal_ring_pop(&ring));
	}
}

/* A thief that has something already takes no more than it has room for, and keeps what it had. */
static void steal_ring_thief_has_little_room(struct test *test)
{
	unsigned int more;

	for (unsigned int room = 0; room < 3; room++) {
		const unsigned int had = STEAL_RING_SIZE - room, end = had + STEAL_RING_SIZE;

		new_rings(STEAL_RING_SIZE - 2);
		TEST_TRUE(test, push(&thief, 0, had) && push(&ring, had, end));
		TEST_TRUE(test, steal_ring_steal(&ring, &thief, &more) == &items[had]);
		TEST_EQ(test, more, room);
		steal_ring_publish(&thief, more);
		TEST_TRUE(test, pop(&thief, 0, had) && pop(&thief, had + 1, had + 1 + room));
		TEST_TRUE(test, pop(&ring, had + 1 + room, end));
	}
}

static void steal_ring_owner_takes_half(struct test *test)
{
	uint64_t first;

	new_rings(UINT64_MAX - 2);
	TEST_EQ(test, steal_ring_pop_half(&ring, &first), 0);
	TEST_TRUE(test, push(&ring, 0, STEAL_RING_SIZE - 1));
	TEST_EQ(test, steal_ring_pop_half(&ring, &first), STEAL_RING_SIZE / 2);
	for (unsigned int i = 0; i < STEAL_RING_SIZE / 2; i++)
		TEST_TRUE(test, steal_ring_item(&ring, first + i) == &items[i]);
	TEST_TRUE(test, pop(&ring, STEAL_RING_SIZE / 2, STEAL_RING_SIZE - 1));
	TEST_TRUE(test, push(&ring, 7, 8));
	TEST_EQ(test, steal_ring_pop_half(&ring, &first), 1);
	TEST_TRUE(test, steal_ring_item(&ring, first) == &items[7]);
}

static const struct test_case steal_ring_cases[] = {
	TEST_CASE(steal_ring_is_a_fifo),	TEST_CASE(steal_ring_is_bounded),
	TEST_CASE(steal_ring_gives_half),	TEST_CASE(steal_ring_thief_has_little_room),
	TEST_CASE(steal_ring_owner_takes_half),
};
TEST_SUITE(steal_ring, steal_ring_cases);
