/* SPDX-License-Identifier: MIT */
/*
 * User mode: system calls, upcalls, what programs may not do, and what a thread looks like when it
 * is stopped. Programs are pieces of user_blob.asm; each ends in a UD2 that nobody handles, which
 * stops it.
 */
#include "thread_support.h"
#include "user_support.h"

#include <arch/gdt.h>
#include <arch/mmu.h>
#include <exo/string.h>
#include <exo/test.h>

extern const char image_start[];

static struct user_space space;
static struct program program;

#define VECTOR_UD 6
#define RFLAGS_RF 0x10000ull

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

#define CALL(number) ((1u << 31) | (number))

/* Has the stopped program execute SYSCALL with this in RAX; true if it came back. */
static bool call(uint64_t rax)
{
	struct interrupt_frame *frame = atomic_load(&program.context.stopped);

	frame->rax = rax;
	frame->rdx = 77;
	return program_again(&program, BLOB(blob_syscall)) && program.fault.vector == VECTOR_UD &&
	       program.fault.rip == BLOB(blob_syscall) + 2;
}

static void user_mode_unknown_calls_are_refused(struct test *test)
{
	static const uint32_t numbers[] = { 27, 28, 29, 32, 33, 63, 64, 1 << 16, 0x7fffffff };

	TEST_TRUE(test, user_space_make(&space));
	TEST_TRUE(test, program_run(&program, &space, BLOB(blob_ud)));
	for (unsigned int i = 0; i < ARRAY_SIZE(numbers); i++) {
		TEST_TRUE(test, call(CALL(numbers[i])));
		TEST_EQ(test, program.fault.rax, -(uint64_t)EXO_E_CALL);
		TEST_EQ(test, program.fault.rdx, 0);
	}
	/* Only EAX counts. */
	TEST_TRUE(test, call(0xdeadbeef00000000 | CALL(0)));
	TEST_EQ(test, program.fault.rax, 0);
	/* Foreign ones, without a handler; with one while disabled; without state page. */
	TEST_TRUE(test, call(39));
	TEST_EQ(test, program.fault.rax, -(uint64_t)EXO_E_CALL);
	state_of_space(&space)->foreign = BLOB(blob_foreign);
	state_of_space(&space)->disabled = 1;
	TEST_TRUE(test, call(39));
	TEST_EQ(test, program.fault.rax, -(uint64_t)EXO_E_CALL);
	program.context.state = program.context.entry_state = NULL;
	TEST_TRUE(test, call(0x7fffffff));
	TEST_EQ(test, program.fault.rax, -(uint64_t)EXO_E_CALL);
	TEST_TRUE(test, program_end(&program));
	user_space_free(&space);
}

static void user_mode_foreign_calls_reach_the_handler(struct test *test)
{
	struct exo_state_page *state;
	struct interrupt_frame *frame;

	TEST_TRUE(test, user_space_make(&space));
	program_make(&program, &space, BLOB(blob_syscall));
	state = state_of_space(&space);
	state->foreign = BLOB(blob_foreign);
	program.start.rax = 39;
	TEST_TRUE(test, program_start(&program, NULL));
	frame = program_wait(&program);
	TEST_TRUE(test, frame);
	TEST_EQ(test, frame->rax, 4711);
	TEST_EQ(test, frame->rip, BLOB(blob_syscall) + 2);
	TEST_TRUE(test, kept(frame, REGISTER(rax) | REGISTER(rcx) | REGISTER(r11)));
	TEST_EQ(test, state->cause, EXO_UPCALL_FOREIGN);
	TEST_EQ(test, state->rip, BLOB(blob_syscall) + 2);
	TEST_EQ(test, state->rsp, program.start.rsp);
	TEST_EQ(test, state->rflags & ~0x8d5ull, 0x202);
	TEST_EQ(test, state->disabled, 0);
	/* The handler's own registers. */
	state->foreign = BLOB(blob_ud);
	frame->rax = 1;
	frame = program_again(&program, BLOB(blob_syscall));
	TEST_TRUE(test, frame);
	TEST_EQ(test, frame->rip, BLOB(blob_ud));
	TEST_EQ(test, frame->rsp, USER_UPCALL_STACK + PAGE_SIZE);
	TEST_EQ(test, frame->rflags & ~RFLAGS_RF, 0x202);
	TEST_EQ(test, state->disabled, 1);
	TEST_TRUE(test, program_end(&program));
	user_space_free(&space);
}

/* The registers with which the handler is entered and what the state page then says. */
static bool upcall_is_right(const struct interrupt_frame *frame, uint64_t rip, uint64_t cause)
{
	const struct exo_state_page *state = state_of_space(&space);

	return frame && frame->rip == BLOB(blob_ud) &&
	       frame->rsp == USER_UPCALL_STACK + PAGE_SIZE &&
	       (frame->rflags & ~RFLAGS_RF) == 0x202 && state->rip == rip &&
	       state->rsp == program.start.rsp && (state->rflags & ~RFLAGS_RF) == 0x202 &&
	       state->rcx == program.start.rcx && state->r11 == program.start.r11 &&
	       state->cause == cause && state->disabled == 1;
}

/* A program that begins at @rip with a handler which is a UD2: a fault while disabled. */
static struct interrupt_frame *run_with_bad_handler(uint64_t rip, uint64_t rdi)
{
	program_make(&program, &space, rip);
	state_of_space(&space)->entry = BLOB(blob_ud);
	program.start.rdi = rdi;
	return program_start(&program, NULL) ? program_wait(&program) : NULL;
}

static void user_mode_upcalls_tell_what_happened(struct test *test)
{
	const uint32_t lost = REGISTER(rcx) | REGISTER(r11);
	struct interrupt_frame *frame;
	struct exo_state_page *state;

	TEST_TRUE(test, user_space_make(&space));
	state = state_of_space(&space);
	frame = run_with_bad_handler(BLOB(blob_read), USER_NOTHING + 5);
	TEST_TRUE(test, upcall_is_right(frame, BLOB(blob_read), EXO_UPCALL_PAGE_FAULT));
	TEST_EQ(test, state->error, 4);
	TEST_EQ(test, state->address, USER_NOTHING + 5);
	frame->rsp = program.start.rsp; /* as it was, for kept() */
	TEST_TRUE(test, kept(frame, lost));
	TEST_EQ(test, program.faults, 1);
	TEST_EQ(test, program.fault.vector, VECTOR_UD);
	TEST_TRUE(test, program_end(&program));

	frame = run_with_bad_handler(BLOB(blob_write), USER_CODE + 8);
	TEST_TRUE(test, upcall_is_right(frame, BLOB(blob_write), EXO_UPCALL_PAGE_FAULT));
	TEST_EQ(test, state->error, 7);
	TEST_EQ(test, state->address, USER_CODE + 8);
	TEST_TRUE(test, program_end(&program));

	/* By way of C. */
	frame = run_with_bad_handler(BLOB(blob_int3), 0);
	TEST_TRUE(test, upcall_is_right(frame, BLOB(blob_int3) + 1, 3));
	TEST_EQ(test, state->error, 0);
	TEST_EQ(test, state->address, 0);
	frame->rsp = program.start.rsp;
	TEST_TRUE(test, kept(frame, 0));
	TEST_TRUE(test, program_end(&program));
	frame = run_with_bad_handler(BLOB(blob_read), 0x8000000000000000);
	TEST_TRUE(test, upcall_is_right(frame, BLOB(blob_read), 13));
	TEST_TRUE(test, program_end(&program));
	user_space_free(&space);
}

static void user_mode_upcalls_resume(struct test *test)
{
	uint8_t *stack;
	uint64_t *data;
	struct exo_state_page *state;
	struct interrupt_frame *frame;

	TEST_TRUE(test, user_space_make(&space));
	program_make(&program, &space, BLOB(blob_read));
	state = state_of_space(&space);
	data = user_page_of(&space, USER_DATA);
	stack = (uint8_t *)user_page_of(&space, USER_STACK) + PAGE_SIZE / 2 - 128;
	memset(stack, 0xa5, 128);
	state->entry = BLOB(blob_handler);
	data[1] = 3; /* MOV RAX, [RDI] */
	program.start.rdi = USER_NOTHING;
	program.start.rflags = 0x8d5;
	TEST_TRUE(test, program_start(&program, NULL));
	frame = program_wait(&program);
	TEST_TRUE(test, frame);
	TEST_EQ(test, data[0], 1);
	/* It stopped in the handler of what followed. */
	TEST_EQ(test, state->cause, VECTOR_UD);
	TEST_EQ(test, state->rip, BLOB(blob_read) + 3);
	TEST_EQ(test, state->rsp, program.start.rsp);
	TEST_EQ(test, state->rcx, program.start.rcx);
	TEST_EQ(test, state->r11, program.start.r11);
	TEST_EQ(test, state->rflags & ~RFLAGS_RF, 0xad7);
	frame->rsp = program.start.rsp;
	TEST_TRUE(test, kept(frame, REGISTER(rcx) | REGISTER(r11)));
	for (unsigned int i = 0; i < 128; i++)
		TEST_EQ(test, stack[i], 0xa5);
	TEST_TRUE(test, program_end(&program));
	user_space_free(&space);
}

static void user_mode_without_handler_a_fault_stops(struct test *test)
{
	struct interrupt_frame *frame;

	TEST_TRUE(test, user_space_make(&space));
	program_make(&program, &space, BLOB(blob_read));
	program.start.rdi = USER_NOTHING;
	program.context.state = NULL;
	TEST_TRUE(test, program_start(&program, NULL));
	frame = program_wait(&program);
	TEST_TRUE(test, frame);
	TEST_EQ(test, program.fault.vector, EXO_UPCALL_PAGE_FAULT);
	TEST_EQ(test, program.fault_address, USER_NOTHING);
	TEST_TRUE(test, kept(frame, 0));
	/* The cause is put right from outside. */
	frame->rdi = USER_CODE;
	frame = program_again(&program, BLOB(blob_read));
	TEST_TRUE(test, frame);
	TEST_EQ(test, frame->rax, *(uint64_t *)user_page_of(&space, USER_CODE));
	TEST_TRUE(test, program_end(&program));
	user_space_free(&space);
}

static void user_mode_addresses_of_handlers_are_harmless(struct test *test)
{
	static const uint64_t bad[] = { 1,
					USER_NOTHING,
					0x7fffffffffff,
					0x800000000000,
					0x8000000000000000,
					0xffff800000000000,
					(uintptr_t)image_start,
					~0ull };
	struct exo_state_page *state;

	TEST_TRUE(test, user_space_make(&space));
	TEST_TRUE(test, program_run(&program, &space, BLOB(blob_ud)));
	state = state_of_space(&space);
	for (unsigned int i = 0; i < 3 * ARRAY_SIZE(bad); i++) {
		struct interrupt_frame *frame = atomic_load(&program.context.stopped);
		const uint64_t address = bad[i / 3];
		const unsigned int faults = program.faults;

		state->disabled = 0;
		state->stack = state->foreign = state->entry = address;
		frame->rdi = USER_NOTHING;
		frame->rax = 1;
		frame = program_again(&program, i % 3 == 0   ? BLOB(blob_read)
						: i % 3 == 1 ? BLOB(blob_ud)
							     : BLOB(blob_syscall));
		TEST_TRUE(test, frame);
		TEST_EQ(test, program.faults, faults + 1);
		TEST_EQ(test, state->disabled, 1);
		TEST_TRUE(test, program.fault.rip < 1ull << 47);
	}
	TEST_TRUE(test, program_end(&program));
	user_space_free(&space);
}

extern const char blob_traps[], blob_traps_end[];

static uint64_t in_program(const char *code)
{
	return (uint64_t)USER_CODE + (uint64_t)(code - user_blob);
}

static void user_mode_privileged_instructions_fault(struct test *test)
{
	TEST_TRUE(test, user_space_make(&space));
	TEST_TRUE(test, program_run(&program, &space, BLOB(blob_ud)));
	for (const char *trap = blob_traps; trap < blob_traps_end; trap += 16) {
		const uint64_t rip = in_program(trap) + 1;
		struct interrupt_frame *frame = atomic_load(&program.context.stopped);

		frame->rax = frame->rcx = frame->rdx = 0x10;
		TEST_TRUE(test, program_again(&program, rip));
		TEST_EQ(test, program.fault.rip, rip);
		TEST_EQ(test, program.fault.vector, (uint8_t)*trap);
		TEST_EQ(test, program.fault.cs, SELECTOR_USER_CODE);
	}
	TEST_TRUE(test, program_end(&program));
	user_space_free(&space);
}

static void user_mode_jumps_into_nowhere_fault(struct test *test)
{
	/* Where an address is not canonical depends on the levels of the tables. */
	const struct {
		uint64_t to, vector;
	} jumps[] = {
		{ 0, 14 },
		{ USER_DATA, 14 },
		{ 1ull << (kernel_space.machine->levels == 5 ? 56 : 47), 13 },
		{ (uintptr_t)image_start, 14 },
		{ 0xffff800000000000, 14 },
	};

	TEST_TRUE(test, user_space_make(&space));
	TEST_TRUE(test, program_run(&program, &space, BLOB(blob_ud)));
	for (unsigned int i = 0; i < ARRAY_SIZE(jumps); i++) {
		atomic_load(&program.context.stopped)->rdi = jumps[i].to;
		TEST_TRUE(test, program_again(&program, BLOB(blob_jump)));
		TEST_EQ(test, program.fault.vector, jumps[i].vector);
	}
	/* Nor does it read or write what is the kernel's. */
	atomic_load(&program.context.stopped)->rdi = (uintptr_t)image_start;
	TEST_TRUE(test, program_again(&program, BLOB(blob_read)));
	TEST_EQ(test, program.fault.vector, 14);
	TEST_TRUE(test, program_again(&program, BLOB(blob_write)));
	TEST_EQ(test, program.fault.vector, 14);
	TEST_TRUE(test, program_end(&program));
	user_space_free(&space);
}

#define TF 0x100u
#define AC 0x40000u

static void user_mode_flags_stay_out_of_the_kernel(struct test *test)
{
	/* DF, NT, AC, RF, IOPL, VIF; all at once but for TF. */
	static const uint32_t flags[] = { 0x400, 0x4000, AC, 0x10000, 0x3000, 0x80000, 0xfdced7 };
	struct interrupt_frame *frame;

	TEST_TRUE(test, user_space_make(&space));
	TEST_TRUE(test, program_run(&program, &space, BLOB(blob_ud)));
	for (unsigned int i = 0; i < ARRAY_SIZE(flags); i++) {
		frame = atomic_load(&program.context.stopped);
		frame->rdi = flags[i] | 2;
		frame->rax = CALL(0);
		frame = program_again(&program, BLOB(blob_flags_syscall));
		TEST_TRUE(test, frame);
		TEST_EQ(test, program.fault.vector, VECTOR_UD);
		TEST_EQ(test, frame->rbx & 0x3000, 0); /* not even with POPF */
		TEST_EQ(test, frame->rbx & 0x44400, flags[i] & 0x44400);
		frame->rdi = flags[i] | 2;
		frame = program_again(&program, BLOB(blob_flags_fault));
		TEST_TRUE(test, frame);
		TEST_EQ(test, program.fault.vector, VECTOR_UD);
		TEST_EQ(test, program.kernel_rflags & 0x7700, 0);
		if (IS_ENABLED(CONFIG_SMAP))
			TEST_EQ(test, program.kernel_rflags & AC, 0);
		frame->rflags &= ~0x44400ull;
	}
	/* A single step is the program's business, wherever it is. */
	frame = atomic_load(&program.context.stopped);
	frame->rdi = TF | 2;
	frame->rax = CALL(0);
	frame = program_again(&program, BLOB(blob_flags_syscall));
	TEST_TRUE(test, frame);
	TEST_EQ(test, program.fault.vector, 1);
	TEST_TRUE(test,
		  frame->rip > BLOB(blob_flags_syscall) && frame->rip < BLOB(blob_flags_fault));
	TEST_EQ(test, frame->cs, SELECTOR_USER_CODE);
	TEST_TRUE(test, program_end(&program));
	user_space_free(&space);
}

static const struct test_case user_mode_cases[] = {
	TEST_CASE(user_mode_null_call_returns),
	TEST_CASE(user_mode_unknown_calls_are_refused),
	TEST_CASE(user_mode_foreign_calls_reach_the_handler),
	TEST_CASE(user_mode_upcalls_tell_what_happened),
	TEST_CASE(user_mode_upcalls_resume),
	TEST_CASE(user_mode_without_handler_a_fault_stops),
	TEST_CASE(user_mode_addresses_of_handlers_are_harmless),
	TEST_CASE(user_mode_privileged_instructions_fault),
	TEST_CASE(user_mode_jumps_into_nowhere_fault),
	TEST_CASE(user_mode_flags_stay_out_of_the_kernel),
};
TEST_SUITE(user_mode, user_mode_cases);
