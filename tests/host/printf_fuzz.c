/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a format: the formatter must read nothing outside the format and write nothing
 * outside its buffer, and a small buffer must get the beginning of what a large one gets.
 *
 * Sixteen integers are passed, so the input is cut behind its sixteenth % or *; %s, whose argument
 * would have to be a pointer, becomes %d; numbers are cut to three digits to bound the output.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <exo/printf.h>
#include <exo/string.h>

#define FORMAT_SIZE 256
#define TEXT_SIZE (64 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void make_format(char *format, const uint8_t *data, size_t size)
{
	unsigned int arguments = 0, digits = 0;
	size_t length = 0;

	for (size_t i = 0; i < size && length < FORMAT_SIZE - 1; i++) {
		char character = (char)data[i];

		if ((character == '%' || character == '*') && ++arguments > 16)
			break;
		if (character >= '0' && character <= '9') {
			if (++digits > 3)
				continue;
		} else {
			digits = 0;
		}
		format[length++] = character == 's' ? 'd' : character;
	}
	format[length] = '\0';
}

static int print(char *text, size_t size, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = kvsnprintf(text, size, format, arguments);
	va_end(arguments);
	return length;
}

/* As a width, where only 32 bits count, each is small enough for the large buffer. */
#define ARGUMENTS                                                                   \
	0, 1ul, -1l, 100, -100, 0x1234567800000063, 7, 255, -128, 1000, 3, 20, -20, \
		0x7fffffff00000012, INT64_MIN, UINT64_MAX

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char large[TEXT_SIZE];
	char *format = malloc(FORMAT_SIZE);
	size_t small_size = size > 0 ? data[0] : 0;
	char *small = malloc(small_size);
	int length;

	make_format(format, data, size);
	length = print(large, sizeof(large), format, ARGUMENTS);
	if (length < 0 || (size_t)length >= sizeof(large) || large[length] != '\0')
		abort();
	if (print(small, small_size, format, ARGUMENTS) != length)
		abort();
	if (small_size > 0) {
		size_t expected = (size_t)length < small_size ? (size_t)length : small_size - 1;

		if (memcmp(small, large, expected) != 0 || small[expected] != '\0')
			abort();
	}
	free(small);
	free(format);
	return 0;
}
