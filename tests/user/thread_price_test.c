/* SPDX-License-Identifier: MIT */
/* What a thread costs: no bank can pay for all threads that there can be. */
#include "abi.h"

static void thread_price_of_a_share(struct test *test)
{
	uint64_t before;

	ABI_BEGIN(test, 256);
	TEST_EQ(test, exo_object_create(ABI_BANK, EXO_TYPE_THREAD, abi_slot(1), 0).error, 0);
	before = abi_used(ABI_BANK);
	TEST_EQ(test, exo_object_create(ABI_BANK, EXO_TYPE_THREAD, abi_slot(2), 0).error, 0);
	TEST_TRUE(test, (abi_used(ABI_BANK) - before) * CONFIG_THREADS_MAX >=
				abi_stat(EXO_FIRST_BANK).size);
}

static const struct test_case thread_price_cases[] = {
	TEST_CASE(thread_price_of_a_share),
};
TEST_SUITE(user_thread_price, thread_price_cases);
