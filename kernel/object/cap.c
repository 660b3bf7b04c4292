/* SPDX-License-Identifier: MIT */
/*
 * Capabilities: making, deriving, taking away (data: exo/cap.h).
 *
 * A slot's word is written by whoever has the slot: with a compare-and-swap from empty to busy, by
 * the owner of a busy one to empty, and under the object's lock from busy to a capability and back.
 * So whoever holds the lock and finds the word to be a capability to the object knows that it stays
 * one. A word is read before the lock is taken, to find the lock, and again under it: the object
 * cannot go in between, because that takes an open (exo/object.h).
 */
#include <exo/env.h>
#include <exo/panic.h>

#include "cap_tree.h"

static uintptr_t read_value(const struct cap *cap)
{
	return atomic_load_explicit(&cap->value, memory_order_acquire);
}

void cap_unclaim(struct cap *claimed)
{
	ASSERT(read_value(claimed) == CAP_BUSY);
	atomic_store_explicit(&claimed->value, CAP_EMPTY, memory_order_release);
}

/* Everything else about it is in place. */
static void publish(struct cap *cap, struct object *object, uintptr_t rights)
{
	ASSERT(read_value(cap) == CAP_BUSY);
	atomic_store_explicit(&cap->value, (uintptr_t)object | (rights & CAP_RIGHTS),
			      memory_order_release);
}

void cap_make(struct cap *claimed, struct object *object, unsigned int rights)
{
	claimed->place = 0;
	claimed->first = claimed->count = 0;
	if (object->type == EXO_TYPE_FRAME)
		claimed->count = 1u << object->order;
	if (object->type == EXO_TYPE_NTF)
		claimed->first = claimed->count = UINT32_MAX;
	spin_lock(&object->lock);
	ASSERT(object->state == OBJECT_NEW || object->state == OBJECT_LIVE);
	cap_tree_insert(object, NULL, claimed);
	__atomic_store_n(&object->state, OBJECT_LIVE, __ATOMIC_RELEASE);
	publish(claimed, object, rights);
	spin_unlock(&object->lock);
}

/* What a copy is to be a copy of. */
static int set_part(const struct cap *parent, enum exo_type type, struct cap *copy, uint32_t first,
		    uint32_t count)
{
	copy->first = parent->first;
	copy->count = parent->count;
	if (!first && !count)
		return 0;
	if (type == EXO_TYPE_NTF) {
		if (first & ~parent->first || count & ~parent->count)
			return -EXO_E_RANGE;
		copy->first = first;
		copy->count = count;
		return 0;
	}
	/* What a message will say of who has sent it: once. */
	if (type == EXO_TYPE_EP) {
		if (cap_badge(parent))
			return -EXO_E_RANGE;
		copy->first = first;
		copy->count = count;
		return 0;
	}
	if ((type != EXO_TYPE_FRAME && (!IS_ENABLED(CONFIG_IRQ_OBJECTS) || type != EXO_TYPE_IRQ)) ||
	    !count || count > parent->count || first > parent->count - count)
		return -EXO_E_RANGE;
	copy->first += first;
	copy->count = count;
	return 0;
}

int cap_derive(struct cap *parent, uintptr_t value, struct cap *claimed, unsigned int rights,
	       uint32_t first, uint32_t count)
{
	struct object *const object = cap_object(value);
	int error;

	/* Before the object is touched: it is known to be one only while the slot says so. */
	if (value < OBJECT_ALIGN || read_value(parent) != value)
		return -EXO_E_CAP;
	if (!(value & EXO_RIGHT_D))
		return -EXO_E_PERM;
	spin_lock(&object->lock);
	if (read_value(parent) != value)
		error = -EXO_E_CAP;
	else if (object->state != OBJECT_LIVE)
		error = -EXO_E_DEAD;
	else
		error = set_part(parent, object->type, claimed, first, count);
	if (!error) {
		claimed->place = 0;
		cap_tree_insert(object, parent, claimed);
		publish(claimed, object, value & rights);
	}
	spin_unlock(&object->lock);
	return error;
}

int cap_watch(struct cap *cap, uintptr_t value, uint32_t watch, bool *none, bool *others)
{
	struct object *const object = cap_object(value);
	int error = -EXO_E_CAP;

	if (value < OBJECT_ALIGN || read_value(cap) != value)
		return error;
	spin_lock(&object->lock);
	if (read_value(cap) == value) {
		error = 0;
		*none = !cap->child;
		*others = object->taken;
		cap->watch = *none ? 0 : watch;
	}
	spin_unlock(&object->lock);
	return error;
}

/* Out of the tree, and the caller's, with the watch of the parent that has no child left. */
static void take(struct object *object, struct cap *cap) __requires(object->lock)
{
	struct cap *const parent = cap_tree_remove(object, cap);

	object->taken++;
	cap->watch = 0;
	if (parent && unlikely(parent->watch)) {
		cap->watch = parent->watch;
		parent->watch = 0;
		cap->child = (struct cap *)(void *)parent->owner;
	}
	atomic_store_explicit(&cap->value, CAP_BUSY, memory_order_relaxed);
}

/* After take(), without its lock: nothing has been opened since, so who is to be told is there. */
static inline void keep_watcher(struct cap *taken)
{
	if (unlikely(taken->watch) && !object_pin(&cap_watcher(taken)->object))
		taken->watch = 0;
}

int cap_take(struct cap *cap, uintptr_t value, struct object **object)
{
	const uintptr_t now = read_value(cap);
	struct object *const found = cap_object(now);
	int error = -EXO_E_CAP;

	if (now < OBJECT_ALIGN || (value != CAP_EMPTY && now != value))
		return -EXO_E_CAP;
	spin_lock(&found->lock);
	if (read_value(cap) == now) {
		take(found, cap);
		*object = found;
		error = 0;
	}
	spin_unlock(&found->lock);
	if (!error)
		keep_watcher(cap);
	return error;
}

struct cap *cap_take_child(struct cap *cap, uintptr_t value, int *error)
{
	struct object *const object = cap_object(value);
	struct cap *child = NULL;

	*error = -EXO_E_CAP;
	if (value < OBJECT_ALIGN || read_value(cap) != value)
		return NULL;
	spin_lock(&object->lock);
	if (read_value(cap) == value) {
		*error = 0;
		child = cap->child;
		if (child)
			take(object, child);
	}
	spin_unlock(&object->lock);
	if (child)
		keep_watcher(child);
	return child;
}

struct cap *cap_take_any(struct object *object)
{
	struct cap *cap;

	spin_lock(&object->lock);
	cap = object->caps;
	if (cap)
		take(object, cap);
	spin_unlock(&object->lock);
	if (cap)
		keep_watcher(cap);
	return cap;
}

bool cap_finish(struct cap *taken, struct object *object)
{
	bool last;

	taken->place = 0;
	taken->watch = 0;
	taken->child = taken->next = taken->previous = NULL;
	/* From here on the slot is anybody's, and its table may go. */
	cap_unclaim(taken);
	spin_lock(&object->lock);
	ASSERT(object->taken);
	object->taken--;
	last = !object->caps && !object->taken && object->work == WORK_NONE;
	if (last && object->state == OBJECT_LIVE) {
		last = !object->pins && object->bank;
		if (last)
			__atomic_store_n(&object->state, OBJECT_ENDING, __ATOMIC_RELEASE);
	} else {
		last = last && object->state == OBJECT_ENDING;
	}
	spin_unlock(&object->lock);
	return last;
}
