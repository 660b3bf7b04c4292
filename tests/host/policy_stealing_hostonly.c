/* SPDX-License-Identifier: MIT */
/*
 * The work-stealing policy on made-up machines: whom a CPU steals from, what overflows and when it
 * comes back, who may not be stolen. One host thread plays all CPUs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* After <setjmp.h>, <stdarg.h>, <stddef.h> and <stdint.h>, which it needs. */
#include <cmocka.h>

#include "../../kernel/sched/sched_cpu.h"

#define THREADS (6 * STEAL_RING_SIZE)

static struct cpu machine[8];
static struct run_queue queues[8];
static struct thread idle_thread, threads[THREADS];
static struct numa_topology topology;
static unsigned int gained; /* calls of sched_gained() */

void sched_gained(struct cpu *cpu)
{
	(void)cpu;
	gained++;
}

/* @per_node CPUs in each of @nodes nodes; each node is a cache. Distances: 10, else 10 * |a - b|
 * + 11. */
static void new_machine(unsigned int nodes, unsigned int per_node)
{
	memset(&topology, 0, sizeof(topology));
	memset(stealing_nodes, 0, sizeof(stealing_nodes));
	topology.nr_nodes = nodes;
	topology.nr_ranges = nodes;
	for (unsigned int i = 0; i < nodes; i++) {
		topology.domain[i] = i;
		topology.ranges[i] = (struct numa_range){ GIB(i), GIB(1), i };
		for (unsigned int j = 0; j < nodes; j++)
			topology.distance[i][j] =
				(uint8_t)(i == j ? 10 : 11 + 10 * (i > j ? i - j : j - i));
	}
	numa_init(&topology);
	nr_cpus_online = nodes * per_node;
	for (unsigned int i = 0; i < nr_cpus_online; i++) {
		machine[i] = (struct cpu){ .self = &machine[i],
					   .current = &idle_thread,
					   .idle = &idle_thread,
					   .number = i,
					   .node = i / per_node,
					   .queue = &queues[i] };
		cpus[i] = &machine[i];
		memset(&queues[i], 0, sizeof(queues[i]));
		policy_init(&queues[i], &machine[i]);
		queues[i].cache = machine[i].node;
	}
	for (unsigned int i = 0; i < THREADS; i++) {
		memset(&threads[i], 0, sizeof(threads[i]));
		assert_int_equal(policy_admit(&threads[i], NULL), 0);
		cpu_set_all(&threads[i].affinity);
		threads[i].stack_pointer = 1;
	}
	gained = 0;
}

/* Threads @from up to before @to become ready on @cpu. */
static void ready(cpu_t cpu, unsigned int from, unsigned int to)
{
	for (unsigned int i = from; i < to; i++) {
		threads[i].home = &machine[cpu];
		policy_enqueue(&queues[cpu], &threads[i], ENQUEUE_WOKEN);
	}
}

/* What @cpu picks: the number of the thread; -1 for none. It has to be at home there now. */
static int pick(cpu_t cpu)
{
	const struct thread *thread = policy_pick(&queues[cpu]);

	if (!thread)
		return -1;
	assert_ptr_equal(thread->home, &machine[cpu]);
	return (int)(thread - threads);
}

static void a_ring_is_a_fifo(void **state)
{
	(void)state;
	new_machine(1, 1);
	assert_int_equal(pick(0), -1);
	ready(0, 0, 100);
	assert_int_equal(policy_length(&queues[0]), 100);
	for (int i = 0; i < 100; i++)
		assert_int_equal(pick(0), i);
	assert_int_equal(pick(0), -1);
}

static void a_thief_takes_the_older_half(void **state)
{
	(void)state;
	new_machine(1, 2);
	ready(0, 0, 5);
	assert_int_equal(pick(1), 0);
	assert_int_equal(policy_length(&queues[0]), 2);
	assert_int_equal(policy_length(&queues[1]), 2);
	assert_int_equal(gained, 1);
	assert_int_equal(queues[1].counters.near, 1);
	assert_int_equal(queues[1].counters.stolen, 3);
	assert_int_equal(threads[2].migrations, 1);
	assert_int_equal(threads[3].migrations, 0);
	for (int i = 1; i < 3; i++)
		assert_int_equal(pick(1), i);
	for (int i = 3; i < 5; i++)
		assert_int_equal(pick(0), i);
}

/* Other nodes only when all CPUs of the own one are empty, and then the nearest, however short. */
static void near_ones_come_first(void **state)
{
	(void)state;
	new_machine(4, 2);
	ready(7, 0, 200);
	ready(2, 200, 202);
	ready(1, 202, 203);
	assert_int_equal(pick(0), 202); /* node 0 */
	assert_int_equal(pick(0), 200); /* node 1, distance 21 */
	assert_int_equal(pick(0), 201);
	assert_int_equal(pick(0), 0); /* node 3, distance 41 */
	assert_int_equal(queues[0].counters.near, 1);
	assert_int_equal(queues[0].counters.far, 3);
	assert_int_equal(pick(6),
			 100); /* from CPU 7, of its own node, not from CPU 0, which has 99 */
	assert_int_equal(queues[6].counters.near, 1);
}

/* Of those that are equally near, the longest; a cache in common counts for 64 threads. */
static void long_queues_and_shared_caches_come_first(void **state)
{
	(void)state;
	new_machine(1, 4);
	ready(1, 0, 3);
	ready(2, 3, 10);
	ready(3, 10, 14);
	assert_int_equal(pick(0), 3);
	new_machine(1, 4);
	queues[2].cache = 9;
	ready(1, 0, 3);
	ready(2, 3, 67);
	assert_int_equal(pick(0), 0);
	new_machine(1, 4);
	queues[2].cache = 9;
	ready(1, 0, 3);
	ready(2, 3, 71);
	assert_int_equal(pick(0), 3);
}

/* All thieves but one take from different victims if all are alike. */
static void thieves_do_not_all_meet(void **state)
{
	(void)state;
	new_machine(1, 8);
	ready(1, 0, 1);
	ready(4, 1, 2);
	assert_int_equal(pick(0), 0);
	ready(1, 0, 1);
	assert_int_equal(pick(3), 1);
}

/* A full ring's older half goes to the node, whose other CPUs take it before they steal. */
static void a_full_ring_overflows(void **state)
{
	const int half = STEAL_RING_SIZE / 2;

	(void)state;
	new_machine(2, 2);
	ready(0, 0, STEAL_RING_SIZE);
	assert_int_equal(queues[0].counters.overflowed, 0);
	assert_int_equal(policy_length(&queues[1]), 0);
	ready(0, STEAL_RING_SIZE, STEAL_RING_SIZE + 1);
	assert_int_equal(queues[0].counters.overflowed, half);
	assert_int_equal(policy_length(&queues[0]), half + 2);
	assert_int_equal(policy_length(&queues[1]), 1);
	assert_int_equal(policy_length(&queues[2]), 0);
	for (int i = 0; i < half; i++)
		assert_int_equal(pick(1), i);
	assert_int_equal(queues[1].counters.near, 0);
	for (int i = half; i < STEAL_RING_SIZE + 1; i++)
		assert_int_equal(pick(0), i);
	assert_int_equal(pick(0), -1);
}

/* A single thread near by goes before a whole overflow queue of another node. */
static void a_far_overflow_comes_last(void **state)
{
	(void)state;
	new_machine(2, 2);
	ready(2, 0, STEAL_RING_SIZE + 1);
	ready(1, THREADS - 1, THREADS);
	assert_int_equal(pick(0), THREADS - 1);
	assert_int_equal(pick(0), 0);
}

/* Another node's overflow queue is taken from like a ring, and before the rings there. */
static void another_node_empties_the_overflow(void **state)
{
	(void)state;
	new_machine(2, 1);
	ready(0, 0, STEAL_RING_SIZE + 1);
	assert_int_equal(pick(1), 0);
	assert_int_equal(queues[1].counters.far, 1);
	assert_int_equal(gained, 1);
	assert_int_equal(pick(1), 1);
	assert_int_equal(queues[1].counters.far, 2);
	assert_int_equal(policy_length(&queues[1]), 0);
}

/* The bound: threads that always go on do not keep those in the overflow queue from running. */
static void the_overflow_queue_has_its_turn(void **state)
{
	unsigned int picks = 0, seen = 0, last[THREADS] = { 0 }, longest = 0;
	const unsigned int count = 3 * STEAL_RING_SIZE;
	/* A whole ring in turns with pinned threads, then the overflow queue from its end. */
	const unsigned int bound = 61 * (count + 1) + 2 * STEAL_RING_SIZE;

	(void)state;
	new_machine(1, 1);
	threads[0].affinity.bits[0] = 1;
	ready(0, 0, count);
	while (picks < 40 * bound) {
		const int number = pick(0);

		assert_true(number >= 0);
		picks++;
		if (!last[number])
			seen++;
		if (picks - last[number] > longest)
			longest = picks - last[number];
		last[number] = picks;
		policy_enqueue(&queues[0], &threads[number], ENQUEUE_SLICE_END);
	}
	assert_int_equal(seen, count);
	for (unsigned int i = 0; i < count; i++)
		if (picks - last[i] > longest)
			longest = picks - last[i];
	print_message("# %u threads: at most %u picks between two turns, bound %u\n", count,
		      longest, bound);
	assert_true(longest <= bound);
}

/* Pinned threads are not stolen, but given, and take turns with the ring. */
static void pinned_threads_stay(void **state)
{
	(void)state;
	new_machine(1, 2);
	for (unsigned int i = 0; i < 3; i++)
		threads[i].affinity.bits[0] = i == 1 ? 3 : 1;
	ready(0, 0, 6);
	assert_int_equal(policy_length(&queues[0]), 6);
	assert_int_equal(pick(1), 3);
	assert_int_equal(pick(1), 4);
	assert_int_equal(pick(1), 5);
	assert_int_equal(pick(1), -1);
	ready(0, 3, 6);
	assert_ptr_equal(policy_give(&queues[0], &machine[1]), &threads[1]);
	assert_null(policy_give(&queues[0], &machine[1]));
	assert_int_equal(pick(0), 0);
	assert_int_equal(pick(0), 3);
	assert_int_equal(pick(0), 2);
	assert_int_equal(pick(0), 4);
	assert_int_equal(pick(0), 5);
	assert_int_equal(policy_length(&queues[0]), 0);
}

/* A thread that is still on its stack is not given away. */
static void the_running_thread_is_not_given(void **state)
{
	(void)state;
	new_machine(1, 2);
	threads[0].affinity.bits[0] = 3;
	machine[0].current = &threads[0];
	ready(0, 0, 1);
	assert_null(policy_give(&queues[0], &machine[1]));
}

/* Who is in a ring itself does not steal; who is about to block does. */
static void a_ready_thread_does_not_steal(void **state)
{
	(void)state;
	new_machine(1, 2);
	ready(0, 0, 2);
	machine[1].current = &threads[9];
	threads[9].state = THREAD_READY;
	assert_int_equal(pick(1), -1);
	threads[9].state = THREAD_BLOCKED;
	assert_int_equal(pick(1), 0);
}

static void yield_takes_turns(void **state)
{
	(void)state;
	new_machine(1, 2);
	ready(1, 5, 6);
	assert_ptr_equal(policy_yield(&queues[0], &threads[0]), &threads[0]);
	ready(0, 1, 3);
	threads[0].home = &machine[0];
	assert_ptr_equal(policy_yield(&queues[0], &threads[0]), &threads[1]);
	assert_ptr_equal(policy_yield(&queues[0], &threads[1]), &threads[2]);
	assert_ptr_equal(policy_yield(&queues[0], &threads[2]), &threads[0]);
	assert_int_equal(policy_length(&queues[1]), 1);
}

/* A thread is taken out of the middle, and the others keep their order. */
static void a_thread_is_taken_out(void **state)
{
	(void)state;
	new_machine(1, 1);
	threads[4].affinity.bits[0] = 1;
	ready(0, 0, 6);
	assert_true(policy_take(&queues[0], &threads[2]));
	assert_true(policy_take(&queues[0], &threads[4]));
	assert_false(policy_take(&queues[0], &threads[2]));
	assert_false(policy_take(&queues[0], &threads[4]));
	assert_int_equal(pick(0), 0);
	assert_int_equal(pick(0), 1);
	assert_int_equal(pick(0), 3);
	assert_int_equal(pick(0), 5);
	assert_int_equal(pick(0), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ring_is_a_fifo),
		cmocka_unit_test(a_thief_takes_the_older_half),
		cmocka_unit_test(near_ones_come_first),
		cmocka_unit_test(long_queues_and_shared_caches_come_first),
		cmocka_unit_test(thieves_do_not_all_meet),
		cmocka_unit_test(a_full_ring_overflows),
		cmocka_unit_test(a_far_overflow_comes_last),
		cmocka_unit_test(another_node_empties_the_overflow),
		cmocka_unit_test(the_overflow_queue_has_its_turn),
		cmocka_unit_test(pinned_threads_stay),
		cmocka_unit_test(the_running_thread_is_not_given),
		cmocka_unit_test(a_ready_thread_does_not_steal),
		cmocka_unit_test(yield_takes_turns),
		cmocka_unit_test(a_thread_is_taken_out),
	};

	setvbuf(stdout, NULL, _IOLBF, 0);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("policy_stealing", tests, NULL, NULL);
}
