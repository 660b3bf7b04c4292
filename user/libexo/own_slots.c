/* SPDX-License-Identifier: MIT */
/* The program's own set of slots, under a lock. */
#include <libexo/lock.h>
#include <libexo/pages.h>
#include <libexo/slots.h>

static uint64_t used[EXO_SLOTS_MAX / 64];
static struct exo_slots own; /* under the lock */
static struct exo_lock lock;

void exo_slot_init(uint64_t nr, uint64_t first_free)
{
	exo_slots_init(&own, used, nr < EXO_SLOTS_MAX ? nr : EXO_SLOTS_MAX, first_free);
}

exo_cap_t exo_slot_take(uint64_t count)
{
	exo_cap_t first;

	exo_lock(&lock);
	first = exo_slots_take(&own, count);
	exo_unlock(&lock);
	return first;
}

void exo_slot_give(exo_cap_t first, uint64_t count)
{
	exo_lock(&lock);
	exo_slots_give(&own, first, count);
	exo_unlock(&lock);
}

void exo_slot_delete(exo_cap_t first, uint64_t count)
{
	(void)exo_delete_caps(first, count);
	exo_slot_give(first, count);
}
