/* SPDX-License-Identifier: MIT */
/*
 * Notifications: 64 bits that are set by those who have something to tell and cleared by those who
 * wait for it, so that telling never waits and is never lost, though it may coalesce.
 *
 * Waiters are served in the order of their coming: a set bit goes to the first that wants it. A
 * waiter is in the list, whose length is bounded because it is gone through with interrupts off,
 * until somebody takes it out, under the lock, and that is who wakes it: a
 * signal, the end of the object, or itself when its time is over. So after a wait its waiting_on
 * says whether it has been served. It looks at the object only while that is set: then the object
 * has not ended yet, or its end waits until this CPU has left the call.
 */
#include <exo/env.h>
#include <exo/ntf_fast.h>
#include <exo/panic.h>

int ntf_make(struct bank *bank, struct ntf **result)
{
	struct object *object;
	struct ntf *ntf;
	const int error = bank_object_get(bank, EXO_TYPE_NTF, sizeof(*ntf), &object);

	if (error)
		return error;
	ntf = container_of(object, struct ntf, object);
	spin_lock_init(&ntf->wait_lock, LOCK_RANK_NTF);
	list_init(&ntf->waiters);
	*result = ntf;
	return 0;
}

int ntf_find(const struct cap_table *table, exo_cap_t slot, struct ntf **ntf, uint64_t *badge)
{
	return ntf_look(table, slot, ntf, badge);
}

/*
 * The bound thread is told of @bits: by a message if it waits for one, else by an event. Under
 * wait_lock. A thread that begins to wait does that first, and then looks at the word.
 */
static void tell_bound(struct ntf *ntf, uint64_t bits)
{
	struct user_thread *bound = ntf->bound;
	const struct ipc_ops *ipc = bound->context.ipc;

	atomic_thread_fence(memory_order_seq_cst);
	if (IS_ENABLED(CONFIG_IPC) && ipc && ipc->give_bits(bound, bits))
		ntf->word &= ~bits;
	else
		user_notify(bound->thread, EXO_EVENT_NTF);
}

/* For several waiters, or none, or who is bound. */
struct thread *ntf_hand_out(struct ntf *ntf)
{
	struct list_node *node = ntf->waiters.next;
	struct thread *woken = NULL;

	while (ntf->word && node != &ntf->waiters) {
		struct user_thread *thread = list_entry(node, struct user_thread, wait_node);
		const uint64_t bits = ntf->word & thread->wait_mask;

		node = node->next;
		if (!bits)
			continue;
		ntf->word &= ~bits;
		if (woken)
			sched_wake(woken);
		woken = ntf_serve(ntf, thread, bits);
	}
	if (ntf->word & ntf->bound_mask && ntf->bound)
		tell_bound(ntf, ntf->word & ntf->bound_mask);
	return woken;
}

struct thread *ntf_set_only(struct ntf *ntf, uint64_t bits)
{
	return ntf_set_inline(ntf, bits);
}

void ntf_set(struct ntf *ntf, uint64_t bits)
{
	struct thread *woken = ntf_set_only(ntf, bits);

	if (woken)
		sched_wake(woken);
}

bool ntf_bound_bits(const struct user_thread *thread)
{
	const struct ntf *ntf = __atomic_load_n(&thread->bound, __ATOMIC_ACQUIRE);

	return ntf && __atomic_load_n(&ntf->word, __ATOMIC_RELAXED) & ntf->bound_mask;
}

uint64_t ntf_take_bound(struct user_thread *thread)
{
	struct ntf *ntf = __atomic_load_n(&thread->bound, __ATOMIC_ACQUIRE);
	uint64_t bits = 0;

	if (!ntf)
		return 0;
	spin_acquire(&ntf->wait_lock);
	if (ntf->bound == thread)
		bits = ntf->word & ntf->bound_mask;
	ntf->word &= ~bits;
	spin_release(&ntf->wait_lock);
	return bits;
}

/* The wait is over, for whatever reason. Returns what ntf_await() does. */
static int finish_wait(struct user_thread *self, int error, uint64_t *bits)
{
	struct ntf *ntf = __atomic_load_n(&self->waiting_on, __ATOMIC_ACQUIRE);

	if (ntf) {
		spin_acquire(&ntf->wait_lock);
		if (self->waiting_on) {
			ntf_leave_list(ntf, self);
			self->granted = 0;
		}
		spin_release(&ntf->wait_lock);
	}
	*bits = self->granted;
	if (self->granted)
		return 0;
	return error ? error : -EXO_E_DEAD;
}

/* Why a thread gets an answer at once where no bit is set; 0: it can wait. Under wait_lock. */
static int may_not_wait(const struct ntf *ntf, uint64_t deadline)
{
	if (deadline == 0)
		return -EXO_E_TIMEOUT;
	if (object_state(&ntf->object) != OBJECT_LIVE)
		return -EXO_E_DEAD;
	return ntf->nr_waiters == EXO_NTF_WAITERS ? -EXO_E_BUSY : 0;
}

int ntf_await(struct ntf *ntf, uint64_t mask, uint64_t deadline, uint64_t *bits)
{
	struct user_thread *self = user_thread_current();
	const uint64_t flags = spin_lock_irq(&ntf->wait_lock);
	int error = 0;

	*bits = ntf->word & mask;
	ntf->word &= ~*bits;
	if (!*bits)
		error = may_not_wait(ntf, deadline);
	if (*bits || error) {
		spin_unlock_irq(&ntf->wait_lock, flags);
		return error;
	}
	self->wait_mask = mask;
	self->granted = 0;
	self->waiting_on = ntf;
	ntf->wanted |= mask;
	list_add_last(&ntf->waiters, &self->wait_node);
	ntf->nr_waiters++;
	/* Before the other lock goes: who serves this thread finds it in its queue. */
	spin_acquire(&self->wait.lock);
	spin_release(&ntf->wait_lock);
	return finish_wait(self, wait_block(&self->wait, deadline), bits);
}

int ntf_bind(struct ntf *ntf, struct user_thread *thread, uint64_t mask)
{
	const uint64_t flags = spin_lock_irq(&ntf->wait_lock);
	struct ntf *none = NULL;
	int error = 0;

	if (object_state(&ntf->object) != OBJECT_LIVE) {
		error = -EXO_E_DEAD;
	} else if (!thread) {
		if (ntf->bound)
			__atomic_store_n(&ntf->bound->bound, NULL, __ATOMIC_RELEASE);
		ntf->bound = NULL;
		ntf->bound_mask = 0;
	} else if (ntf->bound || !__atomic_compare_exchange_n(&thread->bound, &none, ntf, false,
							      __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
		error = -EXO_E_BUSY;
	} else {
		ntf->bound = thread;
		ntf->bound_mask = mask;
		ntf->wanted |= mask;
		if (ntf->word & mask)
			tell_bound(ntf, ntf->word & mask);
		if (IS_ENABLED(CONFIG_IPC_FASTPATH) && IS_ENABLED(CONFIG_SMP))
			sched_requeue(thread->thread); /* it may just not have seen that */
	}
	spin_unlock_irq(&ntf->wait_lock, flags);
	return error;
}

void ntf_forget_thread(struct user_thread *thread)
{
	struct ntf *ntf = __atomic_load_n(&thread->bound, __ATOMIC_ACQUIRE);
	uint64_t flags;

	if (!ntf)
		return;
	flags = spin_lock_irq(&ntf->wait_lock);
	if (ntf->bound == thread) {
		ntf->bound = NULL;
		ntf->bound_mask = 0;
	}
	thread->bound = NULL;
	spin_unlock_irq(&ntf->wait_lock, flags);
}

int ntf_attach(struct ntf *ntf)
{
	int error = 0;

	spin_acquire(&ntf->wait_lock);
	if (object_state(&ntf->object) == OBJECT_LIVE)
		ntf->nr_lines++;
	else
		error = -EXO_E_DEAD;
	spin_release(&ntf->wait_lock);
	return error;
}

void ntf_detach(struct ntf *ntf)
{
	spin_acquire(&ntf->wait_lock);
	ASSERT(ntf->nr_lines);
	ntf->nr_lines--;
	spin_release(&ntf->wait_lock);
}

int ntf_end(struct object *object)
{
	struct ntf *ntf = container_of(object, struct ntf, object);
	const uint64_t flags = spin_lock_irq(&ntf->wait_lock);
	struct thread *woken;
	bool lines;

	while (!list_empty(&ntf->waiters)) {
		woken = ntf_serve(ntf, list_entry(ntf->waiters.next, struct user_thread, wait_node),
				  0);
		if (woken)
			sched_wake(woken);
	}
	if (ntf->bound)
		ntf->bound->bound = NULL;
	ntf->bound = NULL;
	lines = ntf->nr_lines; /* no more will come */
	spin_unlock_irq(&ntf->wait_lock, flags);
	if (IS_ENABLED(CONFIG_IRQ_OBJECTS) && unlikely(lines))
		irq_forget_ntf(ntf);
	return 0;
}
