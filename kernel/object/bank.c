/* SPDX-License-Identifier: MIT */
/*
 * Banks: counting, and ending all that was allocated.
 *
 * Of each node a bank has @reserved frames, of which @used are charged to it or belong to children.
 * What moves from one bank to another is first taken from the one, under its lock, then given to
 * the other under its own: in between it is nobody's, so the sums are never too large, and the
 * children of a bank never have more than it counts as used.
 *
 * A bank is ended from within the queue of object.c: it dooms its objects, takes the capabilities
 * to them away and so puts them into the queue behind itself, child banks as well; then waits for
 * its last cell to come back. There is no recursion, however deep banks are nested.
 */
#include <exo/bank.h>
#include <exo/nospec.h>
#include <exo/panic.h>

#include "bank_internal.h"

#define END_OBJECTS 32 /* a guess: objects whose ends begin in a step; 256 bytes of stack */
#define END_CAPS 256 /* a guess: capabilities that are taken away in a step */

static struct bank root __aligned(OBJECT_ALIGN);

static uint64_t unused(const struct bank *bank, unsigned int node)
{
	return bank->counts[node].reserved - bank->counts[node].used;
}

/* The audit of a parent reads it without this bank's lock. */
static void set_reserved(struct bank *bank, unsigned int node, uint64_t frames)
{
	__atomic_store_n(&bank->counts[node].reserved, frames, __ATOMIC_RELAXED);
}

unsigned int bank_try_node(unsigned int node, unsigned int index)
{
	if (node != EXO_NODE_ANY)
		return (unsigned int)index_nospec(node, numa_nodes());
	return index ? numa_nearest(bank_near_node(), index) : bank_near_node();
}

void bank_init(struct bank *bank)
{
	spin_lock_init(&bank->lock, LOCK_RANK_BANK);
	list_init(&bank->objects);
	for (unsigned int i = 0; i < BANK_SIZES; i++)
		list_init(&bank->cells[i]);
	list_init(&bank->full);
}

/* --- charging ----------------------------------------------------------------------------------*/

int bank_try_charge(struct bank *bank, uint64_t frames, unsigned int *node)
{
	const unsigned int tries = bank_nr_tries(*node);
	int error = -EXO_E_NOMEM;

	spin_lock(&bank->lock);
	for (unsigned int i = 0; error && i < tries; i++) {
		const unsigned int from = bank_try_node(*node, i);

		if (unused(bank, from) < frames)
			continue;
		bank->counts[from].used += frames;
		*node = from;
		error = 0;
	}
	spin_unlock(&bank->lock);
	return error;
}

int bank_charge(struct bank *bank, uint64_t frames, unsigned int *node)
{
	int error;

	if (*node != EXO_NODE_ANY && *node >= numa_nodes())
		return -EXO_E_RANGE;
	do
		error = bank_try_charge(bank, frames, node);
	while (unlikely(error) && bank_drop_spare(bank));
	return error;
}

/*
 * Is it closed, and has the last come back that it waits for? Who has seen its capability, or has
 * pinned it, may charge it even while it ends.
 */
bool bank_may_end(const struct bank *bank)
{
	uint64_t used = 0;

	assert_held(&bank->lock);
	if (likely(!bank->closed) || bank->nr_objects)
		return false;
	for (unsigned int i = 0; i < CONFIG_NUMA_NODES; i++)
		used += bank->counts[i].used;
	return !used;
}

void bank_uncharge(struct bank *bank, uint64_t frames, unsigned int node)
{
	bool last;

	spin_lock(&bank->lock);
	ASSERT(bank->counts[node].used >= frames);
	bank->counts[node].used -= frames;
	last = bank_may_end(bank);
	spin_unlock(&bank->lock);
	/* The bank itself stays until the next open, even if another CPU ends it now. */
	if (last)
		object_end_again(&bank->object);
}

struct bank_node_count bank_total(struct bank *bank)
{
	struct bank_node_count total = { 0, 0 };

	bank_drop_spare(bank);
	spin_lock(&bank->lock);
	for (unsigned int i = 0; i < numa_nodes(); i++) {
		total.reserved += bank->counts[i].reserved;
		total.used += bank->counts[i].used;
	}
	spin_unlock(&bank->lock);
	return total;
}

/* --- moving reservations -----------------------------------------------------------------------*/

/* Frames of each node, on their way. */
struct load {
	uint64_t frames[CONFIG_NUMA_NODES];
};

/* How much of each node makes up @frames; false if there is not so much. */
static bool fill_load(const struct bank *bank, uint64_t frames, unsigned int node,
		      struct load *load) __requires(bank->lock)
{
	assert_held(&bank->lock);
	for (unsigned int i = 0; frames && i < bank_nr_tries(node); i++) {
		const unsigned int from = bank_try_node(node, i);
		const uint64_t here = unused(bank, from) < frames ? unused(bank, from) : frames;

		load->frames[from] = here;
		frames -= here;
	}
	return frames == 0;
}

/* A child's share: a parent counts it as used. */
static int take_from_parent(struct bank *parent, uint64_t frames, unsigned int node,
			    struct load *load)
{
	bool enough;

	bank_drop_spare(parent);
	spin_lock(&parent->lock);
	enough = fill_load(parent, frames, node, load);
	for (unsigned int i = 0; enough && i < numa_nodes(); i++)
		parent->counts[i].used += load->frames[i];
	spin_unlock(&parent->lock);
	return enough ? 0 : -EXO_E_NOMEM;
}

static void give_to_parent(struct bank *parent, const struct load *load)
{
	bool last;

	spin_lock(&parent->lock);
	for (unsigned int i = 0; i < numa_nodes(); i++) {
		ASSERT(parent->counts[i].used >= load->frames[i]);
		parent->counts[i].used -= load->frames[i];
	}
	last = bank_may_end(parent);
	spin_unlock(&parent->lock);
	if (last)
		object_end_again(&parent->object);
}

static int take_from_child(struct bank *child, uint64_t frames, unsigned int node,
			   struct load *load)
{
	bool enough;

	bank_drop_spare(child);
	spin_lock(&child->lock);
	enough = fill_load(child, frames, node, load);
	for (unsigned int i = 0; enough && i < numa_nodes(); i++)
		set_reserved(child, i, child->counts[i].reserved - load->frames[i]);
	spin_unlock(&child->lock);
	return enough ? 0 : -EXO_E_NOMEM;
}

static int give_to_child(struct bank *child, const struct load *load)
{
	bool closed;

	spin_lock(&child->lock);
	closed = child->closed;
	for (unsigned int i = 0; !closed && i < numa_nodes(); i++)
		set_reserved(child, i, child->counts[i].reserved + load->frames[i]);
	spin_unlock(&child->lock);
	return closed ? -EXO_E_DEAD : 0;
}

int bank_move(struct bank *from, struct bank *to, uint64_t frames, unsigned int node)
{
	struct load load = { { 0 } };
	int error;

	if (node != EXO_NODE_ANY && node >= numa_nodes())
		return -EXO_E_RANGE;
	if (from->object.bank == to) {
		error = take_from_child(from, frames, node, &load);
		if (!error)
			give_to_parent(to, &load);
		return error;
	}
	if (to->object.bank != from)
		return -EXO_E_ARG;
	error = take_from_parent(from, frames, node, &load);
	if (error)
		return error;
	error = give_to_child(to, &load);
	if (error)
		give_to_parent(from, &load);
	return error;
}

int bank_make(struct bank *parent, uint64_t frames, unsigned int node, struct bank **bank)
{
	struct load load = { { 0 } };
	struct object *object;
	int error;

	if (node != EXO_NODE_ANY && node >= numa_nodes())
		return -EXO_E_RANGE;
	error = bank_object_get(parent, EXO_TYPE_BANK, sizeof(struct bank), &object);
	if (error)
		return error;
	*bank = container_of(object, struct bank, object);
	bank_init(*bank);
	error = take_from_parent(parent, frames, node, &load);
	if (error)
		bank_object_put(object);
	else
		give_to_child(*bank, &load);
	return error;
}

/* How many frames of @node the root bank leaves alone, of @free. */
static __boot uint64_t kept_back(unsigned int node, uint64_t free)
{
	uint64_t kept = 0;

	for (cpu_t cpu = 0; cpu < nr_cpus_online; cpu++)
		if (cpus[cpu]->node == node)
			kept += bank_cache_frames() + bank_stack_frames();
	if (cpus[0]->node == node)
		kept += free / 8 < BANK_KERNEL_FRAMES ? free / 8 : BANK_KERNEL_FRAMES;
	return kept < free ? kept : free;
}

struct bank *bank_root(void)
{
	return root.object.type ? &root : NULL;
}

__boot int bank_make_root(struct bank **bank)
{
	struct frame_stats stats;
	uint64_t total = 0;

	if (bank_root())
		return -EXO_E_BUSY;
	object_init(&root.object, EXO_TYPE_BANK, NULL);
	bank_init(&root);
	for (unsigned int node = 0; node < numa_nodes(); node++) {
		frame_stats(node, &stats);
		set_reserved(&root, node, stats.free - kept_back(node, stats.free));
		total += root.counts[node].reserved;
	}
	*bank = &root;
	return total ? 0 : -EXO_E_NOMEM;
}

void bank_grow_root(unsigned int node, uint64_t frames)
{
	const uint64_t flags = irq_save();

	if (bank_root()) {
		spin_lock(&root.lock);
		set_reserved(&root, node, root.counts[node].reserved + frames);
		spin_unlock(&root.lock);
	}
	irq_restore(flags);
}

/* --- ending ------------------------------------------------------------------------------------*/

/*
 * Dooms up to END_OBJECTS of the bank's objects, and pins them. Those that it has looked at go to
 * the end of the list, so that none is in the way of others. Opens only after all are pinned.
 */
static unsigned int doom_some(struct bank *bank, struct object **doomed)
{
	struct object *found[END_OBJECTS];
	unsigned int nr_found = 0, nr_doomed = 0;
	const struct list_node *first = NULL;

	spin_lock(&bank->lock);
	bank->closed = true;
	for (unsigned int i = 0; i < END_OBJECTS && bank->objects.next != first; i++) {
		struct list_node *const node = bank->objects.next;
		struct object *const object = list_entry(node, struct object, bank_node);

		if (list_empty(&bank->objects))
			break;
		list_remove(node);
		list_add_last(&bank->objects, node);
		if (!first)
			first = node;
		/* Its maker may give it back any time, but needs this lock for it. */
		if (object_state(object) != OBJECT_NEW)
			found[nr_found++] = object;
	}
	spin_unlock(&bank->lock);
	for (unsigned int i = 0; i < nr_found; i++)
		if (object_doom(found[i]))
			doomed[nr_doomed++] = found[i];
	return nr_doomed;
}

/* One step. Returns 0, -EXO_E_AGAIN, or -EXO_E_BUSY if only memory is waited for. */
static int end_step(struct bank *bank)
{
	struct object *doomed[END_OBJECTS];
	const unsigned int count = doom_some(bank, doomed);
	unsigned int budget = END_CAPS;
	int result = 0;

	bank_drop_spare(bank);
	for (unsigned int i = 0; i < count; i++) {
		object_take_caps(doomed[i], &budget);
		object_unpin_later(doomed[i]);
	}
	spin_lock(&bank->lock);
	if (!list_empty(&bank->objects))
		result = -EXO_E_AGAIN;
	else if (bank->nr_objects)
		result = -EXO_E_BUSY;
	spin_unlock(&bank->lock);
	return result;
}

int bank_end_some(struct bank *bank)
{
	bool left;

	if (end_step(bank))
		object_end_some();
	spin_lock(&bank->lock);
	left = bank->nr_objects != 0;
	/* Empty, and as good as new; unless it is ending itself, which is known once it closes. */
	if (!left && object_state(&bank->object) == OBJECT_LIVE)
		bank->closed = false;
	spin_unlock(&bank->lock);
	return left ? -EXO_E_AGAIN : 0;
}

int bank_end(struct object *object)
{
	struct bank *const bank = container_of(object, struct bank, object);
	struct load load;
	const int result = end_step(bank);
	bool last;

	if (result)
		return result;
	spin_lock(&bank->lock);
	last = bank_may_end(bank);
	for (unsigned int i = 0; last && i < CONFIG_NUMA_NODES; i++) {
		load.frames[i] = bank->counts[i].reserved;
		set_reserved(bank, i, 0);
	}
	spin_unlock(&bank->lock);
	/* Somebody else is about to give back what they were charged for. */
	if (!last)
		return -EXO_E_BUSY;
	give_to_parent(object->bank, &load);
	return 0;
}
