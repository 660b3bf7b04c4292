/* SPDX-License-Identifier: MIT */
/*
 * The queue of a spinlock as tickets (CONFIG_SPIN_TICKET). Whoever comes draws the next number and
 * waits until it is called; so CPUs are served in the order of their coming, and all that wait
 * watch @turn.
 *
 * Fewer than 2^16 CPUs can wait, so that the numbers may wrap.
 */
#include <exo/spin_word.h>

void spin_ticket_wait(struct spin_word *word)
{
	const uint16_t ticket = atomic_fetch_add_explicit(&word->last, 1, memory_order_relaxed);

	while (!atomic_acquire_equals16(&word->turn, ticket))
		cpu_pause();
	spin_word_take_turn(word);
	atomic_release_increment16(&word->turn);
}
