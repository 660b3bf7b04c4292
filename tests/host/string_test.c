/* SPDX-License-Identifier: MIT */
/*
 * <exo/string.h>. The memory functions are checked at every alignment, size and overlap that their
 * eight-byte steps can tell apart, and for not touching the bytes around their target.
 */
#include <exo/errno.h>
#include <exo/string.h>
#include <exo/test.h>

#define SIZES 36 /* four steps and every remainder */
#define MARGIN 16
#define AREA (SIZES + 2 * MARGIN)

static void fill_pattern(unsigned char *area)
{
	for (unsigned int i = 0; i < AREA; i++)
		area[i] = (unsigned char)(i * 7 + 1);
}

static void memcpy_copies_exactly(struct test *test)
{
	unsigned char from[AREA], to[AREA];

	for (unsigned int size = 0; size <= SIZES; size++)
		for (unsigned int shift = 0; shift < 64; shift++) {
			unsigned int in = shift % 8, out = shift / 8;

			fill_pattern(from);
			for (unsigned int i = 0; i < AREA; i++)
				to[i] = 0xee;
			TEST_TRUE(test, memcpy(to + out, from + in, size) == to + out);
			for (unsigned int i = 0; i < AREA; i++)
				TEST_EQ(test, to[i],
					i >= out && i < out + size ? from[in + i - out] : 0xee);
		}
}

static void memmove_survives_overlap(struct test *test)
{
	unsigned char area[AREA], before[AREA];

	for (unsigned int size = 0; size <= SIZES; size++)
		for (unsigned int from = 0; from <= MARGIN; from++)
			for (unsigned int to = 0; to <= MARGIN; to++) {
				fill_pattern(area);
				fill_pattern(before);
				TEST_TRUE(test, memmove(area + to, area + from, size) == area + to);
				for (unsigned int i = 0; i < AREA; i++)
					TEST_EQ(test, area[i],
						i >= to && i < to + size ? before[from + i - to]
									 : before[i]);
			}
}

static void memset_fills_exactly(struct test *test)
{
	unsigned char area[AREA];

	for (unsigned int size = 0; size <= SIZES; size++)
		for (unsigned int at = 0; at < 8; at++) {
			fill_pattern(area);
			/* Only the low byte of the value counts. */
			TEST_TRUE(test, memset(area + at, 0x1ff - (int)at, size) == area + at);
			for (unsigned int i = 0; i < AREA; i++)
				TEST_EQ(test, area[i],
					i >= at && i < at + size ? 0xff - at : i * 7 % 256 + 1);
		}
}

static void memcmp_orders_bytes_unsigned(struct test *test)
{
	TEST_EQ(test, memcmp("abc", "abc", 3), 0);
	TEST_EQ(test, memcmp("abc", "abd", 2), 0);
	TEST_EQ(test, memcmp("a", "b", 0), 0);
	TEST_TRUE(test, memcmp("abc", "abd", 3) < 0);
	TEST_TRUE(test, memcmp("abd", "abc", 3) > 0);
	TEST_TRUE(test, memcmp("\x80", "\x7f", 1) > 0);
	TEST_TRUE(test, memcmp("a\0b", "a\0c", 3) < 0);
}

static void memchr_finds_the_first(struct test *test)
{
	const char text[] = "ab\xff\0b";

	TEST_TRUE(test, memchr(text, 'b', sizeof(text)) == text + 1);
	TEST_TRUE(test, memchr(text, 0xff, sizeof(text)) == text + 2);
	TEST_TRUE(test, memchr(text, -1, sizeof(text)) == text + 2);
	TEST_TRUE(test, memchr(text, 0, sizeof(text)) == text + 3);
	TEST_TRUE(test, memchr(text, 'b', 1) == NULL);
	TEST_TRUE(test, memchr(text, 'a', 0) == NULL);
}

static void strlen_and_strnlen_count(struct test *test)
{
	const char open[3] = { 'a', 'b', 'c' };

	TEST_EQ(test, strlen(""), 0);
	TEST_EQ(test, strlen("abc"), 3);
	TEST_EQ(test, strlen("a\0c"), 1);
	TEST_EQ(test, strnlen("abc", 5), 3);
	TEST_EQ(test, strnlen("abc", 3), 3);
	TEST_EQ(test, strnlen("abc", SIZE_MAX), 3);
	TEST_EQ(test, strnlen(open, sizeof(open)), 3); /* reads no further */
	TEST_EQ(test, strnlen(open, 0), 0);
}

static void strcmp_orders_strings(struct test *test)
{
	TEST_EQ(test, strcmp("", ""), 0);
	TEST_EQ(test, strcmp("abc", "abc"), 0);
	TEST_EQ(test, strcmp("abc\0x", "abc\0y"), 0);
	TEST_TRUE(test, strcmp("ab", "abc") < 0);
	TEST_TRUE(test, strcmp("abc", "ab") > 0);
	TEST_TRUE(test, strcmp("abd", "abc") > 0);
	TEST_TRUE(test, strcmp("\x80", "\x7f") > 0);
}

static void strncmp_stops_at_its_limit(struct test *test)
{
	const char open[3] = { 'a', 'b', 'c' };

	TEST_EQ(test, strncmp("abc", "abd", 2), 0);
	TEST_EQ(test, strncmp("a", "b", 0), 0);
	TEST_EQ(test, strncmp("ab\0c", "ab\0d", 4), 0);
	TEST_EQ(test, strncmp(open, "abcd", 3), 0);
	TEST_TRUE(test, strncmp("abc", "abd", 3) < 0);
	TEST_TRUE(test, strncmp("abd", "abc", 3) > 0);
	TEST_TRUE(test, strncmp("ab", "abc", 3) < 0);
}

static void strchr_finds_the_first(struct test *test)
{
	const char *text = "abcb\xff";

	TEST_TRUE(test, strchr(text, 'b') == text + 1);
	TEST_TRUE(test, strchr(text, 'x') == NULL);
	TEST_TRUE(test, strchr(text, '\0') == text + 5);
	TEST_TRUE(test, strchr(text, 0xff) == text + 4);
	TEST_TRUE(test, strchr("", 'a') == NULL);
}

static void strstr_finds_the_first(struct test *test)
{
	const char *text = "aabaabaac";

	TEST_TRUE(test, strstr(text, "aabaac") == text + 3);
	TEST_TRUE(test, strstr(text, "aab") == text);
	TEST_TRUE(test, strstr(text, "") == text);
	TEST_TRUE(test, strstr(text, text) == text);
	TEST_TRUE(test, strstr(text, "c") == text + 8);
	TEST_TRUE(test, strstr(text, "aacx") == NULL);
	TEST_TRUE(test, strstr("", "a") == NULL);
	TEST_TRUE(test, strstr("", "") != NULL);
}

static void string_copy_always_terminates(struct test *test)
{
	char to[6] = "xxxxx";

	TEST_TRUE(test, string_copy(to, 4, "abc"));
	TEST_STREQ(test, to, "abc");
	TEST_EQ(test, to[4], 'x');
	TEST_TRUE(test, !string_copy(to, 4, "defg"));
	TEST_STREQ(test, to, "def");
	TEST_EQ(test, to[4], 'x');
	TEST_TRUE(test, !string_copy(to, 1, "a"));
	TEST_STREQ(test, to, "");
	TEST_TRUE(test, string_copy(to, 1, ""));
	TEST_EQ(test, to[1], 'e');
}

static void string_to_u64_reads_numbers(struct test *test)
{
	static const struct {
		const char *text;
		uint64_t value;
	} good[] = {
		{ "0", 0 },
		{ "7", 7 },
		{ "0010", 10 },
		{ "18446744073709551615", UINT64_MAX },
		{ "0x0", 0 },
		{ "0xffffffffffffffff", UINT64_MAX },
		{ "0x0000000000000000dEadBeeF", 0xdeadbeef },
		{ "4K", 4096 },
		{ "64M", (uint64_t)64 << 20 },
		{ "17179869183G", (uint64_t)17179869183u << 30 },
		{ "0x10K", 0x4000 },
		{ "0G", 0 },
	};
	uint64_t value;

	for (unsigned int i = 0; i < ARRAY_SIZE(good); i++) {
		value = ~good[i].value;
		TEST_EQ(test, string_to_u64(good[i].text, &value), 0);
		TEST_EQ(test, value, good[i].value);
	}
}

static void string_to_u64_refuses_the_rest(struct test *test)
{
	static const struct {
		const char *text;
		int error;
	} bad[] = {
		{ "", -EXO_E_ARG },
		{ " 1", -EXO_E_ARG },
		{ "1 ", -EXO_E_ARG },
		{ "-1", -EXO_E_ARG },
		{ "+1", -EXO_E_ARG },
		{ "x", -EXO_E_ARG },
		{ "0x", -EXO_E_ARG },
		{ "0xg", -EXO_E_ARG },
		{ "0x x", -EXO_E_ARG },
		{ "12a", -EXO_E_ARG },
		{ "K", -EXO_E_ARG },
		{ "1KK", -EXO_E_ARG },
		{ "1KiB", -EXO_E_ARG },
		{ "1T", -EXO_E_ARG },
		{ "1.5", -EXO_E_ARG },
		{ "\xb1", -EXO_E_ARG },
		{ "99999999999999999999z", -EXO_E_ARG },
		{ "18446744073709551616", -EXO_E_RANGE },
		{ "184467440737095516150", -EXO_E_RANGE },
		{ "0x10000000000000000", -EXO_E_RANGE },
		{ "17179869184G", -EXO_E_RANGE },
		{ "0xffffffffffffffffK", -EXO_E_RANGE },
	};
	uint64_t value = 42;

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		TEST_EQ(test, string_to_u64(bad[i].text, &value), bad[i].error);
		TEST_EQ(test, value, 42);
	}
}

static const struct test_case string_cases[] = {
	TEST_CASE(memcpy_copies_exactly),	   TEST_CASE(memmove_survives_overlap),
	TEST_CASE(memset_fills_exactly),	   TEST_CASE(memcmp_orders_bytes_unsigned),
	TEST_CASE(memchr_finds_the_first),	   TEST_CASE(strlen_and_strnlen_count),
	TEST_CASE(strcmp_orders_strings),	   TEST_CASE(strncmp_stops_at_its_limit),
	TEST_CASE(strchr_finds_the_first),	   TEST_CASE(strstr_finds_the_first),
	TEST_CASE(string_copy_always_terminates),  TEST_CASE(string_to_u64_reads_numbers),
	TEST_CASE(string_to_u64_refuses_the_rest),
};
TEST_SUITE(string, string_cases);
