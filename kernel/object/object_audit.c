/* SPDX-License-Identifier: MIT */
/*
 * Audits: everything that must hold of an object's capabilities and of a bank's bookkeeping, looked
 * at in full. Time is linear in what there is; the locks are held all that time.
 */
#include "bank_internal.h"
#include "cap_tree.h"

/* Is what @cap says possible beside its neighbours and below its parent (NULL: an original)? */
static const char *audit_cap(const struct object *object, const struct cap *cap,
			     const struct cap *parent)
{
	const uintptr_t value = atomic_load_explicit(&cap->value, memory_order_relaxed);

	if (value < OBJECT_ALIGN || cap_object(value) != object)
		return "a capability in the tree is to something else";
	if (cap->child && !cap_link_ends(cap->child->previous->next))
		return "what is before a first child is not the last one";
	if (!cap_link_ends(cap->next) && cap->next->previous != cap)
		return "siblings disagree who is next";
	if (!parent)
		return NULL;
	if (value & ~atomic_load_explicit(&parent->value, memory_order_relaxed) & CAP_RIGHTS)
		return "a copy has more rights than its original";
	if (object->type == EXO_TYPE_FRAME &&
	    (cap->first < parent->first || cap->count > parent->count ||
	     cap->first - parent->first > parent->count - cap->count))
		return "a copy is of more than its original";
	if (object->type == EXO_TYPE_NTF &&
	    (cap->first & ~parent->first || cap->count & ~parent->count))
		return "a badge has more bits than its original's";
	return NULL;
}

/* Goes through the tree as cap_next() does, but knows the parents. */
static const char *audit_tree(const struct object *object) __requires(object->lock)
{
	const struct cap *cap = object->caps, *parent = NULL;
	const char *wrong = NULL;

	if (cap && !cap_link_ends(cap->previous->next))
		return "what is before the first original is not the last one";
	while (cap && !wrong) {
		wrong = audit_cap(object, cap, parent);
		if (wrong)
			break;
		if (cap->child) {
			parent = cap;
			cap = cap->child;
			continue;
		}
		while (cap && cap_link_ends(cap->next)) {
			const void *const up = parent ? (const void *)parent : (const void *)object;

			if (cap_link_parent(cap->next) != up)
				return "the last of siblings leads to another parent";
			cap = parent;
			/* The parent's parent is at the end of its siblings. */
			parent = NULL;
			for (const struct cap *last = cap; last; last = last->next) {
				if (!cap_link_ends(last->next))
					continue;
				if ((const void *)cap_link_parent(last->next) !=
				    (const void *)object)
					parent = cap_link_parent(last->next);
				break;
			}
		}
		if (cap)
			cap = cap->next;
	}
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

/* --- banks -------------------------------------------------------------------------------------*/

static const char *audit_cells(const struct bank *bank, uint64_t *nr_free) __requires(bank->lock)
{
	for (unsigned int size = 0; size < BANK_SIZES; size++)
		list_for_each(node, &bank->cells[size])
		{
			const struct bank_page *page = list_entry(node, struct bank_page, node);

			if (node->next->previous != node)
				return "the list of a bank's pages is broken";
			if (page->size != size)
				return "a page of cells is in the list of another size";
			if (!page->free || page->free & ~bank_page_cells(size) ||
			    page->free == bank_page_cells(size))
				return "a listed page of cells is full or empty";
			*nr_free += 1;
		}
	return NULL;
}

/* Counts the bank's objects, and what its child banks have of @node. */
static const char *audit_objects(const struct bank *bank, uint64_t *listed) __requires(bank->lock)
{
	list_for_each(node, &bank->objects)
	{
		const struct object *object = list_entry(node, struct object, bank_node);

		if (node->next->previous != node)
			return "the list of a bank's objects is broken";
		if (object->bank != bank)
			return "an object is in another bank's list";
		*listed += 1;
	}
	return *listed > bank->nr_objects ? "a bank lists more objects than it counts" : NULL;
}

static uint64_t reserved_by_children(const struct bank *bank, unsigned int node)
	__requires(bank->lock)
{
	uint64_t sum = 0;

	list_for_each(child, &bank->objects)
	{
		const struct object *object = list_entry(child, struct object, bank_node);

		if (object->type == EXO_TYPE_BANK)
			sum += __atomic_load_n(
				&container_of(object, struct bank, object)->counts[node].reserved,
				__ATOMIC_RELAXED);
	}
	return sum;
}

static const char *audit_bank(const struct bank *bank) __requires(bank->lock)
{
	uint64_t pages = 0, listed = 0, used = 0;
	const char *wrong = audit_cells(bank, &pages);

	if (!wrong)
		wrong = audit_objects(bank, &listed);
	for (unsigned int node = 0; !wrong && node < CONFIG_NUMA_NODES; node++) {
		const struct bank_node_count *count = &bank->counts[node];

		used += count->used;
		if (count->used > count->reserved)
			wrong = "a bank uses more than it has reserved";
		else if (node >= numa_nodes() && count->reserved)
			wrong = "a bank has frames of a node that does not exist";
		else if (reserved_by_children(bank, node) > count->used)
			wrong = "the children of a bank have more than it gave them";
	}
	if (!wrong && (used < pages || (bank->nr_objects && !used)))
		wrong = "a bank is not charged for its cells";
	return wrong;
}

const char *bank_audit(struct bank *bank)
{
	const char *wrong;

	spin_lock(&bank->lock);
	wrong = audit_bank(bank);
	spin_unlock(&bank->lock);
	return wrong ? wrong : object_audit(&bank->object);
}
