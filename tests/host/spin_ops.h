/* SPDX-License-Identifier: MIT */
/* A variant of spinlocks behind functions, so that spinlock_hostonly.c is linked with either. */
#ifndef SPIN_OPS_H
#define SPIN_OPS_H

#include <stdbool.h>
#include <stdint.h>

#define SPIN_OPS_WORDS 2

/* @lock: 0 .. SPIN_OPS_WORDS - 1; all are free at first. */
void spin_ops_acquire(unsigned int lock);
bool spin_ops_try(unsigned int lock);
void spin_ops_release(unsigned int lock);

/* A value that changes whenever somebody begins to wait. */
uint32_t spin_ops_look(unsigned int lock);

#endif
