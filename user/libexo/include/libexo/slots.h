/* SPDX-License-Identifier: MIT */
/*
 * Which slots of the capability table are free. The kernel knows only whether a slot is empty; what
 * is meant for what, the program decides: here, by a bit a slot.
 *
 * exo_slots_…() work on a set and take no lock; exo_slot_…() on the program's own, under one.
 * Upcall handlers must call neither: the thread that they interrupt may hold the lock.
 */
#ifndef LIBEXO_SLOTS_H
#define LIBEXO_SLOTS_H

#include <libexo/exo.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EXO_SLOTS_MAX 32768u /* that the program's own set knows of: a table of the usual size */

struct exo_slots {
	uint64_t *used; /* a bit a slot */
	uint64_t nr; /* slots */
	uint64_t next; /* where the next search begins */
};

/* Sets up a set: slots below @first_free are in use. @used: (nr + 63) / 64 words. */
void exo_slots_init(struct exo_slots *slots, uint64_t *used, uint64_t nr, uint64_t first_free);

/* Takes @count neighbouring free slots; returns the first, or 0 if there are not so many. */
exo_cap_t exo_slots_take(struct exo_slots *slots, uint64_t count);

/* Gives back slots that are in use. */
void exo_slots_give(struct exo_slots *slots, exo_cap_t first, uint64_t count);

exo_cap_t exo_slot_take(uint64_t count);
void exo_slot_give(exo_cap_t first, uint64_t count);

/* Empties the slots and gives them back. */
void exo_slot_delete(exo_cap_t first, uint64_t count);

/* For _start: what the kernel or the starter has put into the table. */
void exo_slot_init(uint64_t nr, uint64_t first_free);

#ifdef __cplusplus
}
#endif

#endif
