/* SPDX-License-Identifier: MIT */
/* Waiting for a ticket lock. */
#include <arch/pause.h>
#include <exo/spin_ticket.h>
#include <exo/spin_virtual.h>

static uint16_t owner(const struct spin_word *word)
{
	return atomic_load_explicit(&word->owner, memory_order_relaxed);
}

static uint16_t next(const struct spin_word *word)
{
	return atomic_load_explicit(&word->next, memory_order_relaxed);
}

/* The release of the last holder is seen by the load of @owner: that is where it acquires. */
void spin_ticket_wait(struct spin_word *word)
{
	uint16_t ticket;

	if (spin_virtual) {
		do
			while (owner(word) != next(word))
				cpu_pause();
		while (!spin_word_try(word));
		return;
	}
	ticket = atomic_fetch_add_explicit(&word->next, 1, memory_order_relaxed);
	while (atomic_load_explicit(&word->owner, memory_order_acquire) != ticket)
		cpu_pause();
}
