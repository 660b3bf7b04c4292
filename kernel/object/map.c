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
#include <arch/mmu.h>
#include <exo/env.h>
#include <exo/string.h>
#include <uapi/exo/map.h>

struct mapping {
	struct env *env;
	struct page_batch batch;
	uint64_t end; /* user_end() */
	uint64_t entries; /* of page tables that may still be written */
	uint64_t checked; /* op_word() of the last operation, which is as it must be */
	unsigned int rights; /* enum page_rights that it asks for */
	struct object *pinned[EXO_RANGE_MAX]; /* unmapped, but perhaps still in a TLB */
	unsigned int nr_pinned;
};

static uint64_t address_of(uint64_t place)
{
	return place & ~(uint64_t)(PAGE_SIZE - 1);
}

/* enum exo_right to enum page_rights. */
static inline unsigned int page_rights(unsigned int rights)
{
	_Static_assert(EXO_RIGHT_W == (unsigned int)PAGE_WRITE, "so it needs no translation");
	return PAGE_PROGRAM | (rights & EXO_RIGHT_W) | (rights & EXO_RIGHT_X ? PAGE_EXECUTE : 0);
}

/* --- one capability ----------------------------------------------------------------------------*/

/* The FRAME capability in a slot of the space's environment, its object locked. */
static __inline_hot int lock_frame(struct mapping *m, uint64_t slot, unsigned int rights,
				   struct cap **cap,
				   struct object **object) __no_thread_safety_analysis
{
	uintptr_t value;
	const int error = cap_find(&m->env->table, slot, EXO_TYPE_FRAME, rights, cap, &value);

	if (unlikely(error))
		return error;
	*object = cap_object(value);
	spin_acquire(&(*object)->lock);
	if (likely(atomic_load_explicit(&(*cap)->value, memory_order_relaxed) == value &&
		   object_state(*object) == OBJECT_LIVE))
		return 0;
	spin_release(&(*object)->lock);
	return -EXO_E_CAP;
}

static __inline_hot void unlock_frame(struct object *object) __no_thread_safety_analysis
{
	spin_release(&object->lock);
}

/* What mapping more than a page takes; up to 1022 entries at the ends of large pages. */
static __noinline uint64_t cost(const struct mapping *m, uint64_t address, paddr_t base,
				uint64_t size)
{
	const uint64_t entries = size / PAGE_SIZE;

	if (m->env->machine.largest >= PAGE_LEVEL_2M && (address ^ base) % MIB(2) == 0 &&
	    entries > 1022)
		return 1022 + size / MIB(2);
	return entries;
}

/*
 * Takes what mapping @size bytes of @base at @address costs off what this call may write: with
 * interrupts off, time must be bounded. False if that is more.
 */
static __inline_hot bool afford(struct mapping *m, uint64_t address, paddr_t base, uint64_t size)
{
	const uint64_t entries = likely(size == PAGE_SIZE) ? 1 : cost(m, address, base, size);

	if (unlikely(entries > m->entries))
		return false;
	m->entries -= entries;
	return true;
}

/* The same for changing a mapping that there is, if there is one. */
static __inline_hot bool afford_cap(struct mapping *m, const struct cap *cap,
				    const struct object *object)
{
	return !cap->place ||
	       afford(m, address_of(cap->place), frame_cap_base(cap, object), frame_cap_size(cap));
}

static __inline_hot int map_one(struct mapping *m, uint64_t slot, uint64_t address,
				unsigned int rights, uint64_t *size)
{
	struct object *object;
	struct cap *cap;
	paddr_t base;
	int error = lock_frame(m, slot, rights, &cap, &object);

	if (unlikely(error))
		return error;
	*size = frame_cap_size(cap);
	base = frame_cap_base(cap, object);
	if (unlikely(cap->place))
		error = -EXO_E_BUSY;
	else if (unlikely(address - 1 >= m->end - *size)) /* 0 is no address */
		error = -EXO_E_RANGE;
	else if (unlikely(!afford(m, address, base, *size)))
		error = m->entries == EXO_MAP_ENTRIES ? -EXO_E_ALIGN : -EXO_E_RANGE;
	else
		error = page_table_map(&m->batch, address, base, *size, m->rights);
	if (likely(!error))
		cap->place = address | rights;
	unlock_frame(object);
	return error;
}

/* Unmaps what a slot's capability is mapped to; its object is pinned for the flush. */
static __inline_hot int unmap_one(struct mapping *m, uint64_t slot)
{
	struct object *object;
	struct cap *cap;
	int error = lock_frame(m, slot, 0, &cap, &object);

	if (error)
		return error;
	if (cap->place)
		error = page_table_unmap(&m->batch, address_of(cap->place), frame_cap_size(cap));
	if (!error && cap->place) {
		cap->place = 0;
		object->pins++;
		m->pinned[m->nr_pinned++] = object;
	}
	unlock_frame(object);
	return error;
}

/* @undo: back to what it was before this operation, which has been paid for. */
static __inline_hot int protect_one(struct mapping *m, uint64_t slot, unsigned int rights,
				    bool undo, unsigned int *before)
{
	struct object *object;
	struct cap *cap;
	int error = lock_frame(m, slot, rights, &cap, &object);

	if (unlikely(error))
		return error;
	*before = (unsigned int)(cap->place & EXO_RIGHTS_ALL);
	if (unlikely(!cap->place))
		error = -EXO_E_DEAD;
	else if (unlikely(!undo && !afford_cap(m, cap, object)))
		error = -EXO_E_RANGE;
	else
		error = page_table_protect(&m->batch, address_of(cap->place), frame_cap_size(cap),
					   page_rights(rights));
	if (likely(!error))
		cap->place = address_of(cap->place) | rights;
	unlock_frame(object);
	return error;
}

/* --- one operation -----------------------------------------------------------------------------*/

static __noinline void undo_map(struct mapping *m, const struct exo_map_op *op, uint32_t done)
{
	while (done-- > 0)
		unmap_one(m, (uint64_t)op->slot + done);
}

static __noinline int do_map_many(struct mapping *m, const struct exo_map_op *op)
{
	uint64_t address = op->address, size;

	for (uint32_t i = 0; i < op->count; i++, address += size) {
		const int error = map_one(m, (uint64_t)op->slot + i, address, op->rights, &size);

		if (unlikely(error)) {
			undo_map(m, op, i);
			return error;
		}
	}
	return 0;
}

static __inline_hot int do_map(struct mapping *m, const struct exo_map_op *op)
{
	uint64_t size;

	if (unlikely(op->address % PAGE_SIZE))
		return -EXO_E_ALIGN;
	if (op->count > 1)
		return do_map_many(m, op);
	return map_one(m, op->slot, op->address, op->rights, &size);
}

static __noinline int do_unmap(struct mapping *m, const struct exo_map_op *op)
{
	int error = 0;

	/* Looked at first: what is unmapped cannot always be mapped again. */
	for (uint32_t i = 0; i < op->count; i++) {
		struct object *object;
		struct cap *cap;

		error = lock_frame(m, (uint64_t)op->slot + i, 0, &cap, &object);
		if (error)
			return error;
		if (!afford_cap(m, cap, object))
			error = -EXO_E_RANGE;
		unlock_frame(object);
		if (error)
			return error;
	}
	/* One that somebody takes away just now is unmapped by them. */
	for (uint32_t i = 0; i < op->count; i++)
		unmap_one(m, (uint64_t)op->slot + i);
	return 0;
}

/* Where @done slots have been protected, and the next one cannot be. */
static __noinline void undo_protect(struct mapping *m, const struct exo_map_op *op,
				    const uint8_t *before, uint32_t done)
{
	unsigned int now;

	while (done-- > 0)
		protect_one(m, (uint64_t)op->slot + done, before[done], true, &now);
}

static __noinline int do_protect_many(struct mapping *m, const struct exo_map_op *op)
{
	uint8_t before[EXO_RANGE_MAX];
	unsigned int rights = 0;

	for (uint32_t i = 0; i < op->count; i++) {
		const int error =
			protect_one(m, (uint64_t)op->slot + i, op->rights, false, &rights);

		if (error) {
			undo_protect(m, op, before, i);
			return error;
		}
		before[i] = (uint8_t)rights;
	}
	return 0;
}

static __noinline int do_protect(struct mapping *m, const struct exo_map_op *op)
{
	unsigned int before;

	if (op->count > 1)
		return do_protect_many(m, op);
	return protect_one(m, op->slot, op->rights, false, &before);
}

/* All of an operation but @address, @slot and @count. */
static inline uint64_t op_word(const struct exo_map_op *op)
{
	return op->act | (uint64_t)op->rights << 16 | (uint64_t)op->reserved << 32;
}

static __noinline int check(const struct exo_map_op *op)
{
	const unsigned int rights = op->rights;

	if (op->reserved || op->act > EXO_PROTECT)
		return -EXO_E_ARG;
	if (op->act == EXO_UNMAP) {
		if (rights)
			return -EXO_E_ARG;
	} else {
		if (!(rights & EXO_RIGHT_R) || rights & ~(EXO_RIGHT_R | EXO_RIGHT_W | EXO_RIGHT_X))
			return -EXO_E_ARG;
		if (rights & EXO_RIGHT_W && rights & EXO_RIGHT_X)
			return -EXO_E_PERM;
	}
	return 0;
}

static __inline_hot int do_one(struct mapping *m, const struct exo_map_op *op)
{
	if (unlikely(op_word(op) != m->checked)) {
		const int error = check(op);

		if (error)
			return error;
		m->checked = op_word(op);
		m->rights = page_rights(op->rights);
	}
	if (unlikely(!op->count))
		return -EXO_E_ARG;
	if (likely(op->act == EXO_MAP))
		return do_map(m, op);
	if (unlikely(op->address))
		return -EXO_E_ARG;
	return op->act == EXO_UNMAP ? do_unmap(m, op) : do_protect(m, op);
}

/* --- one page that is protected, and nothing else: the way of write barriers -------------------*/

/* Changes a mapping of one small page; false if it is none, or cannot be changed so. */
static bool protect_page(struct env *env, const struct exo_map_op *op, uint64_t *address)
{
	struct object *object;
	struct cap *cap;
	uintptr_t value;
	bool changed = false;

	if (cap_find(&env->table, op->slot, EXO_TYPE_FRAME, op->rights, &cap, &value))
		return false;
	object = cap_object(value);
	spin_acquire(&object->lock);
	*address = address_of(cap->place);
	if (atomic_load_explicit(&cap->value, memory_order_relaxed) == value && cap->place &&
	    cap->count == 1)
		changed = page_table_protect_page(&env->space, *address, page_rights(op->rights));
	if (changed)
		cap->place = *address | op->rights;
	spin_release(&object->lock);
	return changed;
}

/* True if that was all, and it went well: else it is to be done in the general way. */
static bool protect_alone(struct env *env, const struct exo_map_op *op)
{
	uint64_t address;
	bool changed;

	if (check(op) || op->address)
		return false;
	spin_lock(&env->space_lock);
	changed = protect_page(env, op, &address);
	spin_unlock(&env->space_lock);
	if (changed)
		mmu_flush_page(&env->space, address);
	return changed;
}

int env_map(struct env *env, const struct exo_map_op *ops, unsigned int count, uint64_t *done)
{
	struct mapping m;
	uint64_t slots = 0;
	unsigned int i;
	int error = 0;

	*done = 1;
	if (count == 1 && ops->act == EXO_PROTECT && ops->count == 1 && protect_alone(env, ops))
		return 0;
	m.env = env;
	m.nr_pinned = 0;
	m.end = user_end();
	m.entries = EXO_MAP_ENTRIES;
	m.checked = ~UINT64_C(0);
	spin_lock(&env->space_lock);
	page_batch_begin(&m.batch, &env->space);
	for (i = 0; i < count; i++) {
		slots += ops[i].count;
		error = slots > EXO_RANGE_MAX ? -EXO_E_RANGE : do_one(&m, &ops[i]);
		if (unlikely(error))
			break;
	}
	*done = i;
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
