/* SPDX-License-Identifier: MIT */
/*
 * The slide of the image: which there are, and what the command line says of it.
 *
 * Slides are numbered: KASLR_PLACES in the page directory at KERNEL_BASE, as many in the next one.
 * Number 0 is the image where it was linked.
 */
#include "kaslr_plan.h"

#include <exo/string.h>

#define PLACE_BITS 21
#define DIRECTORY_BITS 30

_Static_assert(1ull << PLACE_BITS == KASLR_STEP, "a slide is a number of steps");

bool kaslr_fits(uint64_t slide)
{
	const uint64_t place = (slide >> PLACE_BITS) % 512;

	return slide % KASLR_STEP == 0 && slide >> DIRECTORY_BITS < 2 && place < KASLR_PLACES;
}

uint64_t kaslr_pick(uint64_t random)
{
	/* The upper half is the better one, and far longer than what is taken of it. */
	const uint32_t number = 1 + (uint32_t)(random >> 32) % (2 * KASLR_PLACES - 1);

	return (uint64_t)(number / KASLR_PLACES) << DIRECTORY_BITS |
	       (uint64_t)(number % KASLR_PLACES) << PLACE_BITS;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* @whole: the word is not cut. */
static void read_word(const char *word, bool whole, struct kaslr_request *request)
{
	static const char name[] = "kaslr=";
	uint64_t slide;

	if (strcmp(word, "nokaslr") == 0) {
		request->wish = KASLR_NONE;
	} else if (strncmp(word, name, sizeof(name) - 1) == 0) {
		request->wish = KASLR_BAD;
		string_copy(request->word, sizeof(request->word), word);
		if (whole && string_to_u64(word + sizeof(name) - 1, &slide) == 0 &&
		    kaslr_fits(slide)) {
			request->wish = KASLR_FIXED;
			request->slide = slide;
		}
	}
}

void kaslr_read_words(const char *line, struct kaslr_request *request)
{
	char word[sizeof(request->word)];

	while (*line) {
		size_t length = 0;

		while (is_blank(*line))
			line++;
		for (; *line && !is_blank(*line); line++)
			if (length < sizeof(word) - 1)
				word[length++] = *line;
		word[length] = '\0';
		read_word(word, length < sizeof(word) - 1, request);
	}
}
