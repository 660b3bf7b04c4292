/* SPDX-License-Identifier: MIT */
/* Between the files of libexo: what assembler calls, and what it is called by. */
#ifndef LIBEXO_INTERNAL_H
#define LIBEXO_INTERNAL_H

#include <uapi/exo/info.h>

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
