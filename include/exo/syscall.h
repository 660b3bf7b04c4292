/* SPDX-License-Identifier: MIT */
/*
 * What the kernel's side of a system call includes: its declarations, results, the dispatch table.
 *
 * A call runs with interrupts off, in the thread, on its kernel stack. One that waits for other
 * CPUs opens (exo/object.h). One that may have woken a more urgent thread ends with
 * sched_interrupt_end().
 */
#ifndef EXO_SYSCALL_H
#define EXO_SYSCALL_H

#include <exo/compiler.h>
#include <generated/calls_kernel.h>
#include <uapi/exo/calls.h>
#include <uapi/exo/result.h>

/* Indexed by the low five bits of EAX, when bit 31 is set; no entry is NULL. */
extern struct exo_result (*const syscall_table[EXO_CALL_LIMIT])(uint64_t, uint64_t, uint64_t,
								uint64_t, uint64_t, uint64_t);

/* What sys_ntf_wait(), which is in assembler, calls (kernel/syscall/sys_ntf.c). */
struct exo_result ntf_wait_call(uint64_t slot, uint64_t mask, uint64_t deadline);

/* @error: 0 or the negative of an enum exo_error. */
static inline struct exo_result result_error(int64_t error)
{
	return (struct exo_result){ .error = error };
}

static inline struct exo_result result_value(uint64_t value)
{
	return (struct exo_result){ .value = value };
}

/*
 * Of a call on a range that has got as far as @done: an error in the middle is the error of the
 * next call, which begins there; so when a call answers with an error nothing has changed.
 */
static inline struct exo_result result_of_range(int error, uint64_t done)
{
	return (struct exo_result){ error && done ? -EXO_E_AGAIN : error, done };
}

#endif
