/* SPDX-License-Identifier: MIT */
/*
 * map(): a batch of changes to an environment's address space, with one flush of TLBs.
 *
 * The lock of the space is held over the whole batch, that of each FRAME while its capability is
 * looked at and changed; so a capability cannot be revoked between the look and the mapping. The
 * flush waits for other CPUs with no lock held. Until it is over, frames that were unmapped are
 * pinned: somebody else may delete their capabilities, which are mapped nowhere, at once.
 *
 * An operation that fails is undone, those before it stay.
 */
#include <exo/env.h>
#include <exo/string.h>
#include <uapi/exo/map.h>

struct mapping {
	struct env *env;
	struct page_batch batch;
	uint64_t entries; /* of page tables that may still be written */
	struct object *pinned[EXO_RANGE_MAX]; /* unmapped, but perhaps still in a TLB */
	unsigned int nr_pinned;
};

static uint64_t address_of(uint64_t place)
{
	return place & ~(uint64_t)(PAGE_SIZE - 1);
}

/* enum exo_right to enum page_rights. */
static unsigned int page_rights(unsigned int rights)
{
	return PAGE_USER | (rights & EXO_RIGHT_W ? PAGE_WRITE : 0) |
	       (rights & EXO_RIGHT_X ? PAGE_EXECUTE : 0);
}

/* The FRAME capability in a slot of the space's environment, its object locked. */
static int lock_frame(struct mapping *m, uint64_t slot, unsigned int rights, struct cap **cap,
		      struct object **object) __no_thread_safety_analysis
{
	uintptr_t value;
	const int error = cap_find(&m->env->table, slot, EXO_TYPE_FRAME, rights, cap, &value);

	if (error)
		return error;
	*object = cap_object(value);
	spin_acquire(&(*object)->lock);
	if (likely(atomic_load_explicit(&(*cap)->value, memory_order_relaxed) == value &&
		   object_state(*object) == OBJECT_LIVE))
		return 0;
	spin_release(&(*object)->lock);
	return -EXO_E_CAP;
}

static void unlock_frame(struct object *object) __no_thread_safety_analysis
{
	spin_release(&object->lock);
}

/* Unmaps what @cap is mapped to, under the lock of its object, which is pinned for the flush. */
static int unmap_cap(struct mapping *m, struct cap *cap, struct object *object)
{
	const int error = page_table_unmap(&m->batch, address_of(cap->place), frame_cap_size(cap));

	if (error)
		return error;
	cap->place = 0;
	object->pins++;
	m->pinned[m->nr_pinned++] = object;
	return 0;
}

/*
 * Takes what mapping @size bytes of @base at @address costs off what this call may write: with
 * interrupts off, time must be bounded. False if that is more.
 */
static bool afford(struct mapping *m, uint64_t address, paddr_t base, uint64_t size)
{
	uint64_t entries = size / PAGE_SIZE;

	/* Up to 1022 at the ends. */
	if (m->env->machine.largest >= PAGE_LEVEL_2M && (address ^ base) % MIB(2) == 0 &&
	    entries > 1022)
		entries = 1022 + size / MIB(2);
	if (entries > m->entries)
		return false;
	m->entries -= entries;
	return true;
}

/* The same for changing a mapping that there is, if there is one. */
static bool afford_cap(struct mapping *m, const struct cap *cap, struct object *object)
{
	const paddr_t base = frame_cap_base(cap, object);

	return !cap->place || afford(m, address_of(cap->place), base, frame_cap_size(cap));
}

static int map_one(struct mapping *m, uint64_t slot, uint64_t address, unsigned int rights,
		   uint64_t *size)
{
	struct object *object;
	struct cap *cap;
	paddr_t base;
	int error = lock_frame(m, slot, rights, &cap, &object);

	if (error)
		return error;
	*size = frame_cap_size(cap);
	base = frame_cap_base(cap, object);
	if (cap->place)
		error = -EXO_E_BUSY;
	else if (address >= user_end() || *size > user_end() - address || address == 0)
		error = -EXO_E_RANGE;
	else if (!afford(m, address, base, *size))
		error = m->entries == EXO_MAP_ENTRIES ? -EXO_E_ALIGN : -EXO_E_RANGE;
	else
		error = page_table_map(&m->batch, address, base, *size, page_rights(rights));
	if (!error)
		cap->place = address | rights;
	unlock_frame(object);
	return error;
}

static int unmap_one(struct mapping *m, uint64_t slot)
{
	struct object *object;
	struct cap *cap;
	int error = lock_frame(m, slot, 0, &cap, &object);

	if (error)
		return error;
	if (cap->place)
		error = unmap_cap(m, cap, object);
	unlock_frame(object);
	return error;
}

/* @undo: back to what it was before this operation, which has been paid for. */
static int protect_one(struct mapping *m, uint64_t slot, unsigned int rights, bool undo,
		       unsigned int *before)
{
	struct object *object;
	struct cap *cap;
	int error = lock_frame(m, slot, rights, &cap, &object);

	if (error)
		return error;
	*before = (unsigned int)(cap->place & EXO_RIGHTS_ALL);
	if (!cap->place)
		error = -EXO_E_DEAD;
	else if (!undo && !afford_cap(m, cap, object))
		error = -EXO_E_RANGE;
	else
		error = page_table_protect(&m->batch, address_of(cap->place), frame_cap_size(cap),
					   page_rights(rights));
	if (!error)
		cap->place = address_of(cap->place) | rights;
	unlock_frame(object);
	return error;
}

static int do_map(struct mapping *m, const struct exo_map_op *op)
{
	uint64_t address = op->address, size = 0;
	int error = 0;

	for (uint32_t i = 0; i < op->count && !error; i++, address += size) {
		error = map_one(m, (uint64_t)op->slot + i, address, op->rights, &size);
		for (uint32_t k = 0; error && k < i; k++)
			unmap_one(m, (uint64_t)op->slot + k);
	}
	return error;
}

static int do_unmap(struct mapping *m, const struct exo_map_op *op)
{
	int error = 0;

	/* Looked at first: what is unmapped cannot always be mapped again. */
	for (uint32_t i = 0; i < op->count && !error; i++) {
		struct object *object;
		struct cap *cap;

		error = lock_frame(m, (uint64_t)op->slot + i, 0, &cap, &object);
		if (error)
			break;
		if (!afford_cap(m, cap, object))
			error = -EXO_E_RANGE;
		unlock_frame(object);
	}
	/* One that somebody takes away just now is unmapped by them. */
	for (uint32_t i = 0; i < op->count && !error; i++)
		unmap_one(m, (uint64_t)op->slot + i);
	return error;
}

static int do_protect(struct mapping *m, const struct exo_map_op *op)
{
	uint8_t before[EXO_RANGE_MAX];
	unsigned int rights;
	int error = 0;

	for (uint32_t i = 0; i < op->count && !error; i++) {
		error = protect_one(m, (uint64_t)op->slot + i, op->rights, false, &rights);
		before[i] = (uint8_t)rights;
		for (uint32_t k = 0; error && k < i; k++)
			protect_one(m, (uint64_t)op->slot + k, before[k], true, &rights);
	}
	return error;
}

static int check(const struct exo_map_op *op)
{
	const unsigned int rights = op->rights;

	if (op->reserved || op->act > EXO_PROTECT || !op->count)
		return -EXO_E_ARG;
	if (op->act == EXO_UNMAP)
		return rights || op->address ? -EXO_E_ARG : 0;
	if (!(rights & EXO_RIGHT_R) || rights & ~(EXO_RIGHT_R | EXO_RIGHT_W | EXO_RIGHT_X))
		return -EXO_E_ARG;
	if (rights & EXO_RIGHT_W && rights & EXO_RIGHT_X)
		return -EXO_E_PERM;
	if (op->act == EXO_PROTECT)
		return op->address ? -EXO_E_ARG : 0;
	return op->address % PAGE_SIZE ? -EXO_E_ALIGN : 0;
}

static int do_one(struct mapping *m, const struct exo_map_op *op)
{
	const int error = check(op);

	if (error)
		return error;
	if (op->act == EXO_MAP)
		return do_map(m, op);
	return op->act == EXO_UNMAP ? do_unmap(m, op) : do_protect(m, op);
}

int env_map(struct env *env, const struct exo_map_op *ops, unsigned int count, uint64_t *done)
{
	struct mapping m;
	uint64_t slots = 0;
	int error = 0;

	m.env = env;
	m.nr_pinned = 0;
	m.entries = EXO_MAP_ENTRIES;
	*done = 0;
	spin_lock(&env->space_lock);
	page_batch_begin(&m.batch, &env->space);
	for (unsigned int i = 0; i < count && !error; i++) {
		slots += ops[i].count;
		error = slots > EXO_RANGE_MAX ? -EXO_E_RANGE : do_one(&m, &ops[i]);
		if (!error)
			*done = i + 1;
	}
	page_batch_close(&m.batch);
	spin_unlock(&env->space_lock);
	page_batch_finish(&m.batch);
	if (!m.nr_pinned)
		return error;
	while (m.nr_pinned > 0)
		object_unpin_later(m.pinned[--m.nr_pinned]);
	object_end_some();
	return error;
}
