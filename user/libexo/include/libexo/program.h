/* SPDX-License-Identifier: MIT */
/*
 * A program's beginning and end, and where it is.
 *
 * _start (start.asm) calls main() with the arguments that struct exo_start has, and ends the
 * program with what it returns. In the first environment main() gets one argument, "init", or the
 * program's name in a flat build, which has no other. In a flat build without objects the kernel
 * calls main() under the name PROGRAM_main, and there is none of this.
 */
#ifndef LIBEXO_PROGRAM_H
#define LIBEXO_PROGRAM_H

#include <libexo/exo.h>
#include <uapi/exo/info.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What was told at the start; the same for all threads, and constant. */
struct exo_program_info {
	const struct exo_start *start; /* NULL in the first environment */
	const struct exo_boot_info *boot; /* NULL in all others */
	const struct exo_info *info;
	struct exo_output *output; /* that the starter reads; NULL: text goes to the consoles */
	uint64_t user_end;
	const void *archive; /* programs (exo/cpio.h); NULL: there are none */
	uint64_t archive_size;
};

extern struct exo_program_info exo_program_info;

/* The slot of what the starter has granted as number @index (struct exo_grant); 0: not so many. */
static inline exo_cap_t exo_granted(uint64_t index)
{
	const struct exo_start *start = exo_program_info.start;

	return start && index < start->nr_granted ? start->granted + index : 0;
}

/*
 * @word or "@word=ARGUMENT" on the kernel's command line: where ARGUMENT begins, which ends with a
 * space or the line; else NULL, as in all environments but the first.
 */
const char *exo_boot_word(const char *word);

/* Tells whoever waits for it that the program has ended, and stops the calling thread for good. */
__attribute__((__noreturn__)) void exo_exit(int status);

/* What an error code of the ABI means; takes it negative, as calls return it, or positive. */
const char *exo_error_text(int64_t error);

#ifdef __cplusplus
}
#endif

#endif
