/* SPDX-License-Identifier: MIT */
/* Which slides the image may have, and which one the command line wants. Pure code. */
#ifndef KASLR_PLAN_H
#define KASLR_PLAN_H

#include <arch/layout.h>
#include <exo/compiler.h>
#include <exo/config.h>
#include <stdbool.h>

/* What an entry of a page directory covers: the tables below it stay as they are. */
#define KASLR_STEP 0x200000ull
/*
 * The image must lie in one page directory, of two, and must not end at the very end of all
 * addresses: so many places has it in each.
 */
#define KASLR_PLACES (512u - KERNEL_TABLES)

enum kaslr_wish { KASLR_RANDOM, KASLR_NONE, KASLR_FIXED, KASLR_BAD };

struct kaslr_request {
	enum kaslr_wish wish;
	uint64_t slide; /* KASLR_FIXED: in bytes, one that kaslr_fits() */
	char word[32]; /* KASLR_BAD: the word, cut to fit */
};

/* True if the image can be moved up by @slide bytes; 0 is such a slide. */
bool kaslr_fits(uint64_t slide);

/* A slide from a random number; never 0. */
uint64_t kaslr_pick(uint64_t random);

/**
 * kaslr_read_words() - look for `nokaslr` and `kaslr=SLIDE` among the words of @line
 * @request: changed only if there is one; the last one wins. A SLIDE that is no number or does not
 * fit makes it KASLR_BAD.
 */
void kaslr_read_words(const char *line, struct kaslr_request *request);

#endif
