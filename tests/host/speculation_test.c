/* SPDX-License-Identifier: MIT */
/* Masks of indexes, and what is done on which CPU. */
#include "../../arch/x86_64/speculation_plan.h"

#include <arch/nospec.h>
#include <exo/nospec.h>
#include <exo/test.h>

#define IBPB (1u << 26)
#define MD_CLEAR (1u << 10)
#define CAPABILITIES (1u << 29)
#define RTM (1u << 11)
#define MDS_NO (1ull << 5)
#define TAA_NO (1ull << 8)
#define RFDS_NO (1ull << 27)
#define RFDS_CLEAR (1ull << 28)

static void speculation_masks_are_exact(struct test *test)
{
	static const uint64_t sizes[] = { 0, 1, 2, 63, 64, 4096, 1ull << 32, 1ull << 63, ~0ull };

	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		const uint64_t size = sizes[i];
		const uint64_t indexes[] = { 0,	   1,	      size - 2,	    size - 1,
					     size, size + 1,  1ull << 63,   ~0ull,
					     2,	   size * 2u, size ^ 0x100, size / 2 };

		for (unsigned int j = 0; j < ARRAY_SIZE(indexes); j++)
			TEST_EQ(test, index_mask(indexes[j], size),
				indexes[j] < size ? ~0ull : 0ull);
	}
}

static void speculation_masked_indexes_are_within(struct test *test)
{
	TEST_EQ(test, index_nospec(5, 6), 5);
	TEST_EQ(test, index_nospec(0, 1), 0);
	TEST_EQ(test, index_nospec(6, 6), IS_ENABLED(CONFIG_SPECULATION_MASKS) ? 0 : 6);
}

static unsigned int plan(uint32_t ebx, uint32_t edx, uint32_t amd, uint64_t capabilities)
{
	const struct speculation_facts facts = { ebx, edx, amd, capabilities };

	return speculation_plan(&facts);
}

static void speculation_ibpb_where_there_is_one(struct test *test)
{
	TEST_EQ(test, plan(0, 0, 0, 0), 0);
	TEST_EQ(test, plan(~0u, ~(IBPB | MD_CLEAR), ~(1u << 12), ~0ull), 0);
	TEST_EQ(test, plan(0, IBPB, 0, 0), SPECULATION_IBPB);
	TEST_EQ(test, plan(0, 0, 1u << 12, 0), SPECULATION_IBPB);
}

static void speculation_verw_where_it_is_needed(struct test *test)
{
	const uint32_t edx = MD_CLEAR | CAPABILITIES;

	TEST_EQ(test, plan(0, MD_CLEAR, 0, 0), SPECULATION_VERW);
	TEST_EQ(test, plan(RTM, CAPABILITIES, 0, RFDS_CLEAR), 0);
	TEST_EQ(test, plan(0, edx, 0, 0), SPECULATION_VERW);
	TEST_EQ(test, plan(0, edx, 0, TAA_NO | RFDS_NO), SPECULATION_VERW);
	TEST_EQ(test, plan(0, edx, 0, MDS_NO), 0);
	TEST_EQ(test, plan(RTM, edx, 0, MDS_NO), SPECULATION_VERW);
	TEST_EQ(test, plan(RTM, edx, 0, MDS_NO | TAA_NO), 0);
	TEST_EQ(test, plan(0, edx, 0, MDS_NO | RFDS_CLEAR), SPECULATION_VERW);
	TEST_EQ(test, plan(0, edx, 0, MDS_NO | RFDS_CLEAR | RFDS_NO), 0);
}

static void speculation_capabilities_are_asked_for(struct test *test)
{
	const struct speculation_facts without = { 0, ~CAPABILITIES, 0, 0 };
	const struct speculation_facts with = { 0, CAPABILITIES, 0, 0 };

	TEST_TRUE(test, !speculation_has_capabilities(&without));
	TEST_TRUE(test, speculation_has_capabilities(&with));
}

static const struct test_case speculation_cases[] = {
	TEST_CASE(speculation_masks_are_exact),
	TEST_CASE(speculation_masked_indexes_are_within),
	TEST_CASE(speculation_ibpb_where_there_is_one),
	TEST_CASE(speculation_verw_where_it_is_needed),
	TEST_CASE(speculation_capabilities_are_asked_for),
};
TEST_SUITE(speculation, speculation_cases);
