/* SPDX-License-Identifier: MIT */
/* Banks: carving, charging, running out in every way, and getting all of it back. */
#include "abi.h"

#define ONE EXO_WHERE(0, EXO_NODE_ANY)

static int64_t carve(unsigned int from, uint64_t frames, unsigned int to)
{
	return exo_bank_create(abi_slot(from), frames, EXO_NODE_ANY, abi_slot(to)).error;
}

static int64_t make_from(unsigned int bank, enum exo_type type, unsigned int index)
{
	return exo_object_create(abi_slot(bank), type, abi_slot(index), 0).error;
}

static struct exo_result frames_from(unsigned int bank, uint64_t count, unsigned int index)
{
	return exo_frame_alloc(abi_slot(bank), ONE, EXO_HINT_NONE, abi_slot(index), count);
}

/* An empty bank can still do all that it could: what others do is not its matter. */
static bool works(unsigned int bank, unsigned int index)
{
	const bool done = !make_from(bank, EXO_TYPE_NTF, index) &&
			  (ABI_FLAT || !make_from(bank, EXO_TYPE_ENV, index + 1)) &&
			  !make_from(bank, EXO_TYPE_THREAD, index + 2) &&
			  !frames_from(bank, 1, index + 3).error;

	return abi_revoke(abi_slot(bank)) == 0 && done && abi_used(abi_slot(bank)) == 0;
}

static void banks_are_carved_out(struct test *test)
{
	ABI_BEGIN(test, 100);
	TEST_EQ(test, abi_used(ABI_BANK), 0);
	TEST_EQ(test, carve(0, 40, 1), 0);
	TEST_EQ(test, abi_stat(abi_slot(1)).size, 40);
	TEST_EQ(test, abi_stat(abi_slot(1)).used, 0);
	TEST_EQ(test, abi_used(ABI_BANK), 41); /* and a page of objects */
	TEST_EQ(test, carve(1, 41, 2), -EXO_E_NOMEM);
	TEST_EQ(test, carve(1, 0, 2), 0);
	TEST_EQ(test, make_from(2, EXO_TYPE_NTF, 3), -EXO_E_NOMEM);
	TEST_EQ(test, abi_revoke(ABI_BANK), 0);
	TEST_EQ(test, abi_used(ABI_BANK), 0);
	TEST_EQ(test, abi_stat(abi_slot(1)).type, EXO_TYPE_NONE);
	TEST_EQ(test, abi_stat(abi_slot(2)).type, EXO_TYPE_NONE);
}

static void banks_create_refuses_bad_arguments(struct test *test)
{
	ABI_BEGIN(test, 32);
	TEST_EQ(test, carve(0, 1, 0), -EXO_E_SLOT);
	TEST_EQ(test, carve(0, UINT64_MAX, 1), -EXO_E_NOMEM);
	TEST_EQ(test, carve(0, UINT64_MAX / 2 + 1, 1), -EXO_E_NOMEM);
	TEST_EQ(test, exo_bank_create(ABI_BANK, 1, 0xfffe, abi_slot(1)).error, -EXO_E_RANGE);
	TEST_EQ(test, exo_bank_create(ABI_BANK, 1, UINT64_MAX, abi_slot(1)).error, -EXO_E_RANGE);
	TEST_EQ(test, exo_bank_create(ABI_BANK, 1, EXO_NODE_ANY, 0).error, -EXO_E_RANGE);
	TEST_EQ(test, abi_copy(0, 1, EXO_RIGHTS_ALL & ~(unsigned int)EXO_RIGHT_W), 0);
	TEST_EQ(test, carve(1, 1, 2), -EXO_E_PERM);
	TEST_EQ(test, make_from(1, EXO_TYPE_NTF, 2), -EXO_E_PERM);
	TEST_EQ(test, frames_from(1, 1, 2).error, -EXO_E_PERM);
	TEST_EQ(test, abi_used(ABI_BANK), 0);
}

static void banks_move_between_parent_and_child(struct test *test)
{
	ABI_BEGIN(test, 64);
	TEST_EQ(test, carve(0, 10, 1), 0);
	TEST_EQ(test, carve(0, 10, 2), 0);
	TEST_EQ(test, exo_bank_move(abi_slot(1), ABI_BANK, 4, 0).error, 0);
	TEST_EQ(test, abi_stat(abi_slot(1)).size, 6);
	TEST_EQ(test, exo_bank_move(ABI_BANK, abi_slot(1), 5, 0).error, 0);
	TEST_EQ(test, abi_stat(abi_slot(1)).size, 11);
	TEST_EQ(test, exo_bank_move(abi_slot(1), ABI_BANK, 12, 0).error, -EXO_E_NOMEM);
	TEST_EQ(test, exo_bank_move(ABI_BANK, abi_slot(1), 1000, 0).error, -EXO_E_NOMEM);
	TEST_EQ(test, exo_bank_move(abi_slot(1), abi_slot(2), 1, 0).error, -EXO_E_ARG);
	TEST_EQ(test, exo_bank_move(ABI_BANK, ABI_BANK, 1, 0).error, -EXO_E_ARG);
	TEST_EQ(test, exo_bank_move(ABI_BANK, abi_slot(1), 1, 999).error, -EXO_E_RANGE);
	TEST_EQ(test, exo_bank_move(ABI_BANK, abi_slot(1), 1, EXO_NODE_ANY + 1).error,
		-EXO_E_RANGE);
	TEST_EQ(test, exo_bank_move(ABI_BANK, abi_slot(1), 1, EXO_NODE_ANY).error, 0);
	TEST_EQ(test, exo_bank_move(abi_slot(1), ABI_BANK, 1, EXO_NODE_ANY).error, 0);
	TEST_EQ(test, exo_bank_move(ABI_BANK, abi_slot(3), 1, 0).error, -EXO_E_CAP);
	TEST_EQ(test, abi_stat(abi_slot(1)).size, 11);
	TEST_EQ(test, abi_used(ABI_BANK), 22);
}

static void banks_frames_run_out(struct test *test)
{
	struct exo_result result;

	ABI_BEGIN(test, 200);
	TEST_EQ(test, carve(0, 20, 1), 0);
	TEST_EQ(test, carve(0, 60, 2), 0);
	result = frames_from(1, 30, 10);
	TEST_EQ(test, result.error, -EXO_E_AGAIN);
	TEST_EQ(test, result.value, 19); /* and a page of objects */
	TEST_EQ(test, abi_used(abi_slot(1)), 20);
	TEST_EQ(test, frames_from(1, 1, 29).error, -EXO_E_NOMEM);
	TEST_EQ(test, abi_stat(abi_slot(29)).type, EXO_TYPE_NONE);
	TEST_TRUE(test, works(2, 40));
	TEST_EQ(test, abi_revoke(abi_slot(1)), 0);
	TEST_EQ(test, abi_used(abi_slot(1)), 0);
	TEST_EQ(test, abi_stat(abi_slot(10)).type, EXO_TYPE_NONE);
	TEST_EQ(test, make_from(1, EXO_TYPE_NTF, 10), 0); /* it is empty, not gone */
}

static void run_out_of(struct test *test, enum exo_type type, uint64_t frames)
{
	unsigned int made = 0;
	int64_t error = 0;

	ABI_BEGIN(test, 400);
	TEST_EQ(test, carve(0, frames, 1), 0);
	TEST_EQ(test, carve(0, 60, 2), 0);
	while (made < 900 && !(error = make_from(1, type, 100 + made)))
		made++;
	TEST_EQ(test, error, -EXO_E_NOMEM);
	TEST_TRUE(test, made > 2);
	TEST_EQ(test, abi_stat(abi_slot(100 + made)).type, EXO_TYPE_NONE);
	TEST_TRUE(test, works(2, 10));
	/* One less, and there is room for one. */
	TEST_EQ(test, exo_cap_delete(abi_slot(100), 1).error, 0);
	ABI_UNTIL(test, !make_from(1, type, 100));
	TEST_EQ(test, abi_revoke(abi_slot(1)), 0);
	TEST_EQ(test, abi_used(abi_slot(1)), 0);
}

static void banks_envs_run_out(struct test *test)
{
	ABI_NEEDS_ENV(test);
	run_out_of(test, EXO_TYPE_ENV, 100);
}

static void banks_threads_run_out(struct test *test)
{
	run_out_of(test, EXO_TYPE_THREAD, 100);
}

static void banks_endpoints_run_out(struct test *test)
{
	if (!IS_ENABLED(CONFIG_IPC))
		TEST_SKIP(test, "CONFIG_IPC=n");
	run_out_of(test, EXO_TYPE_EP, 10);
}

/* Slots come by the page, when the first of a page is used, from the environment's bank. */
static void banks_slots_run_out(struct test *test)
{
	struct exo_result result = { 0, 0 };
	uint64_t slot = 1;

	ABI_NEEDS_ENV(test);
	ABI_BEGIN(test, 200);
	TEST_EQ(test, carve(0, 20, 1), 0);
	TEST_EQ(test, carve(0, 60, 2), 0);
	TEST_EQ(test, make_from(1, EXO_TYPE_ENV, 3), 0);
	TEST_EQ(test, abi_make(EXO_TYPE_NTF, 4), 0);
	for (; slot < 32768 && !result.error; slot += 64)
		result = exo_cap_copy(abi_slot(4), abi_slot(3), slot, EXO_RIGHT_R, 0);
	TEST_EQ(test, result.error, -EXO_E_NOMEM);
	TEST_TRUE(test, slot > (uint64_t)4 * 64);
	TEST_EQ(test, abi_used(abi_slot(1)), 20);
	/* There are slots left in the pages that it has. */
	TEST_EQ(test, exo_cap_copy(abi_slot(4), abi_slot(3), 2, EXO_RIGHT_R, 0).error, 0);
	TEST_TRUE(test, works(2, 10));
	TEST_EQ(test, abi_revoke(abi_slot(1)), 0);
	TEST_EQ(test, abi_used(abi_slot(1)), 0);
}

/* A frame somewhere else each time needs tables of its own. */
static void banks_page_tables_run_out(struct test *test)
{
	struct exo_map_op op = { .count = 1, .act = EXO_MAP, .rights = ABI_RW };
	struct exo_result result = { 0, 0 };
	unsigned int mapped = 0;

	ABI_NEEDS_ENV(test);
	ABI_BEGIN(test, 200);
	TEST_EQ(test, carve(0, 24, 1), 0);
	TEST_EQ(test, make_from(1, EXO_TYPE_ENV, 3), 0);
	TEST_EQ(test, abi_frames(10, 40), 0);
	TEST_EQ(test,
		exo_cap_copy(abi_slot(10), abi_slot(3), 8, EXO_COPY(EXO_RIGHTS_ALL, 40), 0).error,
		0);
	while (mapped < 39 && !result.error) {
		op.address = UINT64_C(0x40000000) * (mapped + 1);
		op.slot = 8 + mapped;
		result = exo_map(abi_slot(3), &op, 1);
		mapped += !result.error;
	}
	TEST_EQ(test, result.error, -EXO_E_NOMEM);
	TEST_TRUE(test, mapped > 2 && mapped < 20);
	/* Beside one that is mapped there is a table already. */
	op.address = UINT64_C(0x40000000) + EXO_PAGE;
	TEST_EQ(test, exo_map(abi_slot(3), &op, 1).error, 0);
	TEST_EQ(test, exo_cap_delete(abi_slot(3), 1).error, 0);
	ABI_UNTIL(test, abi_used(abi_slot(1)) == 0);
}

static void banks_frames_are_zero_when_they_change_hands(struct test *test)
{
	volatile uint64_t *const page = (volatile uint64_t *)ABI_ADDRESS;
	uint64_t found = 0;

	for (unsigned int round = 0; round < 8; round++) {
		ABI_BEGIN(test, 16);
		TEST_EQ(test, abi_frames(1, 8), 0);
		TEST_EQ(test, abi_map(EXO_MAP, 1, 8, ABI_ADDRESS, ABI_RW), 0);
		for (unsigned int i = 0; i < 8 * EXO_PAGE / 8; i++) {
			found |= page[i];
			page[i] = UINT64_C(0x5ec4e75ec4e75ec4);
		}
		TEST_EQ(test, found, 0);
	}
}

static int64_t alloc(uint64_t where, uint64_t hint, exo_cap_t slot, uint64_t count)
{
	return exo_frame_alloc(ABI_BANK, where, hint, slot, count).error;
}

static void banks_frame_alloc_refuses_bad_arguments(struct test *test)
{
	const exo_cap_t slot = abi_slot(1);

	ABI_BEGIN(test, 64);
	TEST_EQ(test, alloc(ONE, EXO_HINT_NONE, slot, 0), -EXO_E_ARG);
	TEST_EQ(test, alloc(ONE | UINT64_C(1) << 40, EXO_HINT_NONE, slot, 1), -EXO_E_ARG);
	TEST_EQ(test, alloc(EXO_WHERE(60, EXO_NODE_ANY), EXO_HINT_NONE, slot, 1), -EXO_E_ARG);
	TEST_EQ(test, alloc(EXO_WHERE(0, 77), EXO_HINT_NONE, slot, 1), -EXO_E_RANGE);
	TEST_EQ(test, alloc(ONE, EXO_HINT_NONE, ABI_BANK, 1), -EXO_E_SLOT);
	TEST_EQ(test, alloc(ONE, EXO_HINT_NONE, 0, 1), -EXO_E_RANGE);
	TEST_EQ(test, alloc(ONE, 123, slot, 1), -EXO_E_ALIGN);
	TEST_EQ(test, alloc(ONE, 0, slot, 2), -EXO_E_ARG);
	TEST_EQ(test, alloc(ONE, UINT64_C(1) << 60, slot, 1), -EXO_E_RANGE);
	TEST_EQ(test, abi_stat(slot).type, EXO_TYPE_NONE);
	TEST_EQ(test, abi_used(ABI_BANK), 0);
	TEST_EQ(test, abi_frames(1, 1), 0);
	TEST_EQ(test, alloc(ONE, abi_stat(slot).base, abi_slot(2), 1), -EXO_E_BUSY);
	TEST_EQ(test, abi_stat(abi_slot(2)).type, EXO_TYPE_NONE);
}

static void banks_objects_refuse_bad_arguments(struct test *test)
{
	ABI_BEGIN(test, 64);
	TEST_EQ(test, abi_make(EXO_TYPE_NONE, 1), -EXO_E_TYPE);
	TEST_EQ(test, abi_make(EXO_TYPE_FRAME, 1), -EXO_E_TYPE);
	TEST_EQ(test, abi_make(EXO_TYPE_SYS, 1), -EXO_E_TYPE);
	TEST_EQ(test, abi_make(EXO_TYPE_CPU, 1), -EXO_E_TYPE);
	TEST_EQ(test, exo_object_create(ABI_BANK, UINT64_MAX, abi_slot(1), 0).error, -EXO_E_TYPE);
	TEST_EQ(test, exo_object_create(ABI_BANK, EXO_TYPE_NTF, abi_slot(1), 1).error, -EXO_E_ARG);
	TEST_EQ(test, exo_object_create(ABI_BANK, EXO_TYPE_THREAD, abi_slot(1), 1).error,
		-EXO_E_ARG);
	TEST_EQ(test, exo_object_create(ABI_BANK, EXO_TYPE_ENV, abi_slot(1), 99).error, -EXO_E_ARG);
	TEST_EQ(test, abi_make(EXO_TYPE_NTF, 0), -EXO_E_SLOT);
	TEST_EQ(test, abi_stat(abi_slot(1)).type, EXO_TYPE_NONE);
	TEST_EQ(test, abi_used(ABI_BANK), 0);
}

/* Whatever was in it, mapped or carved or begun, the sum is what it was. */
static void banks_revoke_takes_all(struct test *test)
{
	ABI_BEGIN(test, 300);
	for (unsigned int round = 0; round < 4; round++) {
		TEST_EQ(test, carve(0, 200, 1), 0);
		TEST_EQ(test, carve(1, 100, 2), 0);
		TEST_TRUE(test, ABI_FLAT || !make_from(2, EXO_TYPE_ENV, 3));
		TEST_EQ(test, make_from(2, EXO_TYPE_THREAD, 4), 0);
		TEST_EQ(test, make_from(1, EXO_TYPE_NTF, 5), 0);
		TEST_TRUE(test, !IS_ENABLED(CONFIG_IPC) || make_from(1, EXO_TYPE_EP, 10) == 0);
		TEST_EQ(test, frames_from(2, 4, 6).error, 0);
		TEST_EQ(test, abi_map(EXO_MAP, 6, 4, ABI_ADDRESS, ABI_RW), 0);
		TEST_TRUE(test, abi_try(ABI_WRITE, ABI_ADDRESS));
		TEST_EQ(test, abi_revoke(ABI_BANK), 0);
		TEST_EQ(test, abi_used(ABI_BANK), 0);
		for (unsigned int i = 1; i < 11; i++)
			TEST_EQ(test, abi_stat(abi_slot(i)).type, EXO_TYPE_NONE);
		TEST_TRUE(test, !abi_try(ABI_READ, ABI_ADDRESS));
	}
}

static const struct test_case banks_cases[] = {
	TEST_CASE(banks_are_carved_out),
	TEST_CASE(banks_create_refuses_bad_arguments),
	TEST_CASE(banks_move_between_parent_and_child),
	TEST_CASE(banks_frames_run_out),
	TEST_CASE(banks_envs_run_out),
	TEST_CASE(banks_threads_run_out),
	TEST_CASE(banks_endpoints_run_out),
	TEST_CASE(banks_slots_run_out),
	TEST_CASE(banks_page_tables_run_out),
	TEST_CASE(banks_frames_are_zero_when_they_change_hands),
	TEST_CASE(banks_frame_alloc_refuses_bad_arguments),
	TEST_CASE(banks_objects_refuse_bad_arguments),
	TEST_CASE(banks_revoke_takes_all),
};
TEST_SUITE(user_banks, banks_cases);
