/* SPDX-License-Identifier: MIT */
/* The first environment (kernel/object/root.c). */
#ifndef EXO_ROOT_H
#define EXO_ROOT_H

#include <exo/config.h>

/* Makes it and lets it run; says in the log why not. Boot list, when all CPUs are online; once. */
#if IS_ENABLED(CONFIG_PROTECTED)
void root_start(void);
#else
static inline void root_start(void)
{
}
#endif

#endif
