/* SPDX-License-Identifier: MIT */
/* What differs between the kinds of spinlocks: spinlock_hostonly.c is linked with either. */
#ifndef SPIN_OPS_H
#define SPIN_OPS_H

#include <exo/spin_word.h>

/* Waits in the queue and takes the lock. */
void spin_ops_wait(struct spin_word *word);

#endif
