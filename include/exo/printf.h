/* SPDX-License-Identifier: MIT */
/*
 * Formatted output. Supported: %d %i %u %x %X %o %c %s %p %%, flags - 0 + space #, width and
 * precision (numbers or *), lengths hh h l ll z t j. Anything else is printed as it stands.
 * Same output as the C standard's printf, except that %p prints 0x and 16 digits.
 */
#ifndef EXO_PRINTF_H
#define EXO_PRINTF_H

#include <exo/compiler.h>
#include <stdarg.h>

/* Receives the formatted text piece by piece; pieces are not terminated. */
struct printf_sink {
	void (*put)(struct printf_sink *sink, const char *text, size_t length);
};

/**
 * printf_format() - format into a sink
 * Returns the number of characters produced (at most INT_MAX; saturates).
 * Locks: none of its own; what @sink takes.
 */
int printf_format(struct printf_sink *sink, const char *format, va_list arguments)
	__format_printf(2, 0);

/**
 * ksnprintf() - format into a buffer of @size bytes; terminated whenever @size > 0
 * Returns the length the whole text has, as C's snprintf.
 */
int ksnprintf(char *buffer, size_t size, const char *format, ...) __format_printf(3, 4);
int kvsnprintf(char *buffer, size_t size, const char *format, va_list arguments)
	__format_printf(3, 0);

#endif
