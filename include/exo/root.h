/* SPDX-License-Identifier: MIT */
/* The first environment (kernel/object/root.c). */
#ifndef EXO_ROOT_H
#define EXO_ROOT_H

#include <exo/config.h>
#include <stdbool.h>

/*
 * Makes it and lets it run: true; else says in the log why not. Boot list, when all CPUs are
 * online; once. False in kernels without objects.
 */
#if IS_ENABLED(CONFIG_OBJECTS)
bool root_start(void);
#else
static inline bool root_start(void)
{
	return false;
}
#endif

#endif
