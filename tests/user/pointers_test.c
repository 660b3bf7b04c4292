/* SPDX-License-Identifier: MIT */
/*
 * Addresses that calls are given: whatever cannot be read or written is an error, before anything
 * has happened, and alignment is no condition.
 */
#include "abi.h"

#include <exo/string.h>
#include <libexo/thread.h>

#define EDGE (ABI_ADDRESS + EXO_PAGE) /* what is before it can be had, nothing behind it */
#define CANARY 0x5a

/* Where a struct of @size bytes cannot be had, number @index; 0: there are no more. */
static uint64_t bad_address(unsigned int index, uint64_t size)
{
	const uint64_t bad[] = {
		EDGE - size + 1, /* its last byte */
		EDGE - 1, /* all but its first */
		EDGE,
		ABI_ADDRESS - 1, /* its first byte */
		8,
		exo_program_info.user_end - 1,
		exo_program_info.user_end - size,
		exo_program_info.user_end,
		UINT64_C(0x7fffffffffff),
		UINT64_C(0x800000000000),
		UINT64_C(0xffff7fffffffffff),
		UINT64_C(0xffff800000000000),
		ABI_FLAT ? EDGE : UINT64_C(0xffffffff80100000),
		UINT64_MAX - size + 1,
		UINT64_MAX - size + 2,
		UINT64_MAX,
	};

	return index < ARRAY_SIZE(bad) ? bad[index] : 0;
}

/* A page with nothing around it, filled. */
static int make_edge(void)
{
	int64_t error = abi_frames(1, 1);

	if (!error)
		error = abi_map(EXO_MAP, 1, 1, ABI_ADDRESS, ABI_RW);
	if (!error)
		memset((void *)ABI_ADDRESS, CANARY, EXO_PAGE);
	return (int)error;
}

static bool is_untouched(void)
{
	const uint8_t *page = (const uint8_t *)ABI_ADDRESS;

	for (unsigned int i = 0; i < EXO_PAGE; i++)
		if (page[i] != CANARY)
			return false;
	return true;
}

static void pointers_cap_stat(struct test *test)
{
	uint8_t buffer[sizeof(struct exo_cap_info) + 8];
	struct exo_cap_info info;
	uint64_t address;

	ABI_BEGIN(test, 16);
	TEST_EQ(test, make_edge(), 0);
	for (unsigned int i = 0; (address = bad_address(i, sizeof(info))); i++)
		TEST_EQ(test, exo_cap_stat(EXO_FIRST_ENV, (void *)address).error, -EXO_E_FAULT);
	/* What may only be read. */
	TEST_EQ(test, exo_cap_stat(EXO_FIRST_ENV, (void *)bad_address).error, -EXO_E_FAULT);
	TEST_EQ(test, exo_cap_stat(EXO_FIRST_ENV, (void *)EXO_INFO_ADDRESS).error, -EXO_E_FAULT);
	for (unsigned int i = 0; i < 8; i++) {
		memset(buffer, CANARY, sizeof(buffer));
		TEST_EQ(test, exo_cap_stat(EXO_FIRST_ENV, buffer + i).error, 0);
		memcpy(&info, buffer + i, sizeof(info));
		TEST_EQ(test, info.type, EXO_TYPE_ENV);
		TEST_TRUE(test, i == 0 || buffer[i - 1] == CANARY);
		TEST_TRUE(test, i == 8 || buffer[i + sizeof(info)] == CANARY);
	}
	TEST_EQ(test, exo_cap_stat(EXO_FIRST_ENV, (void *)(EDGE - sizeof(info))).error, 0);
}

static void pointers_thread_state(struct test *test)
{
	uint8_t buffer[sizeof(struct exo_registers) + 8];
	struct exo_registers registers;
	uint64_t address;

	ABI_BEGIN(test, 32);
	TEST_EQ(test, make_edge(), 0);
	TEST_EQ(test, abi_make(EXO_TYPE_THREAD, 2), 0);
	TEST_EQ(test,
		exo_thread_config(abi_slot(2), EXO_SELF, 0x400000, EXO_STACK_TOP, 42, 0).error, 0);
	for (unsigned int i = 0; (address = bad_address(i, sizeof(registers))); i++) {
		TEST_EQ(test, exo_thread_state(abi_slot(2), EXO_THREAD_READ, (void *)address).error,
			-EXO_E_FAULT);
		TEST_EQ(test,
			exo_thread_state(abi_slot(2), EXO_THREAD_WRITE, (void *)address).error,
			-EXO_E_FAULT);
	}
	for (unsigned int i = 0; i < 8; i++) {
		TEST_EQ(test, exo_thread_state(abi_slot(2), EXO_THREAD_READ, buffer + i).error, 0);
		memcpy(&registers, buffer + i, sizeof(registers));
		TEST_EQ(test, registers.rdi, 42);
		TEST_EQ(test, exo_thread_state(abi_slot(2), EXO_THREAD_WRITE, buffer + i).error, 0);
	}
}

static void pointers_thread_sched(struct test *test)
{
	uint8_t buffer[sizeof(struct exo_sched) + 8];
	const struct exo_sched sched = { .priority = EXO_PRIORITY_DEFAULT,
					 .shares = EXO_SHARES_DEFAULT };
	uint64_t address;

	ABI_BEGIN(test, 16);
	TEST_EQ(test, make_edge(), 0);
	for (unsigned int i = 0; (address = bad_address(i, sizeof(sched))); i++)
		TEST_EQ(test, exo_thread_sched(EXO_SELF, EXO_FIRST_CPUS, (void *)address).error,
			-EXO_E_FAULT);
	for (unsigned int i = 0; i < 8; i++) {
		memcpy(buffer + i, &sched, sizeof(sched));
		TEST_EQ(test, exo_thread_sched(EXO_SELF, EXO_FIRST_CPUS, buffer + i).error, 0);
	}
	TEST_TRUE(test, is_untouched());
}

static void pointers_map(struct test *test)
{
	static uint8_t buffer[EXO_MAP_MAX * sizeof(struct exo_map_op) + 8];
	const struct exo_map_op op = {
		.slot = (uint32_t)abi_slot(1), .count = 1, .act = EXO_PROTECT, .rights = ABI_RW
	};
	struct exo_result result;
	uint64_t address;

	ABI_BEGIN(test, 16);
	TEST_EQ(test, make_edge(), 0);
	for (uint64_t count = 1; count <= EXO_MAP_MAX; count += EXO_MAP_MAX - 1)
		for (unsigned int i = 0; (address = bad_address(i, count * sizeof(op))); i++) {
			result = exo_map(EXO_SELF, (void *)address, count);
			TEST_EQ(test, result.error, -EXO_E_FAULT);
			TEST_EQ(test, result.value, 0);
		}
	/* What is too much is not even looked at. */
	TEST_EQ(test, exo_map(EXO_SELF, buffer, EXO_MAP_MAX + 1).error, -EXO_E_RANGE);
	TEST_EQ(test, exo_map(EXO_SELF, NULL, UINT64_MAX).error, -EXO_E_RANGE);
	TEST_EQ(test, exo_map(EXO_SELF, NULL, UINT64_MAX / sizeof(op) + 2).error, -EXO_E_RANGE);
	TEST_EQ(test, exo_map(EXO_SELF, NULL, 0).error, 0);
	for (unsigned int i = 0; i < 8; i++) {
		for (unsigned int k = 0; k < EXO_MAP_MAX; k++)
			memcpy(buffer + i + k * sizeof(op), &op, sizeof(op));
		result = exo_map(EXO_SELF, buffer + i, EXO_MAP_MAX);
		TEST_EQ(test, result.error, 0);
		TEST_EQ(test, result.value, EXO_MAP_MAX);
	}
	TEST_TRUE(test, is_untouched());
}

static void pointers_debug_write(struct test *test)
{
	uint64_t address;

	ABI_BEGIN(test, 16);
	TEST_EQ(test, make_edge(), 0);
	for (uint64_t size = 2; size <= 256; size *= 2)
		for (unsigned int i = 0; (address = bad_address(i, size)); i++)
			TEST_EQ(test, exo_debug_write((void *)address, size).error, -EXO_E_FAULT);
	TEST_EQ(test, exo_debug_write((void *)EDGE, 0).error, 0);
	TEST_EQ(test, exo_debug_write((void *)ABI_ADDRESS, 4097).error, -EXO_E_RANGE);
	TEST_EQ(test, exo_debug_write((void *)ABI_ADDRESS, UINT64_MAX).error, -EXO_E_RANGE);
	TEST_TRUE(test, is_untouched());
}

/* Numbers at the ends of what fits, in each place of each call that takes numbers of things. */
static void pointers_counts_and_slots(struct test *test)
{
	const uint64_t large[] = { UINT64_MAX,	      UINT64_MAX - 1,
				   UINT64_C(1) << 63, UINT64_C(1) << 52,
				   UINT64_C(1) << 32, abi_stat(EXO_FIRST_ENV).size };

	ABI_BEGIN(test, 64);
	for (unsigned int i = 0; i < ARRAY_SIZE(large); i++) {
		const uint64_t n = large[i];

		TEST_EQ(test, exo_cap_delete(n, 1).error, -EXO_E_CAP);
		TEST_EQ(test, exo_cap_copy(ABI_BANK, EXO_SELF, n, EXO_RIGHTS_ALL, 0).error,
			-EXO_E_RANGE);
		TEST_EQ(test, exo_cap_copy(n, EXO_SELF, abi_slot(1), EXO_RIGHTS_ALL, 0).error,
			-EXO_E_CAP);
		TEST_EQ(test, exo_cap_revoke(n, EXO_REVOKE_FORCE, 0, 0, 0).error, -EXO_E_CAP);
		TEST_EQ(test, exo_bank_create(ABI_BANK, n, EXO_NODE_ANY, abi_slot(1)).error,
			-EXO_E_NOMEM);
		TEST_EQ(test, exo_bank_create(ABI_BANK, 1, EXO_NODE_ANY, n).error, -EXO_E_RANGE);
		TEST_EQ(test, exo_bank_create(ABI_BANK, 1, n, abi_slot(1)).error, -EXO_E_RANGE);
		TEST_EQ(test,
			exo_frame_alloc(ABI_BANK, EXO_WHERE(0, EXO_NODE_ANY), EXO_HINT_NONE, n, 1)
				.error,
			-EXO_E_RANGE);
		TEST_EQ(test, exo_frame_alloc(ABI_BANK, n | 255, EXO_HINT_NONE, 2, 1).error,
			-EXO_E_ARG);
		TEST_EQ(test, exo_object_create(ABI_BANK, n, abi_slot(1), 0).error, -EXO_E_TYPE);
		TEST_EQ(test, exo_object_create(ABI_BANK, EXO_TYPE_ENV, abi_slot(1), n).error,
			-EXO_E_ARG);
		TEST_EQ(test, exo_env_config(EXO_SELF, n, 0, 0).error, -EXO_E_ARG);
		TEST_EQ(test, exo_env_config(EXO_SELF, EXO_ENV_EVENTS, n, 0).error, -EXO_E_ARG);
		TEST_EQ(test, exo_yield(n).error, -EXO_E_CAP);
	}
}

static volatile bool stop;
static volatile uint64_t turns, had, missed; /* calls with the page, and without */

/* Gives one more of these calls some time to come. */
static void wait_for_one(const volatile uint64_t *calls)
{
	const uint64_t before = *calls, until = abi_now() + MS;

	do
		exo_yield(EXO_SELF);
	while (*calls == before && abi_now() < until);
}

/* Has the page come and go. */
static void come_and_go(void *unused)
{
	(void)unused;
	while (!stop) {
		if (abi_map(EXO_UNMAP, 1, 1, 0, 0))
			break;
		wait_for_one(&missed);
		if (abi_map(EXO_MAP, 1, 1, ABI_ADDRESS, ABI_RW))
			break;
		turns++;
		wait_for_one(&had);
	}
}

/* While another thread takes the page away a call has it or has not. */
static void pointers_that_go_meanwhile(struct test *test)
{
	struct exo_cap_info *const info = (struct exo_cap_info *)ABI_ADDRESS;
	const uint64_t end = abi_now() + ABI_PATIENCE;
	struct exo_thread other;

	ABI_BEGIN(test, 16);
	TEST_EQ(test, make_edge(), 0);
	stop = false;
	turns = had = missed = 0;
	TEST_EQ(test, exo_thread_start(&other, come_and_go, NULL, 2), 0);
	while ((turns < 2000 || !had || !missed) && abi_now() < end) {
		const int64_t error = exo_cap_stat(ABI_BANK, info).error;

		if (error && error != -EXO_E_FAULT)
			break;
		had += !error;
		missed += error != 0;
		if ((had + missed) % 8 == 0)
			exo_yield(EXO_SELF);
	}
	stop = true;
	exo_thread_end(&other);
	TEST_TRUE(test, turns >= 100 && had && missed); /* a slow host has no more in that time */
}

static const struct test_case pointers_cases[] = {
	TEST_CASE(pointers_cap_stat),	       TEST_CASE(pointers_thread_state),
	TEST_CASE(pointers_thread_sched),      TEST_CASE(pointers_map),
	TEST_CASE(pointers_debug_write),       TEST_CASE(pointers_counts_and_slots),
	TEST_CASE(pointers_that_go_meanwhile),
};
TEST_SUITE(user_pointers, pointers_cases);
