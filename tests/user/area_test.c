/* SPDX-License-Identifier: MIT */
/* libexo's areas: memory at addresses of one's choice, and what is known about it. */
#include "abi.h"

#include <libexo/area.h>
#include <libexo/slots.h>

#define PAGES 600u /* more than one call maps */
#define AT(page) (ABI_ADDRESS + (uint64_t)(page)*EXO_PAGE)
#define HELD EXO_AREA_HELD

static uint8_t rights[PAGES];
static struct exo_area area;

static bool begin(void)
{
	if (area.slot)
		(void)exo_area_drop(&area, ABI_ADDRESS, area.size);
	return abi_begin(64) == 0 &&
	       (area.slot || !exo_area_init(&area, ABI_ADDRESS, PAGES * EXO_PAGE, rights));
}

static void area_pages_come_and_go(struct test *test)
{
	char *const memory = (char *)AT(3);
	uint64_t used;

	TEST_TRUE(test, begin());
	TEST_EQ(test, exo_area_add(&area, AT(3), 2 * EXO_PAGE + 1, ABI_RW), 0);
	TEST_TRUE(test, exo_area_has(&area, AT(3), 3 * EXO_PAGE, ABI_RW | HELD));
	TEST_TRUE(test, !exo_area_has(&area, AT(3) - 1, 2, HELD));
	TEST_TRUE(test, !exo_area_has(&area, AT(6) - 1, 2, HELD));
	memory[0] = memory[3 * EXO_PAGE - 1] = 'x';
	/* In place of what is there come zeros. */
	TEST_EQ(test, exo_area_add(&area, AT(2), 2 * EXO_PAGE, ABI_RW), 0);
	TEST_EQ(test, memory[0], 0);
	TEST_EQ(test, memory[3 * EXO_PAGE - 1], 'x');
	/* With holes, too. */
	TEST_EQ(test, exo_area_drop(&area, AT(4), EXO_PAGE), 0);
	TEST_TRUE(test, !abi_try(ABI_READ, AT(4)));
	TEST_EQ(test, exo_area_drop(&area, AT(0), 10 * EXO_PAGE), 0);
	for (unsigned int page = 0; page < 10; page++)
		TEST_TRUE(test,
			  !exo_area_has(&area, AT(page), 1, HELD) && !abi_try(ABI_READ, AT(page)));
	TEST_EQ(test, exo_area_add(&area, AT(0), PAGES * EXO_PAGE, ABI_RW), 0);
	TEST_TRUE(test, abi_try(ABI_WRITE, AT(PAGES) - 1));
	used = abi_used(EXO_FIRST_BANK);
	TEST_EQ(test, exo_area_drop(&area, AT(0), PAGES * EXO_PAGE), 0);
	ABI_UNTIL(test, abi_used(EXO_FIRST_BANK) <= used - PAGES);
}

static void area_rights_are_those_of_the_pages(struct test *test)
{
	TEST_TRUE(test, begin());
	TEST_EQ(test, exo_area_add(&area, AT(0), 300 * EXO_PAGE, 0), 0);
	TEST_TRUE(test, exo_area_has(&area, AT(0), 300 * EXO_PAGE, HELD));
	TEST_TRUE(test, !exo_area_has(&area, AT(0), 1, EXO_RIGHT_R) && !abi_try(ABI_READ, AT(0)));
	TEST_EQ(test, exo_area_protect(&area, AT(0), 300 * EXO_PAGE, ABI_RW), 0);
	*(volatile char *)AT(299) = (char)0xc3; /* RET */
	TEST_EQ(test, exo_area_protect(&area, AT(299), 1, ABI_RX), 0);
	TEST_TRUE(test, exo_area_has(&area, AT(299), 1, ABI_RX) && abi_try(ABI_EXECUTE, AT(299)));
	TEST_TRUE(test, !exo_area_has(&area, AT(299), 1, ABI_RW) && !abi_try(ABI_WRITE, AT(299)));
	TEST_TRUE(test, exo_area_has(&area, AT(298), 1, ABI_RW) && abi_try(ABI_WRITE, AT(298)));
	TEST_EQ(test, exo_area_protect(&area, AT(299), 1, 0), 0);
	TEST_TRUE(test, !abi_try(ABI_READ, AT(299)));
	TEST_EQ(test, exo_area_protect(&area, AT(299), 1, EXO_RIGHT_R), 0);
	TEST_EQ(test, *(volatile unsigned char *)AT(299), 0xc3);
}

static void area_misuse_is_an_error(struct test *test)
{
	TEST_TRUE(test, begin());
	TEST_EQ(test, exo_area_add(&area, AT(0) + 1, 1, ABI_RW), -EXO_E_ALIGN);
	TEST_EQ(test, exo_area_add(&area, AT(0) - EXO_PAGE, EXO_PAGE, ABI_RW), -EXO_E_RANGE);
	TEST_EQ(test, exo_area_add(&area, AT(PAGES - 1), EXO_PAGE + 1, ABI_RW), -EXO_E_RANGE);
	TEST_EQ(test, exo_area_add(&area, AT(1), UINT64_MAX, ABI_RW), -EXO_E_RANGE);
	TEST_EQ(test, exo_area_add(&area, AT(0), EXO_PAGE, ABI_WX), -EXO_E_PERM);
	TEST_TRUE(test, !exo_area_has(&area, AT(0), 1, HELD));
	TEST_EQ(test, exo_area_add(&area, AT(0), EXO_PAGE, ABI_RW), 0);
	TEST_EQ(test, exo_area_protect(&area, AT(0), EXO_PAGE, ABI_WX), -EXO_E_PERM);
	TEST_TRUE(test, abi_try(ABI_WRITE, AT(0)));
	TEST_EQ(test, exo_area_protect(&area, AT(0), 2 * EXO_PAGE, ABI_RW), -EXO_E_RANGE);
	TEST_EQ(test, exo_area_drop(&area, AT(0), (uint64_t)PAGES * EXO_PAGE + 1), -EXO_E_RANGE);
	TEST_TRUE(test, !exo_area_has(&area, AT(0), UINT64_MAX, HELD));
	TEST_TRUE(test, !exo_area_has(&area, UINT64_MAX, 1, HELD));
	TEST_TRUE(test, exo_area_has(&area, 8, 0, HELD));
}

static void area_finds_the_highest_place(struct test *test)
{
	TEST_TRUE(test, begin());
	TEST_EQ(test, exo_area_find(&area, AT(0), EXO_PAGE), AT(PAGES - 1));
	TEST_EQ(test, exo_area_find(&area, AT(0), PAGES * EXO_PAGE), AT(0));
	TEST_EQ(test, exo_area_find(&area, AT(1), PAGES * EXO_PAGE), 0);
	TEST_EQ(test, exo_area_add(&area, AT(PAGES - 3), EXO_PAGE, 0), 0);
	TEST_EQ(test, exo_area_find(&area, AT(0), 2 * EXO_PAGE), AT(PAGES - 2));
	TEST_EQ(test, exo_area_find(&area, AT(0), 2 * EXO_PAGE + 1), AT(PAGES - 6));
	TEST_EQ(test, exo_area_find(&area, AT(PAGES - 5), 2 * EXO_PAGE + 1), 0);
	TEST_EQ(test, exo_area_find(&area, AT(0), UINT64_MAX), 0);
}

static const struct test_case area_cases[] = {
	TEST_CASE(area_pages_come_and_go),
	TEST_CASE(area_rights_are_those_of_the_pages),
	TEST_CASE(area_misuse_is_an_error),
	TEST_CASE(area_finds_the_highest_place),
};
TEST_SUITE(user_area, area_cases);
