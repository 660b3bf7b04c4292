/* SPDX-License-Identifier: MIT */
/*
 * What a flat kernel must do about where a program is and where its stacks are, in either kind: its
 * own image is memory for calls, and of a stack the kernel takes no more than what the CPU pushes.
 */
#include "abi.h"

#include <exo/string.h>

#define STACK 1024
#define PUSHED 512 /* bytes: far more than an interrupt's words, far less than its handlers use */

static uint8_t small_stack[STACK] __attribute__((aligned(16)));
static volatile uint64_t turns;
static struct exo_sched own_sched = { .priority = EXO_PRIORITY_DEFAULT,
				      .shares = EXO_SHARES_DEFAULT };
static const struct exo_map_op nothing[1] = { { .count = 0 } };

static void flat_one_environment(struct test *test)
{
	if (!ABI_FLAT)
		TEST_SKIP(test, "a protected kernel makes environments");
	ABI_BEGIN(test, 64);
	TEST_EQ(test, abi_make(EXO_TYPE_ENV, 1), -EXO_E_TYPE);
	TEST_EQ(test, abi_stat(abi_slot(1)).type, EXO_TYPE_NONE);
	TEST_EQ(test, abi_used(ABI_BANK), 0);
}

/* Static memory of the program, to be read and to be written; but not what only can be read. */
static void flat_the_image_is_memory(struct test *test)
{
	static struct exo_cap_info info;
	static char text[] = "# from the program's data\n";

	ABI_BEGIN(test, 16);
	TEST_EQ(test, exo_cap_stat(EXO_FIRST_ENV, &info).error, 0);
	TEST_EQ(test, info.type, EXO_TYPE_ENV);
	TEST_EQ(test, exo_cap_stat(EXO_FIRST_ENV, (void *)nothing).error, -EXO_E_FAULT);
	TEST_EQ(test, exo_cap_stat(EXO_FIRST_ENV, (void *)flat_one_environment).error,
		-EXO_E_FAULT);
	TEST_EQ(test, exo_thread_sched(EXO_SELF, EXO_FIRST_CPUS, &own_sched).error, 0);
	TEST_EQ(test, exo_debug_write(text, sizeof(text) - 1).error, 0);
	TEST_EQ(test, exo_map(EXO_SELF, nothing, 1).error, -EXO_E_ARG);
}

static void flat_numbers_without_a_call(struct test *test)
{
	int64_t error, value = 1;

	__asm__ volatile(ABI_CALL(31 + 1)
			 : "=&a"(error), "+d"(value)
			 :
			 : "rcx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory");
	TEST_EQ(test, error, -EXO_E_CALL);
	TEST_EQ(test, value, 0);
	__asm__ volatile(ABI_CALL(29)
			 : "=&a"(error), "+d"(value)
			 :
			 : "rcx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory");
	TEST_EQ(test, error, -EXO_E_CALL);
}

static __attribute__((__noreturn__)) void turn(void)
{
	for (;;)
		turns++;
}

/* Interrupts, switches and a stop, all while this much stack is left. */
static void flat_interrupts_need_little_stack(struct test *test)
{
	struct exo_registers registers;
	uint64_t before, until;

	ABI_BEGIN(test, 32);
	memset(small_stack, 0x5a, sizeof(small_stack));
	TEST_EQ(test, abi_make(EXO_TYPE_THREAD, 1), 0);
	TEST_EQ(test,
		exo_thread_config(abi_slot(1), EXO_SELF, (uint64_t)turn,
				  (uint64_t)small_stack + STACK - 8, 0, 0)
			.error,
		0);
	TEST_EQ(test, exo_thread_state(abi_slot(1), EXO_THREAD_RUN, NULL).error, 0);
	before = turns;
	ABI_UNTIL(test, turns > before + 1000);
	for (until = abi_now() + 100 * MS; abi_now() < until;)
		;
	ABI_UNTIL(test, exo_thread_state(abi_slot(1), EXO_THREAD_STOP, NULL).error == 0);
	before = turns;
	TEST_EQ(test, exo_thread_state(abi_slot(1), EXO_THREAD_READ, &registers).error, 0);
	TEST_TRUE(test, registers.rsp < (uint64_t)small_stack + STACK);
	TEST_TRUE(test, registers.rsp > (uint64_t)small_stack + STACK - 64);
	abi_sleep(20 * MS);
	TEST_EQ(test, turns, before);
	TEST_EQ(test, exo_thread_state(abi_slot(1), EXO_THREAD_RUN, NULL).error, 0);
	ABI_UNTIL(test, turns > before + 1000);
	TEST_EQ(test, exo_cap_delete(abi_slot(1), 1).error, 0);
	ABI_UNTIL(test, abi_stat(EXO_FIRST_ENV).used == 1);
	for (unsigned int i = 0; i < STACK - PUSHED; i++)
		TEST_EQ(test, small_stack[i], 0x5a);
}

static const struct test_case flat_cases[] = {
	TEST_CASE(flat_one_environment),
	TEST_CASE(flat_the_image_is_memory),
	TEST_CASE(flat_numbers_without_a_call),
	TEST_CASE(flat_interrupts_need_little_stack),
};
TEST_SUITE(user_flat, flat_cases);
