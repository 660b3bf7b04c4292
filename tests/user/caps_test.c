/* SPDX-License-Identifier: MIT */
/* Capabilities: copies and their rights, parts, deleting, looking. Revoking: revoke_test.c. */
#include "abi.h"

#define NO_SLOT UINT64_C(0x7fffffff)
#define BUT(right) (EXO_RIGHTS_ALL & ~(unsigned int)(right))

/* cap_copy() within the window. */
static int64_t copy(unsigned int from, unsigned int to, uint64_t how, uint64_t part)
{
	return exo_cap_copy(abi_slot(from), EXO_SELF, abi_slot(to), how, part).error;
}

static void caps_copy_has_what_was_asked(struct test *test)
{
	ABI_BEGIN(test, 16);
	TEST_EQ(test, abi_frames(1, 1), 0);
	TEST_EQ(test, abi_stat(abi_slot(1)).rights, EXO_RIGHTS_ALL);
	TEST_EQ(test, abi_copy(1, 2, ABI_RW), 0);
	TEST_EQ(test, abi_stat(abi_slot(2)).type, EXO_TYPE_FRAME);
	TEST_EQ(test, abi_stat(abi_slot(2)).rights, ABI_RW);
	TEST_EQ(test, abi_stat(abi_slot(2)).base, abi_stat(abi_slot(1)).base);
	TEST_EQ(test, abi_stat(abi_slot(2)).size, EXO_PAGE);
	TEST_EQ(test, abi_copy(1, 3, 0), 0);
	TEST_EQ(test, abi_stat(abi_slot(3)).rights, 0);
}

/* Every combination, through a chain of copies: what is gone never comes back. */
static void caps_rights_never_grow(struct test *test)
{
	ABI_BEGIN(test, 16);
	TEST_EQ(test, abi_frames(1, 1), 0);
	for (unsigned int rights = 0; rights <= EXO_RIGHTS_ALL; rights++) {
		TEST_EQ(test, abi_copy(1, 2, rights), 0);
		TEST_EQ(test, abi_stat(abi_slot(2)).rights, rights);
		if (rights & EXO_RIGHT_D) {
			TEST_EQ(test, abi_copy(2, 3, EXO_RIGHTS_ALL), 0);
			TEST_EQ(test, abi_stat(abi_slot(3)).rights, rights);
			TEST_EQ(test, exo_cap_delete(abi_slot(3), 1).error, 0);
		} else {
			TEST_EQ(test, abi_copy(2, 3, rights), -EXO_E_PERM);
		}
		TEST_EQ(test, abi_stat(abi_slot(3)).type, EXO_TYPE_NONE);
		TEST_EQ(test, exo_cap_delete(abi_slot(2), 1).error, 0);
	}
}

static void caps_copy_refuses_bad_arguments(struct test *test)
{
	const uint64_t slots = abi_stat(EXO_FIRST_ENV).size;

	ABI_BEGIN(test, 16);
	TEST_EQ(test, abi_frames(1, 1), 0);
	TEST_EQ(test, abi_copy(2, 3, ABI_RW), -EXO_E_CAP);
	TEST_EQ(test, abi_copy(1, 1, ABI_RW), -EXO_E_SLOT);
	TEST_EQ(test, abi_copy(1, 0, ABI_RW), -EXO_E_SLOT);
	TEST_EQ(test, abi_copy(1, 2, EXO_RIGHTS_ALL + 1), -EXO_E_ARG);
	TEST_EQ(test, exo_cap_copy(EXO_SELF, EXO_SELF, abi_slot(2), 0, 0).error, -EXO_E_CAP);
	TEST_EQ(test, exo_cap_copy(slots, EXO_SELF, abi_slot(2), 0, 0).error, -EXO_E_CAP);
	TEST_EQ(test, exo_cap_copy(UINT64_MAX, EXO_SELF, abi_slot(2), 0, 0).error, -EXO_E_CAP);
	TEST_EQ(test, exo_cap_copy(abi_slot(1), EXO_SELF, 0, 0, 0).error, -EXO_E_RANGE);
	TEST_EQ(test, exo_cap_copy(abi_slot(1), EXO_SELF, slots, 0, 0).error, -EXO_E_RANGE);
	TEST_EQ(test, exo_cap_copy(abi_slot(1), EXO_SELF, UINT64_MAX, 0, 0).error, -EXO_E_RANGE);
	TEST_EQ(test, exo_cap_copy(abi_slot(1), ABI_BANK, abi_slot(2), 0, 0).error, -EXO_E_TYPE);
	TEST_EQ(test, exo_cap_copy(abi_slot(1), NO_SLOT, abi_slot(2), 0, 0).error, -EXO_E_CAP);
	TEST_EQ(test, copy(1, 2, EXO_COPY(0, 2), EXO_PART(0, 1)), -EXO_E_ARG);
	TEST_EQ(test, abi_stat(abi_slot(2)).type, EXO_TYPE_NONE);
}

static void caps_copy_into_another_table_needs_grant(struct test *test)
{
	ABI_NEEDS_ENV(test);
	ABI_BEGIN(test, 64);
	TEST_EQ(test, abi_make(EXO_TYPE_ENV, 1), 0);
	TEST_EQ(test, abi_frames(2, 1), 0);
	TEST_EQ(test, abi_copy(2, 3, BUT(EXO_RIGHT_G)), 0);
	TEST_EQ(test, exo_cap_copy(abi_slot(3), abi_slot(1), 7, 0, 0).error, -EXO_E_PERM);
	TEST_EQ(test, exo_cap_copy(abi_slot(2), abi_slot(1), 7, ABI_RW, 0).error, 0);
	TEST_EQ(test, exo_cap_copy(abi_slot(2), abi_slot(1), 7, ABI_RW, 0).error, -EXO_E_SLOT);
	/* And configuring that environment. */
	TEST_EQ(test, abi_copy(1, 4, BUT(EXO_RIGHT_C)), 0);
	TEST_EQ(test, exo_cap_copy(abi_slot(2), abi_slot(4), 8, ABI_RW, 0).error, -EXO_E_PERM);
}

static void caps_ranges_go_on_where_they_stopped(struct test *test)
{
	struct exo_result result;

	ABI_BEGIN(test, 64);
	TEST_EQ(test, abi_frames(1, 1), 0);
	for (unsigned int i = 2; i < 302; i++)
		TEST_EQ(test, abi_copy(1, i, EXO_RIGHTS_ALL), 0);
	result = exo_cap_copy(abi_slot(2), EXO_SELF, abi_slot(402), EXO_COPY(ABI_RW, 300), 0);
	TEST_EQ(test, result.error, -EXO_E_AGAIN);
	TEST_EQ(test, result.value, EXO_RANGE_MAX);
	result = exo_cap_copy(abi_slot(2) + EXO_RANGE_MAX, EXO_SELF, abi_slot(402) + EXO_RANGE_MAX,
			      EXO_COPY(ABI_RW, 300 - EXO_RANGE_MAX), 0);
	TEST_EQ(test, result.error, 0);
	TEST_EQ(test, result.value, 300 - EXO_RANGE_MAX);
	TEST_EQ(test, abi_stat(abi_slot(701)).rights, ABI_RW);
	TEST_EQ(test, abi_stat(abi_slot(702)).type, EXO_TYPE_NONE);
	result = exo_cap_delete(abi_slot(402), 300);
	TEST_EQ(test, result.error, -EXO_E_AGAIN);
	TEST_EQ(test, result.value, EXO_RANGE_MAX);
	TEST_EQ(test, abi_stat(abi_slot(402 + 255)).type, EXO_TYPE_NONE);
	TEST_EQ(test, abi_stat(abi_slot(402 + 256)).type, EXO_TYPE_FRAME);
}

/* An error in the middle: what came before is done, and the next call answers the error. */
static void caps_a_hole_ends_a_range(struct test *test)
{
	struct exo_result result;

	ABI_BEGIN(test, 16);
	TEST_EQ(test, abi_frames(1, 3), 0);
	TEST_EQ(test, abi_frames(5, 1), 0);
	result = exo_cap_copy(abi_slot(1), EXO_SELF, abi_slot(11), EXO_COPY(ABI_RW, 5), 0);
	TEST_EQ(test, result.error, -EXO_E_AGAIN);
	TEST_EQ(test, result.value, 3);
	result = exo_cap_copy(abi_slot(4), EXO_SELF, abi_slot(14), EXO_COPY(ABI_RW, 2), 0);
	TEST_EQ(test, result.error, -EXO_E_CAP);
	TEST_EQ(test, result.value, 0);
	result = exo_cap_delete(abi_slot(11), 5);
	TEST_EQ(test, result.error, -EXO_E_AGAIN);
	TEST_EQ(test, result.value, 3);
}

static void caps_parts_of_frames(struct test *test)
{
	uint64_t base;

	ABI_BEGIN(test, 64);
	TEST_EQ(test,
		exo_frame_alloc(ABI_BANK, EXO_WHERE(3, EXO_NODE_ANY), EXO_HINT_NONE, abi_slot(1), 1)
			.error,
		0);
	base = abi_stat(abi_slot(1)).base;
	TEST_EQ(test, abi_stat(abi_slot(1)).size, 8 * EXO_PAGE);
	TEST_EQ(test, copy(1, 2, EXO_RIGHTS_ALL, EXO_PART(2, 4)), 0);
	TEST_EQ(test, abi_stat(abi_slot(2)).base, base + 2 * EXO_PAGE);
	TEST_EQ(test, abi_stat(abi_slot(2)).size, 4 * EXO_PAGE);
	/* A part of a part is counted from where that begins, and never leads out of it. */
	TEST_EQ(test, copy(2, 3, ABI_RW, EXO_PART(3, 1)), 0);
	TEST_EQ(test, abi_stat(abi_slot(3)).base, base + 5 * EXO_PAGE);
	TEST_EQ(test, copy(2, 4, ABI_RW, EXO_PART(3, 2)), -EXO_E_RANGE);
	TEST_EQ(test, copy(2, 4, ABI_RW, EXO_PART(4, 1)), -EXO_E_RANGE);
	TEST_EQ(test, copy(2, 4, ABI_RW, EXO_PART(1, 0)), -EXO_E_RANGE);
	TEST_EQ(test, copy(2, 4, ABI_RW, EXO_PART(UINT32_MAX, UINT32_MAX)), -EXO_E_RANGE);
	TEST_EQ(test, copy(0, 4, ABI_RW, EXO_PART(0, 1)), -EXO_E_RANGE);
	TEST_EQ(test, abi_stat(abi_slot(4)).type, EXO_TYPE_NONE);
}

static void caps_delete_lets_copies_move_up(struct test *test)
{
	ABI_BEGIN(test, 16);
	TEST_EQ(test, abi_frames(1, 1), 0);
	TEST_EQ(test, abi_copy(1, 2, EXO_RIGHTS_ALL), 0);
	TEST_EQ(test, abi_copy(2, 3, EXO_RIGHTS_ALL), 0);
	TEST_EQ(test, exo_cap_delete(abi_slot(2), 1).error, 0);
	TEST_EQ(test, abi_stat(abi_slot(3)).type, EXO_TYPE_FRAME);
	/* It is below the first one now. */
	TEST_EQ(test, abi_revoke(abi_slot(1)), 0);
	TEST_EQ(test, abi_stat(abi_slot(3)).type, EXO_TYPE_NONE);
	TEST_EQ(test, abi_stat(abi_slot(1)).type, EXO_TYPE_FRAME);
}

static void caps_the_last_gives_the_memory_back(struct test *test)
{
	uint64_t before;

	ABI_BEGIN(test, 64);
	TEST_EQ(test, abi_frames(1, 1), 0); /* its page of objects stays */
	before = abi_used(ABI_BANK);
	TEST_EQ(test,
		exo_frame_alloc(ABI_BANK, EXO_WHERE(4, EXO_NODE_ANY), EXO_HINT_NONE, abi_slot(2), 1)
			.error,
		0);
	TEST_EQ(test, abi_used(ABI_BANK), before + 16);
	TEST_EQ(test, abi_copy(2, 3, ABI_RW), 0);
	TEST_EQ(test, exo_cap_delete(abi_slot(2), 1).error, 0);
	TEST_EQ(test, abi_used(ABI_BANK), before + 16);
	TEST_EQ(test, exo_cap_delete(abi_slot(3), 1).error, 0);
	ABI_UNTIL(test, abi_used(ABI_BANK) == before);
}

static void caps_delete_refuses_bad_arguments(struct test *test)
{
	ABI_BEGIN(test, 16);
	TEST_EQ(test, exo_cap_delete(abi_slot(1), 0).error, -EXO_E_ARG);
	TEST_EQ(test, exo_cap_delete(abi_slot(1), 1).error, -EXO_E_CAP);
	TEST_EQ(test, exo_cap_delete(EXO_SELF, 1).error, -EXO_E_CAP);
	TEST_EQ(test, exo_cap_delete(UINT64_MAX, 1).error, -EXO_E_CAP);
	TEST_EQ(test, exo_cap_delete(UINT64_MAX, UINT64_MAX).error, -EXO_E_CAP);
}

/* Where cap_stat() must not write: nowhere, read-only, the kernel, across the end. */
static int64_t stat_to(uint64_t address)
{
	return exo_cap_stat(ABI_BANK, (void *)address).error;
}

static void caps_stat_says_what_is_there(struct test *test)
{
	struct exo_cap_info info = { .type = 77 };
	const uint64_t slots = abi_stat(EXO_FIRST_ENV).size;

	ABI_BEGIN(test, 32);
	TEST_EQ(test, abi_stat(EXO_FIRST_ENV).type, EXO_TYPE_ENV);
	TEST_EQ(test, abi_stat(EXO_FIRST_ENV).used, 1);
	TEST_EQ(test, abi_stat(EXO_FIRST_THREAD).type, EXO_TYPE_THREAD);
	TEST_EQ(test, abi_stat(EXO_FIRST_SYS).type, EXO_TYPE_SYS);
	TEST_EQ(test, abi_stat(EXO_FIRST_CPUS).type, EXO_TYPE_CPU);
	TEST_EQ(test, abi_stat(EXO_FIRST_INFO).address, EXO_INFO_ADDRESS);
	TEST_EQ(test, abi_stat(ABI_BANK).type, EXO_TYPE_BANK);
	TEST_EQ(test, abi_stat(ABI_BANK).size, 32);
	TEST_EQ(test, exo_cap_stat(abi_slot(1), &info).error, 0);
	TEST_EQ(test, info.type, EXO_TYPE_NONE);
	TEST_EQ(test, exo_cap_stat(slots, &info).error, -EXO_E_CAP);
	TEST_EQ(test, exo_cap_stat(UINT64_MAX, &info).error, -EXO_E_CAP);
	TEST_EQ(test, stat_to(0), -EXO_E_FAULT);
	TEST_EQ(test, stat_to(EXO_INFO_ADDRESS), -EXO_E_FAULT);
	TEST_EQ(test, stat_to(UINT64_C(0xffffffff80100000)), -EXO_E_FAULT);
	TEST_EQ(test, stat_to(exo_program_info.user_end - 8), -EXO_E_FAULT);
	TEST_EQ(test, stat_to(UINT64_MAX - 8), -EXO_E_FAULT);
}

static void caps_each_call_wants_its_type(struct test *test)
{
	const exo_cap_t frame = abi_slot(1), to = abi_slot(2);

	ABI_BEGIN(test, 32);
	TEST_EQ(test, abi_frames(1, 1), 0);
	TEST_EQ(test, exo_bank_create(frame, 1, EXO_NODE_ANY, to).error, -EXO_E_TYPE);
	TEST_EQ(test, exo_object_create(frame, EXO_TYPE_NTF, to, 0).error, -EXO_E_TYPE);
	TEST_EQ(test, exo_frame_alloc(frame, 0, EXO_HINT_NONE, to, 1).error, -EXO_E_TYPE);
	TEST_EQ(test, exo_map(frame, NULL, 0).error, -EXO_E_TYPE);
	TEST_EQ(test, exo_env_config(frame, 0, 0, 0).error, -EXO_E_TYPE);
	TEST_EQ(test, exo_thread_config(frame, EXO_SELF, 0, 0, 0, 0).error, -EXO_E_TYPE);
	TEST_EQ(test, exo_thread_state(frame, EXO_THREAD_RUN, NULL).error, -EXO_E_TYPE);
	TEST_EQ(test, exo_thread_sched(frame, EXO_FIRST_CPUS, NULL).error, -EXO_E_TYPE);
	TEST_EQ(test, exo_yield(frame).error, -EXO_E_TYPE);
	TEST_EQ(test, exo_ntf_signal(frame, 1).error, -EXO_E_TYPE);
	TEST_EQ(test, exo_ntf_wait(frame, 1, 0).error, -EXO_E_TYPE);
	TEST_EQ(test, exo_ntf_bind(frame, EXO_SELF, 1).error, -EXO_E_TYPE);
	if (abi_stat(EXO_FIRST_IRQS).type == EXO_TYPE_IRQ) {
		TEST_EQ(test, exo_irq_bind(frame, 0, EXO_SELF, 0).error, -EXO_E_TYPE);
		TEST_EQ(test, exo_irq_ack(frame, 0).error, -EXO_E_TYPE);
	}
	TEST_EQ(test, exo_sys_ctl(frame, EXO_SYS_READ, 0, 0).error, -EXO_E_TYPE);
	TEST_EQ(test, exo_sys_ctl(EXO_FIRST_SYS, 999, 0, 0).error, -EXO_E_ARG);
}

static const struct test_case caps_cases[] = {
	TEST_CASE(caps_copy_has_what_was_asked),
	TEST_CASE(caps_rights_never_grow),
	TEST_CASE(caps_copy_refuses_bad_arguments),
	TEST_CASE(caps_copy_into_another_table_needs_grant),
	TEST_CASE(caps_ranges_go_on_where_they_stopped),
	TEST_CASE(caps_a_hole_ends_a_range),
	TEST_CASE(caps_parts_of_frames),
	TEST_CASE(caps_delete_lets_copies_move_up),
	TEST_CASE(caps_the_last_gives_the_memory_back),
	TEST_CASE(caps_delete_refuses_bad_arguments),
	TEST_CASE(caps_stat_says_what_is_there),
	TEST_CASE(caps_each_call_wants_its_type),
};
TEST_SUITE(user_caps, caps_cases);
