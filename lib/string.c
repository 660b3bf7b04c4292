/* SPDX-License-Identifier: MIT */
/*
 * Memory and string functions for code that has no C library.
 *
 * Plain C, small first: the copies and fills move eight bytes at a time, which takes five
 * instructions on any machine that allows unaligned accesses; all else goes byte by byte because
 * its strings are short. For short runs a REP instruction is no shorter, and dearer to start.
 *
 * The compiler calls memcpy, memmove, memset and memcmp on its own account, so these four must be
 * here under their C names, and lib/Makefile forbids it to recognise their loops. On the host the
 * test build renames every function that the C library has too.
 */
#include <exo/errno.h>
#include <exo/string.h>

/* Eight bytes of any object, at any address. */
typedef uint64_t __attribute__((__may_alias__, __aligned__(1))) word_t;

/*
 * Where code may grow, runs of at least this go by REP with eight bytes a step, which CPUs do in
 * whole cache lines; tables of hundreds of KiB are cleared at boot. A guess: for blocks that grow,
 * scripts/native found it faster from about here on.
 */
#define LONG_RUN 512

static inline bool is_long(size_t size)
{
	return !IS_ENABLED(CONFIG_CC_OPTIMIZE_SIZE) && size >= LONG_RUN;
}

/* Safe for an overlap with @to below @from: each word is read before it can be overwritten. */
static inline void copy_upwards(char *to, const char *from, size_t size)
{
	size_t i = 0;

	if (is_long(size)) {
		size_t words = size / sizeof(word_t);

		__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
		size %= sizeof(word_t);
	}
	for (; size - i >= sizeof(word_t); i += sizeof(word_t))
		*(word_t *)(to + i) = *(const word_t *)(from + i);
	for (; i < size; i++)
		to[i] = from[i];
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
	copy_upwards(to, from, size);
	return to;
}

void *memmove(void *to, const void *from, size_t size)
{
	char *target = to;
	const char *source = from;

	/* True too when @to is below @from: the difference wraps to a huge number. */
	if ((uintptr_t)target - (uintptr_t)source >= size) {
		copy_upwards(target, source, size);
		return to;
	}
	for (; size >= sizeof(word_t); size -= sizeof(word_t))
		*(word_t *)(target + size - sizeof(word_t)) =
			*(const word_t *)(source + size - sizeof(word_t));
	while (size-- > 0)
		target[size] = source[size];
	return to;
}

void *memset(void *to, int byte, size_t size)
{
	char *target = to;
	uint64_t word = UINT64_C(0x0101010101010101) * (unsigned char)byte;
	size_t i = 0;

	if (is_long(size)) {
		size_t words = size / sizeof(word);

		__asm__ volatile("rep stosq" : "+D"(target), "+c"(words) : "a"(word) : "memory");
		size %= sizeof(word);
	}
	for (; size - i >= sizeof(word); i += sizeof(word))
		*(word_t *)(target + i) = word;
	for (; i < size; i++)
		target[i] = (char)byte;
	return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
	const unsigned char *left = a, *right = b;

	for (size_t i = 0; i < size; i++)
		if (left[i] != right[i])
			return left[i] - right[i];
	return 0;
}

void *memchr(const void *at, int byte, size_t size)
{
	const unsigned char *bytes = at;

	for (size_t i = 0; i < size; i++)
		if (bytes[i] == (unsigned char)byte)
			return (void *)(bytes + i);
	return NULL;
}

size_t strlen(const char *text)
{
	size_t length = 0;

	while (text[length] != '\0')
		length++;
	return length;
}

size_t strnlen(const char *text, size_t limit)
{
	size_t length = 0;

	while (length < limit && text[length] != '\0')
		length++;
	return length;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t limit)
{
	for (size_t i = 0; i < limit; i++)
		if (a[i] != b[i] || a[i] == '\0')
			return (unsigned char)a[i] - (unsigned char)b[i];
	return 0;
}

char *strchr(const char *text, int character)
{
	for (;; text++) {
		if (*text == (char)character)
			return (char *)text;
		if (*text == '\0')
			return NULL;
	}
}

char *strstr(const char *text, const char *part)
{
	size_t length = strlen(part);

	for (;; text++) {
		if (strncmp(text, part, length) == 0)
			return (char *)text;
		if (*text == '\0')
			return NULL;
	}
}

bool string_copy(char *to, size_t size, const char *from)
{
	size_t length = strnlen(from, size);
	bool fits = length < size;

	if (!fits)
		length = size - 1;
	memcpy(to, from, length);
	to[length] = '\0';
	return fits;
}

/* Value of a digit in bases up to 16; 16 or more for any other character. */
static unsigned int digit_value(char character)
{
	if (character >= '0' && character <= '9')
		return (unsigned int)(character - '0');
	character |= 'a' - 'A';
	if (character >= 'a' && character <= 'f')
		return (unsigned int)(character - 'a') + 10;
	return 16;
}

/* Bits to shift by for a size suffix; 0 for any other character. */
static unsigned int suffix_shift(char character)
{
	switch (character) {
	case 'K':
		return 10;
	case 'M':
		return 20;
	case 'G':
		return 30;
	default:
		return 0;
	}
}

int string_to_u64(const char *text, uint64_t *value)
{
	unsigned int base = 10, shift;
	uint64_t sum = 0;
	bool overflow = false;

	if (text[0] == '0' && text[1] == 'x') {
		base = 16;
		text += 2;
	}
	if (digit_value(*text) >= base)
		return -EXO_E_ARG;
	for (; digit_value(*text) < base; text++) {
		overflow |= __builtin_mul_overflow(sum, base, &sum);
		overflow |= __builtin_add_overflow(sum, digit_value(*text), &sum);
	}
	shift = suffix_shift(*text);
	if (shift != 0) {
		text++;
		overflow |= __builtin_mul_overflow(sum, (uint64_t)1 << shift, &sum);
	}
	if (*text != '\0')
		return -EXO_E_ARG;
	if (overflow)
		return -EXO_E_RANGE;
	*value = sum;
	return 0;
}
