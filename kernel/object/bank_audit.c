/* SPDX-License-Identifier: MIT */
/*
 * Audit of a bank: everything that must hold of its counts, list and cells, looked at in full. Time
 * is linear in its objects; the lock is held all that time.
 */
#include "bank_internal.h"

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
			    (page->free == bank_page_cells(size)) != (page == bank->spare))
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
