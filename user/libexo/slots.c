/* SPDX-License-Identifier: MIT */
/* Free slots: a bit a slot, next fit. Runs of full words are stepped over a word at a time. */
#include <exo/string.h>
#include <libexo/slots.h>

static bool is_used(const struct exo_slots *slots, uint64_t slot)
{
	return slots->used[slot / 64] >> slot % 64 & 1;
}

void exo_slots_init(struct exo_slots *slots, uint64_t *used, uint64_t nr, uint64_t first_free)
{
	slots->used = used;
	slots->nr = nr;
	slots->next = first_free;
	memset(used, 0, (nr + 63) / 64 * sizeof(*used));
	for (uint64_t slot = 0; slot < first_free && slot < nr; slot++)
		used[slot / 64] |= UINT64_C(1) << slot % 64;
}

/* The first of @count free slots in [from, to), or @to. */
static uint64_t find(const struct exo_slots *slots, uint64_t from, uint64_t to, uint64_t count)
{
	uint64_t run = 0;

	for (uint64_t slot = from; slot < to; slot++) {
		if (slot % 64 == 0 && slots->used[slot / 64] == UINT64_MAX) {
			run = 0;
			slot += 63;
			continue;
		}
		run = is_used(slots, slot) ? 0 : run + 1;
		if (run == count)
			return slot + 1 - count;
	}
	return to;
}

exo_cap_t exo_slots_take(struct exo_slots *slots, uint64_t count)
{
	uint64_t first;

	if (count == 0 || count > slots->nr)
		return 0;
	first = find(slots, slots->next, slots->nr, count);
	if (first >= slots->nr)
		first = find(slots, 1, slots->nr, count);
	if (first >= slots->nr)
		return 0;
	for (uint64_t slot = first; slot < first + count; slot++)
		slots->used[slot / 64] |= UINT64_C(1) << slot % 64;
	slots->next = first + count;
	return first;
}

void exo_slots_give(struct exo_slots *slots, exo_cap_t first, uint64_t count)
{
	for (uint64_t slot = first; slot < first + count; slot++)
		slots->used[slot / 64] &= ~(UINT64_C(1) << slot % 64);
	if (first < slots->next)
		slots->next = first;
}
