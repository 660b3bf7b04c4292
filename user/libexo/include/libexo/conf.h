/* SPDX-License-Identifier: MIT */
/*
 * init.conf: which programs run, with what. A line a program, words between blanks, # begins a
 * comment:
 *
 *	program NAME frames=N [stack=PAGES] [node=N] [cpus=LIST] [irqs=N[-M]] [sys] [archive]
 *		[-- ARGUMENT...]
 *
 * frames	of its bank: all memory that it can ever have
 * stack	pages of 4 KiB (4)
 * node		NUMA node of its memory (any)
 * cpus		grants the CPUs: "all", or numbers and ranges such as 0,2-3, on which it then runs
 * irqs		grants an interrupt line, or those from N to M, or "all"
 * sys		grants the SYS capability
 * archive	grants the archive of programs
 * --		the rest of the line are arguments
 */
#ifndef LIBEXO_CONF_H
#define LIBEXO_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EXO_CONF_LINE 256u
#define EXO_CONF_ARGUMENTS 16u

struct exo_conf_program {
	char line[EXO_CONF_LINE]; /* what the pointers lead into */
	unsigned int argc; /* 1 or more: the first is the name */
	const char *argv[EXO_CONF_ARGUMENTS];
	uint64_t frames, stack;
	uint64_t node; /* UINT64_MAX: any */
	uint64_t cpus[4]; /* a bit a CPU; all 0 with @has_cpus: all */
	uint32_t first_irq, nr_irqs; /* both 0 with @has_irqs: all */
	bool has_cpus, has_irqs, sys, archive;
};

struct exo_conf {
	const char *text;
	size_t size, position;
	unsigned int line_number; /* of the line that was read last */
	const char *error; /* what is wrong with it, or NULL */
	char word[32]; /* where it is wrong, cut; or "" */
};

/* Begins at the start of a text, which needs no NUL. */
void exo_conf_open(struct exo_conf *conf, const char *text, size_t size);

/* The next program. False at the end, and on an error (@conf->error), after which one may go on. */
bool exo_conf_next(struct exo_conf *conf, struct exo_conf_program *program);

#ifdef __cplusplus
}
#endif

#endif
