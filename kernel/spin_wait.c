/* SPDX-License-Identifier: MIT */
/* Waiting for a spinlock that somebody else holds. */
#include <exo/config.h>
#include <exo/spin_virtual.h>
#include <exo/spin_word.h>

void spin_word_wait(struct spin_word *word)
{
	if (spin_virtual) {
		do
			while (atomic_load_explicit(&word->state, memory_order_relaxed))
				cpu_pause();
		while (!spin_word_try(word));
	} else if (IS_ENABLED(CONFIG_SPIN_MCS)) {
		spin_mcs_wait(word);
	} else {
		spin_ticket_wait(word);
	}
}
