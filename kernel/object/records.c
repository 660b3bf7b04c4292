/* SPDX-License-Identifier: MIT */
/*
 * What environments are told of their frames: that somebody asks for them back, and that they were
 * taken (visible revocation and the abort protocol); and that the last copy of what they have given
 * to others has gone.
 *
 * The first two are records in rings of the state page of the environment's event thread, and an
 * event of that thread. The kernel keeps the counts itself, since the program may write what it
 * likes there; whoever does not keep up loses the oldest records, and can see that from the counts.
 */
#include <exo/env.h>

/* The event thread of an environment, if it has one and that has a state page. */
static struct user_thread *event_thread(struct env *env)
{
	const exo_cap_t slot = __atomic_load_n(&env->event_thread, __ATOMIC_RELAXED);
	struct user_thread *thread;
	struct object *object;

	if (slot == EXO_SELF || object_state(&env->object) != OBJECT_LIVE ||
	    cap_get(&env->table, slot, EXO_TYPE_THREAD, 0, &object))
		return NULL;
	thread = container_of(object, struct user_thread, object);
	return thread->context.state ? thread : NULL;
}

static void put(struct exo_record *ring, uint64_t *count, uint64_t *told,
		const struct exo_record *record)
{
	ring[*count % EXO_RECORDS] = *record;
	(*count)++;
	__atomic_store_n(told, *count, __ATOMIC_RELEASE);
}

/* Tells the environment that has @record's slot. No object's lock held. */
static void tell(struct env *env, const struct exo_record *record, uint32_t event)
{
	struct user_thread *thread = event_thread(env);
	struct exo_state_page *state;

	if (!thread)
		return;
	state = thread->context.state;
	spin_lock(&thread->object.lock);
	if (event == EXO_EVENT_TAKEN)
		put(state->taken, &thread->nr_taken, &state->nr_taken, record);
	else
		put(state->requests, &thread->nr_requests, &state->nr_requests, record);
	spin_unlock(&thread->object.lock);
	if (!atomic_load_explicit(&thread->gone, memory_order_acquire))
		user_notify(thread->thread, event);
}

static struct exo_record record_of(const struct object *object, const struct cap *cap,
				   uint64_t deadline)
{
	const struct frame *frame = container_of(object, const struct frame, object);

	return (struct exo_record){ .slot = cap->slot,
				    .base = frame->base + (uint64_t)cap->first * PAGE_SIZE,
				    .size = frame_cap_size(cap),
				    .deadline = deadline };
}

void env_tell_taken(struct object *object, struct cap **caps, unsigned int count)
{
	const struct thread *thread = thread_current();
	const struct env *self = thread && thread->user ? env_current() : NULL;

	for (unsigned int i = 0; i < count; i++) {
		const struct exo_record record = record_of(object, caps[i], 0);

		if (caps[i]->owner != self)
			tell(caps[i]->owner, &record, EXO_EVENT_TAKEN);
	}
}

void env_tell_gone(struct env *env, uint32_t watch)
{
	struct ntf *ntf;
	uint64_t badge;

	if (object_state(&env->object) == OBJECT_LIVE &&
	    !ntf_find(&env->table, CAP_WATCH_SLOT(watch), &ntf, &badge))
		ntf_set(ntf, CAP_WATCH_BITS(watch) & badge);
}

/* Up to CAP_BATCH capabilities below @top that come after the first @skip. */
struct batch {
	struct env *owners[CAP_BATCH];
	struct exo_record records[CAP_BATCH];
	unsigned int count;
};

static void collect(struct batch *batch, struct cap *top, uintptr_t value, unsigned int skip,
		    uint64_t deadline)
{
	struct object *object = cap_object(value);
	struct cap *cap;

	batch->count = 0;
	spin_lock(&object->lock);
	if (atomic_load_explicit(&top->value, memory_order_relaxed) != value)
		goto out;
	for (cap = cap_next(object, top, top); cap && batch->count < CAP_BATCH;
	     cap = cap_next(object, cap, top)) {
		if (skip > 0) {
			skip--;
			continue;
		}
		batch->owners[batch->count] = cap->owner;
		batch->records[batch->count++] = record_of(object, cap, deadline);
	}
out:
	spin_unlock(&object->lock);
}

unsigned int env_ask(struct cap *cap, uintptr_t value, uint64_t deadline)
{
	unsigned int asked = 0;
	struct batch batch;

	if (cap_object(value)->type != EXO_TYPE_FRAME)
		return 0;
	do {
		collect(&batch, cap, value, asked, deadline);
		for (unsigned int i = 0; i < batch.count; i++)
			tell(batch.owners[i], &batch.records[i], EXO_EVENT_REVOKE);
		asked += batch.count;
	} while (batch.count == CAP_BATCH && asked < EXO_RANGE_MAX);
	return asked;
}
