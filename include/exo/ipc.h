/* SPDX-License-Identifier: MIT */
/*
 * Messages between threads (CONFIG_IPC): endpoints, and what a thread keeps for its exchange.
 *
 * An endpoint is two queues: threads that have a message and nobody to take it, and threads that
 * wait for one; never both. A message goes from one thread's struct ipc_thread to the other's, and
 * from the fast path's registers to registers (arch/x86_64/ipc_entry.asm). Who has called is linked
 * to who has received the call, both ways, until the reply: that is the one-shot right to reply.
 *
 * Who owns a thread that waits:
 *
 *	@queued is set		whoever takes it out of that endpoint's queue, under its lock
 *	@server is set		whoever changes @server to NULL, by a compare-and-swap
 *
 * and only that one writes its message and error, and wakes it, once. In between it belongs to the
 * CPU that has taken it out. A queued caller whose call is received gets @server before @queued
 * becomes NULL, so that who ends waits (ipc_ops.end_wait) finds it at one of the two.
 *
 * @caller of the server is the reverse link. Whoever has taken a caller away from its server clears
 * that before it wakes the caller, so it never leads to a thread that has gone on; the memory of
 * both stays because interrupts are off (exo/object.h).
 */
#ifndef EXO_IPC_H
#define EXO_IPC_H

#include <exo/object.h>
#include <stdatomic.h>
#include <uapi/exo/ipc.h>

struct cap;
struct thread;
struct user_thread;

/* What a thread waits for; the last two, plainly, can be served by the fast path. */
enum ipc_role {
	IPC_SENDS,
	IPC_CALLS,
	IPC_RECEIVES,
	IPC_RECEIVES_PLAIN,
	IPC_CALLS_PLAIN,
	IPC_PLAIN = IPC_RECEIVES_PLAIN, /* from here on */
};

static inline bool ipc_receives(uint32_t role)
{
	return role == IPC_RECEIVES || role == IPC_RECEIVES_PLAIN;
}

struct endpoint;

/* In struct user_thread. */
struct ipc_thread {
	/* What it sends while it is queued; then what it has received. */
	uint64_t badge;
	struct exo_message message;
	int64_t error; /* of its wait */
	struct user_thread *next, *previous; /* in the queue; the ends are NULL */
	struct endpoint *_Atomic queued; /* in whose queue; changed under its lock */
	struct user_thread *_Atomic server; /* who has its call; NULL: nobody */
	struct user_thread *_Atomic caller; /* whose call it has; NULL: nobody's */
	struct cap *via; /* the capability it came by; while it is queued */
	uint64_t deadline; /* of its wait, if it is not plain */
	struct user_thread *partner; /* of IPC_HAND */
	uint32_t role; /* enum ipc_role */
};

/* What the floors below ask of IPC; NULL in kernels without. Interrupts off. */
struct ipc_ops {
	/* Ends a wait with @error, if @thread is in one that may end so: the caller wakes it. */
	bool (*end_wait)(struct thread *thread, int error);
	/* Gives bits to a thread that waits for messages: false if it does not. */
	bool (*give_bits)(struct user_thread *thread, uint64_t bits);
	/* For the audit: in how many places does it wait? */
	unsigned int (*places)(const struct thread *thread);
	/* The thread has ended: who has called it learns that. */
	void (*gone)(struct user_thread *thread);
	/*
	 * On @thread's home CPU, after its attention has been set or a notification bound to it: it
	 * may have begun to wait without having seen that.
	 */
	void (*recheck)(struct thread *thread);
};

extern const struct ipc_ops *ipc_ops; /* thread_object.c */

struct ipc_queue {
	struct user_thread *first, *last; /* @last is undefined while @first is NULL */
};

struct endpoint {
	struct object object;
	struct ipc_queue receivers, senders; /* under the lock */
	struct spinlock lock; /* LOCK_RANK_ENDPOINT */
	_Atomic uint32_t busy; /* whoever holds the lock, or is in the fast path, has set it */
};

#if IS_ENABLED(CONFIG_IPC)
/* Boot: the operations exist. */
void ipc_init(void);

int endpoint_make(struct bank *bank, struct object **object);
/* struct object_type's. */
void endpoint_taken(struct object *object, struct cap **caps, unsigned int count);

/* For the audit: NULL, or what is wrong with its queues. */
const char *endpoint_audit(struct endpoint *endpoint, uint64_t *queued);

#define ENDPOINT_TYPE                                                                  \
	{                                                                              \
		.name = "ep", .size = sizeof(struct endpoint), .taken = endpoint_taken \
	}
#else
static inline void ipc_init(void)
{
}

static inline int endpoint_make(struct bank *bank, struct object **object)
{
	(void)bank, (void)object;
	return -EXO_E_TYPE;
}

static inline const char *endpoint_audit(struct endpoint *endpoint, uint64_t *queued)
{
	(void)endpoint, (void)queued;
	return NULL;
}

#define ENDPOINT_TYPE        \
	{                    \
		.name = NULL \
	}
#endif

/*
 * What a call is about. Each works on the running thread, whose message is in its struct ipc_thread
 * and is what was received afterwards. Interrupts off; they open while they wait.
 * @via: the capability, with @value in it: to @endpoint, as cap_find() gave them
 * @deadline: ns; 0: does not wait
 */
struct ipc_request {
	struct endpoint *endpoint;
	struct cap *via;
	uintptr_t value;
	uint64_t badge;
	uint64_t deadline;
};

/*
 * What a call returns in place of waiting, where the entry can hand the CPU to @partner: everything
 * else is done, and the error of the wait is to be loaded when it is over.
 */
#define IPC_HAND 1

/* Sends; with @call waits for the reply. The errors are those of uapi/exo/ipc.h, here and below. */
int ipc_send(const struct ipc_request *request, bool call);

/* Waits for a message. Who has called and has no reply yet is told that there will be none. */
int ipc_receive(const struct ipc_request *request);

/* Answers who has called: *client, for ipc_resume() with the error it has by then. -EXO_E_DEAD:
 * nobody waits for it. */
int ipc_reply(struct user_thread **client);

/* Wakes @thread, which has been taken out of its wait, with @error. */
void ipc_resume(struct user_thread *thread, int error);

/* For the fast path alone: see there. */
int ipc_grant_plain(struct user_thread *self, struct user_thread *partner);

/* The two in one; without anybody to answer just the second. */
int ipc_reply_receive(const struct ipc_request *request);

#endif
