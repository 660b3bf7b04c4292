/* SPDX-License-Identifier: MIT */
/*
 * Taking capabilities away: one way for deleting, revoking, and the ends of environments and banks.
 *
 * Up to CAP_BATCH capabilities at a time are taken out of the tree; the object's type makes sure
 * that nothing is reached through them any more (unmaps frames, with one shoot-down); then their
 * slots are empty. In between anybody may do anything but use these slots.
 */
#include <exo/env.h>
#include <exo/panic.h>

/*
 * The end of one that has a watch: it was the last child of its parent, but there may be others
 * that somebody has taken out before and not unmapped yet. An open, so nothing is left for later.
 */
static __noinline void finish_watched(struct cap *cap, struct object *object)
{
	struct env *const watcher = cap_watcher(cap);
	const uint32_t watch = cap->watch;
	bool others;

	spin_lock(&object->lock);
	others = object->taken > 1;
	spin_unlock(&object->lock);
	if (cap_finish(cap, object))
		object_end_later(object);
	if (others)
		frame_wait_unmapped();
	env_tell_gone(watcher, watch);
	object_unpin_later(&watcher->object);
}

/* The second half, for one object. */
static void finish(struct object *object, struct cap **caps, unsigned int count)
{
	const struct object_type *type = &object_types[object->type];
	bool last = false;

	if (type->taken)
		type->taken(object, caps, count);
	for (unsigned int i = 0; i < count; i++)
		if (unlikely(caps[i]->watch))
			finish_watched(caps[i], object);
		else
			last |= cap_finish(caps[i], object);
	if (last)
		object_end_later(object);
}

int cap_delete_one(struct cap *cap, uintptr_t value)
{
	struct object *object;
	const int error = cap_take(cap, value, &object);

	if (!error)
		finish(object, &cap, 1);
	return error;
}

unsigned int cap_delete_some(struct cap **caps, unsigned int count)
{
	struct object *objects[CAP_BATCH];
	unsigned int taken = 0;

	ASSERT(count <= CAP_BATCH);
	while (taken < count && !cap_take(caps[taken], CAP_EMPTY, &objects[taken]))
		taken++;
	frame_unmap(caps, taken);
	for (unsigned int i = 0; i < taken; i++)
		finish(objects[i], &caps[i], 1);
	return taken;
}

/* Is somebody else still busy with a capability that was taken out? */
static bool others_take(struct cap *cap, uintptr_t value)
{
	struct object *const object = cap_object(value);
	bool taken;

	if (atomic_load_explicit(&cap->value, memory_order_acquire) != value)
		return false;
	spin_lock(&object->lock);
	taken = object->taken;
	spin_unlock(&object->lock);
	return taken;
}

int object_revoke_some(struct cap *cap, uintptr_t value, unsigned int *budget)
{
	struct cap *caps[CAP_BATCH];
	unsigned int count;
	int error = 0;

	do {
		count = 0;
		while (count < CAP_BATCH && count < *budget) {
			caps[count] = cap_take_child(cap, value, &error);
			if (!caps[count])
				break;
			count++;
		}
		*budget -= count;
		/* What has been taken keeps the object, whatever has become of @cap. */
		if (count)
			finish(cap_object(value), caps, count);
	} while (count && *budget && !error);
	if (error)
		return error;
	return *budget == 0 || others_take(cap, value) ? -EXO_E_AGAIN : 0;
}

void object_take_caps(struct object *object, unsigned int *budget)
{
	struct cap *caps[CAP_BATCH];
	unsigned int count;

	do {
		count = 0;
		while (count < CAP_BATCH && count < *budget) {
			caps[count] = cap_take_any(object);
			if (!caps[count])
				break;
			count++;
		}
		*budget -= count;
		if (count)
			finish(object, caps, count);
	} while (count && *budget);
}
