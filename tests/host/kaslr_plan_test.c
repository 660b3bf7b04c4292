/* SPDX-License-Identifier: MIT */
/* Which slides there are, that a random one is one of them, and the words that ask for one. */
#include "../../arch/x86_64/kaslr_plan.h"

#include <exo/string.h>
#include <exo/test.h>

#define LIMIT MIB(CONFIG_KERNEL_IMAGE_LIMIT_MIB & ~1)

static void kaslr_plan_fits(struct test *test)
{
	TEST_TRUE(test, kaslr_fits(0));
	TEST_TRUE(test, kaslr_fits(MIB(2)));
	TEST_TRUE(test, kaslr_fits(GIB(1)));
	TEST_TRUE(test, !kaslr_fits(1));
	TEST_TRUE(test, !kaslr_fits(MIB(1)));
	TEST_TRUE(test, !kaslr_fits(MIB(2) + 4096));
	TEST_TRUE(test, !kaslr_fits(GIB(2)));
	TEST_TRUE(test, !kaslr_fits(-MIB(2)));
	TEST_TRUE(test, !kaslr_fits(1ull << 62));
}

/* The last place in each page directory, and none at all where the image would cross its end. */
static void kaslr_plan_leaves_room_for_the_image(struct test *test)
{
	for (uint64_t directory = 0; directory < GIB(2); directory += GIB(1)) {
		TEST_TRUE(test, kaslr_fits(directory + GIB(1) - LIMIT - MIB(2)));
		for (uint64_t room = MIB(2); room <= LIMIT; room += MIB(2))
			TEST_TRUE(test, !kaslr_fits(directory + GIB(1) - room));
	}
}

static void kaslr_plan_picks_what_fits(struct test *test)
{
	uint64_t random = 1, lowest = ~0ull, highest = 0;

	for (unsigned int i = 0; i < 100000; i++) {
		const uint64_t slide = kaslr_pick(random);

		TEST_TRUE(test, slide != 0 && kaslr_fits(slide));
		lowest = slide < lowest ? slide : lowest;
		highest = slide > highest ? slide : highest;
		random = random * 6364136223846793005 + 1442695040888963407;
	}
	/* All of them come up, so the first and the last do. */
	TEST_EQ(test, lowest, MIB(2));
	TEST_EQ(test, highest, GIB(2) - LIMIT - MIB(2));
	TEST_TRUE(test, kaslr_pick(0) != 0 && kaslr_fits(kaslr_pick(~0ull)));
}

static struct kaslr_request ask(const char *line)
{
	struct kaslr_request request = { .wish = KASLR_RANDOM };

	kaslr_read_words(line, &request);
	return request;
}

static void kaslr_plan_reads_words(struct test *test)
{
	TEST_EQ(test, ask("").wish, KASLR_RANDOM);
	TEST_EQ(test, ask(" \t test kaslr nokaslr2 nokaslr= xkaslr=0 ").wish, KASLR_RANDOM);
	TEST_EQ(test, ask("nokaslr").wish, KASLR_NONE);
	TEST_EQ(test, ask("test  nokaslr\n").wish, KASLR_NONE);
	TEST_EQ(test, ask("a kaslr=0x1200000 b").wish, KASLR_FIXED);
	TEST_EQ(test, ask("a kaslr=0x1200000 b").slide, 0x1200000);
	TEST_EQ(test, ask("kaslr=18M").slide, MIB(18));
	TEST_EQ(test, ask("kaslr=0").wish, KASLR_FIXED);
}

static void kaslr_plan_takes_the_last_word(struct test *test)
{
	struct kaslr_request request = { .wish = KASLR_RANDOM };

	TEST_EQ(test, ask("nokaslr kaslr=2M").wish, KASLR_FIXED);
	TEST_EQ(test, ask("kaslr=2M nokaslr").wish, KASLR_NONE);
	TEST_EQ(test, ask("kaslr=2M kaslr=4M").slide, MIB(4));
	TEST_EQ(test, ask("kaslr=x kaslr=4M").wish, KASLR_FIXED);
	TEST_EQ(test, ask("kaslr=4M kaslr=x").wish, KASLR_BAD);
	/* The next line's words come after this one's; a line without any changes nothing. */
	kaslr_read_words("kaslr=4M", &request);
	kaslr_read_words("test", &request);
	TEST_EQ(test, request.wish, KASLR_FIXED);
	kaslr_read_words("nokaslr", &request);
	TEST_EQ(test, request.wish, KASLR_NONE);
}

static void kaslr_plan_names_a_bad_word(struct test *test)
{
	static const char *const bad[] = {
		"kaslr=",   "kaslr=x",	"kaslr=-2M", "kaslr=1",
		"kaslr=3M", "kaslr=2G", "kaslr=2MB", "kaslr=99999999999999999999",
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		const struct kaslr_request request = ask(bad[i]);

		TEST_EQ(test, request.wish, KASLR_BAD);
		TEST_STREQ(test, request.word, bad[i]);
	}
	/* One that is too long to be looked at is not taken for its beginning. */
	TEST_EQ(test, ask("kaslr=0x000000000000000000000001200000").wish, KASLR_BAD);
	TEST_EQ(test, ask("kaslr=0x0000000000000000000000000000000001200000").wish, KASLR_BAD);
}

static const struct test_case kaslr_plan_cases[] = {
	TEST_CASE(kaslr_plan_fits),
	TEST_CASE(kaslr_plan_leaves_room_for_the_image),
	TEST_CASE(kaslr_plan_picks_what_fits),
	TEST_CASE(kaslr_plan_reads_words),
	TEST_CASE(kaslr_plan_takes_the_last_word),
	TEST_CASE(kaslr_plan_names_a_bad_word),
};
TEST_SUITE(kaslr_plan, kaslr_plan_cases);
