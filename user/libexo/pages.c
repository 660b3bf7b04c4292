/* SPDX-License-Identifier: MIT */
/* Memory by the page, and calls on any number of slots. */
#include <libexo/pages.h>
#include <libexo/slots.h>
#include <uapi/exo/map.h>

int exo_frames_allocate(exo_cap_t bank, exo_cap_t slot, uint64_t count)
{
	uint64_t done = 0;
	struct exo_result result;

	do {
		result = exo_frame_alloc(bank, EXO_WHERE(0, EXO_NODE_ANY), EXO_HINT_NONE,
					 slot + done, count - done);
		if (result.error && result.error != -EXO_E_AGAIN) {
			if (done)
				(void)exo_delete_caps(slot, done);
			return (int)result.error;
		}
		done += result.value;
	} while (done < count);
	return 0;
}

int exo_copy_caps(exo_cap_t from, exo_cap_t env, exo_cap_t slot, uint64_t count,
		  unsigned int rights)
{
	uint64_t done = 0;
	struct exo_result result;

	do {
		result = exo_cap_copy(from + done, env, slot + done, EXO_COPY(rights, count - done),
				      0);
		if (result.error && result.error != -EXO_E_AGAIN)
			return (int)result.error;
		done += result.value;
	} while (done < count);
	return 0;
}

/* Deleting what is large (a bank) takes many calls that delete no slot yet. */
int exo_delete_caps(exo_cap_t slot, uint64_t count)
{
	uint64_t done = 0;
	struct exo_result result;

	do {
		result = exo_cap_delete(slot + done, count - done);
		done += result.value;
	} while (result.error == -EXO_E_AGAIN);
	return (int)result.error;
}

int exo_map_frames(exo_cap_t env, exo_cap_t slot, uint64_t count, uint64_t address,
		   unsigned int rights)
{
	struct exo_map_op op = { 0 };

	while (count > 0) {
		const uint32_t part = count < EXO_RANGE_MAX ? (uint32_t)count : EXO_RANGE_MAX;
		struct exo_result result;

		op.address = address;
		op.slot = (uint32_t)slot;
		op.count = part;
		op.act = EXO_MAP;
		op.rights = (uint16_t)rights;
		do
			result = exo_map(env, &op, 1);
		while (result.error == -EXO_E_AGAIN);
		if (result.error)
			return (int)result.error;
		slot += part;
		address += (uint64_t)part * EXO_PAGE;
		count -= part;
	}
	return 0;
}

int exo_remap_frames(exo_cap_t env, exo_cap_t slot, uint64_t count, uint64_t address,
		     unsigned int rights)
{
	while (count > 0) {
		const uint32_t part =
			count < EXO_RANGE_MAX / 2 ? (uint32_t)count : EXO_RANGE_MAX / 2;
		const struct exo_map_op ops[] = {
			{ .slot = (uint32_t)slot, .count = part, .act = EXO_UNMAP },
			{ .address = address,
			  .slot = (uint32_t)slot,
			  .count = part,
			  .act = EXO_MAP,
			  .rights = (uint16_t)rights },
		};
		const unsigned int wanted = rights ? 2 : 1;
		uint64_t done = 0;
		struct exo_result result;

		do {
			result = exo_map(env, ops + done, wanted - done);
			done += result.value;
		} while (result.error == -EXO_E_AGAIN);
		if (result.error)
			return (int)result.error;
		slot += part;
		address += (uint64_t)part * EXO_PAGE;
		count -= part;
	}
	return 0;
}

int exo_pages_take(exo_cap_t bank, uint64_t count, void **address)
{
	const exo_cap_t slot = exo_slot_take(count);
	const uint64_t place = EXO_PAGES_ADDRESS + slot * EXO_PAGE;
	int error;

	if (!slot)
		return -EXO_E_NOMEM;
	error = exo_frames_allocate(bank, slot, count);
	if (error) {
		exo_slot_give(slot, count);
		return error;
	}
	error = exo_map_frames(EXO_SELF, slot, count, place, EXO_RIGHT_R | EXO_RIGHT_W);
	if (error) {
		exo_slot_delete(slot, count);
		return error;
	}
	*address = (void *)place;
	return 0;
}

exo_cap_t exo_pages_slot(const void *address)
{
	return ((uint64_t)address - EXO_PAGES_ADDRESS) / EXO_PAGE;
}

void exo_pages_give(void *address, uint64_t count)
{
	exo_slot_delete(exo_pages_slot(address), count);
}
