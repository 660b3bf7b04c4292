/* SPDX-License-Identifier: MIT */
/* What the files of ipc/ tell each other. */
#ifndef IPC_ENDPOINT_H
#define IPC_ENDPOINT_H

#include <exo/env.h>
#include <exo/ipc.h>

uint64_t endpoint_lock(struct endpoint *endpoint) __acquires(endpoint->lock);
void endpoint_unlock(struct endpoint *endpoint, uint64_t flags) __releases(endpoint->lock);

/* The end of the queue that @thread's role says; and out of it, when @queued becomes NULL. */
void endpoint_add(struct endpoint *endpoint, struct user_thread *thread) __requires(endpoint->lock);
void endpoint_remove(struct endpoint *endpoint, struct user_thread *thread)
	__requires(endpoint->lock);

/* Takes @thread out of the queue that it is in: false if it is in none. The caller wakes it. */
bool endpoint_leave(struct user_thread *thread);

/* --- transfer.c --- */

/*
 * Can @from's message go to @to? A look: what is granted, and where to, may change until it is.
 * Takes no lock; both are there, and waiting or running here. 0, or an error of the sender's.
 */
int ipc_check(const struct user_thread *from, const struct user_thread *to);

/* Writes @from's words, which ipc_check() has let pass, into @to's message. No lock. */
void ipc_copy(const struct user_thread *from, struct user_thread *to, uint64_t badge);

/* Grants what @from's state page says to @to, if the tag says so: 0, or an error of the sender's.
 * One of the two is the running thread, the other nobody else's. Takes locks of objects. */
int ipc_grant(struct user_thread *from, struct user_thread *to);

#endif
