/* SPDX-License-Identifier: MIT */
/* Command lines into words. Pure. */
#ifndef MONITOR_SPLIT_H
#define MONITOR_SPLIT_H

#include <exo/errno.h>

/**
 * monitor_split() - cut the first command of a line into words, in place
 * @text: in: the line; out: what follows the first ';' outside quotes, or the line's end
 * @argv: gets @max pointers into the line at most
 * Blanks separate words; double quotes keep blanks and ';' in a word (and make empty ones).
 * Returns the number of words (0 for an empty command), -EXO_E_ARG for a quote that is not closed,
 * -EXO_E_RANGE for more than @max words. After an error nothing else of the line should be used.
 */
int monitor_split(char **text, char **argv, int max);

#endif
