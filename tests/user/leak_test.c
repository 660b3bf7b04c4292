/* SPDX-License-Identifier: MIT */
/*
 * Nothing of the kernel is left in a program's registers, and nothing of them gets lost: not by any
 * call of the call table, with good arguments and bad ones, nor by upcalls, interrupts, switches,
 * and being stopped and looked at. What vector registers have is in leak_fpu_test.c.
 */
#include "hostile.h"
#include "leak_samples.h"

#include <exo/string.h>
#include <generated/calls_kinds.h>
#include <libexo/print.h>

#define FRAMES 200u
#define BEGIN(test)                                            \
	do {                                                   \
		ABI_NEEDS_ENV(test);                           \
		ABI_BEGIN(test, FRAMES);                       \
		TEST_EQ(test, hostile_begin(HOSTILE_CODE), 0); \
	} while (0)

#define USER_TOP (UINT64_C(1) << 47) /* from here on nothing is a program's */
#define RF UINT64_C(0x10000)
#define LAST_ERROR 64 /* more than any */

static struct hostile_end end;
static struct exo_registers in;

static void make_pattern(void)
{
	for (unsigned int i = 0; i < sizeof(in) / 8; i++)
		((uint64_t *)&in)[i] = UINT64_C(0x5a0000001100) + i * 0x1010101;
	in.rsp = HOSTILE_STACK + EXO_PAGE / 2;
	in.rflags = 0x202;
}

/* Is nothing in the state page that could be an address of the kernel? */
static bool page_is_clean(void)
{
	const uint64_t *words = (const uint64_t *)HOSTILE_HERE(HOSTILE_STATE_SLOT);

	for (unsigned int i = 0; i < EXO_PAGE / 8; i++)
		if (words[i] >= USER_TOP)
			return false;
	return true;
}

static bool bases_are_kept(void)
{
	return end.registers.fs_base == in.fs_base && end.registers.gs_base == in.gs_base;
}

/* R15 to RBX: what a call keeps, and anything else even more so. */
static bool saved_are_kept(void)
{
	return memcmp(&end.registers, &in, offsetof(struct exo_registers, r11)) == 0 &&
	       end.rsp == in.rsp && bases_are_kept();
}

/* Has the call words of a message in registers? */
static bool is_message(uint64_t rax)
{
	const uint32_t number = (uint32_t)rax & (EXO_CALL_LIMIT - 1);

	return IS_ENABLED(CONFIG_IPC) && (uint32_t)rax >> 31 && number >= EXO_CALL_IPC_CALL &&
	       number <= EXO_CALL_IPC_WAIT && (uint32_t)rax < EXO_CALL_OURS + EXO_CALL_LIMIT;
}

/* Of a message that comes the words, which the caller looks at; after an error all is as it was,
 * but for RDI, which has a slot or a badge that the thread has itself. */
static bool message_left_nothing(void)
{
	const struct exo_registers *r = &end.registers;
	struct exo_registers kept = *r;

	kept.r11 = in.r11;
	kept.rcx = in.rcx;
	kept.rax = in.rax;
	kept.rdi = in.rdi;
	if (!r->rax) {
		kept.r12 = in.r12;
		kept.r13 = in.r13;
		memcpy(&kept.r10, &in.r10, 3 * 8);
		kept.rsi = in.rsi;
		kept.rdx = in.rdx;
	}
	return r->rax + LAST_ERROR <= LAST_ERROR &&
	       memcmp(&kept, &in, offsetof(struct exo_registers, rip)) == 0 &&
	       (r->rdi == 0 || r->rdi == in.rdi) && end.rsp == in.rsp && bases_are_kept() &&
	       end.rcx == HOSTILE_CODE + 2 && end.r11 == (end.rflags & ~RF) && page_is_clean();
}

/* After SYSCALL: the answers, rip and rflags, what was kept, and 0. */
static bool call_left_nothing(void)
{
	const struct exo_registers *r = &end.registers;

	if (is_message(in.rax))
		return message_left_nothing();
	return saved_are_kept() && r->rax + LAST_ERROR <= LAST_ERROR && r->rdx < USER_TOP &&
	       (r->rdi | r->rsi | r->r10 | r->r8 | r->r9) == 0 && end.rcx == HOSTILE_CODE + 2 &&
	       end.r11 == (end.rflags & ~RF) && (end.r11 & 0x202) == 0x202 && page_is_clean();
}

/* --- calls -------------------------------------------------------------------------------------*/

static const uint8_t syscall_code[] = { 0x0f, 0x05 };

static void make_call(uint32_t number, const uint64_t *arguments)
{
	make_pattern();
	in.rax = number | UINT64_C(1) << 31;
	in.rdi = arguments[0];
	in.rsi = arguments[1];
	in.rdx = arguments[2];
	in.r10 = arguments[3];
	in.r8 = arguments[4];
	in.r9 = arguments[5];
}

static int run_call(uint32_t number, const uint64_t *arguments, uint64_t patience)
{
	make_call(number, arguments);
	return hostile_run(&end, syscall_code, sizeof(syscall_code), 0, &in, patience);
}

/* Gives the environment a line, where programs can have lines. */
static int64_t give_line(void)
{
	if (abi_stat(EXO_FIRST_IRQS).type != EXO_TYPE_IRQ)
		return 0;
	return exo_cap_copy(EXO_FIRST_IRQS, abi_slot(HOSTILE_ENV), IRQS,
			    EXO_COPY(EXO_RIGHTS_ALL, 1), EXO_PART(LINE, 1))
		.error;
}

/* Gives the environment a bank of its own. */
static int64_t give_bank(void)
{
	int64_t error = exo_bank_create(ABI_BANK, 60, EXO_NODE_ANY, abi_slot(BANK)).error;

	return error ? error
		     : exo_cap_copy(abi_slot(BANK), abi_slot(HOSTILE_ENV), BANK,
				    EXO_COPY(EXO_RIGHTS_ALL, 1), 0)
			       .error;
}

static void leak_calls_that_succeed(struct test *test)
{
	uint64_t tried = 0, known = 0;

	BEGIN(test);
	TEST_EQ(test, give_bank(), 0);
	TEST_EQ(test, give_line(), 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(samples); i++) {
		const struct sample *this = &samples[i];

		TEST_EQ(test, run_call(this->number, this->arguments, ABI_PATIENCE), 0);
		TEST_TRUE(test, end.stopped);
		if (!call_left_nothing() || (!this->expected && end.registers.rax))
			exo_printf("# sample %u, call %u\n", i, this->number);
		TEST_EQ(test, end.rip, HOSTILE_CODE + 2);
		TEST_TRUE(test, call_left_nothing());
		if (this->expected == 0 || (this->expected == OPTION &&
					    end.registers.rax != (uint64_t) - (int64_t)EXO_E_CALL))
			TEST_EQ(test, end.registers.rax, 0);
		tried |= UINT64_C(1) << this->number;
	}
	/* All that there are: a new call wants a sample here. */
	for (unsigned int i = 0; i < ARRAY_SIZE(exo_call_kinds); i++)
		known |= UINT64_C(1) << exo_call_kinds[i].number;
	TEST_EQ(test, known & ~tried, UINT64_C(1) << EXO_CALL_UPCALL_RESUME);
}

#define GOT UINT64_C(0x500)

static void signal_soon(void *unused)
{
	(void)unused;
	abi_sleep(20 * MS);
	(void)exo_ntf_signal(abi_slot(HOSTILE_NTF), GOT);
}

/* Who waits and is served comes out of the kernel another way than who does not wait. */
static void leak_waits_that_are_served(struct test *test)
{
	static const uint64_t arguments[6] = { HOSTILE_NTF, GOT << 1 | GOT, EXO_DEADLINE_NEVER };
	struct exo_thread thread;
	int error;

	BEGIN(test);
	for (unsigned int i = 0; i < 5; i++) {
		TEST_EQ(test, exo_thread_start(&thread, signal_soon, NULL, 2), 0);
		error = run_call(EXO_CALL_NTF_WAIT, arguments, ABI_PATIENCE);
		exo_thread_end(&thread);
		TEST_EQ(test, error, 0);
		TEST_TRUE(test, end.stopped && call_left_nothing());
		TEST_EQ(test, end.registers.rax, 0);
		TEST_EQ(test, end.registers.rdx, GOT);
	}
}

static const uint64_t same_for_all[] = {
	0,
	1,
	BANK,
	OUT,
	UINT64_C(0x7fffffffffff),
	USER_TOP,
	UINT64_C(1) << 63,
	UINT64_C(0xffffffff80100000),
	UINT64_MAX,
};

/* Arguments that make little sense, for all numbers, those of no call too. */
static void leak_calls_that_fail(struct test *test)
{
	unsigned int stopped = 0;

	BEGIN(test);
	for (uint32_t number = 0; number < 40; number++) {
		if (number == EXO_CALL_UPCALL_RESUME)
			continue;
		for (unsigned int i = 0; i < ARRAY_SIZE(same_for_all); i++) {
			const uint64_t v = same_for_all[i];
			const uint64_t arguments[6] = { v, v, v, v, v, v };

			TEST_EQ(test, run_call(number, arguments, 20 * MS), 0);
			stopped += end.stopped;
			if (end.stopped && !call_left_nothing())
				exo_printf("# call %u of 0x%llx\n", number, (unsigned long long)v);
			TEST_TRUE(test, !end.stopped || call_left_nothing());
			/* It may have given up what it had. */
			if (abi_stat(abi_slot(HOSTILE_ENV)).type != EXO_TYPE_ENV || !end.stopped)
				BEGIN(test);
		}
	}
	TEST_TRUE(test, stopped > 300);
}

/* A call that somebody, here itself, wants something at the end of: another way out. */
static void leak_calls_that_are_attended_to(struct test *test)
{
	static const uint64_t stop[6] = { EXO_SELF, EXO_THREAD_STOP };
	const exo_cap_t thread = abi_slot(HOSTILE_THREAD);

	BEGIN(test);
	make_call(EXO_CALL_THREAD_STATE, stop);
	TEST_EQ(test, hostile_start(syscall_code, sizeof(syscall_code), 0, &in), 0);
	ABI_UNTIL(test, !exo_thread_state(thread, EXO_THREAD_READ, &end.registers).error);
	TEST_EQ(test, end.registers.rip, HOSTILE_CODE + 2);
	TEST_EQ(test, end.registers.r10, 0);
	TEST_EQ(test, exo_thread_state(thread, EXO_THREAD_RUN, NULL).error, 0);
	TEST_EQ(test, exo_ntf_wait(abi_slot(HOSTILE_NTF), 1, abi_now() + ABI_PATIENCE).value, 1);
	hostile_look(&end);
	TEST_TRUE(test, call_left_nothing());
	TEST_EQ(test, hostile_kill(), 0);
}

/* Goes to where the state page says, which is 0: a page fault there. */
static void leak_upcall_resume(struct test *test)
{
	static const uint64_t none[6];

	BEGIN(test);
	TEST_EQ(test, run_call(EXO_CALL_UPCALL_RESUME, none, ABI_PATIENCE), 0);
	TEST_TRUE(test, end.stopped);
	for (unsigned int i = 0; i < sizeof(end.registers) / 8; i++)
		TEST_TRUE(test, ((const uint64_t *)&end.registers)[i] + LAST_ERROR <
					USER_TOP + LAST_ERROR);
	TEST_TRUE(test, page_is_clean());
}

/* --- upcalls -----------------------------------------------------------------------------------*/

/* The handler has all registers as they were, but for RCX and R11, which the state page has. */
static bool handler_has_them(void)
{
	struct exo_registers now = end.registers;
	const bool lost = (now.rcx == in.rcx || now.rcx == HOSTILE_HANDLER) &&
			  (now.r11 == in.r11 || now.r11 == 0x202);

	now.rcx = in.rcx;
	now.r11 = in.r11;
	return lost && memcmp(&now, &in, offsetof(struct exo_registers, rip)) == 0 &&
	       end.rcx == in.rcx && end.r11 == in.r11 && end.rsp == in.rsp &&
	       (end.rflags & ~RF) == in.rflags && now.rip == HOSTILE_HANDLER && now.rsp == 0 &&
	       bases_are_kept() && page_is_clean();
}

static void leak_upcalls_of_faults(struct test *test)
{
	static const struct {
		uint8_t code[4], size;
		uint64_t cause;
	} faults[] = {
		{ { 0x48, 0x8b, 0x03 }, 3, EXO_UPCALL_PAGE_FAULT }, /* mov rax, [rbx] */
		{ { 0x48, 0x89, 0x03 }, 3, EXO_UPCALL_PAGE_FAULT }, /* mov [rbx], rax */
		{ { 0x0f, 0x0b }, 2, 6 }, /* ud2 */
		{ { 0xcc }, 1, 3 }, /* int3 */
		{ { 0xfa }, 1, 13 }, /* cli */
	};

	BEGIN(test);
	for (unsigned int i = 0; i < ARRAY_SIZE(faults); i++) {
		make_pattern();
		TEST_EQ(test, hostile_try(&end, faults[i].code, faults[i].size, &in), 0);
		TEST_EQ(test, end.cause, faults[i].cause);
		TEST_TRUE(test, handler_has_them());
	}
}

static void leak_upcalls_of_foreign_calls(struct test *test)
{
	BEGIN(test);
	hostile_wishes.foreign = HOSTILE_HANDLER;
	make_pattern();
	in.rax = 39;
	/* RCX and R11 are SYSCALL's. */
	in.rcx = HOSTILE_CODE + 2;
	in.r11 = in.rflags;
	for (unsigned int i = 0; i < 2; i++) {
		TEST_EQ(test, hostile_try(&end, syscall_code, sizeof(syscall_code), &in), 0);
		TEST_EQ(test, end.rip, HOSTILE_CODE + 2);
		if (hostile_wishes.foreign) {
			TEST_EQ(test, end.cause, EXO_UPCALL_FOREIGN);
			/* They are the handler's then, and not in the state page. */
			end.rcx = in.rcx;
			end.r11 = in.r11;
			TEST_TRUE(test, handler_has_them());
		} else {
			TEST_EQ(test, end.registers.rax, -(uint64_t)EXO_E_CALL);
			end.registers.rax = in.rax;
			TEST_EQ(test, end.cause, 6);
			TEST_TRUE(test, handler_has_them());
		}
		hostile_wishes.foreign = 0;
	}
}

static const uint8_t stay[] = { 0xeb, 0xfe }; /* jmp $ */

static void leak_upcalls_of_events(struct test *test)
{
	BEGIN(test);
	TEST_EQ(test, abi_make(EXO_TYPE_NTF, 9), 0);
	hostile_wishes.wanted = EXO_EVENT_NTF;
	make_pattern();
	TEST_EQ(test, hostile_start(stay, sizeof(stay), 0, &in), 0);
	abi_sleep(5 * MS);
	TEST_EQ(test, exo_ntf_bind(abi_slot(9), abi_slot(HOSTILE_THREAD), 1).error, 0);
	TEST_EQ(test, exo_ntf_signal(abi_slot(9), 1).error, 0);
	/* Its handler is an instruction that faults. */
	TEST_EQ(test, exo_ntf_wait(abi_slot(HOSTILE_NTF), 1, abi_now() + ABI_PATIENCE).value, 1);
	hostile_look(&end);
	TEST_EQ(test, end.cause, EXO_UPCALL_EVENT);
	TEST_EQ(test, end.rip, HOSTILE_CODE);
	TEST_TRUE(test, handler_has_them());
	TEST_EQ(test, hostile_kill(), 0);
}

/* --- interrupts, switches, and others' looks ---------------------------------------------------*/

/* Exactly as they were. */
static bool all_are_kept(void)
{
	return memcmp(&end.registers, &in, sizeof(in)) == 0 && page_is_clean();
}

static void leak_interrupts_and_stops(struct test *test)
{
	BEGIN(test);
	make_pattern();
	in.rip = HOSTILE_CODE;
	TEST_EQ(test, hostile_start(stay, sizeof(stay), 0, &in), 0);
	for (unsigned int i = 0; i < 10; i++) {
		abi_sleep(2 * MS);
		TEST_TRUE(test, hostile_stop());
		memset(&end.registers, 0xee, sizeof(end.registers));
		hostile_look(&end);

		TEST_TRUE(test, all_are_kept());
		TEST_EQ(test,
			exo_thread_state(abi_slot(HOSTILE_THREAD), EXO_THREAD_RUN, NULL).error, 0);
	}
	TEST_EQ(test, hostile_kill(), 0);
}

/* Registers of a call from here: in, out. RBP and RSP are left alone. */
static void call_with(struct exo_registers *r)
{
	static struct exo_registers *registers;
	static uint64_t saved;

	registers = r;
	__asm__ volatile("mov %%rbp, %[saved]\n\t"
			 "mov %[registers], %%rbp\n\t"
			 "mov 0(%%rbp), %%r15\n\tmov 8(%%rbp), %%r14\n\tmov 16(%%rbp), %%r13\n\t"
			 "mov 24(%%rbp), %%r12\n\tmov 40(%%rbp), %%rbx\n\tmov 56(%%rbp), %%r10\n\t"
			 "mov 64(%%rbp), %%r9\n\tmov 72(%%rbp), %%r8\n\tmov 80(%%rbp), %%rdi\n\t"
			 "mov 88(%%rbp), %%rsi\n\tmov 96(%%rbp), %%rdx\n\tmov 112(%%rbp), %%rax\n\t"
			 "syscall\n\t"
			 "mov %%r15, 0(%%rbp)\n\tmov %%r14, 8(%%rbp)\n\tmov %%r13, 16(%%rbp)\n\t"
			 "mov %%r12, 24(%%rbp)\n\tmov %%rbx, 40(%%rbp)\n\tmov %%r11, 48(%%rbp)\n\t"
			 "mov %%r10, 56(%%rbp)\n\tmov %%r9, 64(%%rbp)\n\tmov %%r8, 72(%%rbp)\n\t"
			 "mov %%rdi, 80(%%rbp)\n\tmov %%rsi, 88(%%rbp)\n\tmov %%rdx, 96(%%rbp)\n\t"
			 "mov %%rcx, 104(%%rbp)\n\tmov %%rax, 112(%%rbp)\n\t"
			 "mov %[saved], %%rbp"
			 : [saved] "+m"(saved)
			 : [registers] "m"(registers)
			 : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11",
			   "r12", "r13", "r14", "r15", "memory", "cc");
}

/* To a thread of another environment, which has patterns in all its registers, and back. */
static void leak_yields_to_others(struct test *test)
{
	struct exo_registers r, before;

	BEGIN(test);
	make_pattern();
	in.rip = HOSTILE_CODE;
	TEST_EQ(test, hostile_start(stay, sizeof(stay), 0, &in), 0);
	for (unsigned int i = 0; i < 50; i++) {
		for (unsigned int k = 0; k < sizeof(r) / 8; k++)
			((uint64_t *)&r)[k] = 0x330000 + k * 0x1111;
		r.rax = EXO_CALL_YIELD | UINT64_C(1) << 31;
		r.rdi = i % 2 ? abi_slot(HOSTILE_THREAD) : 0;
		before = r;
		call_with(&r);
		/* The partner may be on another CPU. */
		TEST_TRUE(test, r.rax + LAST_ERROR <= LAST_ERROR);
		TEST_EQ(test, r.rdx | r.rdi | r.rsi | r.r8 | r.r9 | r.r10, 0);
		TEST_EQ(test, memcmp(&r, &before, offsetof(struct exo_registers, rbp)), 0);
		TEST_EQ(test, r.rbx, before.rbx);
		TEST_TRUE(test, r.rcx < USER_TOP && (r.r11 & ~UINT64_C(0xcd5)) == 0x202);
	}
	TEST_TRUE(test, hostile_stop());
	hostile_look(&end);
	TEST_TRUE(test, all_are_kept());
	TEST_EQ(test, hostile_kill(), 0);
}

/* A new thread has what it was given, and 0. */
static void leak_new_threads_have_nothing(struct test *test)
{
	const exo_cap_t thread = abi_slot(HOSTILE_THREAD);
	struct exo_registers r;

	BEGIN(test);
	for (unsigned int i = 0; i < 5; i++) {
		TEST_EQ(test, abi_make(EXO_TYPE_THREAD, HOSTILE_THREAD), 0);
		TEST_EQ(test,
			exo_thread_config(thread, abi_slot(HOSTILE_ENV), 0x1234, 0x5678, 77,
					  abi_slot(HOSTILE_STATE_SLOT))
				.error,
			0);
		memset(&r, 0xee, sizeof(r));
		TEST_EQ(test, exo_thread_state(thread, EXO_THREAD_READ, &r).error, 0);
		TEST_EQ(test, r.rip, 0x1234);
		TEST_EQ(test, r.rsp, 0x5678);
		TEST_EQ(test, r.rdi, 77);
		TEST_EQ(test, r.rflags, 0x202);
		r.rip = r.rsp = r.rdi = r.rflags = 0;
		for (unsigned int k = 0; k < sizeof(r) / 8; k++)
			TEST_EQ(test, ((uint64_t *)&r)[k], 0);
		TEST_EQ(test, hostile_kill(), 0);
	}
}

static const struct test_case leak_cases[] = {
	TEST_CASE(leak_waits_that_are_served),
	TEST_CASE(leak_calls_that_succeed),
	TEST_CASE(leak_calls_that_fail),
	TEST_CASE(leak_calls_that_are_attended_to),
	TEST_CASE(leak_upcall_resume),
	TEST_CASE(leak_upcalls_of_faults),
	TEST_CASE(leak_upcalls_of_foreign_calls),
	TEST_CASE(leak_upcalls_of_events),
	TEST_CASE(leak_interrupts_and_stops),
	TEST_CASE(leak_yields_to_others),
	TEST_CASE(leak_new_threads_have_nothing),
};
TEST_SUITE(user_leak, leak_cases);
