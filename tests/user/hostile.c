/* SPDX-License-Identifier: MIT */
/* Running arbitrary bytes (hostile.h). The pages are mapped here, too, where they can be written.
 */
#include "hostile.h"

#include <exo/string.h>

enum {
	NTF = HOSTILE_NTF,
	ENV = HOSTILE_ENV,
	CODE = HOSTILE_CODE_SLOT,
	STACK = HOSTILE_STACK_SLOT,
	STATE = HOSTILE_STATE_SLOT,
	THREAD = HOSTILE_THREAD
};

#define HERE HOSTILE_HERE
#define FAULTED 1u

struct hostile_wishes hostile_wishes;
static uint64_t code_address;

/* A page that both have: here it can be written. */
static int64_t share(unsigned int index, uint64_t address, unsigned int rights)
{
	struct exo_map_op op = { .address = address,
				 .slot = index,
				 .count = 1,
				 .act = EXO_MAP,
				 .rights = (uint16_t)rights };
	int64_t error = abi_frames(index, 1);

	if (!error)
		error = abi_map(EXO_MAP, index, 1, HERE(index), ABI_RW);
	if (!error)
		error = exo_cap_copy(abi_slot(index), abi_slot(ENV), index,
				     EXO_COPY(EXO_RIGHTS_ALL, 1), 0)
				.error;
	return error ? error : exo_map(abi_slot(ENV), &op, 1).error;
}

int hostile_begin(uint64_t code)
{
	int64_t error;

	code_address = code;
	hostile_wishes = (struct hostile_wishes){ 0 };
	(void)((error = abi_make(EXO_TYPE_NTF, NTF)) || (error = abi_make(EXO_TYPE_ENV, ENV)) ||
	       (error = share(CODE, code, ABI_RX)) ||
	       (error = share(STACK, HOSTILE_STACK, ABI_RW)) ||
	       (error = share(STATE, HOSTILE_STATE, ABI_RW)) ||
	       (error = exo_cap_copy(abi_slot(NTF), abi_slot(ENV), NTF, EXO_COPY(EXO_RIGHTS_ALL, 1),
				     0)
				.error) ||
	       (error = exo_env_config(abi_slot(ENV), EXO_ENV_FAULTS, NTF, FAULTED).error));
	return (int)error;
}

static void write_code(const void *code, size_t size, size_t offset)
{
	static const uint8_t ud2[] = { 0x0f, 0x0b };
	uint8_t *page = (uint8_t *)HERE(CODE);

	memset(page, 0xcc, EXO_PAGE);
	memcpy(page + EXO_PAGE - sizeof(ud2), ud2, sizeof(ud2));
	memcpy(page + offset, code, size);
	if (offset + size + sizeof(ud2) <= EXO_PAGE)
		memcpy(page + offset + size, ud2, sizeof(ud2));
}

static int64_t start(size_t offset, const struct exo_registers *registers)
{
	struct exo_state_page *state = (struct exo_state_page *)HERE(STATE);
	struct exo_registers first = { 0 };
	int64_t error;

	memset(state, 0, EXO_PAGE);
	state->entry = code_address + EXO_PAGE - 2;
	state->foreign = hostile_wishes.foreign;
	state->wanted = hostile_wishes.wanted;
	first.rsp = HOSTILE_STACK + EXO_PAGE / 2;
	if (registers)
		first = *registers;
	first.rip = code_address + offset;
	(void)((error = abi_make(EXO_TYPE_THREAD, THREAD)) ||
	       (error = exo_thread_config(abi_slot(THREAD), abi_slot(ENV), first.rip, 0, 0,
					  abi_slot(STATE))
				.error) ||
	       (error = exo_thread_state(abi_slot(THREAD), EXO_THREAD_WRITE, &first).error) ||
	       (error = exo_thread_state(abi_slot(THREAD), EXO_THREAD_RUN, NULL).error));
	return error;
}

void hostile_look(struct hostile_end *end)
{
	const struct exo_state_page *state = (const struct exo_state_page *)HERE(STATE);

	abi_patience();
	while (exo_thread_state(abi_slot(THREAD), EXO_THREAD_READ, &end->registers).error &&
	       abi_patient())
		;
	end->cause = state->cause;
	end->error = state->error;
	end->address = state->address;
	end->rip = state->rip;
	end->rsp = state->rsp;
	end->rflags = state->rflags;
	end->rcx = state->rcx;
	end->r11 = state->r11;
}

int hostile_start(const void *code, size_t size, size_t offset,
		  const struct exo_registers *registers)
{
	write_code(code, size, offset);
	(void)exo_ntf_wait(abi_slot(NTF), FAULTED, 0);
	return (int)start(offset, registers);
}

bool hostile_stop(void)
{
	abi_patience();
	while (exo_thread_state(abi_slot(THREAD), EXO_THREAD_STOP, NULL).error == -EXO_E_AGAIN)
		if (!abi_patient())
			return false;
	return true;
}

int hostile_kill(void)
{
	(void)exo_delete_caps(abi_slot(THREAD), 1);
	abi_patience();
	while (abi_stat(abi_slot(ENV)).used)
		if (!abi_patient())
			return -EXO_E_TIMEOUT;
	return 0;
}

int hostile_run(struct hostile_end *end, const void *code, size_t size, size_t offset,
		const struct exo_registers *registers, uint64_t patience)
{
	int error, killed;

	memset(end, 0, sizeof(*end));
	error = hostile_start(code, size, offset, registers);
	if (!error) {
		end->stopped =
			exo_ntf_wait(abi_slot(NTF), FAULTED, abi_now() + patience).value == FAULTED;
		if (end->stopped)
			hostile_look(end);
	}
	killed = hostile_kill();
	return killed ? killed : error;
}

int hostile_try(struct hostile_end *end, const void *code, size_t size,
		const struct exo_registers *registers)
{
	const int error = hostile_run(end, code, size, 0, registers, ABI_PATIENCE);

	return error || end->stopped ? error : -EXO_E_TIMEOUT;
}
