/* SPDX-License-Identifier: MIT */
/* The audit as a program sees it: who may ask for it, and that all is right whatever is going on.
 */
#include "abi.h"

static struct exo_result audit(exo_cap_t sys)
{
	struct exo_result result;

	abi_patience();
	do
		result = exo_sys_ctl(sys, EXO_SYS_AUDIT, 0, 0);
	while ((result.error == -EXO_E_AGAIN || result.error == -EXO_E_BUSY) && abi_patient());
	return result;
}

static void audit_is_for_those_who_may(struct test *test)
{
	ABI_BEGIN(test, 16);
	TEST_EQ(test, exo_sys_ctl(EXO_SELF, EXO_SYS_AUDIT, 0, 0).error, -EXO_E_CAP);
	TEST_EQ(test, exo_sys_ctl(ABI_BANK, EXO_SYS_AUDIT, 0, 0).error, -EXO_E_TYPE);
	TEST_EQ(test,
		exo_cap_copy(EXO_FIRST_SYS, EXO_SELF, abi_slot(1), EXO_COPY(EXO_RIGHT_R, 1), 0)
			.error,
		0);
	TEST_EQ(test, exo_sys_ctl(abi_slot(1), EXO_SYS_AUDIT, 0, 0).error, -EXO_E_PERM);
}

static volatile bool over;
static volatile uint64_t rounds;

/* Whatever a thread can do with memory, over and over. */
static void make_and_unmake(void *unused)
{
	(void)unused;
	while (!over) {
		(void)abi_frames(10, 8);
		(void)abi_map(EXO_MAP, 10, 8, ABI_ADDRESS, ABI_RW);
		(void)abi_make(EXO_TYPE_NTF, 20);
		(void)abi_make(EXO_TYPE_THREAD, 21);
		(void)abi_map(EXO_UNMAP, 10, 4, 0, 0);
		(void)exo_delete_caps(abi_slot(10), 8);
		(void)exo_delete_caps(abi_slot(20), 2);
		rounds++;
	}
}

static void audit_finds_nothing_while_others_are_busy(struct test *test)
{
	static struct exo_thread thread;

	ABI_BEGIN(test, 128);
	if (audit(EXO_FIRST_SYS).error == -EXO_E_CALL)
		TEST_SKIP(test, "CONFIG_AUDIT=n");
	over = false;
	rounds = 0;
	TEST_EQ(test, exo_thread_start(&thread, make_and_unmake, NULL, 2), 0);
	abi_patience();
	for (unsigned int i = 0; i < 50 || rounds < 50; i++) {
		const struct exo_result result = audit(EXO_FIRST_SYS);

		TEST_EQ(test, result.error, 0);
		TEST_EQ(test, result.value, 0);
		TEST_TRUE(test, abi_patient());
	}
	over = true;
	exo_thread_end(&thread);
}

static const struct test_case audit_cases[] = {
	TEST_CASE(audit_is_for_those_who_may),
	TEST_CASE(audit_finds_nothing_while_others_are_busy),
};
TEST_SUITE(user_audit, audit_cases);
