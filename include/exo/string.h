/* SPDX-License-Identifier: MIT */
/*
 * The part of <string.h> that the kernel uses, with the standard's meaning, plus bounded copies
 * that always terminate. No locks; callable from any context.
 */
#ifndef EXO_STRING_H
#define EXO_STRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
void *memchr(const void *at, int byte, size_t size);

size_t strlen(const char *text);
size_t strnlen(const char *text, size_t limit);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t limit);
char *strchr(const char *text, int character);
char *strstr(const char *text, const char *part);

/**
 * string_copy() - copy a string into a buffer and always terminate it
 * @to: destination, @size bytes, @size >= 1
 * @from: terminated string
 * Returns true if all of @from fitted.
 */
bool string_copy(char *to, size_t size, const char *from);

/**
 * string_to_u64() - parse a number: decimal, 0x hexadecimal, with an optional K, M or G suffix
 * @text: the whole string must be the number; no sign, no blanks
 * @value: where the result goes; unchanged on error
 * Returns 0, -EXO_E_ARG if @text is no number, -EXO_E_RANGE if it does not fit 64 bits.
 */
int string_to_u64(const char *text, uint64_t *value);

#endif
