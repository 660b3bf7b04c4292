/* SPDX-License-Identifier: MIT */
/* What threads take: stacks with guard pages, and memory, also when there is none left. */
#include "thread_support.h"

#include <arch/memory.h>
#include <arch/stack.h>
#include <exo/frame.h>
#include <exo/semaphore.h>
#include <exo/stack.h>
#include <exo/test.h>
#include <exo/test_probe.h>

#define GUARDED (IS_ENABLED(CONFIG_STACK_GUARD) && IS_ENABLED(CONFIG_PAGE_TABLE))

static struct semaphore gate;

static void use_stack(void *argument)
{
	volatile char room[2000];

	(void)argument;
	for (unsigned int i = 0; i < sizeof(room); i++)
		room[i] = 1;
	semaphore_take(&gate, DEADLINE_NEVER);
}

static void thread_stacks(struct test *test)
{
	struct thread *thread;
	uint64_t error;

	semaphore_init(&gate, 0);
	thread = spawn(use_stack, NULL, PRIORITY_DEFAULT, NULL);
	TEST_TRUE(test, thread);
	TEST_TRUE(test, UNTIL(state_of(thread) == THREAD_BLOCKED));
	TEST_TRUE(test, (uintptr_t)thread > thread->stack);
	TEST_TRUE(test, (uintptr_t)thread + sizeof(*thread) <= thread->stack + STACK_SIZE);
	TEST_TRUE(test, test_probe(TEST_READ, thread->stack, &error));
	/* Without guards there is something else below it. */
	TEST_EQ(test, test_probe(TEST_READ, thread->stack - 1, &error), !GUARDED);
	if (GUARDED) {
		TEST_TRUE(test, !test_probe(TEST_WRITE, thread->stack - PAGE_SIZE, &error));
		TEST_EQ(test, error, FAULT_WRITE);
		TEST_TRUE(test, stack_guard_name(thread->stack - 8));
		TEST_TRUE(test, stack_guard_name(thread->stack - PAGE_SIZE));
		TEST_TRUE(test, stack_holds(thread->stack_pointer));
	}
	TEST_TRUE(test, stack_holds((uintptr_t)__builtin_frame_address(0)));
	if (IS_ENABLED(CONFIG_THREAD_STACK_USAGE)) {
		TEST_TRUE(test, thread_stack_used(thread) >= 2000 + sizeof(*thread));
		TEST_TRUE(test, thread_stack_used(thread) < STACK_SIZE);
	} else {
		TEST_EQ(test, thread_stack_used(thread), 0);
	}
	semaphore_give(&gate);
	TEST_EQ(test, thread_join(thread, clock_ns() + PATIENCE, NULL), 0);
}

static void do_nothing(void *argument)
{
	(void)argument;
}

/* At the start of a block that is held. */
struct held {
	struct held *next;
	unsigned int order;
};

/* Holds blocks, the largest first, until no frame is left: few even where memory is huge. */
static struct held *hold_frames(void)
{
	struct held *first = NULL;

	for (unsigned int order = FRAME_MAX_ORDER + 1; order-- > 0;) {
		paddr_t base;

		while (frame_alloc(order, &base) == 0) {
			struct held *held = phys_to_virt(base);

			*held = (struct held){ .next = first, .order = order };
			first = held;
		}
	}
	return first;
}

static void let_go(struct held *held)
{
	while (held) {
		struct held *next = held->next;

		frame_free((uintptr_t)held - DIRECT_MAP_BASE, held->order);
		held = next;
	}
}

/* Makes threads until that fails, then takes all of them back. Returns the error. */
static int make_many(unsigned int *made)
{
	struct thread *thread, *first = NULL;
	int error;

	/* Linked through what nobody uses in a thread that never starts. */
	for (*made = 0; (error = thread_create(&thread, do_nothing, NULL, NULL)) == 0; ++*made) {
		thread->result = first;
		first = thread;
	}
	while (first) {
		struct thread *next = first->result;

		thread_detach(first);
		first = next;
	}
	return error;
}

static void thread_out_of_memory(struct test *test)
{
	struct memory_mark mark;
	struct held *held;
	unsigned int made;
	int error;

	make_many(&made); /* tables of the stack area that stay */
	memory_mark(&mark);
	held = hold_frames();
	error = make_many(&made);
	let_go(held);
	TEST_EQ(test, error, -EXO_E_NOMEM);
	TEST_TRUE(test, made <= CONFIG_THREAD_CACHE);
	TEST_TRUE(test, memory_is_back(&mark));
	TEST_EQ(test, make_many(&made), -EXO_E_NOMEM);
	TEST_TRUE(test, made > 4);
	TEST_TRUE(test, memory_is_back(&mark));
}

static const struct test_case thread_memory_cases[] = {
	TEST_CASE(thread_stacks),
	TEST_CASE(thread_out_of_memory),
};
TEST_SUITE(thread_memory, thread_memory_cases);
