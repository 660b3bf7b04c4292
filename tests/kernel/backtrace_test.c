/* SPDX-License-Identifier: MIT */
/* The walk up the stack: real callers are found, a corrupt chain ends it. */
#include <arch/interrupt_frame.h>
#include <exo/backtrace.h>
#include <exo/test.h>

static __noinline unsigned int depth_from_here(void)
{
	uint64_t frame = (uintptr_t)__builtin_frame_address(0);
	unsigned int depth = 0;

	while (depth < 64 && backtrace_next(&frame))
		depth++;
	return depth;
}

static __noinline unsigned int depth_one_deeper(void)
{
	const unsigned int depth = depth_from_here();

	barrier(); /* no tail call */
	return depth;
}

static void backtrace_counts_callers(struct test *test)
{
	const unsigned int depth = depth_from_here();

	TEST_TRUE(test, depth >= 3 && depth < 64);
	TEST_EQ(test, depth_one_deeper(), depth + 1);
}

static void backtrace_survives_corrupt_frames(struct test *test)
{
	uint64_t record[2] = { 0, 1 };
	uint64_t frame = (uintptr_t)record;

	TEST_EQ(test, backtrace_next(&frame), 1); /* the last frame: its caller's pointer is 0 */
	TEST_EQ(test, backtrace_next(&frame), 0);
	record[0] = frame = (uintptr_t)record; /* a loop */
	TEST_EQ(test, backtrace_next(&frame), 0);
	frame = (uintptr_t)record + 1; /* not aligned */
	TEST_EQ(test, backtrace_next(&frame), 0);
	frame = 8; /* not on a stack */
	TEST_EQ(test, backtrace_next(&frame), 0);
	frame = UINT64_MAX - 7;
	TEST_EQ(test, backtrace_next(&frame), 0);
}

static void backtrace_finds_who_made_a_wild_call(struct test *test)
{
	uint64_t stack[3] = { 0x1234, 0, 0 };
	struct interrupt_frame frame = { .rip = 0x1000, .rsp = (uintptr_t)stack };

	TEST_EQ(test, backtrace_caller(&frame), 0x1234);
	frame.rip = (uintptr_t)depth_from_here; /* in code: rbp tells the rest */
	TEST_EQ(test, backtrace_caller(&frame), 0);
	frame.rip = 0x1000;
	frame.rsp = 0x1000; /* no stack */
	TEST_EQ(test, backtrace_caller(&frame), 0);
}

static const struct test_case backtrace_cases[] = {
	TEST_CASE(backtrace_counts_callers),
	TEST_CASE(backtrace_survives_corrupt_frames),
	TEST_CASE(backtrace_finds_who_made_a_wild_call),
};
TEST_SUITE(backtrace, backtrace_cases);
