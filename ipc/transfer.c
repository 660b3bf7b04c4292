/* SPDX-License-Identifier: MIT */
/*
 * What goes over with a message: words in registers, words in the state pages, a capability.
 *
 * State pages are the programs', which may change them at any time: what is read there is read
 * once, and is a number, a slot that is looked up, or words that mean nothing to the kernel.
 */
#include "endpoint.h"

#include <exo/string.h>

/* The sender's capability and the receiver's slot, as they are now. */
int ipc_check_grant(const struct user_thread *from, const struct user_thread *to,
		    struct ipc_grant *grant)
{
	const uint64_t wanted = READ_ONCE(from->context.state->grant);
	struct exo_state_page *const state = to->context.state;
	const struct cap *target;
	const int error = cap_look(&from->env->table, (uint32_t)wanted, EXO_RIGHT_G | EXO_RIGHT_D,
				   &grant->cap, &grant->value);

	if (error)
		return error;
	grant->rights = (unsigned int)(wanted >> 32) & EXO_RIGHTS_ALL;
	grant->mailbox = state ? READ_ONCE(state->mailbox) : 0;
	if (!grant->mailbox || grant->mailbox >= to->env->table.nr_slots)
		return -EXO_E_SLOT;
	target = cap_slot(&to->env->table, grant->mailbox);
	if (target && atomic_load_explicit(&target->value, memory_order_relaxed) != CAP_EMPTY)
		return -EXO_E_SLOT;
	return 0;
}

void ipc_copy(const struct user_thread *from, struct user_thread *to, uint64_t badge)
{
	const uint64_t tag = from->ipc.message.tag;

	to->ipc.badge = badge;
	to->ipc.message = from->ipc.message;
	to->ipc.message.tag = tag & ~EXO_TAG_DEADLINE;
	if (CONFIG_IPC_WORDS && ipc_more_words(tag))
		memcpy(to->context.state->message, from->context.state->message,
		       ipc_more_words(tag) * sizeof(uint64_t));
}

/*
 * The capability's slot keeps being one, as the sender's environment is there; whether it still has
 * the capability is looked at again.
 */
int ipc_grant_now(struct user_thread *to, const struct ipc_grant *grant)
{
	struct cap *claimed;
	int error = -EXO_E_DEAD;

	/* Its end waits until this CPU has left the call, so what is live now may be filled. */
	if (object_state(&to->env->object) == OBJECT_LIVE)
		error = cap_claim(&to->env->table, grant->mailbox, &claimed) ? -EXO_E_SLOT : 0;
	if (!error) {
		error = cap_derive(grant->cap, grant->value, claimed, grant->rights, 0, 0);
		if (error)
			cap_unclaim(claimed);
	}
	return error;
}

/* For the fast path, where nothing is between the look and the act: 0, or an error that the long
 * way finds, too. */
int ipc_grant_plain(struct user_thread *self, struct user_thread *partner)
{
	struct ipc_grant grant;
	const int error = ipc_check_grant(self, partner, &grant);

	return error ? error : ipc_grant_now(partner, &grant);
}
