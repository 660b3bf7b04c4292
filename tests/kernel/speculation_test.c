/* SPDX-License-Identifier: MIT */
/* The ways to user mode with VERW in them, whether this CPU needs it or not. */
#include "thread_support.h"
#include "user_support.h"

#include <arch/speculation.h>
#include <exo/test.h>

static struct user_space space;
static struct program program;

/* Runs a program from @rip up to where it stops; with these handlers. */
static bool stops_at(uint64_t stop, uint64_t rip, uint64_t entry, uint64_t foreign)
{
	const struct interrupt_frame *frame;
	uint64_t rsp;
	bool right;

	program_make(&program, &space, rip);
	program.start.rax = foreign ? 39 : 1u << 31;
	program.start.rdi = USER_NOTHING;
	state_of_space(&space)->entry = entry;
	state_of_space(&space)->foreign = foreign;
	rsp = entry || foreign ? USER_UPCALL_STACK + PAGE_SIZE : program.start.rsp;
	if (!program_start(&program, NULL))
		return false;
	frame = program_wait(&program);
	right = frame && frame->rip == stop && frame->rsp == rsp &&
		frame->rbx == program.start.rbx && frame->r15 == program.start.r15;
	return program_end(&program) && right;
}

static void speculation_verw_changes_nothing_else(struct test *test)
{
	const bool before = speculation_verw;

	TEST_TRUE(test, user_space_make(&space));
	for (unsigned int i = 0; i < 2; i++) {
		speculation_verw = i;
		TEST_TRUE(test, stops_at(BLOB(blob_ud), BLOB(blob_ud), 0, 0));
		TEST_TRUE(test, stops_at(BLOB(blob_syscall) + 2, BLOB(blob_syscall), 0, 0));
		TEST_TRUE(test, stops_at(BLOB(blob_ud), BLOB(blob_syscall), 0, BLOB(blob_ud)));
		TEST_TRUE(test, stops_at(BLOB(blob_ud), BLOB(blob_read), BLOB(blob_ud), 0));
	}
	speculation_verw = before;
	user_space_free(&space);
}

static const struct test_case speculation_entry_cases[] = {
	TEST_CASE(speculation_verw_changes_nothing_else),
};
TEST_SUITE(speculation_entry, speculation_entry_cases);
