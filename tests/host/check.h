/* SPDX-License-Identifier: MIT */
/* Checks of host programs that print TAP themselves: the line of the first one that failed. */
#ifndef CHECK_H
#define CHECK_H

static unsigned int failed_line;

#define CHECK(condition)                                  \
	do {                                              \
		if (!(condition) && !failed_line)         \
			failed_line = (unsigned)__LINE__; \
	} while (0)

#endif
