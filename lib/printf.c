/* SPDX-License-Identifier: MIT */
/*
 * Formatted output into a sink, or into a buffer by way of one.
 *
 * The format is cut into pieces, and each goes to the sink in as few calls as possible: a literal
 * run is handed over where it stands; an integer is made of padding, prefix (sign or 0x), zeros and
 * digits, of which the empty ones cost nothing. What is not understood stays part of the literal
 * run around it, so a wrong format shows itself.
 *
 * No state, no allocation, about 200 bytes of stack. Divisions have 32 bits where the value does.
 */
#include <exo/printf.h>
#include <exo/string.h>
#include <stdbool.h>

/* Flags are bits numbered by their character. */
#define FLAG(character) (1u << ((character) - ' '))
#define FLAG_SPACE FLAG(' ')
#define FLAG_PREFIX FLAG('#')
#define FLAG_SIGN FLAG('+')
#define FLAG_LEFT FLAG('-')
#define FLAG_ZERO FLAG('0')
#define FLAG_ALL (FLAG_SPACE | FLAG_PREFIX | FLAG_SIGN | FLAG_LEFT | FLAG_ZERO)

#define LENGTH_MAX __INT_MAX__ /* gcc without a C library has no <limits.h> either */
#define DIGITS_MAX 22 /* 2^64 - 1 in octal */
#define LOWER_CASE ('a' - 'A') /* or-ed to a digit or letter; changes no digit */

struct printer {
	struct printf_sink *sink;
	size_t length; /* printed so far */
	const char *format; /* what is to be read next */
	va_list arguments;
	/* The conversion at hand: */
	unsigned int flags;
	unsigned int unused_bits; /* upper bits of a 64-bit argument that do not count */
	int64_t width;
	int64_t precision; /* negative: none */
	char prefix[2]; /* a sign, or 0x */
	unsigned int prefix_length;
};

static __noinline void emit(struct printer *printer, const char *text, size_t length)
{
	if (length == 0)
		return;
	printer->length += length;
	printer->sink->put(printer->sink, text, length);
}

#define RUN_LENGTH 16

/* Prints @count characters of @run, which has RUN_LENGTH equal ones; none if @count is negative. */
static __noinline void emit_run(struct printer *printer, const char *run, int64_t count)
{
	for (; count > 0; count -= RUN_LENGTH)
		emit(printer, run, count < RUN_LENGTH ? (size_t)count : RUN_LENGTH);
}

/* Prints the prefix, zeros as far as they are wanted, @text, and blanks to fill the width. */
static void emit_field(struct printer *printer, int64_t zeros, const char *text, size_t length)
{
	static const char blank_run[] = "                ", zero_run[] = "0000000000000000";
	int64_t blanks = printer->width - (int64_t)(printer->prefix_length + length);

	if (zeros > 0)
		blanks -= zeros;
	if (!(printer->flags & FLAG_LEFT))
		emit_run(printer, blank_run, blanks);
	emit(printer, printer->prefix, printer->prefix_length);
	emit_run(printer, zero_run, zeros);
	emit(printer, text, length);
	if (printer->flags & FLAG_LEFT)
		emit_run(printer, blank_run, blanks);
}

/*
 * The next argument, whatever its type: on a 64-bit machine every integer and pointer takes one
 * 64-bit place (System V ABI for x86-64, 3.2.3 and 3.5.7), the upper half of which is undefined for
 * a smaller type. One va_arg() instead of six saves a tenth of this file's code.
 */
static __noinline uint64_t take_argument(struct printer *printer)
{
	return va_arg(printer->arguments, uint64_t);
}

/* Takes an integer of the size that the conversion names; a sign becomes the prefix. */
static uint64_t take_integer(struct printer *printer, bool is_signed)
{
	uint64_t value = take_argument(printer) << printer->unused_bits;
	char sign = '\0';

	if (is_signed) {
		if (printer->flags & FLAG_SPACE)
			sign = ' ';
		if (printer->flags & FLAG_SIGN)
			sign = '+';
		if ((int64_t)value < 0) {
			sign = '-';
			value = 0 - value;
		}
	}
	printer->prefix[0] = sign;
	printer->prefix_length = sign != '\0';
	return value >> printer->unused_bits;
}

/* Writes @value's digits so that they end before @end. Returns their beginning; 0 has no digits. */
static char *write_decimal(char *end, uint64_t value)
{
	uint32_t low;

	for (; value > UINT32_MAX; value /= 10)
		*--end = (char)('0' + value % 10);
	for (low = (uint32_t)value; low != 0; low /= 10)
		*--end = (char)('0' + low % 10);
	return end;
}

/* The same in base 2^@shift; @letter_case is LOWER_CASE or 0. */
static char *write_power(char *end, uint64_t value, unsigned int shift, char letter_case)
{
	for (; value != 0; value >>= shift)
		*--end = (char)("0123456789ABCDEF"[value & ((1u << shift) - 1)] | letter_case);
	return end;
}

static void add_0x(struct printer *printer, char letter)
{
	printer->prefix[0] = '0';
	printer->prefix[1] = letter;
	printer->prefix_length = 2;
}

static void emit_integer(struct printer *printer, char letter, uint64_t value)
{
	char buffer[DIGITS_MAX];
	char *end = buffer + sizeof(buffer);
	char *digits;
	bool prefix = (printer->flags & FLAG_PREFIX) != 0;
	int64_t least = printer->precision; /* digits, leading zeros included */

	if (letter == 'o') {
		digits = write_power(end, value, 3, 0);
	} else if ((letter | LOWER_CASE) == 'x') {
		digits = write_power(end, value, 4, letter & LOWER_CASE);
		if (prefix && value != 0)
			add_0x(printer, letter);
	} else {
		digits = write_decimal(end, value);
	}
	if (least < 0) {
		/* The flag 0 widens the number itself. */
		if ((printer->flags & (FLAG_ZERO | FLAG_LEFT)) == FLAG_ZERO)
			least = printer->width - printer->prefix_length;
		if (least < 1)
			least = 1;
	}
	if (letter == 'o' && prefix && least <= end - digits)
		least = end - digits + 1;
	emit_field(printer, least - (end - digits), digits, (size_t)(end - digits));
}

static int parse_number(struct printer *printer)
{
	int number = 0;

	if (*printer->format == '*') {
		printer->format++;
		return (int)take_argument(printer);
	}
	for (; *printer->format >= '0' && *printer->format <= '9'; printer->format++)
		if (number <= (LENGTH_MAX - 9) / 10)
			number = number * 10 + (*printer->format - '0');
		else
			number = LENGTH_MAX;
	return number;
}

/* Sets the size of the argument. The last of several lengths counts; h twice means char. */
static void parse_length(struct printer *printer)
{
	_Static_assert(sizeof(long) == sizeof(uint64_t) && sizeof(size_t) == sizeof(uint64_t) &&
			       sizeof(long long) == sizeof(uint64_t),
		       "the lengths l, ll, j, z and t all mean 64 bits");
	printer->unused_bits = 32;
	for (;; printer->format++)
		switch (*printer->format) {
		case 'h':
			printer->unused_bits = printer->unused_bits < 48 ? 48 : 56;
			break;
		case 'l':
		case 'j':
		case 'z':
		case 't':
			printer->unused_bits = 0;
			break;
		default:
			return;
		}
}

/* Reads what stands between % and the conversion's letter. */
static void parse_conversion(struct printer *printer)
{
	printer->flags = 0;
	for (;; printer->format++) {
		unsigned int bit = (unsigned char)*printer->format - (unsigned int)' ';
		if (bit > '0' - ' ' || !(FLAG_ALL & (1u << bit)))
			break;
		printer->flags |= 1u << bit;
	}
	printer->width = parse_number(printer);
	if (printer->width < 0) {
		printer->flags |= FLAG_LEFT;
		printer->width = -printer->width;
	}
	printer->precision = -1;
	if (*printer->format == '.') {
		printer->format++;
		printer->precision = parse_number(printer);
	}
	parse_length(printer);
	printer->prefix_length = 0;
}

/* Prints the argument. Returns false, with nothing printed, if @letter is no conversion. */
static bool convert(struct printer *printer, char letter)
{
	const char *text;
	uint64_t value;
	char character;

	switch (letter) {
	case 'd':
	case 'i':
	case 'u':
	case 'x':
	case 'X':
	case 'o':
		value = take_integer(printer, letter == 'd' || letter == 'i');
		emit_integer(printer, letter, value);
		return true;
	}
	if (printer->unused_bits != 32) /* a length: wide characters, for example */
		return false;
	switch (letter) {
	case 'p':
		value = take_argument(printer);
		printer->precision = 2 * sizeof(void *);
		add_0x(printer, 'x');
		emit_integer(printer, 'x', value);
		return true;
	case 'c':
		character = (char)take_argument(printer);
		emit_field(printer, 0, &character, 1);
		return true;
	case 's':
		text = (const char *)take_argument(printer);
		if (text == NULL)
			text = "(null)";
		/* A negative precision becomes a huge limit. */
		emit_field(printer, 0, text, strnlen(text, (size_t)printer->precision));
		return true;
	default:
		return false;
	}
}

/* Returns the place of the next % or of the end. */
static const char *find_percent(const char *text)
{
	while (*text != '\0' && *text != '%')
		text++;
	return text;
}

int printf_format(struct printf_sink *sink, const char *format, va_list arguments)
{
	struct printer printer;
	const char *run = format; /* start of what is printed as it stands */

	printer.sink = sink;
	printer.length = 0;
	va_copy(printer.arguments, arguments);
	for (;;) {
		format = find_percent(format);
		emit(&printer, run, (size_t)(format - run));
		run = format;
		if (*format == '\0')
			break;
		if (*++format == '%') {
			run = format++;
			continue;
		}
		printer.format = format;
		parse_conversion(&printer);
		format = printer.format;
		if (*format != '\0' && convert(&printer, *format++))
			run = format;
	}
	va_end(printer.arguments);
	return printer.length < LENGTH_MAX ? (int)printer.length : LENGTH_MAX;
}

struct buffer_sink {
	struct printf_sink sink; /* first: the sink is the buffer_sink */
	char *at;
	size_t room; /* bytes left, without the terminator */
};

static void buffer_put(struct printf_sink *sink, const char *text, size_t length)
{
	struct buffer_sink *buffer = container_of(sink, struct buffer_sink, sink);

	if (length > buffer->room)
		length = buffer->room;
	if (length == 0) /* @at may be NULL */
		return;
	memcpy(buffer->at, text, length);
	buffer->at += length;
	buffer->room -= length;
}

int kvsnprintf(char *buffer, size_t size, const char *format, va_list arguments)
{
	struct buffer_sink sink = { .sink.put = buffer_put, .at = buffer };
	int length;

	if (size > 0)
		sink.room = size - 1;
	length = printf_format(&sink.sink, format, arguments);
	if (size > 0)
		*sink.at = '\0';
	return length;
}

int ksnprintf(char *buffer, size_t size, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = kvsnprintf(buffer, size, format, arguments);
	va_end(arguments);
	return length;
}
