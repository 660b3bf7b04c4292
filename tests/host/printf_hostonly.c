/* SPDX-License-Identifier: MIT */
/*
 * The kernel's printf against the host's: every conversion with every combination of flags, width,
 * precision, length and edge values gives the same text and the same return value, in large and in
 * small buffers. Combinations that the C standard leaves undefined (# with d, 0 with s) are left
 * out, and so is %p, whose text is the kernel's own; that one is checked against 0x%016llx.
 *
 * An argument replaces the seed of the random part.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* After <setjmp.h>, <stdarg.h>, <stddef.h> and <stdint.h>, which it needs. */
#include <cmocka.h>

#include <exo/compiler.h>
#include <exo/printf.h>

#define TEXT_SIZE 512
#define GUARD 0x5a

static unsigned long compared;
static uint64_t seed = 20240229;

/* Compares one call, with a buffer of @size bytes, at most TEXT_SIZE. */
static void compare_sized(size_t size, const char *format, va_list arguments)
{
	char host[TEXT_SIZE + 1], kernel[TEXT_SIZE + 1];
	va_list again;
	int host_length, kernel_length;

	host[size] = kernel[size] = GUARD;
	va_copy(again, arguments);
	host_length = vsnprintf(host, size, format, again);
	va_end(again);
	va_copy(again, arguments);
	kernel_length = kvsnprintf(kernel, size, format, again);
	va_end(again);
	compared++;
	if (host_length != kernel_length)
		fail_msg("'%s', size %zu: kernel returns %d, host %d; kernel '%s', host '%s'",
			 format, size, kernel_length, host_length, kernel, host);
	if (kernel[size] != GUARD)
		fail_msg("'%s', size %zu: wrote behind the buffer", format, size);
	if (size == 0)
		return;
	if ((size_t)host_length < size)
		size = (size_t)host_length + 1;
	for (size_t i = 0; i < size; i++)
		if (host[i] != kernel[i])
			fail_msg("'%s': kernel '%s', host '%s'", format, kernel, host);
}

static void compare(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	compare_sized(TEXT_SIZE, format, arguments);
	va_end(arguments);
}

static void compare_all_sizes(const char *format, ...)
{
	va_list arguments, again;
	int length;

	va_start(arguments, format);
	va_copy(again, arguments);
	length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	assert_in_range(length, 0, TEXT_SIZE - 2);
	for (size_t size = 0; size <= (size_t)length + 2; size++)
		compare_sized(size, format, arguments);
	va_end(arguments);
}

static const char flag_characters[] = "-0+ #";
static const char *const lengths[] = { "hh", "h", "", "l", "ll", "z", "t", "j" };
static const char *const widths[] = { "", "1", "3", "8", "24" };
static const char *const precisions[] = { "", ".", ".0", ".1", ".4", ".30" };
static const uint64_t values[] = {
	0,
	1,
	9,
	0x80,
	0xff7f,
	INT32_MAX,
	(uint64_t)INT32_MIN,
	UINT32_MAX,
	UINT64_C(4294967296),
	INT64_MAX,
	(uint64_t)INT64_MIN,
	UINT64_MAX - 9999,
};

/* Writes the flags of @set, bits in the order of flag_characters, and returns their end. */
static char *write_flags(char *at, unsigned int set)
{
	for (unsigned int i = 0; flag_characters[i] != '\0'; i++)
		if (set & (1u << i))
			*at++ = flag_characters[i];
	*at = '\0';
	return at;
}

/* Passes @value in the type that a length stands for. */
static void compare_integer(const char *format, const char *length, uint64_t value)
{
	switch (length[0]) {
	case '\0':
	case 'h':
		compare(format, (int)value);
		break;
	default:
		compare(format, value);
	}
}

static void compare_specification(unsigned int flags, const char *width, const char *precision,
				  char letter)
{
	char format[32];
	char *at = format;

	*at++ = '%';
	at = write_flags(at, flags);
	for (unsigned int i = 0; i < ARRAY_SIZE(lengths); i++) {
		snprintf(at, sizeof(format) - 16, "%s%s%s%c", width, precision, lengths[i], letter);
		for (unsigned int j = 0; j < ARRAY_SIZE(values); j++)
			compare_integer(format, lengths[i], values[j]);
	}
}

static void integers_in_every_combination(void **state)
{
	(void)state;
	for (const char *letter = "diuxXo"; *letter != '\0'; letter++) {
		bool takes_prefix = *letter == 'x' || *letter == 'X' || *letter == 'o';
		unsigned int flag_sets = takes_prefix ? 32 : 16;

		for (unsigned int flags = 0; flags < flag_sets; flags++)
			for (unsigned int i = 0; i < ARRAY_SIZE(widths); i++)
				for (unsigned int j = 0; j < ARRAY_SIZE(precisions); j++)
					compare_specification(flags, widths[i], precisions[j],
							      *letter);
	}
}

static void strings_and_characters_in_every_combination(void **state)
{
	static const char *const strings[] = { "", "a", "four", "a longer string\n", "%d\xff\x80" };
	char format[32];

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(widths); i++)
		for (unsigned int left = 0; left < 2; left++) {
			snprintf(format, sizeof(format), "<%%%s%sc>", left ? "-" : "", widths[i]);
			for (int character = -1; character < 256; character++)
				compare(format, character);
			for (unsigned int j = 0; j < ARRAY_SIZE(precisions); j++) {
				snprintf(format, sizeof(format), "<%%%s%s%ss>", left ? "-" : "",
					 widths[i], precisions[j]);
				for (unsigned int k = 0; k < ARRAY_SIZE(strings); k++)
					compare(format, strings[k]);
			}
		}
}

static void stars_take_arguments(void **state)
{
	static const char *const formats[] = { "[%*.*d]", "[%0*.*d]", "[%-*.*x]", "[%+*.*lli]" };

	(void)state;
	for (int width = -30; width <= 30; width++)
		for (int precision = -2; precision <= 30; precision++) {
			for (unsigned int i = 0; i < ARRAY_SIZE(formats); i++)
				compare(formats[i], width, precision, (uint64_t)1234567);
			compare("[%*.*s]", width, precision, "some text");
			compare("[%-*c]", width, 'x');
		}
}

static void small_buffers_cut_alike(void **state)
{
	(void)state;
	compare_all_sizes("");
	compare_all_sizes("literal");
	compare_all_sizes("100%% literal %% text %%");
	compare_all_sizes("%s %d|%-20s|%020x", "text", -12345, "left", 0xbeef);
	compare_all_sizes("%#30.20llx%-40d%c%c", 0x123456789abcdefull, 7, 0, 'x');
}

static void pointers_have_sixteen_digits(void **state)
{
	char host[64], kernel[64], digits[32];

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(values); i++)
		for (int width = -30; width <= 30; width++) {
			snprintf(digits, sizeof(digits), "0x%016llx",
				 (unsigned long long)values[i]);
			assert_int_equal(snprintf(host, sizeof(host), "%*s", width, digits),
					 ksnprintf(kernel, sizeof(kernel), "%*p", width,
						   (void *)values[i]));
			assert_string_equal(kernel, host);
			compared++;
		}
}

/* xorshift64*: good enough to shuffle formats, and the same everywhere. */
static uint64_t random_below(uint64_t limit)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (seed * UINT64_C(2685821657736338717) >> 16) % limit;
}

/* The arguments of a random format, all passed as 64 bits: x86-64 passes every integer and pointer
   so, whatever its type. */
struct random_arguments {
	uint64_t values[12];
	unsigned int count;
};

static char *add_star_or_number(char *at, struct random_arguments *arguments, int least)
{
	int number = (int)random_below(40) + least;

	if (random_below(2)) {
		arguments->values[arguments->count++] = (uint64_t)number;
		*at++ = '*';
		return at;
	}
	return at + sprintf(at, "%d", number < 0 ? -number : number);
}

static char *add_conversion(char *at, struct random_arguments *arguments)
{
	static const char letters[] = "diuxXocs";
	char letter = letters[random_below(sizeof(letters) - 1)];
	unsigned int flags = (unsigned int)random_below(32);

	if (letter == 'c' || letter == 's')
		flags &= 1;
	if (letter == 'd' || letter == 'i' || letter == 'u')
		flags &= 15;
	*at++ = '%';
	at = write_flags(at, flags);
	if (random_below(2))
		at = add_star_or_number(at, arguments, -20);
	if (letter != 'c' && random_below(2)) {
		*at++ = '.';
		at = add_star_or_number(at, arguments, -2);
	}
	if (letter == 's') {
		arguments->values[arguments->count++] = (uintptr_t) "a random string";
	} else {
		arguments->values[arguments->count++] = seed >> random_below(64);
		if (letter != 'c')
			at += sprintf(at, "%s", lengths[random_below(ARRAY_SIZE(lengths))]);
	}
	*at++ = letter;
	return at;
}

static void random_formats(void **state)
{
	static const char *const literals[] = { "", " ", "text ", "%%", "\n", ", and %% more" };

	(void)state;
	print_message("# seed %llu\n", (unsigned long long)seed);
	for (unsigned int i = 0; i < 50000; i++) {
		struct random_arguments arguments = { .count = 0 };
		uint64_t *v = arguments.values;
		char format[256];
		char *at = format;

		for (uint64_t n = random_below(5); n > 0; n--) {
			at += sprintf(at, "%s", literals[random_below(ARRAY_SIZE(literals))]);
			at = add_conversion(at, &arguments);
		}
		sprintf(at, "%s", literals[random_below(ARRAY_SIZE(literals))]);
		compare(format, v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9], v[10],
			v[11]);
	}
}

static void count_put(struct printf_sink *sink, const char *text, size_t length)
{
	(void)sink;
	(void)text;
	(void)length;
}

static int count_characters(const char *format, ...)
{
	struct printf_sink sink = { .put = count_put };
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = printf_format(&sink, format, arguments);
	va_end(arguments);
	return length;
}

static void length_stops_at_int_max(void **state)
{
	(void)state;
	assert_int_equal(count_characters("%99999999999dab", 1), INT32_MAX);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_in_every_combination),
		cmocka_unit_test(strings_and_characters_in_every_combination),
		cmocka_unit_test(stars_take_arguments),
		cmocka_unit_test(small_buffers_cut_alike),
		cmocka_unit_test(pointers_have_sixteen_digits),
		cmocka_unit_test(random_formats),
		cmocka_unit_test(length_stops_at_int_max),
	};
	int failed;

	if (argc > 1)
		seed = strtoull(argv[1], NULL, 0) | 1; /* 0 would stay 0 */
	setvbuf(stdout, NULL, _IOLBF, 0);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	failed = cmocka_run_group_tests_name("printf against the host", tests, NULL, NULL);
	printf("# %lu calls compared\n", compared);
	return failed;
}
