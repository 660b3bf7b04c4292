/* SPDX-License-Identifier: MIT */
/*
 * x87, MXCSR and the vector registers belong to one environment's thread: a new thread begins with
 * the initial ones whatever others have left in the CPU, and two environments that fill all of
 * theirs each find their own after every switch (SDM vol. 1, 10.5.1: what FXSAVE64 stores).
 */
#include "hostile.h"

#include <exo/string.h>

#define AREA (HOSTILE_STACK + 0x400) /* of the hostile program: what it loads, and stores */
#define COUNT (HOSTILE_STACK + 0xc00)
#define FXSAVE_USED 416u
#define NO_DEVICE 7 /* a kernel without floating point */
#define INVALID 6

struct image {
	uint16_t fcw, fsw;
	uint8_t ftw, reserved;
	uint16_t fop;
	uint64_t fip, fdp;
	uint32_t mxcsr, mxcsr_mask;
	uint8_t registers[8 + 16][16]; /* ST 0 to 7, XMM 0 to 15 */
	uint8_t unused[96];
} __aligned(64);

static struct image mine, scratch;
static struct hostile_end end;
static struct exo_registers registers;

static struct image *area(void)
{
	return (struct image *)(HOSTILE_HERE(HOSTILE_STACK_SLOT) + 0x400);
}

/* All registers with something of their own. */
static void make_pattern(struct image *image, unsigned int seed)
{
	memset(image, 0, sizeof(*image));
	image->fcw = (uint16_t)(0x37f | (seed & 3) << 10);
	image->mxcsr = 0x1f80 | (seed & 3) << 13; /* the rounding mode */
	image->ftw = 0xff; /* all in use */
	for (unsigned int i = 0; i < 24; i++)
		for (unsigned int byte = 0; byte < (i < 8 ? 10 : 16); byte++)
			image->registers[i][byte] = (uint8_t)(seed * 31 + i * 7 + byte + 1);
}

/* What they are in the beginning (SDM vol. 1, 13.6). */
static bool is_initial(const struct image *image)
{
	struct image initial;

	memset(&initial, 0, sizeof(initial));
	initial.fcw = 0x37f;
	initial.mxcsr = 0x1f80;
	initial.mxcsr_mask = image->mxcsr_mask;
	return memcmp(image, &initial, FXSAVE_USED) == 0;
}

static int begin(void)
{
	const int error = abi_begin(64);

	memset(&registers, 0, sizeof(registers));
	registers.rsp = HOSTILE_STACK + EXO_PAGE;
	registers.rbx = AREA;
	registers.rcx = COUNT;
	return error ? error : hostile_begin(HOSTILE_CODE);
}

static bool has_no_fpu(void)
{
	static const uint8_t fninit[] = { 0xdb, 0xe3 };

	return hostile_try(&end, fninit, sizeof(fninit), NULL) == 0 &&
	       (end.cause == NO_DEVICE || (end.cause == INVALID && end.rip == HOSTILE_CODE));
}

static const uint8_t store[] = { 0x48, 0x0f, 0xae, 0x03 }; /* fxsave64 [rbx] */
static const uint8_t load[] = { 0x48, 0x0f, 0xae, 0x0b }; /* fxrstor64 [rbx] */

/* Others leave patterns in the CPU: this program, and a thread that has ended. */
static void leak_fpu_new_threads_have_nothing(struct test *test)
{
	ABI_NEEDS_ENV(test);
	TEST_EQ(test, begin(), 0);
	if (has_no_fpu())
		TEST_SKIP(test, "no floating point");
	for (unsigned int i = 0; i < 20; i++) {
		make_pattern(area(), i + 1);
		TEST_EQ(test, hostile_try(&end, load, sizeof(load), &registers), 0);
		TEST_EQ(test, end.rip, HOSTILE_CODE + sizeof(load));
		make_pattern(&mine, i + 2);
		__asm__ volatile("fxrstor64 %0" : : "m"(mine));
		/* What is no register need not be written. */
		memset(area(), 0, sizeof(struct image));
		TEST_EQ(test, hostile_try(&end, store, sizeof(store), &registers), 0);
		TEST_EQ(test, end.rip, HOSTILE_CODE + sizeof(store));
		TEST_TRUE(test, is_initial(area()));
		__asm__ volatile("fninit; ldmxcsr %0" : : "m"((uint32_t){ 0x1f80 }));
	}
}

static const uint8_t load_upper[] = {
	0x31, 0xc9, 0x0f, 0x01, 0xd0, /* xor ecx, ecx; xgetbv */
	0xa8, 0x04, 0x75, 0x02, 0x0f, 0x0b, /* test al, 4; jnz 1f; ud2; 1: */
	0xc5, 0xfc, 0x10, 0x03, /* vmovups ymm0, [rbx] */
	0xc5, 0x7c, 0x10, 0x3b, /* vmovups ymm15, [rbx] */
};
static const uint8_t store_upper[] = {
	0xc5, 0xfc, 0x11, 0x03, /* vmovups [rbx], ymm0 */
	0xc5, 0x7c, 0x11, 0x7b, 0x20, /* vmovups [rbx + 32], ymm15 */
};

/* The upper halves, where the CPU and the kernel have them. */
static void leak_fpu_new_threads_have_no_upper_halves(struct test *test)
{
	static const uint8_t nothing[64];

	ABI_NEEDS_ENV(test);
	TEST_EQ(test, begin(), 0);
	make_pattern(area(), 3);
	TEST_EQ(test, hostile_try(&end, load_upper, sizeof(load_upper), &registers), 0);
	if (end.rip != HOSTILE_CODE + sizeof(load_upper))
		TEST_SKIP(test, "no AVX");
	for (unsigned int i = 0; i < 10; i++) {
		memset(area(), 0xee, 64);
		TEST_EQ(test, hostile_try(&end, load_upper, sizeof(load_upper), &registers), 0);
		TEST_EQ(test, hostile_try(&end, store_upper, sizeof(store_upper), &registers), 0);
		TEST_EQ(test, end.rip, HOSTILE_CODE + sizeof(store_upper));
		TEST_EQ(test, memcmp(area(), nothing, sizeof(nothing)), 0);
	}
}

/* Loads, and for ever yields, stores, compares all but MXCSR's mask and what is unused, counts. */
static const uint8_t keep[] = {
	0x49, 0x89, 0xcc, /* mov r12, rcx */
	0x48, 0x0f, 0xae, 0x0b, /* fxrstor64 [rbx] */
	0xb8, 14,   0,	  0,	0x80, 0x31, 0xff, /* 1: mov eax, yield; xor edi, edi */
	0x0f, 0x05, /* syscall */
	0x48, 0x0f, 0xae, 0x83, 0x00, 0x02, 0,	  0, /* fxsave64 [rbx + 512] */
	0x48, 0x89, 0xde, /* mov rsi, rbx */
	0x48, 0x8d, 0xbb, 0x00, 0x02, 0,    0, /* lea rdi, [rbx + 512] */
	0xb9, 7,    0,	  0,	0, /* mov ecx, 7 */
	0xf3, 0xa7, /* repe cmpsd: up to MXCSR */
	0x75, 0x13, /* jne 2f */
	0xad, 0x83, 0xc7, 0x04, /* lodsd; add edi, 4 */
	0xb9, 96,   0,	  0,	0, /* mov ecx, 96 */
	0xf3, 0xa7, /* repe cmpsd: to the end of XMM15 */
	0x75, 0x06, /* jne 2f */
	0x49, 0xff, 0x04, 0x24, /* inc qword [r12] */
	0xeb, 0xc9, /* jmp 1b */
	0x90, /* 2: ud2 follows */
};

/* The same here, @rounds times; false if something was another's. */
static bool keep_here(const struct image *image, unsigned int rounds)
{
	bool same = true;

	for (unsigned int i = 0; i < rounds && same; i++) {
		uint64_t rax = EXO_CALL_YIELD | UINT64_C(1) << 31;

		__asm__ volatile("fxrstor64 %[image]\n\t"
				 "xor %%edi, %%edi\n\t"
				 "syscall\n\t"
				 "fxsave64 %[scratch]\n\t"
				 : [scratch] "=m"(scratch), "+a"(rax)
				 : [image] "m"(*image)
				 : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory",
				   "cc");
		__asm__ volatile("fninit; ldmxcsr %0" : : "m"((uint32_t){ 0x1f80 }));
		scratch.mxcsr_mask = image->mxcsr_mask;
		same = memcmp(&scratch, image, FXSAVE_USED) == 0;
	}
	return same;
}

static int64_t both_on(uint32_t cpu)
{
	struct exo_sched sched = { .priority = EXO_PRIORITY_DEFAULT, .shares = EXO_SHARES_DEFAULT };
	int64_t error;

	sched.affinity[0] = UINT64_C(1) << cpu;
	error = exo_thread_sched(EXO_SELF, EXO_FIRST_CPUS, &sched).error;
	return error ? error
		     : exo_thread_sched(abi_slot(HOSTILE_THREAD), EXO_FIRST_CPUS, &sched).error;
}

static void leak_fpu_switches_keep_everyones(struct test *test)
{
	volatile const uint64_t *count =
		(const uint64_t *)(HOSTILE_HERE(HOSTILE_STACK_SLOT) + 0xc00);
	struct exo_sched all = { .priority = EXO_PRIORITY_DEFAULT, .shares = EXO_SHARES_DEFAULT };
	const uint32_t cpus = exo_program_info.info->nr_cpus;
	bool same = true;

	ABI_NEEDS_ENV(test);
	TEST_EQ(test, begin(), 0);
	if (has_no_fpu())
		TEST_SKIP(test, "no floating point");
	make_pattern(area(), 1);
	make_pattern(&mine, 2);
	TEST_EQ(test, hostile_start(keep, sizeof(keep), 0, &registers), 0);
	for (uint32_t cpu = 0; cpu < cpus && cpu < 64 && same; cpu++) {
		const uint64_t before = *count;

		same = both_on(cpu) == 0;
		for (unsigned int i = 0; i < 50 && same; i++)
			same = keep_here(&mine, 50);
		abi_patience();
		while (same && *count < before + 50)
			same = abi_patient();
	}
	memset(all.affinity, 0xff, sizeof(all.affinity));
	(void)exo_thread_sched(EXO_SELF, EXO_FIRST_CPUS, &all);
	TEST_TRUE(test, same);
	/* Nor has the other one stopped. */
	TEST_EQ(test, exo_ntf_wait(abi_slot(HOSTILE_NTF), 1, 0).error, -EXO_E_TIMEOUT);
	TEST_EQ(test, hostile_kill(), 0);
}

static const struct test_case leak_fpu_cases[] = {
	TEST_CASE(leak_fpu_new_threads_have_nothing),
	TEST_CASE(leak_fpu_new_threads_have_no_upper_halves),
	TEST_CASE(leak_fpu_switches_keep_everyones),
};
TEST_SUITE(user_leak_fpu, leak_fpu_cases);
