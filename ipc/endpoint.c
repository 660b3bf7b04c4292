/* SPDX-License-Identifier: MIT */
/*
 * Endpoints: their queues, and taking threads out of them before anybody has met them.
 *
 * The fast path uses the queues without the spinlock, whose form is a choice: it sets @busy, for
 * some instructions, and goes the long way if that is set already. So does whoever has the lock.
 */
#include "endpoint.h"

#include <exo/bank.h>
#include <exo/sched.h>
#include <exo/thread.h>

int endpoint_make(struct bank *bank, struct object **object)
{
	struct endpoint *endpoint;
	const int error = bank_object_get(bank, EXO_TYPE_EP, sizeof(*endpoint), object);

	if (error)
		return error;
	endpoint = container_of(*object, struct endpoint, object);
	spin_lock_init(&endpoint->lock, LOCK_RANK_ENDPOINT);
	return 0;
}

static struct ipc_queue *queue_of(struct endpoint *endpoint, const struct user_thread *thread)
{
	return ipc_receives(thread->ipc.role) ? &endpoint->receivers : &endpoint->senders;
}

void endpoint_add(struct endpoint *endpoint, struct user_thread *thread)
{
	struct ipc_queue *queue = queue_of(endpoint, thread);

	assert_held(&endpoint->lock);
	thread->ipc.next = NULL;
	thread->ipc.previous = queue->first ? queue->last : NULL;
	if (queue->first)
		queue->last->ipc.next = thread;
	else
		queue->first = thread;
	queue->last = thread;
	atomic_store_explicit(&thread->ipc.queued, endpoint, memory_order_release);
}

void endpoint_remove(struct endpoint *endpoint, struct user_thread *thread)
{
	struct ipc_queue *queue = queue_of(endpoint, thread);
	struct user_thread *const next = thread->ipc.next, *const previous = thread->ipc.previous;

	assert_held(&endpoint->lock);
	if (previous)
		previous->ipc.next = next;
	else
		queue->first = next;
	if (next)
		next->ipc.previous = previous;
	else
		queue->last = previous;
	atomic_store_explicit(&thread->ipc.queued, NULL, memory_order_release);
}

bool endpoint_leave(struct user_thread *thread)
{
	struct endpoint *endpoint = atomic_load(&thread->ipc.queued);
	uint64_t flags;
	bool taken;

	if (!endpoint)
		return false;
	flags = endpoint_lock(endpoint);
	taken = atomic_load(&thread->ipc.queued) == endpoint;
	if (taken)
		endpoint_remove(endpoint, thread);
	endpoint_unlock(endpoint, flags);
	return taken;
}

/* Wakes those in a queue that came by one of @caps. Under the lock. */
static void dismiss_via(struct endpoint *endpoint, struct user_thread *thread, struct cap **caps,
			unsigned int count) __requires(endpoint->lock)
{
	while (thread) {
		struct user_thread *const next = thread->ipc.next;

		for (unsigned int i = 0; i < count; i++)
			if (thread->ipc.via == caps[i]) {
				endpoint_remove(endpoint, thread);
				ipc_resume(thread, -EXO_E_DEAD);
				break;
			}
		thread = next;
	}
}

/* Nobody waits by another way than a capability, so an endpoint that ends has no queues. */
void endpoint_taken(struct object *object, struct cap **caps, unsigned int count)
{
	struct endpoint *endpoint = container_of(object, struct endpoint, object);
	const uint64_t flags = endpoint_lock(endpoint);

	dismiss_via(endpoint, endpoint->receivers.first, caps, count);
	dismiss_via(endpoint, endpoint->senders.first, caps, count);
	endpoint_unlock(endpoint, flags);
}

/* One queue's links; counts its threads. */
static const char *audit_queue(const struct endpoint *endpoint, const struct ipc_queue *queue,
			       bool receivers, uint64_t *queued)
{
	const struct user_thread *previous = NULL;

	for (const struct user_thread *thread = queue->first; thread; thread = thread->ipc.next) {
		if (thread->ipc.previous != previous)
			return "the queue of an endpoint is broken";
		if (atomic_load(&thread->ipc.queued) != endpoint)
			return "a thread is in the queue of an endpoint that it does not wait for";
		if (receivers != ipc_receives(thread->ipc.role))
			return "a thread is in the other queue of its endpoint";
		previous = thread;
		++*queued;
	}
	return previous && queue->last != previous ? "the last of a queue is another" : NULL;
}

const char *endpoint_audit(struct endpoint *endpoint, uint64_t *queued)
{
	const uint64_t flags = endpoint_lock(endpoint);
	const char *wrong = audit_queue(endpoint, &endpoint->receivers, true, queued);

	if (!wrong)
		wrong = audit_queue(endpoint, &endpoint->senders, false, queued);
	if (!wrong && endpoint->receivers.first && endpoint->senders.first)
		wrong = "senders and receivers wait for each other";
	endpoint_unlock(endpoint, flags);
	return wrong;
}
