/* SPDX-License-Identifier: MIT */
/*
 * Capabilities: slots of tables, and the tree of what was derived from what.
 *
 * A slot is one word that says it all (object and rights), so it is looked up without a lock and
 * without a retry, and 56 bytes that are the object's: under its lock, or of whoever has made the
 * slot CAP_BUSY. All capabilities to an object are in one tree per object: those that were made
 * with it are the roots, copies hang below what they were copied from. A copy never has more
 * rights. When a capability is deleted its children move up to its place.
 *
 * The links need no parent pointer: the first of siblings has the last one as its previous, the
 * last has (parent | 1) as its next, or (object | 1) among the roots. So taking a capability out,
 * with all its children moving up, is a few stores.
 *
 * A slot goes from empty to CAP_BUSY (claimed by whoever will fill it) to a capability, and back
 * through CAP_BUSY (taken out of the tree, but perhaps still mapped) to empty. What is claimed is
 * invisible to everybody else.
 *
 * A capability may be watched: when the last one that was derived from it has gone, its environment
 * is told, once. Whoever takes the last one out of the tree takes the watch with it, pins the
 * environment, and signals when nobody reaches the object through what was taken.
 */
#ifndef EXO_CAP_H
#define EXO_CAP_H

#include <exo/nospec.h>
#include <exo/object.h>
#include <stdatomic.h>

struct env;

#define CAP_EMPTY ((uintptr_t)0)
#define CAP_BUSY ((uintptr_t)1) /* below OBJECT_ALIGN, so it is no object */
#define CAP_RIGHTS ((uintptr_t)EXO_RIGHTS_ALL)

struct cap {
	_Atomic uintptr_t value; /* object | rights, or CAP_EMPTY, or CAP_BUSY */
	struct cap *child, *next, *previous;
	struct env *owner; /* of the table; set when the table gets the slot's page */
	/* FRAME: where it is mapped: page-aligned address | enum exo_right; 0: nowhere. */
	uint64_t place;
	uint32_t first, count; /* FRAME: frames of the block; IRQ: lines; NTF, EP: badge in both */
	uint32_t slot; /* its number; constant */
	uint32_t watch; /* CAP_WATCH(): whom to tell when its last child has gone; 0: nobody */
};

_Static_assert(sizeof(struct cap) == 64, "64 slots a page");

#define CAPS_PER_PAGE 64u
#define CAP_TABLE_ORDER_MAX 6u /* 2 M slots; a guess: more than 256 KiB is zeroed at once then */

/* A notification's slot of the same table, and which of its bits. */
#define CAP_WATCH(slot, bit) ((uint32_t)(slot) | (uint32_t)(bit) << 26)
#define CAP_WATCH_SLOT(watch) ((exo_cap_t)((watch) & ((1u << 26) - 1)))
#define CAP_WATCH_BITS(watch) (1ull << ((watch) >> 26))

_Static_assert(CAPS_PER_PAGE * 512ull << CAP_TABLE_ORDER_MAX <= 1u << 26, "a slot's number fits");

/* A table: pages of slots, which come when a slot of them is first claimed. */
struct cap_table {
	struct cap **pages; /* an array of nr_slots / CAPS_PER_PAGE pointers, NULL: no page yet */
	uint64_t nr_slots; /* a multiple of CAPS_PER_PAGE; slot 0 is never used */
	struct env *owner;
	struct bank *bank; /* what the pages are charged to */
	struct spinlock lock; /* the coming of pages; LOCK_RANK_CAP_TABLE */
	uint64_t made; /* pages from this one on have never come; changed under the lock */
	uint64_t freed; /* pages before this one are given back; whoever frees it */
};

/* The slot's memory; NULL if there is no such slot, or no page of it yet. */
static inline struct cap *cap_slot(const struct cap_table *table, exo_cap_t slot)
{
	struct cap *page;

	if (unlikely(slot >= table->nr_slots))
		return NULL;
	slot = index_nospec(slot, table->nr_slots);
	page = __atomic_load_n(&table->pages[slot / CAPS_PER_PAGE], __ATOMIC_ACQUIRE);
	if (unlikely(!page))
		return NULL;
	return &page[slot % CAPS_PER_PAGE];
}

static inline struct object *cap_object(uintptr_t value)
{
	return (struct object *)(value & ~CAP_RIGHTS);
}

/* The bits that an NTF capability may set; what an EP's receivers are told. */
static inline uint64_t cap_badge(const struct cap *cap)
{
	return cap->first | (uint64_t)cap->count << 32;
}

/* cap_find() for a capability of any type. */
static inline int cap_look(const struct cap_table *table, exo_cap_t slot, unsigned int rights,
			   struct cap **found, uintptr_t *value)
{
	struct cap *cap = cap_slot(table, slot);

	if (unlikely(!cap))
		return -EXO_E_CAP;
	*value = atomic_load_explicit(&cap->value, memory_order_acquire);
	if (unlikely(*value < OBJECT_ALIGN))
		return -EXO_E_CAP;
	if (unlikely(rights & ~*value))
		return -EXO_E_PERM;
	*found = cap;
	return 0;
}

/**
 * cap_find() - look a capability up
 * @type: that it must be of; @rights: that it must have
 * @found: its slot; @value: what was in it, for those who come back under the object's lock
 * Returns 0, -EXO_E_CAP, -EXO_E_TYPE, -EXO_E_PERM. No lock; the object stays until the next open.
 */
static inline int cap_find(const struct cap_table *table, exo_cap_t slot, enum exo_type type,
			   unsigned int rights, struct cap **found, uintptr_t *value)
{
	struct cap *cap = cap_slot(table, slot);

	if (unlikely(!cap))
		return -EXO_E_CAP;
	*value = atomic_load_explicit(&cap->value, memory_order_acquire);
	if (unlikely(*value < OBJECT_ALIGN))
		return -EXO_E_CAP;
	if (unlikely(cap_object(*value)->type != type))
		return -EXO_E_TYPE;
	if (unlikely(rights & ~*value))
		return -EXO_E_PERM;
	*found = cap;
	return 0;
}

/* The same for those who want just the object. */
static inline int cap_get(const struct cap_table *table, exo_cap_t slot, enum exo_type type,
			  unsigned int rights, struct object **object)
{
	struct cap *cap;
	uintptr_t value;
	const int error = cap_find(table, slot, type, rights, &cap, &value);

	if (likely(!error))
		*object = cap_object(value);
	return error;
}

/**
 * cap_table_init() - make a table
 * @order: 0 .. CAP_TABLE_ORDER_MAX: 2^order pages of pointers, each for 512 pages of 64 slots;
 *	charged to @bank
 * Returns 0, -EXO_E_NOMEM, -EXO_E_ARG.
 */
int cap_table_init(struct cap_table *table, struct env *owner, struct bank *bank,
		   unsigned int order);

/*
 * Gives some of its memory back; true once that was all. Every slot is empty, and nobody can find
 * it (object_quiesce()).
 */
bool cap_table_free_some(struct cap_table *table);

/* The first slot from @slot on that is not empty; nr_slots if there is none. */
exo_cap_t cap_table_next(const struct cap_table *table, exo_cap_t slot);

/**
 * cap_claim() - reserve an empty slot for a capability that is to be made
 * Returns 0, -EXO_E_RANGE, -EXO_E_SLOT if it is not empty, -EXO_E_NOMEM (the table's bank).
 */
int cap_claim(struct cap_table *table, exo_cap_t slot, struct cap **claimed);

/* It was not needed after all. */
void cap_unclaim(struct cap *claimed);

/*
 * Makes a claimed slot an original capability to @object, which nobody else knows yet: it is
 * OBJECT_LIVE from now on. The capability is to all of a FRAME, with all bits of an NTF.
 */
void cap_make(struct cap *claimed, struct object *object, unsigned int rights);

/**
 * cap_derive() - make a claimed slot a copy
 * @parent, @value: as cap_find() gave them; it must have EXO_RIGHT_D
 * @rights: that the copy is to have, of those that the parent has (others are left out)
 * @first, @count: FRAME, IRQ: the part, counted from where that of the parent begins; both 0: all.
 *	NTF: the badge in @first (low half) and @count, of bits that the parent's has; all 0: its
 *	badge. EP: a badge, if the parent has none. Others: both 0.
 * Returns 0, -EXO_E_CAP if the parent has gone meanwhile, -EXO_E_PERM, -EXO_E_RANGE, -EXO_E_DEAD if
 * the object is ending; after an error the slot is still claimed.
 */
int cap_derive(struct cap *parent, uintptr_t value, struct cap *claimed, unsigned int rights,
	       uint32_t first, uint32_t count);

/**
 * cap_watch() - have this capability's environment told when nothing is derived from it any more
 * @cap, @value: as cap_find() gave them
 * @watch: CAP_WATCH(), in place of what it was; 0: nobody is told any more
 * *none: nothing is derived from it now, so nothing was noted and the caller tells; *others: but
 * somebody is still taking capabilities away
 * Returns 0, -EXO_E_CAP if it is not there any more.
 */
int cap_watch(struct cap *cap, uintptr_t value, uint32_t watch, bool *none, bool *others);

/**
 * cap_take() - take a capability out of its tree, its children moving up
 * The slot is then CAP_BUSY and the caller's; the object stays until cap_finish(). Returns 0,
 * -EXO_E_CAP if it is not there any more. Where the caller has looked at it before, @value says
 * what it must be; CAP_EMPTY: anything. Those who just want it gone call cap_delete_one().
 * If it has a watch now, that is of the capability that it was the last child of: cap_watcher() is
 * pinned, and to be told after cap_finish().
 */
int cap_take(struct cap *cap, uintptr_t value, struct object **object);

/**
 * cap_take_child() - take one of the capabilities below @cap out of the tree, as cap_take()
 * Returns it, or NULL if there is none (then @cap has no descendant but such as others are taking
 * out), with *error = 0, or -EXO_E_CAP if @cap itself is not @value any more.
 */
struct cap *cap_take_child(struct cap *cap, uintptr_t value, int *error);

/* For those who do not hold the object's lock: a look at what may be changing. */
static inline bool cap_is_watched(const struct cap *cap)
{
	return __atomic_load_n(&cap->watch, __ATOMIC_RELAXED) != 0;
}

/* Whose the watch is that @taken has taken with it. */
static inline struct env *cap_watcher(const struct cap *taken)
{
	return (struct env *)(void *)taken->child;
}

/* One of the originals of @object, or what moved up, as cap_take(); NULL when none is left. */
struct cap *cap_take_any(struct object *object);

/*
 * The end of cap_take(), when the capability is mapped nowhere any more and no CPU can reach its
 * frames through it: the slot becomes empty. Returns true if the object is to be torn down now,
 * because that was the last capability and there is no pin, or because it is ending anyway: the
 * caller calls object_end().
 */
bool cap_finish(struct cap *taken, struct object *object);

/*
 * What comes after @cap in the tree of capabilities to @object, parents first: NULL at the end.
 * @top: NULL, or where to begin and below which to stay. Under the object's lock.
 */
struct cap *cap_next(const struct object *object, const struct cap *cap, const struct cap *top)
	__requires(object->lock);

/* --- taking away (cap_revoke.c): cap_delete, cap_revoke, the ends of environments and banks --- */

/**
 * cap_delete_one() - empty a slot: what it was a copy of, and its copies, stay
 * @value: what must be in it; CAP_EMPTY: anything
 * Returns 0, -EXO_E_CAP if it is empty or somebody is about to fill or empty it. If it was the last
 * capability the object waits for the caller's object_end_some(). Interrupts off, no lock; opens.
 */
int cap_delete_one(struct cap *cap, uintptr_t value);

/**
 * cap_delete_some() - the same for up to CAP_BATCH slots, with one flush of TLBs for all
 * Goes no further than the first that is empty or somebody is busy with. Returns how many were
 * deleted.
 */
unsigned int cap_delete_some(struct cap **caps, unsigned int count);

/**
 * object_revoke_some() - take away what was derived from a capability
 * @cap, @value: as cap_find() gave them; whoever has the table keeps it across opens
 * @budget: how many at most; reduced by those that have been taken away
 * Returns 0 when nothing below it is left or used, -EXO_E_AGAIN, -EXO_E_CAP if it is not there any
 * more. Interrupts off, no lock held; opens.
 */
int object_revoke_some(struct cap *cap, uintptr_t value, unsigned int *budget);

#endif
