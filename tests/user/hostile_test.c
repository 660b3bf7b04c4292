/* SPDX-License-Identifier: MIT */
/*
 * Programs that do what they must not: each ends, or is told of its fault, and the kernel and this
 * program go on. The suite user_mode of the kernel has the registers of all this in detail.
 */
#include "hostile.h"

#include <exo/string.h>
#include <libexo/print.h>

#define FRAMES 128u
#define BEGIN(test)                                            \
	do {                                                   \
		ABI_NEEDS_USER_MODE(test);                     \
		ABI_BEGIN(test, FRAMES);                       \
		TEST_EQ(test, hostile_begin(HOSTILE_CODE), 0); \
	} while (0)

enum vector {
	DE = 0,
	DB = 1,
	BP = 3,
	OF = 4,
	UD = 6,
	NM = 7,
	NP = 11,
	SS = 12,
	GP = 13,
	PF = 14,
	MF = 16,
	XM = 19
};

#define MIDDLE (HOSTILE_STACK + EXO_PAGE / 2)

static struct hostile_end end;

/* --- instructions ------------------------------------------------------------------------------*/

/* An instruction, with its length, and the exception it must raise, before it has done anything. */
struct forbidden {
	enum vector vector;
	uint8_t size;
	uint8_t code[11];
};

static const struct forbidden instructions[] = {
	{ GP, 1, { 0xfa } }, /* cli */
	{ GP, 1, { 0xf4 } }, /* hlt */
	{ GP, 3, { 0x0f, 0x22, 0xd8 } }, /* mov cr3, rax */
	{ GP, 3, { 0x0f, 0x20, 0xd8 } }, /* mov rax, cr3 */
	{ GP, 3, { 0x0f, 0x22, 0xc0 } }, /* mov cr0, rax */
	{ GP, 3, { 0x0f, 0x22, 0xd0 } }, /* mov cr2, rax */
	{ GP, 3, { 0x0f, 0x22, 0xe0 } }, /* mov cr4, rax */
	{ GP, 4, { 0x44, 0x0f, 0x20, 0xc0 } }, /* mov rax, cr8 */
	{ GP, 3, { 0x0f, 0x21, 0xc0 } }, /* mov rax, dr0 */
	{ GP, 3, { 0x0f, 0x23, 0xf8 } }, /* mov dr7, rax */
	{ GP, 2, { 0xe4, 0x60 } }, /* in al, 0x60 */
	{ GP, 2, { 0xe5, 0x70 } }, /* in eax, 0x70 */
	{ GP, 2, { 0xe6, 0x80 } }, /* out 0x80, al */
	{ GP, 1, { 0xed } }, /* in eax, dx */
	{ GP, 1, { 0xef } }, /* out dx, eax */
	{ GP, 1, { 0x6c } }, /* insb */
	{ GP, 2, { 0xf3, 0x6f } }, /* rep outsd */
	{ GP, 3, { 0x0f, 0x01, 0x38 } }, /* invlpg [rax] */
	{ GP, 2, { 0x0f, 0x08 } }, /* invd */
	{ GP, 2, { 0x0f, 0x09 } }, /* wbinvd */
	{ GP, 2, { 0x0f, 0x06 } }, /* clts */
	{ GP, 2, { 0x0f, 0x32 } }, /* rdmsr */
	{ GP, 2, { 0x0f, 0x30 } }, /* wrmsr */
	{ GP, 2, { 0x0f, 0x33 } }, /* rdpmc */
	{ GP, 3, { 0x0f, 0x01, 0xf8 } }, /* swapgs */
	{ GP, 3, { 0x48, 0x0f, 0x07 } }, /* sysret */
	{ GP, 4, { 0x0f, 0x01, 0x14, 0x24 } }, /* lgdt [rsp] */
	{ GP, 4, { 0x0f, 0x01, 0x1c, 0x24 } }, /* lidt [rsp] */
	{ GP, 3, { 0x0f, 0x00, 0xd0 } }, /* lldt ax */
	{ GP, 3, { 0x0f, 0x00, 0xd8 } }, /* ltr ax */
	{ GP, 3, { 0x0f, 0x01, 0xf0 } }, /* lmsw ax */
	{ GP, 4, { 0x66, 0x8e, 0xd0, 0x90 } }, /* mov ss, ax: 0 is no stack in ring 3 */
	{ UD, 2, { 0x8e, 0xc8 } }, /* mov cs, ax */
	{ UD, 2, { 0x0f, 0x0b } }, /* ud2 */
	{ UD, 3, { 0x0f, 0xb9, 0xc0 } }, /* ud1 */
	{ UD, 1, { 0x06 } }, /* push es */
	{ UD, 1, { 0x37 } }, /* aaa */
	{ UD, 1, { 0xce } }, /* into */
	{ UD, 2, { 0xd6, 0x90 } }, /* salc */
	{ UD, 7, { 0xea, 0, 0, 0, 0, 8, 0 } }, /* jmp 8:0 */
	{ UD, 3, { 0x0f, 0xc7, 0xc8 } }, /* cmpxchg8b eax, which is no memory */
	{ UD, 3, { 0x0f, 0x01, 0xc1 } }, /* vmcall */
	{ UD, 2, { 0x0f, 0xaa } }, /* rsm */
	{ UD, 3, { 0x0f, 0x01, 0xca } }, /* clac */
	{ GP, 10, { 0xa0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x90 } }, /* mov al, [not canonical] */
	{ PF, 10, { 0xa0, 0, 0, 0, 0, 0, 0x80, 0xff, 0xff, 0x90 } }, /* the kernel's */
};

static void hostile_instructions_fault(struct test *test)
{
	BEGIN(test);
	for (unsigned int i = 0; i < ARRAY_SIZE(instructions); i++) {
		const struct forbidden *this = &instructions[i];

		TEST_EQ(test, hostile_try(&end, this->code, this->size, NULL), 0);
		if (end.cause != this->vector || end.rip != HOSTILE_CODE)
			exo_printf("# instruction %u: 0x%02x 0x%02x\n", i, this->code[0],
				   this->code[1]);
		TEST_EQ(test, end.cause, this->vector);
		TEST_EQ(test, end.rip, HOSTILE_CODE);
		TEST_EQ(test, end.rsp, MIDDLE);
	}
}

/* Only those for programs can be had, breakpoint and overflow. (QEMU's error code has the vector in
 * another place.) */
static void hostile_every_interrupt(struct test *test)
{
	BEGIN(test);
	for (unsigned int vector = 0; vector < 256; vector++) {
		const uint8_t code[] = { 0xcd, (uint8_t)vector };
		const bool ours = vector == BP || vector == OF;

		TEST_EQ(test, hostile_try(&end, code, sizeof(code), NULL), 0);
		TEST_EQ(test, end.cause, ours ? vector : GP);
		TEST_EQ(test, end.error & 7, ours ? 0 : 2);
		TEST_EQ(test, end.rip, HOSTILE_CODE + (ours ? 2 : 0));
	}
}

static void hostile_arithmetic_faults(struct test *test)
{
	static const uint8_t by_zero[] = { 0xf7, 0xf1 }; /* div ecx, which is 0 */
	static const uint8_t int1[] = { 0xf1 };
	static const uint8_t divide[] = {
		0x68, 0x00, 0x1d, 0,	0, /* push 0x1d00: division by zero is not masked */
		0x0f, 0xae, 0x14, 0x24, /* ldmxcsr [rsp] */
		0xb8, 1,    0,	  0,	0, /* mov eax, 1 */
		0xf3, 0x0f, 0x2a, 0xc0, /* cvtsi2ss xmm0, eax */
		0x0f, 0x57, 0xc9, /* xorps xmm1, xmm1 */
		0xf3, 0x0f, 0x5e, 0xc1, /* divss xmm0, xmm1 */
	};
	static const uint8_t x87[] = {
		0x68, 0x7b, 0x03, 0,	0, /* push 0x37b: division by zero is not masked */
		0xdb, 0xe3, /* fninit */
		0xd9, 0x2c, 0x24, /* fldcw [rsp] */
		0xd9, 0xe8, 0xd9, 0xee, /* fld1; fldz */
		0xde, 0xf9, /* fdivp */
		0x9b, /* fwait */
	};

	BEGIN(test);
	TEST_EQ(test, hostile_try(&end, by_zero, sizeof(by_zero), NULL), 0);
	TEST_EQ(test, end.cause, DE);
	TEST_EQ(test, hostile_try(&end, int1, sizeof(int1), NULL), 0);
	/* QEMU keeps it for its debugger. */
	TEST_TRUE(test, end.cause == DB || end.cause == UD);
	TEST_EQ(test, end.rip, HOSTILE_CODE + (end.cause == DB));
	TEST_EQ(test, hostile_try(&end, divide, sizeof(divide), NULL), 0);
	/* QEMU does not raise it. */
	TEST_TRUE(test, !IS_ENABLED(CONFIG_FPU) || end.cause == XM ||
				end.rip == HOSTILE_CODE + sizeof(divide));
	TEST_TRUE(test, IS_ENABLED(CONFIG_FPU) || end.cause == UD);
	TEST_EQ(test, hostile_try(&end, x87, sizeof(x87), NULL), 0);
	TEST_EQ(test, end.cause, IS_ENABLED(CONFIG_FPU) ? MF : NM);
}

/* --- where to --------------------------------------------------------------------------------- */

static void hostile_jumps_lead_nowhere(struct test *test)
{
	static const uint64_t places[] = {
		0,
		HOSTILE_STACK, /* not executable */
		HOSTILE_STATE,
		UINT64_C(0x7fffffffffff),
		UINT64_C(0x800000000000),
		UINT64_C(0xffff7fffffffffff),
		UINT64_C(0xffff800000000000),
		UINT64_C(0xffffffff80100000),
		UINT64_MAX,
	};
	static const uint8_t jump[] = { 0xff, 0xe0 }, call[] = { 0xff, 0xd0 },
			     ret[] = { 0x50, 0xc3 };
	struct exo_registers registers = { .rsp = MIDDLE };

	BEGIN(test);
	for (unsigned int i = 0; i < 3 * ARRAY_SIZE(places); i++) {
		const uint64_t place = places[i / 3];
		const bool canonical = place + (UINT64_C(1) << 47) < UINT64_C(1) << 48;

		registers.rax = place;
		TEST_EQ(test,
			hostile_try(&end,
				    i % 3 == 0	 ? jump
				    : i % 3 == 1 ? call
						 : ret,
				    2, &registers),
			0);
		TEST_EQ(test, end.cause, canonical ? PF : GP);
		if (canonical)
			TEST_EQ(test, end.address, place);
	}
}

/*
 * IRETQ and far returns to another ring, another place, or with another stack. (QEMU reads the
 * frame as the kernel would, which SMAP forbids: a page fault.)
 */
static void hostile_far_returns_fault(struct test *test)
{
	static const uint8_t iretq[] = { 0x48, 0xcf }, lretq[] = { 0x48, 0xcb };
	static const struct {
		uint64_t rip, cs, rflags, rsp, ss;
	} frames[] = {
		{ HOSTILE_CODE, 8, 2, MIDDLE, 16 },
		{ HOSTILE_CODE, 0, 2, MIDDLE, 0 },
		{ UINT64_C(0x800000000000), 0x23, 2, MIDDLE, 0x1b },
		{ HOSTILE_CODE, 0x23, 2, MIDDLE, 16 },
		{ HOSTILE_CODE, 0xfff8, 2, MIDDLE, 0x1b },
		{ HOSTILE_CODE, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX },
	};
	struct exo_registers registers = { .rsp = MIDDLE };

	BEGIN(test);
	for (unsigned int i = 0; i < ARRAY_SIZE(frames); i++) {
		/* hostile.c leaves the stack as it is; this is where it is mapped here. */
		memcpy((void *)(ABI_ADDRESS + UINT64_C(0x40000) + EXO_PAGE / 2), &frames[i],
		       sizeof(frames[i]));
		TEST_EQ(test, hostile_try(&end, iretq, sizeof(iretq), &registers), 0);
		TEST_TRUE(test,
			  end.cause == PF || end.cause == GP || end.cause == SS || end.cause == NP);
		TEST_EQ(test, hostile_try(&end, lretq, sizeof(lretq), &registers), 0);
		TEST_TRUE(test, end.cause == PF || end.cause == GP || end.cause == NP);
	}
}

/* The last page of user space: SYSRET and IRET go to the address behind it, where nothing is. */
static void hostile_calls_at_the_end_of_user_space(struct test *test)
{
	static const uint8_t calls[][7] = { { 0xb8, 0, 0, 0, 0x80, 0x0f, 0x05 }, /* null */
					    { 0xb8, 0, 0, 0, 0x00, 0x0f, 0x05 }, /* foreign */
					    { 0xb8, 31, 0, 0, 0x80, 0x0f, 0x05 } }; /* unknown */
	const uint64_t last = exo_program_info.user_end - EXO_PAGE;

	for (unsigned int i = 0; i < ARRAY_SIZE(calls); i++) {
		ABI_NEEDS_USER_MODE(test);
		ABI_BEGIN(test, FRAMES);
		TEST_EQ(test, hostile_begin(last), 0);
		TEST_EQ(test, hostile_run(&end, calls[i], 7, EXO_PAGE - 7, NULL, ABI_PATIENCE), 0);
		TEST_TRUE(test, end.stopped);
		TEST_EQ(test, end.cause, PF);
		TEST_EQ(test, end.rip, exo_program_info.user_end);
		TEST_EQ(test, end.address, exo_program_info.user_end);
	}
}

/* --- stacks ------------------------------------------------------------------------------------*/

static const uint64_t stacks[] = {
	0,
	1,
	8,
	HOSTILE_STACK,
	HOSTILE_STACK + EXO_PAGE,
	UINT64_C(0x7fffffffffff),
	UINT64_C(0x800000000000),
	UINT64_C(0xffff800000000000),
	UINT64_C(0xffffffff80100000),
	UINT64_MAX,
};

/*
 * A stack is nobody's business but the program's: calls, faults and interrupts need none. (For a
 * push to what is not canonical QEMU raises #GP in place of #SS.)
 */
static void hostile_stacks_do_not_matter(struct test *test)
{
	static const uint8_t null[] = {
		0x48, 0x89, 0xdc, /* mov rsp, rbx */
		0xb8, 0,    0,	  0,	0x80, 0x0f, 0x05, /* null */
		0xb8, 14,   0,	  0,	0x80, 0x31, 0xff, 0x0f, 0x05, /* yield */
		0xb8, 39,   0,	  0,	0,    0x0f, 0x05, /* foreign */
		0xb9, 0,    0,	  0x10, 0, /* mov ecx, 0x100000 */
		0xff, 0xc9, 0x75, 0xfc, /* 1: dec ecx; jnz 1b */
	};
	static const uint8_t push[] = { 0x48, 0x89, 0xdc, 0x50 };
	struct exo_registers registers = { .rsp = MIDDLE };

	BEGIN(test);
	for (unsigned int i = 0; i < ARRAY_SIZE(stacks); i++) {
		registers.rbx = stacks[i];
		TEST_EQ(test, hostile_try(&end, null, sizeof(null), &registers), 0);
		TEST_EQ(test, end.cause, UD);
		TEST_EQ(test, end.rip, HOSTILE_CODE + sizeof(null));
		TEST_EQ(test, end.rsp, stacks[i]);
		if (stacks[i] == HOSTILE_STACK + EXO_PAGE)
			continue;
		TEST_EQ(test, hostile_try(&end, push, sizeof(push), &registers), 0);
		TEST_TRUE(test, end.cause == PF || end.cause == SS || end.cause == GP);
		TEST_EQ(test, end.rip, HOSTILE_CODE + 3);
	}
}

static void hostile_stack_overflows_into_nothing(struct test *test)
{
	static const uint8_t call_itself[] = { 0xe8, 0xfb, 0xff, 0xff, 0xff };

	BEGIN(test);
	TEST_EQ(test, hostile_try(&end, call_itself, sizeof(call_itself), NULL), 0);
	TEST_EQ(test, end.cause, PF);
	TEST_EQ(test, end.address, HOSTILE_STACK - 8);
	TEST_EQ(test, end.error, 6);
}

/* --- flags -------------------------------------------------------------------------------------*/

#define TF 0x100u
#define KEPT 0x240cd5u /* what a program may set: not TF, NT, IOPL, RF, VM, VIF, VIP */

/* Each of them alone, then all, around calls of both kinds and a fault. */
static void hostile_flags_around_calls(struct test *test)
{
	static const uint8_t code[] = {
		0x53, 0x9d, /* push rbx; popfq */
		0xb8, 0,    0,	  0,	0x80, 0x0f, 0x05, /* null */
		0xb8, 14,   0,	  0,	0x80, 0x31, 0xff, 0x53, 0x9d, 0x0f, 0x05, /* yield */
		0xb8, 39,   0,	  0,	0,    0x0f, 0x05, /* foreign */
		0x53, 0x9d, 0x9c, 0x58, /* push rbx; popfq; pushfq; pop rax */
	};
	struct exo_registers registers = { .rsp = MIDDLE };

	BEGIN(test);
	for (unsigned int bit = 0; bit <= 32; bit++) {
		const uint64_t flags = bit < 32 ? UINT64_C(1) << bit : UINT32_MAX & ~TF;

		registers.rbx = flags;
		TEST_EQ(test, hostile_try(&end, code, sizeof(code), &registers), 0);
		if (flags == TF) {
			TEST_EQ(test, end.cause, DB);
			continue;
		}
		TEST_EQ(test, end.cause, UD);
		TEST_EQ(test, end.rip, HOSTILE_CODE + sizeof(code));
		TEST_EQ(test, end.registers.rax & KEPT, flags & KEPT);
		TEST_EQ(test, end.registers.rax & 0x3000, 0);
		TEST_EQ(test, end.registers.rax & 0x200, 0x200);
	}
}

/* A single step over a call, which begins and ends in user mode. */
static void hostile_single_steps_stay_in_user_mode(struct test *test)
{
	static const uint8_t code[] = {
		0x53,
		0x9d, /* push rbx; popfq: the next instruction is a step */
		0x0f,
		0x05,
	};
	struct exo_registers registers = { .rsp = MIDDLE, .rax = UINT64_C(1) << 31, .rbx = TF };

	BEGIN(test);
	for (unsigned int i = 0; i < 2; i++) {
		TEST_EQ(test, hostile_try(&end, code, sizeof(code), &registers), 0);
		TEST_EQ(test, end.cause, DB);
		TEST_TRUE(test, end.rip > HOSTILE_CODE && end.rip < HOSTILE_CODE + 8);
		registers.rax = 39;
	}
}

/* MOV SS and POP SS put a debug exception off to after the next instruction: SYSCALL, or INT3. */
static void hostile_steps_put_off_into_the_kernel(struct test *test)
{
	static const struct {
		uint8_t code[12], size;
	} steps[] = {
		/* mov ecx, ss; push rbx; popfq; mov ss, ecx; syscall */
		{ { 0x8c, 0xd1, 0x53, 0x9d, 0x8e, 0xd1, 0x0f, 0x05 }, 8 },
		/* the same with INT3, INT1, INT 4, UD2 and CLI */
		{ { 0x8c, 0xd1, 0x53, 0x9d, 0x8e, 0xd1, 0xcc }, 7 },
		{ { 0x8c, 0xd1, 0x53, 0x9d, 0x8e, 0xd1, 0xf1 }, 7 },
		{ { 0x8c, 0xd1, 0x53, 0x9d, 0x8e, 0xd1, 0xcd, 4 }, 8 },
		{ { 0x8c, 0xd1, 0x53, 0x9d, 0x8e, 0xd1, 0x0f, 0x0b }, 8 },
		{ { 0x8c, 0xd1, 0x53, 0x9d, 0x8e, 0xd1, 0xfa }, 7 },
		/* popfq first, then two MOV SS in a row */
		{ { 0x8c, 0xd1, 0x53, 0x9d, 0x8e, 0xd1, 0x8e, 0xd1, 0x0f, 0x05 }, 10 },
	};
	struct exo_registers registers = { .rsp = MIDDLE, .rbx = TF };

	BEGIN(test);
	for (unsigned int i = 0; i < 3 * ARRAY_SIZE(steps); i++) {
		/* A call of the kernel's, a foreign one, one that gives up the CPU. */
		registers.rax = i % 3 == 0 ? UINT64_C(1) << 31 : i % 3 == 1 ? 39 : 0x8000000e;
		TEST_EQ(test, hostile_try(&end, steps[i / 3].code, steps[i / 3].size, &registers),
			0);
		TEST_TRUE(test, end.cause == DB || end.cause == BP || end.cause == OF ||
					end.cause == UD || end.cause == GP);
		TEST_TRUE(test, end.rip >= HOSTILE_CODE + 4 &&
					end.rip <= HOSTILE_CODE + steps[i / 3].size + 2);
	}
}

/* --- what has no plan --------------------------------------------------------------------------*/

/* Random bytes: whatever they do, they do it to themselves. The same ones each time. */
static void hostile_random_code(struct test *test)
{
	static uint8_t code[256];
	uint64_t random = 88172645463325252;
	unsigned int stopped = 0;

	BEGIN(test);
	for (unsigned int i = 0; i < 300; i++) {
		struct exo_registers registers;

		for (unsigned int k = 0; k < sizeof(code); k++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			code[k] = (uint8_t)(random >> 24);
			/* Calls are tried more often than chance would. */
			if (k % 16 == 1 && random >> 32 & 1) {
				code[k - 1] = 0x0f;
				code[k] = 5;
			}
		}
		for (unsigned int k = 0; k < sizeof(registers) / 8; k++)
			((uint64_t *)&registers)[k] = k % 2 ? MIDDLE : random >> k;
		registers.rsp = MIDDLE;
		registers.rflags = 2;
		registers.fs_base = registers.gs_base = HOSTILE_STACK;
		TEST_EQ(test, hostile_run(&end, code, sizeof(code), 0, &registers, 5 * MS), 0);
		stopped += end.stopped;
		/* It may have given up what it had. */
		if (abi_stat(abi_slot(2)).type != EXO_TYPE_ENV || i % 50 == 49)
			BEGIN(test);
	}
	TEST_TRUE(test, stopped > 100);
}

static const struct test_case hostile_cases[] = {
	TEST_CASE(hostile_instructions_fault),
	TEST_CASE(hostile_every_interrupt),
	TEST_CASE(hostile_arithmetic_faults),
	TEST_CASE(hostile_jumps_lead_nowhere),
	TEST_CASE(hostile_far_returns_fault),
	TEST_CASE(hostile_calls_at_the_end_of_user_space),
	TEST_CASE(hostile_stacks_do_not_matter),
	TEST_CASE(hostile_stack_overflows_into_nothing),
	TEST_CASE(hostile_flags_around_calls),
	TEST_CASE(hostile_single_steps_stay_in_user_mode),
	TEST_CASE(hostile_steps_put_off_into_the_kernel),
	TEST_CASE(hostile_random_code),
};
TEST_SUITE(user_hostile, hostile_cases);
