/* SPDX-License-Identifier: MIT */
/*
 * User mode: system calls, upcalls, what programs may not do, and what a thread looks like when it
 * is stopped. Programs are pieces of user_blob.asm; each ends in a UD2 that nobody handles, which
 * stops it.
 */
#include "thread_support.h"
#include "user_support.h"

#include <arch/gdt.h>
#include <exo/string.h>
#include <exo/test.h>

static struct user_space space;
static struct program program;

#define VECTOR_UD 6

/* Is every register but those of @changed (in the order of the frame) still the pattern? */
static bool kept(const struct interrupt_frame *frame, uint32_t changed)
{
	const uint64_t *now = (const uint64_t *)frame, *then = (const uint64_t *)&program.start;

	for (unsigned int i = 0; i < offsetof(struct interrupt_frame, vector) / 8; i++)
		if (!(changed >> i & 1) && now[i] != then[i])
			return false;
	return frame->rsp == program.start.rsp;
}

#define REGISTER(name) (1u << offsetof(struct interrupt_frame, name) / 8)

static void user_mode_null_call_returns(struct test *test)
{
	struct interrupt_frame *frame;

	TEST_TRUE(test, user_space_make(&space));
	program_make(&program, &space, BLOB(blob_syscall));
	program.start.rax = 1u << 31;
	TEST_TRUE(test, program_start(&program, NULL));
	frame = program_wait(&program);
	TEST_TRUE(test, frame);
	TEST_EQ(test, program.faults, 1);
	TEST_EQ(test, program.fault.vector, VECTOR_UD);
	TEST_EQ(test, frame->rip, BLOB(blob_syscall) + 2);
	TEST_EQ(test, frame->cs, SELECTOR_USER_CODE);
	TEST_EQ(test, frame->ss, SELECTOR_USER_DATA);
	TEST_EQ(test, frame->rax, 0);
	TEST_EQ(test, frame->rdx, 0);
	TEST_EQ(test, frame->rcx, frame->rip);
	TEST_EQ(test, frame->r11, frame->rflags);
	TEST_EQ(test, frame->rdi | frame->rsi | frame->r8 | frame->r9 | frame->r10, 0);
	TEST_TRUE(test, kept(frame, REGISTER(rax) | REGISTER(rdx) | REGISTER(rcx) | REGISTER(r11) |
					    REGISTER(rdi) | REGISTER(rsi) | REGISTER(r8) |
					    REGISTER(r9) | REGISTER(r10)));
	TEST_TRUE(test, program_end(&program));
	user_space_free(&space);
}

static const struct test_case user_mode_cases[] = {
	TEST_CASE(user_mode_null_call_returns),
};
TEST_SUITE(user_mode, user_mode_cases);
