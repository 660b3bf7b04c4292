/* SPDX-License-Identifier: MIT */
/* Programs that a flat build links into the image: main() of user/programs/NAME.c is NAME_main().
 */
#ifndef EXO_PROGRAMS_H
#define EXO_PROGRAMS_H

#include <exo/config.h>

/*
 * Prints a greeting; returns 0 or the negative error of the call. With CONFIG_FLAT_OBJECTS the
 * program has a thread of its own instead (exo/root.h).
 */
#if IS_ENABLED(CONFIG_USER_PROGRAMS) && !IS_ENABLED(CONFIG_FLAT_OBJECTS)
int hello_main(void);
#else
static inline int hello_main(void)
{
	return 0;
}
#endif

#endif
