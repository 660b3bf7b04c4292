/* SPDX-License-Identifier: MIT */
/*
 * What goes over with a message: words in registers, words in the state pages, a capability.
 *
 * State pages are the programs', which may change them at any time: what is read there is read
 * once, and is a number, a slot that is looked up, or words that mean nothing to the kernel.
 */
#include "endpoint.h"

#include <exo/string.h>

#define FLAGS (EXO_TAG_GRANT | EXO_TAG_DEADLINE)
#define DEFINED (FLAGS | UINT64_C(0xffffffff00000fff))
#define PASSED_ON (DEFINED & ~EXO_TAG_DEADLINE)

#define READ_ONCE(field) (*(volatile __typeof__(field) *)&(field))

static inline unsigned int more_words(uint64_t tag)
{
	const unsigned int words = EXO_TAG_WORDS(tag);

	return words > EXO_MESSAGE_REGISTERS ? words - EXO_MESSAGE_REGISTERS : 0;
}

int ipc_tag_check(const struct user_thread *thread, uint64_t tag)
{
	if (tag & ~DEFINED)
		return -EXO_E_ARG;
	if (more_words(tag) > CONFIG_IPC_WORDS)
		return -EXO_E_RANGE;
	return !thread->context.state && (tag & FLAGS || more_words(tag)) ? -EXO_E_ARG : 0;
}

/* The sender's capability and the receiver's slot, as they are now. */
static int check_grant(const struct user_thread *from, const struct user_thread *to)
{
	const uint64_t grant = READ_ONCE(from->context.state->grant);
	struct exo_state_page *const state = to->context.state;
	const exo_cap_t mailbox = state ? READ_ONCE(state->mailbox) : 0;
	const struct cap *target;
	struct cap *cap;
	uintptr_t value;
	const int error = cap_look(&from->env->table, (uint32_t)grant, EXO_RIGHT_G | EXO_RIGHT_D,
				   &cap, &value);

	if (error)
		return error;
	if (!mailbox || mailbox >= to->env->table.nr_slots)
		return -EXO_E_SLOT;
	target = cap_slot(&to->env->table, mailbox);
	if (target && atomic_load_explicit(&target->value, memory_order_relaxed) != CAP_EMPTY)
		return -EXO_E_SLOT;
	return 0;
}

int ipc_check(const struct user_thread *from, const struct user_thread *to)
{
	const uint64_t tag = from->ipc.message.tag;

	if (unlikely(CONFIG_IPC_WORDS && more_words(tag)) && !to->context.state)
		return -EXO_E_RANGE;
	return unlikely(tag & EXO_TAG_GRANT) ? check_grant(from, to) : 0;
}

void ipc_copy(const struct user_thread *from, struct user_thread *to, uint64_t badge)
{
	const uint64_t tag = from->ipc.message.tag;

	to->ipc.badge = badge;
	to->ipc.message = from->ipc.message;
	to->ipc.message.tag = tag & PASSED_ON;
	if (CONFIG_IPC_WORDS && more_words(tag))
		memcpy(to->context.state->message, from->context.state->message,
		       more_words(tag) * sizeof(uint64_t));
}

static int grant(struct user_thread *from, struct user_thread *to)
{
	const uint64_t wanted = READ_ONCE(from->context.state->grant);
	struct exo_state_page *const state = to->context.state;
	struct cap *cap, *claimed;
	uintptr_t value;
	int error = cap_look(&from->env->table, (uint32_t)wanted, EXO_RIGHT_G | EXO_RIGHT_D, &cap,
			     &value);

	if (error)
		return error;
	/* Its end waits until this CPU has left the call, so what is live now may be filled. */
	if (object_state(&to->env->object) != OBJECT_LIVE)
		return -EXO_E_DEAD;
	if (!state || !READ_ONCE(state->mailbox) ||
	    cap_claim(&to->env->table, READ_ONCE(state->mailbox), &claimed))
		return -EXO_E_SLOT;
	error = cap_derive(cap, value, claimed, (unsigned int)(wanted >> 32) & EXO_RIGHTS_ALL, 0,
			   0);
	if (error)
		cap_unclaim(claimed);
	return error;
}

int ipc_grant(struct user_thread *from, struct user_thread *to)
{
	return unlikely(from->ipc.message.tag & EXO_TAG_GRANT) ? grant(from, to) : 0;
}
