/* SPDX-License-Identifier: MIT */
/*
 * The word of a spinlock where there are several CPUs. For exo/spinlock.h alone, whose functions
 * turn preemption or interrupts off.
 *
 * A lock that is free is taken by setting a bit and released by shifting the bit out: three
 * instructions, of which the first is the only one with a lock prefix. Whoever finds it taken
 * queues up (kernel/spin_ticket.c, spin_mcs.c: a Kconfig choice), and only the first of the queue
 * watches @state. While that one waits, a CPU that has just come may find the lock free and take
 * it. So that this does not go on, the first one marks a lock that it sees held as promised to it:
 * shifting then makes it handed over, which to all others looks held.
 *
 * The holder's shift is a load and a store, not one access. A mark made in between is lost: then
 * the first one finds the lock free, or held by somebody else and not promised, and marks it again.
 * So it is overtaken by those alone that hold the lock for less than a mark takes to be made.
 */
#ifndef EXO_SPIN_WORD_H
#define EXO_SPIN_WORD_H

#include <arch/atomic.h>
#include <arch/pause.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	SPIN_FREE = 0,
	SPIN_HELD = 1,
	SPIN_HANDED = 3, /* held by the first of the queue, which may not know it yet */
	SPIN_PROMISED = 7, /* held; to be handed to the first of the queue */
};

struct spin_word {
	_Atomic uint16_t state;
	_Atomic uint16_t last; /* MCS: who came last, 0: no queue; tickets: the next number */
	_Atomic uint16_t turn; /* tickets: the number of the first of the queue */
};

static inline bool spin_word_try(struct spin_word *word)
{
	return atomic_acquire_bit16(&word->state);
}

static inline void spin_word_release(struct spin_word *word)
{
	atomic_release_shift16(&word->state);
}

/* Waits for the lock and takes it, as the first of the queue: one CPU at a time. */
static inline void spin_word_take_turn(struct spin_word *word)
{
	uint16_t state;

	for (;;) {
		state = atomic_load_explicit(&word->state, memory_order_acquire);
		if (state == SPIN_HANDED)
			break;
		if (state == SPIN_FREE && spin_word_try(word))
			return;
		if (state == SPIN_HELD)
			atomic_compare_exchange_strong_explicit(&word->state, &state, SPIN_PROMISED,
								memory_order_relaxed,
								memory_order_relaxed);
		cpu_pause();
	}
	/* Nobody else changes it now. */
	atomic_store_explicit(&word->state, SPIN_HELD, memory_order_relaxed);
}

/* Waits in the queue and takes the lock. */
void spin_ticket_wait(struct spin_word *word);
void spin_mcs_wait(struct spin_word *word);

/* Waits, in whatever way, and takes the lock (kernel/spin_wait.c). */
void spin_word_wait(struct spin_word *word);

#endif
