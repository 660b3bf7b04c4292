/* SPDX-License-Identifier: MIT */
/* How system calls put their answers. */
#ifndef SYSCALL_RESULT_H
#define SYSCALL_RESULT_H

#include <uapi/exo/errno.h>
#include <uapi/exo/result.h>

static inline struct exo_result result(int error, uint64_t value)
{
	return (struct exo_result){ error, value };
}

/*
 * Of a call on a range that has got as far as @done: an error in the middle is an error of the next
 * call, which begins there; so nothing has changed when a call answers it.
 */
static inline struct exo_result result_of_range(int error, uint64_t done)
{
	return result(error && done ? -EXO_E_AGAIN : error, done);
}

#endif
