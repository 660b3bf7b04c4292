/* SPDX-License-Identifier: MIT */
/*
 * Other programs: an environment with memory of its own, into which an ELF file is loaded.
 *
 * All that a program has is allocated from a bank that is carved out of the starter's. Deleting the
 * bank ends the program and brings the memory back, whatever it has done with it.
 */
#ifndef LIBEXO_PROCESS_H
#define LIBEXO_PROCESS_H

#include <libexo/exo.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A capability that the new program gets a copy of. The copies are neighbours, in the order of the
 * grants, and the program finds number i by exo_granted(i): so both have to agree on numbers only.
 */
struct exo_grant {
	exo_cap_t cap; /* of the starter; needs D and G */
	uint32_t rights; /* enum exo_right: those of its rights that the copy has */
	uint64_t arg; /* as cap_copy()'s @arg: an endpoint's badge, a notification's bits; or 0 */
};

/* What is to be started. What is 0 is not granted. */
struct exo_program {
	const void *image; /* an ELF file that does not change meanwhile */
	size_t size;
	int argc; /* 1 or more: the first is the name */
	const char *const *argv;
	uint64_t frames; /* the size of its bank, all that it needs included */
	uint32_t node; /* of its memory; EXO_NODE_ANY */
	uint32_t stack_pages;
	exo_cap_t sys, cpus, irqs; /* capabilities that it gets copies of */
	uint32_t first_irq, nr_irqs; /* the part of @irqs (EXO_PART()); 0: all of it */
	exo_cap_t exit; /* NTF that it signals at its end */
	uint64_t exit_bits, failure_bits;
	exo_cap_t
		output; /* FRAME, one zeroed page: takes its text and status (struct exo_output) */
	uint64_t affinity[4]; /* CPUs it may run on, out of @cpus; all 0: as the kernel likes */
	bool archive; /* give it the archive of programs that this program has */
	const struct exo_grant *grants;
	uint32_t nr_grants; /* that many are in its table before its first instruction */
};

struct exo_process {
	exo_cap_t bank, env, thread; /* neighbouring slots */
};

/**
 * exo_program_find() - look a program's file up in the archive of programs that this program has
 * @program: gets its image and size
 * Returns 0; -EXO_E_ARG: there is none of that name, or no archive was granted.
 */
int exo_program_find(struct exo_program *program, const char *name);

/**
 * exo_env_spawn() - load and run a program
 * @why: if not NULL: a text about what failed, or NULL
 * Returns 0 or the negative of an enum exo_error; then nothing is left of what was begun.
 */
int exo_env_spawn(const struct exo_program *program, struct exo_process *process, const char **why);

/* Ends it, and gives its memory back. */
void exo_env_end(struct exo_process *process);

#ifdef __cplusplus
}
#endif

#endif
