/* SPDX-License-Identifier: MIT */
/*
 * <exo/printf.h> against texts written down here; printf_hostonly.c compares the same code with the
 * host's C library over every combination.
 */
#include <exo/printf.h>
#include <exo/string.h>
#include <exo/test.h>

static char text[128];

/* Not marked as a format function: some formats below are wrong on purpose. */
static int format_text(size_t size, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	memset(text, '#', sizeof(text));
	length = kvsnprintf(text, size, format, arguments);
	va_end(arguments);
	return length;
}

#define CHECK_FORMAT(test, expected, ...)                                                \
	do {                                                                             \
		TEST_EQ(test, format_text(sizeof(text), __VA_ARGS__), strlen(expected)); \
		TEST_STREQ(test, text, expected);                                        \
	} while (0)

static void printf_prints_literals(struct test *test)
{
	CHECK_FORMAT(test, "", "");
	CHECK_FORMAT(test, "plain\n", "plain\n");
	CHECK_FORMAT(test, "100% of 5%", "100%% of %d%%", 5);
	CHECK_FORMAT(test, "%%", "%%%%");
}

static void printf_prints_integers(struct test *test)
{
	CHECK_FORMAT(test, "0 -1 2147483647", "%d %d %i", 0, -1, 2147483647);
	CHECK_FORMAT(test, "-2147483648 4294967295", "%d %u", -2147483647 - 1, 4294967295u);
	CHECK_FORMAT(test, "4294967296 9999999999", "%lu %lu", 4294967296ul, 9999999999ul);
	CHECK_FORMAT(test, "-9223372036854775808", "%lld", -9223372036854775807ll - 1);
	CHECK_FORMAT(test, "18446744073709551615", "%llu", ~0ull);
	CHECK_FORMAT(test, "beef BEEF 177 0", "%x %X %o %x", 0xbeef, 0xbeef, 0177, 0);
	CHECK_FORMAT(test, "1777777777777777777777", "%lo", ~0ul);
	CHECK_FORMAT(test, "ffffffffffffffff", "%zx", (size_t)-1);
}

static void printf_honours_lengths(struct test *test)
{
	CHECK_FORMAT(test, "-1 255 -1 65535", "%hhd %hhu %hd %hu", 0x1ff, 0x1ff, 0x1ffff, 0x1ffff);
	CHECK_FORMAT(test, "-128 80", "%hhd %hhx", 0x80, 0x80);
	CHECK_FORMAT(test, "-1 -1 -1 -1", "%ld %zd %td %jd", -1l, -1l, -1l, -1l);
}

static void printf_honours_flags_and_width(struct test *test)
{
	CHECK_FORMAT(test, "[   42][42   ][00042]", "[%5d][%-5d][%05d]", 42, 42, 42);
	CHECK_FORMAT(test, "[+42][ 42][+0042][-0042]", "[%+d][% d][%+05d][%05d]", 42, 42, 42, -42);
	CHECK_FORMAT(test, "[0xff][0XFF][017][0][0]", "[%#x][%#X][%#o][%#x][%#o]", 255, 255, 15, 0,
		     0);
	CHECK_FORMAT(test, "[0x00ff][  0xff]", "[%#06x][%#6x]", 255, 255);
	CHECK_FORMAT(test, "[    7][7    ][7    ]", "[%*d][%-*d][%*d]", 5, 7, 5, 7, -5, 7);
	CHECK_FORMAT(test, "[                                        x]", "[%41s]", "x");
}

static void printf_honours_precision(struct test *test)
{
	CHECK_FORMAT(test, "[007][  007][007  ][]", "[%.3d][%5.3d][%-5.3d][%.0d]", 7, 7, 7, 0);
	CHECK_FORMAT(test, "[  007][0x0007][0]", "[%05.3d][%#.4x][%#.0o]", 7, 7, 0);
	CHECK_FORMAT(test, "[007][7]", "[%.*d][%.*d]", 3, 7, -3, 7);
	CHECK_FORMAT(test, "[abc][  abc][abc  ][]", "[%.3s][%5.3s][%-5.3s][%.s]", "abcdef",
		     "abcdef", "abcdef", "abcdef");
}

static void printf_prints_strings_and_characters(struct test *test)
{
	const char open[3] = { 'a', 'b', 'c' };

	CHECK_FORMAT(test, "[abc][][  abc][abc  ]", "[%s][%s][%5s][%-5s]", "abc", "", "abc", "abc");
	CHECK_FORMAT(test, "[x][  x][x  ]", "[%c][%3c][%-3c]", 'x', 'x', 'x');
	CHECK_FORMAT(test, "abc", "%.3s", open); /* reads no terminator */
	CHECK_FORMAT(test, "(null)", "%s", (char *)NULL);
	TEST_EQ(test, format_text(sizeof(text), "a%cb", 0), 3);
	TEST_EQ(test, memcmp(text, "a\0b", 4), 0);
}

static void printf_prints_pointers_in_full(struct test *test)
{
	CHECK_FORMAT(test, "0x0000000000000000", "%p", (void *)NULL);
	CHECK_FORMAT(test, "0xffffffff80100abc", "%p", (void *)0xffffffff80100abc);
	CHECK_FORMAT(test, "[  0x0000000000001000]", "[%20p]", (void *)0x1000);
	CHECK_FORMAT(test, "[0x0000000000001000  ]", "[%-20p]", (void *)0x1000);
}

static void printf_leaves_what_it_does_not_know(struct test *test)
{
	CHECK_FORMAT(test, "a%yb5", "a%yb%d", 5);
	CHECK_FORMAT(test, "%-08.3lly 5", "%-08.3lly %d", 5);
	CHECK_FORMAT(test, "%ls %lc %f %n", "%ls %lc %f %n");
	CHECK_FORMAT(test, "%", "%");
	CHECK_FORMAT(test, "5%-8.3l", "%d%-8.3l", 5);
}

static void ksnprintf_cuts_and_terminates(struct test *test)
{
	TEST_EQ(test, format_text(4, "%s", "abcdef"), 6);
	TEST_STREQ(test, text, "abc");
	TEST_EQ(test, text[4], '#');
	TEST_EQ(test, format_text(5, "a%dcd%d", 12, 34), 7);
	TEST_STREQ(test, text, "a12c");
	TEST_EQ(test, format_text(1, "abc"), 3);
	TEST_STREQ(test, text, "");
	TEST_EQ(test, text[1], '#');
	TEST_EQ(test, format_text(0, "abc"), 3);
	TEST_EQ(test, text[0], '#');
	TEST_EQ(test, ksnprintf(NULL, 0, "%d", 12345), 5);
	TEST_EQ(test, format_text(4, "abc"), 3);
	TEST_STREQ(test, text, "abc");
}

struct counting_sink {
	struct printf_sink sink;
	unsigned int calls;
	size_t bytes;
	bool empty;
};

static void count_put(struct printf_sink *sink, const char *piece, size_t length)
{
	struct counting_sink *counting = container_of(sink, struct counting_sink, sink);

	(void)piece;
	counting->calls++;
	counting->bytes += length;
	counting->empty |= length == 0;
}

static int count_pieces(struct counting_sink *counting, const char *format, ...)
{
	va_list arguments;
	int length;

	*counting = (struct counting_sink){ .sink.put = count_put };
	va_start(arguments, format);
	length = printf_format(&counting->sink, format, arguments);
	va_end(arguments);
	return length;
}

static void printf_hands_over_few_pieces(struct test *test)
{
	struct counting_sink counting;

	TEST_EQ(test, count_pieces(&counting, "one literal run %% or two\n"), 25);
	TEST_EQ(test, counting.calls, 2);
	TEST_EQ(test, count_pieces(&counting, "%s: %d of %u\n", "name", 12345, 7u), 17);
	TEST_EQ(test, counting.calls, 6);
	TEST_EQ(test, counting.bytes, 17);
	TEST_EQ(test, count_pieces(&counting, "%s%.0d%-0s", "", 0, ""), 0);
	TEST_EQ(test, counting.calls, 0);
	TEST_TRUE(test, !counting.empty);
}

static const struct test_case printf_cases[] = {
	TEST_CASE(printf_prints_literals),	   TEST_CASE(printf_prints_integers),
	TEST_CASE(printf_honours_lengths),	   TEST_CASE(printf_honours_flags_and_width),
	TEST_CASE(printf_honours_precision),	   TEST_CASE(printf_prints_strings_and_characters),
	TEST_CASE(printf_prints_pointers_in_full), TEST_CASE(printf_leaves_what_it_does_not_know),
	TEST_CASE(ksnprintf_cuts_and_terminates),  TEST_CASE(printf_hands_over_few_pieces),
};
TEST_SUITE(printf, printf_cases);
