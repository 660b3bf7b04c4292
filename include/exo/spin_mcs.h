/* SPDX-License-Identifier: MIT */
/*
 * The word of a spinlock: a queue of those who wait (CONFIG_SPIN_MCS, after Mellor-Crummey and
 * Scott). Each waiting CPU watches a node of its own, and the one in front is the only one that
 * watches the word; so handing over disturbs one CPU, however many wait. They are served in the
 * order of their coming. For exo/spinlock.h alone, whose functions turn preemption or interrupts
 * off.
 *
 * A node is needed only while waiting, so a free lock is taken and released without one: the word
 * is just SPIN_LOCKED then. Its upper half names the last node of the queue; while there is a queue
 * nobody but its first may take the lock.
 */
#ifndef EXO_SPIN_MCS_H
#define EXO_SPIN_MCS_H

#include <exo/compiler.h>
#include <stdatomic.h>
#include <stdbool.h>

#define SPIN_LOCKED 1u

struct spin_word {
	union {
		_Atomic uint32_t word; /* 0: free, and nobody waits */
		_Atomic uint8_t locked; /* its lowest byte: SPIN_LOCKED or 0 */
	};
};

/* Waits for its turn and takes the lock (kernel/spin_mcs.c). */
void spin_mcs_wait(struct spin_word *word);

static inline bool spin_word_try(struct spin_word *word)
{
	uint32_t free = 0;

	return atomic_compare_exchange_strong_explicit(&word->word, &free, SPIN_LOCKED,
						       memory_order_acquire, memory_order_relaxed);
}

static inline void spin_word_acquire(struct spin_word *word)
{
	if (unlikely(!spin_word_try(word)))
		spin_mcs_wait(word);
}

/* A byte's store: no other CPU changes that byte while it is set, and the queue is not in it. */
static inline void spin_word_release(struct spin_word *word)
{
	atomic_store_explicit(&word->locked, 0, memory_order_release);
}

#endif
