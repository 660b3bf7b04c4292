/* SPDX-License-Identifier: MIT */
/*
 * The word of a spinlock: tickets (CONFIG_SPIN_TICKET). Whoever comes draws the next number and
 * waits until it is called; so CPUs are served in the order of their coming, and all that wait
 * watch @owner. For exo/spinlock.h alone, whose functions turn preemption or interrupts off.
 *
 * Fewer than 2^16 CPUs can wait, so that the numbers may wrap.
 */
#ifndef EXO_SPIN_TICKET_H
#define EXO_SPIN_TICKET_H

#include <arch/atomic.h>
#include <exo/compiler.h>
#include <stdatomic.h>
#include <stdbool.h>

struct spin_word {
	_Atomic uint16_t next; /* the number that the next one to come draws */
	_Atomic uint16_t owner; /* the number whose turn it is; equal: free */
};

/* Draws a number only if it is the one whose turn it is. */
static inline bool spin_word_try(struct spin_word *word)
{
	uint16_t ticket = atomic_load_explicit(&word->owner, memory_order_acquire);

	return atomic_compare_exchange_strong_explicit(&word->next, &ticket, (uint16_t)(ticket + 1),
						       memory_order_relaxed, memory_order_relaxed);
}

/* Draws a number and waits for its turn (kernel/spin_ticket.c). */
void spin_ticket_wait(struct spin_word *word);

/* Who finds others waiting queues behind them: a free lock without waiters is all that is tried. */
static inline void spin_word_acquire(struct spin_word *word)
{
	if (unlikely(!spin_word_try(word)))
		spin_ticket_wait(word);
}

static inline void spin_word_release(struct spin_word *word)
{
	atomic_release_increment16(&word->owner);
}

#endif
