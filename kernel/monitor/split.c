/* SPDX-License-Identifier: MIT */
/*
 * Command lines into words.
 *
 * The words are made where the line stands: removing quotes only shortens, so the write position
 * never passes the read position, and the terminator of a word takes the place of the separator.
 */
#include "split.h"

#include <stdbool.h>
#include <stddef.h>

/* Ends before the separator. Returns false if a quote is open at the line's end. */
static bool take_word(char **from, char **end)
{
	char *read = *from, *write = *from;
	bool quoted = false;

	for (; *read && (quoted || (*read != ' ' && *read != '\t' && *read != ';')); read++) {
		if (*read == '"')
			quoted = !quoted;
		else
			*write++ = *read;
	}
	*from = read;
	*end = write;
	return !quoted;
}

int monitor_split(char **text, char **argv, int max)
{
	char *at = *text;
	int argc = 0;

	for (;;) {
		char *end, separator;

		while (*at == ' ' || *at == '\t')
			at++;
		if (*at == '\0' || *at == ';')
			break;
		if (argc == max)
			return -EXO_E_RANGE;
		argv[argc++] = at;
		if (!take_word(&at, &end))
			return -EXO_E_ARG;
		separator = *at;
		*end = '\0';
		if (separator == '\0' || separator == ';') {
			*text = separator ? at + 1 : at;
			return argc;
		}
		at++;
	}
	*text = *at ? at + 1 : at;
	return argc;
}
