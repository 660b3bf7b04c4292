/* SPDX-License-Identifier: MIT */
/* map(): mapping, unmapping and protecting, alone and in batches, and the faults that follow. */
#include "abi.h"

#define BELOW_END (exo_program_info.user_end - EXO_PAGE)

/* Bits of a page fault's error code (SDM vol. 3, 4.7). */
enum {
	FAULT_PRESENT = 1 << 0,
	FAULT_WRITE = 1 << 1,
	FAULT_USER = ABI_FLAT ? 0 : 1 << 2,
	FAULT_FETCH = 1 << 4,
};

/* An access faults as a page fault with these bits, at this address. */
static bool faults(enum abi_access access, uint64_t address, uint64_t error)
{
	return !abi_try(access, address) && abi_fault.cause == EXO_UPCALL_PAGE_FAULT &&
	       abi_fault.error == error && abi_fault.address == address;
}

static struct exo_map_op op_of(unsigned int act, unsigned int index, uint32_t count,
			       uint64_t address, unsigned int rights)
{
	return (struct exo_map_op){ .address = address,
				    .slot = (uint32_t)abi_slot(index),
				    .count = count,
				    .act = (uint16_t)act,
				    .rights = (uint16_t)rights };
}

static void map_comes_and_goes(struct test *test)
{
	volatile uint8_t *const bytes = (volatile uint8_t *)ABI_ADDRESS;

	ABI_BEGIN(test, 32);
	TEST_EQ(test, abi_frames(1, 2), 0);
	TEST_TRUE(test, faults(ABI_READ, ABI_ADDRESS, FAULT_USER));
	TEST_EQ(test, abi_map(EXO_MAP, 1, 2, ABI_ADDRESS, ABI_RW), 0);
	TEST_EQ(test, abi_stat(abi_slot(2)).address, ABI_ADDRESS + EXO_PAGE);
	TEST_EQ(test, bytes[2 * EXO_PAGE - 1], 0);
	bytes[EXO_PAGE] = 17;
	TEST_TRUE(test, faults(ABI_READ, ABI_ADDRESS + 2 * EXO_PAGE, FAULT_USER));
	TEST_EQ(test, abi_map(EXO_UNMAP, 2, 1, 0, 0), 0);
	TEST_TRUE(test, faults(ABI_WRITE, ABI_ADDRESS + EXO_PAGE, FAULT_USER | FAULT_WRITE));
	TEST_TRUE(test, abi_try(ABI_WRITE, ABI_ADDRESS));
	TEST_EQ(test, abi_stat(abi_slot(2)).address, 0);
	/* What was written is in the frame, wherever that is. */
	TEST_EQ(test, abi_map(EXO_MAP, 2, 1, ABI_ADDRESS + 5 * EXO_PAGE, EXO_RIGHT_R), 0);
	TEST_EQ(test, bytes[5 * EXO_PAGE], 17);
	TEST_EQ(test, abi_map(EXO_UNMAP, 2, 1, 0, 0), 0);
	TEST_EQ(test, abi_map(EXO_UNMAP, 2, 1, 0, 0), 0);
}

static void map_gives_the_rights_that_were_asked(struct test *test)
{
	ABI_BEGIN(test, 32);
	TEST_EQ(test, abi_frames(1, 1), 0);
	TEST_EQ(test, abi_map(EXO_MAP, 1, 1, ABI_ADDRESS, ABI_RW), 0);
	*(volatile uint8_t *)ABI_ADDRESS = 0xc3; /* RET */
	TEST_TRUE(test, faults(ABI_EXECUTE, ABI_ADDRESS, FAULT_USER | FAULT_PRESENT | FAULT_FETCH));
	TEST_EQ(test, abi_map(EXO_PROTECT, 1, 1, 0, ABI_RX), 0);
	TEST_TRUE(test, abi_try(ABI_EXECUTE, ABI_ADDRESS));
	TEST_TRUE(test, faults(ABI_WRITE, ABI_ADDRESS, FAULT_USER | FAULT_PRESENT | FAULT_WRITE));
	TEST_EQ(test, abi_map(EXO_PROTECT, 1, 1, 0, EXO_RIGHT_R), 0);
	TEST_TRUE(test, abi_try(ABI_READ, ABI_ADDRESS));
	TEST_TRUE(test, faults(ABI_WRITE, ABI_ADDRESS, FAULT_USER | FAULT_PRESENT | FAULT_WRITE));
	TEST_TRUE(test, faults(ABI_EXECUTE, ABI_ADDRESS, FAULT_USER | FAULT_PRESENT | FAULT_FETCH));
	TEST_EQ(test, abi_map(EXO_PROTECT, 1, 1, 0, ABI_RW), 0);
	TEST_TRUE(test, abi_try(ABI_WRITE, ABI_ADDRESS));
}

static void map_refuses_rights(struct test *test)
{
	ABI_BEGIN(test, 32);
	TEST_EQ(test, abi_frames(1, 1), 0);
	TEST_EQ(test, abi_copy(1, 2, EXO_RIGHT_R), 0);
	TEST_EQ(test, abi_copy(1, 3, EXO_RIGHT_W | EXO_RIGHT_X), 0);
	/* Nothing is both written and executed, whoever asks. */
	TEST_EQ(test, abi_map(EXO_MAP, 1, 1, ABI_ADDRESS, ABI_WX), -EXO_E_PERM);
	TEST_EQ(test, abi_map(EXO_MAP, 1, 1, ABI_ADDRESS, 0), -EXO_E_ARG);
	TEST_EQ(test, abi_map(EXO_MAP, 1, 1, ABI_ADDRESS, EXO_RIGHT_W), -EXO_E_ARG);
	TEST_EQ(test, abi_map(EXO_MAP, 1, 1, ABI_ADDRESS, EXO_RIGHT_R | EXO_RIGHT_D), -EXO_E_ARG);
	TEST_EQ(test, abi_map(EXO_MAP, 2, 1, ABI_ADDRESS, ABI_RW), -EXO_E_PERM);
	TEST_EQ(test, abi_map(EXO_MAP, 2, 1, ABI_ADDRESS, ABI_RX), -EXO_E_PERM);
	TEST_EQ(test, abi_map(EXO_MAP, 3, 1, ABI_ADDRESS, ABI_RW), -EXO_E_PERM);
	TEST_EQ(test, abi_map(EXO_MAP, 2, 1, ABI_ADDRESS, EXO_RIGHT_R), 0);
	TEST_EQ(test, abi_map(EXO_PROTECT, 2, 1, 0, ABI_RW), -EXO_E_PERM);
	TEST_EQ(test, abi_map(EXO_PROTECT, 2, 1, 0, ABI_WX), -EXO_E_PERM);
	TEST_TRUE(test, !abi_try(ABI_WRITE, ABI_ADDRESS));
	TEST_TRUE(test, abi_try(ABI_READ, ABI_ADDRESS));
}

static void map_refuses_bad_operations(struct test *test)
{
	struct exo_map_op op;

	ABI_BEGIN(test, 32);
	TEST_EQ(test, abi_frames(1, 2), 0);
	TEST_EQ(test, abi_map(EXO_MAP, 1, 0, ABI_ADDRESS, ABI_RW), -EXO_E_ARG);
	TEST_EQ(test, abi_map(3, 1, 1, ABI_ADDRESS, ABI_RW), -EXO_E_ARG);
	TEST_EQ(test, abi_map(EXO_MAP, 1, 1, ABI_ADDRESS + 8, ABI_RW), -EXO_E_ALIGN);
	TEST_EQ(test, abi_map(EXO_MAP, 1, 1, 0, ABI_RW), -EXO_E_RANGE);
	TEST_EQ(test, abi_map(EXO_MAP, 1, 1, exo_program_info.user_end, ABI_RW), -EXO_E_RANGE);
	TEST_EQ(test, abi_map(EXO_MAP, 1, 2, BELOW_END, ABI_RW), -EXO_E_RANGE);
	TEST_EQ(test, abi_map(EXO_MAP, 1, 1, UINT64_C(0xffffffff80000000), ABI_RW), -EXO_E_RANGE);
	TEST_EQ(test, abi_map(EXO_MAP, 1, 1, UINT64_C(1) << 62, ABI_RW), -EXO_E_RANGE);
	TEST_EQ(test, abi_map(EXO_MAP, 9, 1, ABI_ADDRESS, ABI_RW), -EXO_E_CAP);
	TEST_EQ(test, abi_map(EXO_MAP, 0, 1, ABI_ADDRESS, ABI_RW), -EXO_E_TYPE);
	TEST_EQ(test, abi_map(EXO_UNMAP, 1, 1, ABI_ADDRESS, 0), -EXO_E_ARG);
	TEST_EQ(test, abi_map(EXO_UNMAP, 1, 1, 0, EXO_RIGHT_R), -EXO_E_ARG);
	TEST_EQ(test, abi_map(EXO_UNMAP, 9, 1, 0, 0), -EXO_E_CAP);
	TEST_EQ(test, abi_map(EXO_PROTECT, 1, 1, 0, EXO_RIGHT_R), -EXO_E_DEAD);
	TEST_EQ(test, abi_map(EXO_PROTECT, 1, 1, ABI_ADDRESS, EXO_RIGHT_R), -EXO_E_ARG);
	op = op_of(EXO_MAP, 1, 1, ABI_ADDRESS, ABI_RW);
	op.reserved = 1;
	TEST_EQ(test, exo_map(EXO_SELF, &op, 1).error, -EXO_E_ARG);
	TEST_EQ(test, exo_map(EXO_SELF, NULL, 1).error, -EXO_E_FAULT);
	TEST_EQ(test, exo_map(EXO_SELF, NULL, 0).error, 0);
	TEST_EQ(test, exo_map(EXO_SELF, &op, EXO_MAP_MAX + 1).error, -EXO_E_RANGE);
	TEST_TRUE(test, !abi_try(ABI_READ, ABI_ADDRESS));
}

static void map_the_last_page_of_user_space(struct test *test)
{
	ABI_BEGIN(test, 32);
	TEST_EQ(test, abi_frames(1, 1), 0);
	TEST_EQ(test, abi_map(EXO_MAP, 1, 1, BELOW_END, ABI_RW), 0);
	TEST_TRUE(test, abi_try(ABI_WRITE, exo_program_info.user_end - 1));
	TEST_TRUE(test, !abi_try(ABI_READ, exo_program_info.user_end));
}

/* One mapping a capability, one capability an address. */
static void map_one_of_each(struct test *test)
{
	ABI_BEGIN(test, 32);
	TEST_EQ(test, abi_frames(1, 2), 0);
	TEST_EQ(test, abi_map(EXO_MAP, 1, 1, ABI_ADDRESS, ABI_RW), 0);
	TEST_EQ(test, abi_map(EXO_MAP, 1, 1, ABI_ADDRESS + EXO_PAGE, ABI_RW), -EXO_E_BUSY);
	TEST_EQ(test, abi_map(EXO_MAP, 2, 1, ABI_ADDRESS, ABI_RW), -EXO_E_BUSY);
	/* A copy is another capability. */
	TEST_EQ(test, abi_copy(1, 3, ABI_RW), 0);
	TEST_EQ(test, abi_map(EXO_MAP, 3, 1, ABI_ADDRESS + EXO_PAGE, ABI_RW), 0);
	*(volatile uint8_t *)ABI_ADDRESS = 99;
	TEST_EQ(test, *(volatile uint8_t *)(ABI_ADDRESS + EXO_PAGE), 99);
	TEST_EQ(test, abi_map(EXO_UNMAP, 1, 1, 0, 0), 0);
	TEST_EQ(test, *(volatile uint8_t *)(ABI_ADDRESS + EXO_PAGE), 99);
}

static void map_an_operation_is_done_as_a_whole(struct test *test)
{
	ABI_BEGIN(test, 32);
	TEST_EQ(test, abi_frames(1, 3), 0);
	TEST_EQ(test, abi_frames(5, 1), 0);
	TEST_EQ(test, abi_map(EXO_MAP, 1, 5, ABI_ADDRESS, ABI_RW), -EXO_E_CAP);
	for (unsigned int i = 0; i < 5; i++)
		TEST_TRUE(test, !abi_try(ABI_READ, ABI_ADDRESS + i * EXO_PAGE));
	TEST_EQ(test, abi_stat(abi_slot(1)).address, 0);
	TEST_EQ(test, abi_map(EXO_MAP, 1, 3, ABI_ADDRESS, ABI_RW), 0);
	TEST_EQ(test, abi_map(EXO_UNMAP, 1, 4, 0, 0), -EXO_E_CAP);
	TEST_EQ(test, abi_map(EXO_PROTECT, 1, 4, 0, EXO_RIGHT_R), -EXO_E_CAP);
	for (unsigned int i = 0; i < 3; i++)
		TEST_TRUE(test, abi_try(ABI_WRITE, ABI_ADDRESS + i * EXO_PAGE));
}

static void map_batches_say_how_far_they_got(struct test *test)
{
	struct exo_map_op ops[4];
	struct exo_result result;

	ABI_BEGIN(test, 32);
	TEST_EQ(test, abi_frames(1, 3), 0);
	for (unsigned int i = 0; i < 4; i++)
		ops[i] = op_of(EXO_MAP, i + 1, 1, ABI_ADDRESS + i * EXO_PAGE, ABI_RW);
	ops[3] = op_of(EXO_UNMAP, 1, 1, 0, 0);
	ops[1].act = 9;
	result = exo_map(EXO_SELF, ops, 4);
	TEST_EQ(test, result.error, -EXO_E_AGAIN);
	TEST_EQ(test, result.value, 1);
	TEST_TRUE(test, abi_try(ABI_WRITE, ABI_ADDRESS));
	result = exo_map(EXO_SELF, ops + 1, 3);
	TEST_EQ(test, result.error, -EXO_E_ARG);
	TEST_EQ(test, result.value, 0);
	ops[1].act = EXO_MAP;
	result = exo_map(EXO_SELF, ops + 1, 3);
	TEST_EQ(test, result.error, 0);
	TEST_EQ(test, result.value, 3);
	TEST_TRUE(test, !abi_try(ABI_READ, ABI_ADDRESS));
	TEST_TRUE(test, abi_try(ABI_WRITE, ABI_ADDRESS + 2 * EXO_PAGE));
}

static void map_takes_as_many_slots_as_it_says(struct test *test)
{
	struct exo_map_op ops[2];
	struct exo_result result;

	ABI_BEGIN(test, 400);
	TEST_EQ(test, abi_frames(1, 257), 0);
	TEST_EQ(test, abi_map(EXO_MAP, 1, 257, ABI_ADDRESS, ABI_RW), -EXO_E_RANGE);
	ops[0] = op_of(EXO_MAP, 1, EXO_RANGE_MAX, ABI_ADDRESS, ABI_RW);
	ops[1] = op_of(EXO_MAP, 257, 1, ABI_ADDRESS + EXO_RANGE_MAX * EXO_PAGE, ABI_RW);
	result = exo_map(EXO_SELF, ops, 2);
	TEST_EQ(test, result.error, -EXO_E_AGAIN);
	TEST_EQ(test, result.value, 1);
	TEST_EQ(test, exo_map(EXO_SELF, ops + 1, 1).error, 0);
	TEST_TRUE(test, abi_try(ABI_WRITE, ABI_ADDRESS + EXO_RANGE_MAX * EXO_PAGE));
	TEST_EQ(test, abi_map(EXO_UNMAP, 1, EXO_RANGE_MAX, 0, 0), 0);
	TEST_TRUE(test, !abi_try(ABI_READ, ABI_ADDRESS + (EXO_RANGE_MAX - 1) * EXO_PAGE));
	TEST_TRUE(test, abi_try(ABI_READ, ABI_ADDRESS + EXO_RANGE_MAX * EXO_PAGE));
}

static void map_parts_and_large_blocks(struct test *test)
{
	volatile uint8_t *const whole = (volatile uint8_t *)ABI_ADDRESS;
	volatile uint8_t *const part = whole + (1u << 24);

	ABI_BEGIN(test, 700);
	TEST_EQ(test,
		exo_frame_alloc(ABI_BANK, EXO_WHERE(9, EXO_NODE_ANY), EXO_HINT_NONE, abi_slot(1), 1)
			.error,
		0);
	TEST_EQ(test,
		exo_cap_copy(abi_slot(1), EXO_SELF, abi_slot(2), ABI_RW, EXO_PART(300, 2)).error,
		0);
	TEST_EQ(test, abi_map(EXO_MAP, 1, 1, ABI_ADDRESS, ABI_RW), 0);
	TEST_EQ(test, abi_map(EXO_MAP, 2, 1, (uint64_t)part, EXO_RIGHT_R), 0);
	whole[301 * EXO_PAGE + 5] = 55;
	TEST_EQ(test, part[EXO_PAGE + 5], 55);
	TEST_TRUE(test, !abi_try(ABI_READ, (uint64_t)part + 2 * EXO_PAGE));
	TEST_EQ(test, abi_map(EXO_PROTECT, 1, 1, 0, EXO_RIGHT_R), 0);
	TEST_TRUE(test, !abi_try(ABI_WRITE, ABI_ADDRESS + 511 * EXO_PAGE));
	TEST_EQ(test, exo_cap_delete(abi_slot(1), 1).error, 0);
	TEST_TRUE(test, !abi_try(ABI_READ, ABI_ADDRESS + 301 * EXO_PAGE));
	TEST_EQ(test, part[EXO_PAGE + 5], 55); /* a copy keeps the block */
}

/* Three blocks of 4 MiB in small pages: more than one call may change. */
static void map_work_is_bounded(struct test *test)
{
	const uint64_t far = ABI_ADDRESS + EXO_PAGE; /* aligned unlike the blocks */
	const unsigned int order = 10;

	ABI_BEGIN(test, 4 << order);
	for (unsigned int i = 1; i <= 3; i++) {
		TEST_EQ(test,
			exo_frame_alloc(ABI_BANK, EXO_WHERE(order, EXO_NODE_ANY), EXO_HINT_NONE,
					abi_slot(i), 1)
				.error,
			0);
		TEST_EQ(test, abi_map(EXO_MAP, i, 1, far + (i - 1) * (EXO_PAGE << order), ABI_RW),
			0);
	}
	TEST_EQ(test, abi_map(EXO_PROTECT, 1, 3, 0, EXO_RIGHT_R), -EXO_E_RANGE);
	TEST_TRUE(test, abi_try(ABI_WRITE, far));
	TEST_EQ(test, abi_map(EXO_PROTECT, 1, 2, 0, EXO_RIGHT_R), 0);
	TEST_TRUE(test, !abi_try(ABI_WRITE, far));
	TEST_EQ(test, abi_map(EXO_UNMAP, 1, 3, 0, 0), -EXO_E_RANGE);
	TEST_TRUE(test, abi_try(ABI_READ, far));
	TEST_EQ(test, abi_map(EXO_UNMAP, 1, 2, 0, 0), 0);
	TEST_TRUE(test, !abi_try(ABI_READ, far));
	TEST_EQ(test, abi_map(EXO_UNMAP, 3, 1, 0, 0), 0);
}

static void map_into_another_environment(struct test *test)
{
	struct exo_map_op op = { .address = ABI_ADDRESS, .slot = 7, .count = 1, .rights = ABI_RW };

	ABI_NEEDS_ENV(test);
	ABI_BEGIN(test, 64);
	TEST_EQ(test, abi_make(EXO_TYPE_ENV, 1), 0);
	TEST_EQ(test, abi_frames(2, 1), 0);
	TEST_EQ(test, exo_map(abi_slot(1), &op, 1).error, -EXO_E_CAP);
	TEST_EQ(test, exo_cap_copy(abi_slot(2), abi_slot(1), 7, ABI_RW, 0).error, 0);
	TEST_EQ(test, abi_copy(1, 3, EXO_RIGHTS_ALL & ~(unsigned int)EXO_RIGHT_W), 0);
	TEST_EQ(test, exo_map(abi_slot(3), &op, 1).error, -EXO_E_PERM);
	TEST_EQ(test, exo_map(abi_slot(1), &op, 1).error, 0);
	TEST_EQ(test, exo_map(abi_slot(1), &op, 1).error, -EXO_E_BUSY);
	TEST_TRUE(test, !abi_try(ABI_READ, ABI_ADDRESS)); /* not here */
	TEST_EQ(test, exo_map(abi_slot(4), &op, 1).error, -EXO_E_CAP);
}

static void map_deleting_unmaps(struct test *test)
{
	ABI_BEGIN(test, 64);
	TEST_EQ(test, abi_frames(1, 1), 0);
	TEST_EQ(test, abi_map(EXO_MAP, 1, 1, ABI_ADDRESS, ABI_RW), 0);
	TEST_TRUE(test, abi_try(ABI_WRITE, ABI_ADDRESS));
	TEST_EQ(test, exo_cap_delete(abi_slot(1), 1).error, 0);
	TEST_TRUE(test, faults(ABI_READ, ABI_ADDRESS, FAULT_USER));
}

static const struct test_case map_cases[] = {
	TEST_CASE(map_comes_and_goes),
	TEST_CASE(map_gives_the_rights_that_were_asked),
	TEST_CASE(map_refuses_rights),
	TEST_CASE(map_refuses_bad_operations),
	TEST_CASE(map_the_last_page_of_user_space),
	TEST_CASE(map_one_of_each),
	TEST_CASE(map_an_operation_is_done_as_a_whole),
	TEST_CASE(map_batches_say_how_far_they_got),
	TEST_CASE(map_takes_as_many_slots_as_it_says),
	TEST_CASE(map_parts_and_large_blocks),
	TEST_CASE(map_work_is_bounded),
	TEST_CASE(map_into_another_environment),
	TEST_CASE(map_deleting_unmaps),
};
TEST_SUITE(user_map, map_cases);
