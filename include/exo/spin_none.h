/* SPDX-License-Identifier: MIT */
/* The word of a spinlock where there is one CPU (CONFIG_SMP=n): nobody to wait for. */
#ifndef EXO_SPIN_NONE_H
#define EXO_SPIN_NONE_H

#include <stdbool.h>

struct spin_word {
};

static inline void spin_word_wait(struct spin_word *word)
{
	(void)word;
}

static inline bool spin_word_try(struct spin_word *word)
{
	(void)word;
	return true;
}

static inline void spin_word_release(struct spin_word *word)
{
	(void)word;
}

#endif
