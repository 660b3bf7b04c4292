/* SPDX-License-Identifier: MIT */
/* The functions of exo/spin_ticket.h for spinlock_hostonly.c. */
#include <exo/spin_ticket.h>

#include "spin_ops.h"

static struct spin_word words[SPIN_OPS_WORDS];

void spin_ops_acquire(unsigned int lock)
{
	spin_word_acquire(&words[lock]);
}

bool spin_ops_try(unsigned int lock)
{
	return spin_word_try(&words[lock]);
}

void spin_ops_release(unsigned int lock)
{
	spin_word_release(&words[lock]);
}

uint32_t spin_ops_look(unsigned int lock)
{
	return atomic_load_explicit(&words[lock].next, memory_order_relaxed);
}
