/* SPDX-License-Identifier: MIT */
/* What the files of ipc/ tell each other. */
#ifndef IPC_ENDPOINT_H
#define IPC_ENDPOINT_H

#include <arch/pause.h>
#include <exo/env.h>
#include <exo/ipc.h>

/* With the fast path on other CPUs the queues are theirs, too, for some instructions (endpoint.c).
 */
#define ENDPOINT_SHARED (IS_ENABLED(CONFIG_IPC_FASTPATH) && IS_ENABLED(CONFIG_SMP))

static inline uint64_t endpoint_lock(struct endpoint *endpoint) __acquires(endpoint->lock)
{
	const uint64_t flags = spin_lock_irq(&endpoint->lock);

	while (ENDPOINT_SHARED &&
	       atomic_exchange_explicit(&endpoint->busy, 1, memory_order_acquire))
		cpu_pause();
	return flags;
}

static inline void endpoint_unlock(struct endpoint *endpoint, uint64_t flags)
	__releases(endpoint->lock)
{
	if (ENDPOINT_SHARED)
		atomic_store_explicit(&endpoint->busy, 0, memory_order_release);
	spin_unlock_irq(&endpoint->lock, flags);
}

/* The end of the queue that @thread's role says; and out of it, when @queued becomes NULL. */
void endpoint_add(struct endpoint *endpoint, struct user_thread *thread) __requires(endpoint->lock);
void endpoint_remove(struct endpoint *endpoint, struct user_thread *thread)
	__requires(endpoint->lock);

/* Takes @thread out of the queue that it is in: false if it is in none. The caller wakes it. */
bool endpoint_leave(struct user_thread *thread);

/* --- transfer.c --- */

/* What a message grants, as it was found when that was looked at. */
struct ipc_grant {
	struct cap *cap;
	uintptr_t value;
	exo_cap_t mailbox;
	unsigned int rights;
};

int ipc_check_grant(const struct user_thread *from, const struct user_thread *to,
		    struct ipc_grant *grant);

/*
 * Can @from's message go to @to? A look: what is granted, and where to, may change until it is.
 * Takes no lock; both are there, and waiting or running here. 0, or an error of the sender's.
 * @grant: filled, if something is granted
 */
static inline int ipc_check(const struct user_thread *from, const struct user_thread *to,
			    struct ipc_grant *grant)
{
	const uint64_t tag = from->ipc.message.tag;

	if (CONFIG_IPC_WORDS && unlikely(ipc_more_words(tag)) && !to->context.state)
		return -EXO_E_RANGE;
	return unlikely(tag & EXO_TAG_GRANT) ? ipc_check_grant(from, to, grant) : 0;
}

/* Writes @from's words, which ipc_check() has let pass, into @to's message. No lock. */
void ipc_copy(const struct user_thread *from, struct user_thread *to, uint64_t badge);

/* Puts what is granted, if the tag says so, into @to's mailbox: 0, or an error of the sender's. One
 * of the two is the running thread, the other nobody else's. Takes locks of objects. */
int ipc_grant_now(struct user_thread *to, const struct ipc_grant *grant);

static inline int ipc_grant(const struct user_thread *from, struct user_thread *to,
			    const struct ipc_grant *grant)
{
	return unlikely(from->ipc.message.tag & EXO_TAG_GRANT) ? ipc_grant_now(to, grant) : 0;
}

#endif
