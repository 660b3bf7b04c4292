/* SPDX-License-Identifier: MIT */
/*
 * System calls that send and take messages. They have more arguments and results than C passes in
 * registers: the entry (arch/x86_64/ipc_entry.asm) puts them into the thread's struct ipc_thread,
 * the slot in the place of the badge, and loads the registers from there at the end.
 */
#include "sys_ipc.h"

#include <exo/sched.h>

/* What the registers say. */
static int decode(struct user_thread *self, unsigned int right, struct ipc_request *request)
{
	const uint64_t tag = self->ipc.message.tag;
	struct object *object;
	int error = ipc_tag_check(self, tag);

	if (error)
		return error;
	request->deadline = EXO_DEADLINE_NEVER;
	if (tag & EXO_TAG_DEADLINE)
		request->deadline = READ_ONCE(self->context.state->deadline);
	error = cap_find(&self->env->table, self->ipc.badge, EXO_TYPE_EP, right, &request->via,
			 &request->value);
	if (error)
		return error;
	/* Under the lock, as a slot that is filled anew would have another badge. */
	object = cap_object(request->value);
	spin_acquire(&object->lock);
	if (atomic_load_explicit(&request->via->value, memory_order_relaxed) != request->value)
		error = -EXO_E_CAP;
	request->badge = cap_badge(request->via);
	spin_release(&object->lock);
	request->endpoint = container_of(object, struct endpoint, object);
	return error;
}

static struct user_thread *finish(struct user_thread *self, int error)
{
	if (error == IPC_HAND)
		return self->ipc.partner;
	self->ipc.error = error;
	if (error)
		self->ipc.badge = 0;
	sched_interrupt_end();
	return NULL;
}

struct user_thread *sys_ipc_do_call(struct user_thread *self)
{
	struct ipc_request request;
	int error = decode(self, EXO_RIGHT_W, &request);

	if (!error)
		error = ipc_send(&request, true);
	return finish(self, error);
}

/* To EXO_SELF: replies to who has called the thread, and does not wait. */
static int reply(struct user_thread *self)
{
	struct user_thread *client;
	int error = ipc_tag_check(self, self->ipc.message.tag);

	if (!error)
		error = ipc_reply(&client);
	if (!error)
		ipc_resume(client, (int)client->ipc.error);
	return error;
}

struct user_thread *sys_ipc_do_send(struct user_thread *self)
{
	struct ipc_request request;
	int error;

	if (self->ipc.badge == EXO_SELF) {
		error = reply(self);
	} else {
		error = decode(self, EXO_RIGHT_W, &request);
		if (!error)
			error = ipc_send(&request, false);
	}
	return finish(self, error);
}

struct user_thread *sys_ipc_do_wait(struct user_thread *self)
{
	struct ipc_request request;
	int error = decode(self, EXO_RIGHT_R, &request);

	if (!error)
		error = ipc_receive(&request);
	return finish(self, error);
}

struct user_thread *sys_ipc_do_reply_wait(struct user_thread *self)
{
	struct ipc_request request;
	int error = decode(self, EXO_RIGHT_R, &request);

	if (!error)
		error = ipc_reply_receive(&request);
	return finish(self, error);
}
