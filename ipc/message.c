/* SPDX-License-Identifier: MIT */
/*
 * Messages: a thread sends, calls, waits, replies. exo/ipc.h says who owns whom in between.
 *
 * A message goes over where two meet: the one that comes second finds the other in the endpoint's
 * queue, takes it out, and copies. Senders are served in the order of their coming, so none waits
 * for more than those before it. What is granted goes over without the endpoint's lock, because it
 * takes locks under which no interrupt handler's may be held, and while the partner is nobody
 * else's, because one that ends leaves its environment. It was looked at before, so it rarely fails
 * then; the words go over after it, so that they do not if it does.
 *
 * Whoever blocks gives the CPU to the partner, if that waits here: with the rest of the slice and,
 * where the policy knows such, with an urgency as high as the caller's until it replies.
 */
#include "endpoint.h"

#include <arch/user.h>
#include <exo/clock.h>
#include <exo/panic.h>
#include <exo/sched.h>
#include <exo/wait.h>

/* Senders whose message cannot go over, at a time: a guess, as interrupts are off. */
#define REFUSED_MAX 16u

/* --- a thread that waits -----------------------------------------------------------------------*/

/* Lends the caller's urgency to the server; and takes back what was lent. */
static inline void lend(struct user_thread *server, const struct user_thread *caller)
{
	/* Equals owe each other nothing: the fast path is theirs. */
	if (caller && caller->thread->urgency <= server->thread->own_urgency)
		caller = NULL;
	sched_lend(server->thread, caller ? caller->thread : NULL);
}

/* Takes a thread, and what it has lent, away from the server that has its call: false if none has.
 * The caller wakes it. */
static bool leave_server(struct user_thread *thread)
{
	struct user_thread *server = atomic_load(&thread->ipc.server), *caller = thread;

	if (!server || !atomic_compare_exchange_strong(&thread->ipc.server, &server, NULL))
		return false;
	atomic_compare_exchange_strong(&server->ipc.caller, &caller, NULL);
	sched_take_back(server->thread, thread->thread);
	return true;
}

/* What a thread finds that is about to go on. */
static void set_result(struct user_thread *thread, int error)
{
	user_message_resume(thread->thread);
	thread->ipc.error = error;
	if (error)
		thread->ipc.badge = 0;
}

void ipc_resume(struct user_thread *thread, int error)
{
	set_result(thread, error);
	sched_wake(thread->thread);
}

static struct user_thread *of(const struct thread *thread)
{
	return container_of(thread->user, struct user_thread, context);
}

/* Of a call that was received only the server, the deadline or an end make an end: if the thread is
 * to stop it does so when it has its answer. */
static bool end_wait(struct thread *thread, int error)
{
	struct user_thread *user = of(thread);

	if (!endpoint_leave(user) && (error == -EXO_E_AGAIN || !leave_server(user)))
		return false;
	set_result(user, error);
	return true;
}

static unsigned int places(const struct thread *thread)
{
	const struct user_thread *user = of(thread);

	return (atomic_load(&user->ipc.queued) != NULL) + (atomic_load(&user->ipc.server) != NULL);
}

/* Without a deadline, and without MSRs for the bases, a thread is for the fast path. */
static uint32_t role(uint64_t deadline, enum ipc_role plain, enum ipc_role other)
{
	return deadline == EXO_DEADLINE_NEVER && user_has_fsgsbase ? plain : other;
}

/* Can the entry hand the CPU over, as if this were the fast path? */
static inline bool is_plain(const struct user_thread *self, const struct user_thread *next)
{
	return IS_ENABLED(CONFIG_IPC_FASTPATH) && self->ipc.role >= IPC_PLAIN &&
	       next->ipc.role >= IPC_PLAIN && !next->ipc.error && sched_can_hand(next->thread);
}

/* The running thread, which is queued or linked, waits; @next, if any, runs. Its error; IPC_HAND.
 */
static int block(struct user_thread *self, uint64_t deadline, struct user_thread *next)
{
	struct thread *thread = self->thread;
	const int unwanted = wait_unwanted(thread);

	if (next)
		user_message_resume(next->thread);
	if (unlikely(unwanted) && end_wait(thread, unwanted)) {
		if (next)
			sched_wake(next->thread);
		return unwanted;
	}
	if (next && is_plain(self, next)) {
		self->ipc.partner = next;
		return IPC_HAND;
	}
	if (deadline != EXO_DEADLINE_NEVER)
		timer_arm(&thread->timeout, deadline);
	if (next)
		sched_hand(next->thread);
	else
		sched_block();
	return (int)self->ipc.error;
}

/* --- replies -----------------------------------------------------------------------------------*/

/* Whoever has called this thread learns that there is no answer. */
static void drop_caller(struct user_thread *self)
{
	struct user_thread *caller = atomic_exchange(&self->ipc.caller, NULL), *server = self;

	if (!caller || !atomic_compare_exchange_strong(&caller->ipc.server, &server, NULL))
		return;
	ipc_resume(caller, -EXO_E_DEAD);
}

/* @server, which is nobody else's, has the call of @caller. */
static void link_call(struct user_thread *caller, struct user_thread *server)
{
	lend(server, caller);
	atomic_store_explicit(&server->ipc.caller, caller, memory_order_relaxed);
	atomic_store(&caller->ipc.server, server);
}

/* A caller that was nobody's waits for the reply, unless its wait has had an end meanwhile. */
static void keep_waiting(struct user_thread *self, struct user_thread *client)
{
	struct user_thread *server = self;
	int error = 0;

	link_call(client, self);
	if (atomic_load(&client->thread->attention) & THREAD_KILL)
		error = -EXO_E_DEAD;
	else if (client->ipc.role != IPC_CALLS_PLAIN && clock_ns() >= client->ipc.deadline)
		error = -EXO_E_TIMEOUT;
	if (!error || !atomic_compare_exchange_strong(&client->ipc.server, &server, NULL))
		return;
	atomic_store(&self->ipc.caller, NULL);
	lend(self, NULL);
	ipc_resume(client, error);
}

int ipc_reply(struct user_thread **result)
{
	struct user_thread *self = user_thread_current(), *server = self;
	struct user_thread *client = atomic_load(&self->ipc.caller);
	struct ipc_grant grant;
	int error;

	*result = NULL;
	lend(self, NULL);
	if (!client)
		return -EXO_E_DEAD;
	/* Whoever else takes it away is just clearing our link. */
	if (!atomic_compare_exchange_strong(&client->ipc.server, &server, NULL))
		return -EXO_E_DEAD;
	error = ipc_check(self, client, &grant);
	if (!error)
		error = ipc_grant(self, client, &grant);
	if (unlikely(error)) {
		keep_waiting(self, client);
		return error;
	}
	atomic_store_explicit(&self->ipc.caller, NULL, memory_order_relaxed);
	ipc_copy(self, client, 0);
	client->ipc.error = 0;
	*result = client;
	return 0;
}

/* --- sending -----------------------------------------------------------------------------------*/

/* Why a thread does not wait: 0 if it can. Under the lock. */
static int may_not_wait(const struct ipc_request *request)
{
	if (object_state(&request->endpoint->object) != OBJECT_LIVE)
		return -EXO_E_DEAD;
	/* Who takes the capability away looks for those who wait by it under the lock, later. */
	if (atomic_load_explicit(&request->via->value, memory_order_relaxed) != request->value)
		return -EXO_E_CAP;
	return request->deadline ? 0 : -EXO_E_TIMEOUT;
}

/* Into the queue. Under the lock. */
static void enqueue(struct endpoint *endpoint, const struct ipc_request *request,
		    struct user_thread *self, uint32_t as) __requires(endpoint->lock)
{
	self->ipc.role = as;
	self->ipc.via = request->via;
	self->ipc.deadline = request->deadline;
	endpoint_add(endpoint, self);
}

static uint32_t sender_role(uint64_t deadline, bool call)
{
	return call ? role(deadline, IPC_CALLS_PLAIN, IPC_CALLS) : IPC_SENDS;
}

/* Nobody waits for it: queues the message. Releases the lock. */
static int send_later(struct endpoint *endpoint, const struct ipc_request *request,
		      struct user_thread *self, uint32_t as, uint64_t flags)
	__releases(endpoint->lock)
{
	const int error = may_not_wait(request);

	self->ipc.badge = request->badge;
	if (!error)
		enqueue(endpoint, request, self, as);
	endpoint_unlock(endpoint, flags);
	return error ? error : block(self, request->deadline, NULL);
}

int ipc_send(const struct ipc_request *request, bool call)
{
	struct user_thread *self = user_thread_current(), *partner;
	struct endpoint *endpoint = request->endpoint;
	const uint32_t as = sender_role(request->deadline, call);
	const uint64_t flags = endpoint_lock(endpoint);
	struct ipc_grant grant;
	int error;

	partner = endpoint->receivers.first;
	if (!partner)
		return send_later(endpoint, request, self, as, flags);
	error = ipc_check(self, partner, &grant);
	if (!error)
		endpoint_remove(endpoint, partner);
	endpoint_unlock(endpoint, flags);
	if (error)
		return error;
	error = ipc_grant(self, partner, &grant);
	if (!error)
		ipc_copy(self, partner, request->badge);
	if (error || !call) {
		ipc_resume(partner, error ? -EXO_E_AGAIN : 0);
		return error;
	}
	partner->ipc.error = 0;
	self->ipc.role = as;
	self->ipc.deadline = request->deadline;
	link_call(self, partner);
	return block(self, request->deadline, partner);
}

/* --- receiving ---------------------------------------------------------------------------------*/

/* The bits of the notification that is bound to the thread, as a message. */
static void put_bits(struct user_thread *thread, uint64_t bits)
{
	thread->ipc.badge = 0;
	thread->ipc.message = (struct exo_message){ EXO_TAG(0, 1) | EXO_TAG_BITS, { bits } };
}

static bool give_bits(struct user_thread *thread, uint64_t bits)
{
	struct endpoint *endpoint = atomic_load(&thread->ipc.queued);
	bool taken = false;
	uint64_t flags;

	if (!endpoint)
		return false;
	flags = endpoint_lock(endpoint);
	if (atomic_load(&thread->ipc.queued) == endpoint && ipc_receives(thread->ipc.role)) {
		endpoint_remove(endpoint, thread);
		taken = true;
	}
	endpoint_unlock(endpoint, flags);
	if (!taken)
		return false;
	put_bits(thread, bits);
	ipc_resume(thread, 0);
	return true;
}

static bool take_bits(struct user_thread *self)
{
	const uint64_t bits = self->bound ? ntf_take_bound(self) : 0;

	if (bits)
		put_bits(self, bits);
	return bits != 0;
}

/* Takes the message of one that has left the queue, with what it grants. 0; or why that cannot be,
 * with which the sender was woken. */
static int take_grant(struct user_thread *self, struct user_thread *sender,
		      const struct ipc_grant *grant)
{
	const int error = ipc_grant(sender, self, grant);

	if (!error)
		ipc_copy(sender, self, sender->ipc.badge);
	if (!error && sender->ipc.role != IPC_SENDS) {
		keep_waiting(self, sender);
		return 0;
	}
	ipc_resume(sender, error);
	return error;
}

/*
 * Takes the first sender's message. Returns 0; or why that cannot be, with which the sender was
 * woken. Under the lock, which it releases.
 */
static int take_message(struct endpoint *endpoint, struct user_thread *self,
			struct user_thread *sender, uint64_t flags) __releases(endpoint->lock)
{
	struct ipc_grant grant;
	const int error = ipc_check(sender, self, &grant);
	const bool grants = !error && sender->ipc.message.tag & EXO_TAG_GRANT;
	const bool calls = sender->ipc.role != IPC_SENDS;

	if (!error && !grants) {
		ipc_copy(sender, self, sender->ipc.badge);
		if (calls)
			link_call(sender, self); /* before it is in no queue */
	}
	endpoint_remove(endpoint, sender);
	endpoint_unlock(endpoint, flags);
	if (unlikely(grants))
		return take_grant(self, sender, &grant);
	if (!error && calls)
		return 0;
	ipc_resume(sender, error);
	return error;
}

/* Queues the running thread, and waits. Releases the lock. -EXO_E_BUSY: bits have come. */
static int wait_for_message(struct endpoint *endpoint, const struct ipc_request *request,
			    struct user_thread *self, struct user_thread *client, uint64_t flags)
	__releases(endpoint->lock)
{
	const int error = may_not_wait(request);

	if (!error)
		enqueue(endpoint, request, self,
			role(request->deadline, IPC_RECEIVES_PLAIN, IPC_RECEIVES));
	endpoint_unlock(endpoint, flags);
	if (error) {
		if (client)
			ipc_resume(client, (int)client->ipc.error);
		return error;
	}
	/* Who sets bits first does that, then looks whether the thread waits: the other way round.
	 */
	atomic_thread_fence(memory_order_seq_cst);
	if (unlikely(self->bound) && ntf_bound_bits(self) && endpoint_leave(self)) {
		if (client)
			ipc_resume(client, (int)client->ipc.error);
		return -EXO_E_BUSY;
	}
	return block(self, request->deadline, client);
}

static int receive(const struct ipc_request *request, struct user_thread *client)
{
	struct user_thread *self = user_thread_current(), *sender;
	struct endpoint *endpoint = request->endpoint;
	unsigned int refused = 0;
	uint64_t flags;
	int error;

	for (;;) {
		if (take_bits(self)) {
			error = 0;
			break;
		}
		flags = endpoint_lock(endpoint);
		sender = endpoint->senders.first;
		if (!sender) {
			error = wait_for_message(endpoint, request, self, client, flags);
			client = NULL;
			if (error != -EXO_E_BUSY)
				break;
			continue;
		}
		error = take_message(endpoint, self, sender, flags);
		if (!error)
			break;
		if (++refused == REFUSED_MAX) {
			error = -EXO_E_AGAIN;
			break;
		}
	}
	if (client)
		ipc_resume(client, (int)client->ipc.error);
	return error;
}

int ipc_receive(const struct ipc_request *request)
{
	struct user_thread *self = user_thread_current();

	drop_caller(self);
	lend(self, NULL);
	return receive(request, NULL);
}

int ipc_reply_receive(const struct ipc_request *request)
{
	struct user_thread *client;
	const int error = ipc_reply(&client);

	if (error && error != -EXO_E_DEAD)
		return error;
	return receive(request, client);
}

/* On the thread's home: what was to end its wait, or to give it bits, just before it began. */
static void recheck(struct thread *thread)
{
	const unsigned int wishes = atomic_load(&thread->attention);
	struct user_thread *user = of(thread);
	struct ntf *ntf;
	uint64_t bits;

	if (wishes & (THREAD_KILL | THREAD_STOP)) {
		if (end_wait(thread, wishes & THREAD_KILL ? -EXO_E_DEAD : -EXO_E_AGAIN))
			sched_wake(thread);
	} else if (ntf_bound_bits(user) && atomic_load(&user->ipc.queued)) {
		/* It may be unbound meanwhile, but it does not go while interrupts are off. */
		ntf = __atomic_load_n(&user->bound, __ATOMIC_ACQUIRE);
		bits = ntf ? ntf_take_bound(user) : 0;
		if (bits && !give_bits(user, bits))
			ntf_set(ntf, bits);
	}
}

/* --- what is below -----------------------------------------------------------------------------*/

void ipc_init(void)
{
	static const struct ipc_ops ops = {
		.end_wait = end_wait,
		.give_bits = give_bits,
		.places = places,
		.gone = drop_caller,
		.recheck = recheck,
	};

	ipc_ops = &ops;
}
