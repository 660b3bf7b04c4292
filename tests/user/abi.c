/* SPDX-License-Identifier: MIT */
/* The helpers of the tests of the ABI: nothing but calls, so that a case says what it is about. */
#include "abi.h"

#include <libexo/slots.h>

static exo_cap_t window;
static uint64_t patience_ends;

int abi_init(void)
{
	window = exo_slot_take(ABI_SLOTS);
	abi_upcalls(0);
	return window ? 0 : -EXO_E_NOMEM;
}

exo_cap_t abi_slot(unsigned int index)
{
	return window + index;
}

struct exo_cap_info abi_stat(exo_cap_t slot)
{
	struct exo_cap_info info = { 0 };

	(void)exo_cap_stat(slot, &info);
	return info;
}

uint64_t abi_used(exo_cap_t bank)
{
	return abi_stat(bank).used;
}

int64_t abi_revoke(exo_cap_t slot)
{
	int64_t error;

	abi_patience();
	do
		error = exo_cap_revoke(slot, EXO_REVOKE_FORCE, 0, 0, 0).error;
	while (error == -EXO_E_AGAIN && abi_patient());
	return error;
}

/* Whatever the case before has done, the kernel's state must make sense. */
int64_t abi_audit(void)
{
	struct exo_result result;

	abi_patience();
	do
		result = exo_sys_ctl(EXO_FIRST_SYS, EXO_SYS_AUDIT, 0, 0);
	while (result.error == -EXO_E_AGAIN && abi_patient());
	if (result.error && result.error != -EXO_E_CALL)
		return result.error;
	return result.value ? -EXO_E_DEAD : 0;
}

int abi_begin(uint64_t frames)
{
	const int64_t error = abi_audit();

	if (error)
		return (int)error;
	abi_upcalls(0);
	(void)exo_env_config(EXO_SELF, EXO_ENV_EVENTS, 0, 0);
	(void)exo_env_config(EXO_SELF, EXO_ENV_FAULTS, 0, 0);
	/* Banks first: what came from them goes with them. */
	for (unsigned int i = 0; i < ABI_SLOTS; i++)
		if (abi_stat(abi_slot(i)).type == EXO_TYPE_BANK)
			(void)abi_revoke(abi_slot(i));
	for (unsigned int i = 0; i < ABI_SLOTS; i++)
		if (abi_stat(abi_slot(i)).type != EXO_TYPE_NONE)
			(void)exo_delete_caps(abi_slot(i), 1);
	return (int)exo_bank_create(EXO_FIRST_BANK, frames, EXO_NODE_ANY, ABI_BANK).error;
}

int64_t abi_frames(unsigned int index, uint64_t count)
{
	return exo_frames_allocate(ABI_BANK, abi_slot(index), count);
}

int64_t abi_make(enum exo_type type, unsigned int index)
{
	return exo_object_create(ABI_BANK, type, abi_slot(index), 0).error;
}

int64_t abi_copy(unsigned int from, unsigned int to, unsigned int rights)
{
	return exo_cap_copy(abi_slot(from), EXO_SELF, abi_slot(to), EXO_COPY(rights, 1), 0).error;
}

int64_t abi_map(unsigned int act, unsigned int index, uint32_t count, uint64_t address,
		unsigned int rights)
{
	const struct exo_map_op op = { .address = address,
				       .slot = (uint32_t)abi_slot(index),
				       .count = count,
				       .act = (uint16_t)act,
				       .rights = (uint16_t)rights };

	return exo_map(EXO_SELF, &op, 1).error;
}

uint64_t abi_now(void)
{
	return exo_sys_ctl(EXO_SELF, EXO_SYS_CLOCK, 0, 0).value;
}

void abi_sleep(uint64_t ns)
{
	(void)exo_ntf_wait(EXO_SELF, 0, abi_now() + ns);
}

void abi_patience(void)
{
	patience_ends = abi_now() + ABI_PATIENCE;
}

bool abi_patient(void)
{
	abi_sleep(MS);
	(void)exo_cap_delete(EXO_SELF, 1); /* deletes nothing, but ends what waits for that */
	return abi_now() < patience_ends;
}

int abi_until_waits(exo_cap_t thread)
{
	abi_patience();
	while (abi_stat(thread).used != EXO_THREAD_WAITS)
		if (!abi_patient())
			return -EXO_E_TIMEOUT;
	return 0;
}
