/* SPDX-License-Identifier: MIT */
/* Between the files of libexo: what assembler calls, and what it is called by. */
#ifndef LIBEXO_INTERNAL_H
#define LIBEXO_INTERNAL_H

#include <uapi/exo/info.h>

/* What the program of the first environment is called; user/flat.mk has its own. */
#ifndef EXO_ROOT_NAME
#define EXO_ROOT_NAME "init"
#endif

#ifdef __cplusplus
extern "C" {
#endif

void exo_start_main(const struct exo_start *start);
void exo_thread_entry(void);
void exo_thread_main(void *call);

#ifdef __cplusplus
}
#endif

#endif
