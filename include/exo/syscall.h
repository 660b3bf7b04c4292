/* SPDX-License-Identifier: MIT */
/*
 * How system calls reach C: syscall_entry.asm calls syscall_table[number].
 *
 * A call runs with interrupts off, in the thread, on its kernel stack. One that waits for other
 * CPUs turns them on meanwhile, and off again. One that may have woken a more urgent thread ends
 * with sched_interrupt_end().
 */
#ifndef EXO_SYSCALL_H
#define EXO_SYSCALL_H

#include <uapi/exo/result.h>

#define NR_SYSCALLS 32

typedef struct exo_result syscall_function(uint64_t a, uint64_t b, uint64_t c, uint64_t d,
					   uint64_t e, uint64_t f);

/* No entry is NULL: a number that is not used answers -EXO_E_CALL. */
extern syscall_function *syscall_table[NR_SYSCALLS];

#endif
