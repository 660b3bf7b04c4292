/* SPDX-License-Identifier: MIT */
/*
 * Audit of an object: everything that must hold of it and its capabilities, looked at in full. Time
 * is linear in their number; the lock is held all that time.
 */
#include "cap_tree.h"

/* Is what @cap says possible for a copy of @parent (NULL: an original)? */
static const char *audit_cap(const struct object *object, const struct cap *cap,
			     const struct cap *parent)
{
	const uintptr_t value = atomic_load_explicit(&cap->value, memory_order_relaxed);

	if (value < OBJECT_ALIGN || cap_object(value) != object)
		return "a capability in the tree is to something else";
	if (cap->watch && !cap->child)
		return "nothing is derived from a capability that is watched";
	if (!parent)
		return NULL;
	if (value & ~atomic_load_explicit(&parent->value, memory_order_relaxed) & CAP_RIGHTS)
		return "a copy has more rights than its original";
	if ((object->type == EXO_TYPE_FRAME || object->type == EXO_TYPE_IRQ) &&
	    (cap->first < parent->first || cap->count > parent->count ||
	     cap->first - parent->first > parent->count - cap->count))
		return "a copy is of more than its original";
	if (object->type == EXO_TYPE_NTF &&
	    (cap->first & ~parent->first || cap->count & ~parent->count))
		return "a badge has more bits than its original's";
	if (object->type == EXO_TYPE_EP && cap_badge(parent) && cap_badge(cap) != cap_badge(parent))
		return "a badge is another than its original's";
	return NULL;
}

/* The children of @parent, or the originals: the links of the list, and what each says. */
static const char *audit_siblings(const struct object *object, const struct cap *first,
				  const struct cap *parent)
{
	const void *const up = parent ? (const void *)parent : (const void *)object;
	const char *wrong = NULL;

	for (const struct cap *cap = first; cap; cap = cap->next) {
		wrong = audit_cap(object, cap, parent);
		if (wrong)
			return wrong;
		if (!cap->next || !cap->previous)
			return "a capability in the tree has no neighbours";
		if (!cap_link_ends(cap->next)) {
			if (cap->next->previous != cap)
				return "siblings disagree who is next";
			continue;
		}
		if (cap_link_parent(cap->next) != up)
			return "the last of siblings leads to another parent";
		if (first->previous != cap)
			return "what is before a first sibling is not the last one";
		break;
	}
	return wrong;
}

/* Each list is looked at before cap_next() follows it. */
static const char *audit_tree(const struct object *object) __requires(object->lock)
{
	const char *wrong = audit_siblings(object, object->caps, NULL);

	for (const struct cap *cap = object->caps; cap && !wrong; cap = cap_next(object, cap, NULL))
		wrong = audit_siblings(object, cap->child, cap);
	return wrong;
}

static const char *audit_state(const struct object *object) __requires(object->lock)
{
	if (!object->type || object->type >= NR_OBJECT_TYPES)
		return "an object has no type";
	if (object->state == OBJECT_NEW && (object->caps || object->taken))
		return "a new object has capabilities";
	if (object->state == OBJECT_ENDED && object->caps)
		return "an ended object has capabilities";
	if (object->work != WORK_NONE && (object->caps || object->taken))
		return "an object with capabilities is torn down";
	if (object->work != WORK_NONE && object->work != WORK_DEAD &&
	    object->state != OBJECT_ENDING)
		return "an object that is not ending is torn down";
	if (object->state == OBJECT_LIVE && !object->caps && !object->taken && !object->pins &&
	    object->bank)
		return "nothing keeps a live object";
	return NULL;
}

const char *object_audit(struct object *object)
{
	const char *wrong;

	spin_lock(&object->lock);
	wrong = audit_state(object);
	if (!wrong)
		wrong = audit_tree(object);
	spin_unlock(&object->lock);
	return wrong;
}
