/* SPDX-License-Identifier: MIT */
/* Programs that a flat build links into the image: main() of user/programs/NAME.c is NAME_main().
 */
#ifndef EXO_PROGRAMS_H
#define EXO_PROGRAMS_H

/* Prints a greeting; returns 0 or the negative error of the call. */
int hello_main(void);

#endif
