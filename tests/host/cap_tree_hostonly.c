/* SPDX-License-Identifier: MIT */
/*
 * Capabilities against a naive model in which each knows its parent. Random making, deriving
 * (parts, badges, fewer rights), deleting with children that move up, taking children, revoking
 * within a budget, watching. After each call result and slots must be the model's, and who has been
 * told that its last copy has gone; every so often the whole tree.
 */
#include <stdio.h>
#include <stdlib.h>

#include <exo/cap.h>
#include <exo/env.h>

#include "check.h"

#define SLOTS 192
#define OBJECTS 3
#define SEEDS 4
#define OPERATIONS 300000
#define ORDER 10

struct row {
	int object; /* -1: empty */
	int parent; /* -1: an original */
	unsigned int rights;
	uint32_t first, count;
	bool watched;
};

/* No row has an end, and no object a bank: none ever ends. */
const struct object_type object_types[NR_OBJECT_TYPES];

static struct cap slots[SLOTS] __aligned(64);
static struct {
	struct object object;
} __aligned(64) objects[OBJECTS];
static struct row model[SLOTS];
static uint64_t random_state;
static struct env watcher; /* whose all slots are */
static unsigned int told[SLOTS], to_tell[SLOTS]; /* how often, and by the model */

/* Of the kernel what is not reached here. */
void bank_object_put(struct object *object);
void bank_object_put(struct object *object)
{
	(void)object;
	abort();
}

void bank_object_unlist(struct object *object);
void bank_object_unlist(struct object *object)
{
	(void)object;
	abort();
}

void object_quiesce(void)
{
}

/* Nothing is mapped here. */
void frame_unmap(struct cap **caps, unsigned int count)
{
	(void)caps, (void)count;
}

void frame_wait_unmapped(void)
{
}

void env_tell_gone(struct env *env, uint32_t watch)
{
	CHECK(env == &watcher && CAP_WATCH_BITS(watch) == 1ull << CAP_WATCH_SLOT(watch) % 64);
	told[CAP_WATCH_SLOT(watch)]++;
}

static unsigned int random_below(unsigned int bound)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned int)((random_state >> 11) % bound);
}

static uintptr_t value_of(unsigned int slot)
{
	return atomic_load(&slots[slot].value);
}

/* What the slot should hold. */
static uintptr_t expected(unsigned int slot)
{
	const struct row *row = &model[slot];

	return row->object < 0 ? CAP_EMPTY : (uintptr_t)&objects[row->object] | row->rights;
}

static void start(void)
{
	static const enum exo_type types[OBJECTS] = { EXO_TYPE_FRAME, EXO_TYPE_NTF,
						      EXO_TYPE_THREAD };

	for (unsigned int i = 0; i < SLOTS; i++) {
		slots[i] = (struct cap){ .slot = i, .owner = &watcher };
		model[i].object = -1;
	}
	object_init(&watcher.object, EXO_TYPE_ENV, NULL);
	watcher.object.state = OBJECT_LIVE;
	for (unsigned int i = 0; i < OBJECTS; i++) {
		object_init(&objects[i].object, types[i], NULL);
		objects[i].object.order = ORDER;
	}
}

/* An empty slot, claimed; -1 if there is none at hand. */
static int claim(void)
{
	for (unsigned int tries = 0; tries < 8; tries++) {
		const unsigned int slot = random_below(SLOTS);

		if (model[slot].object < 0) {
			atomic_store(&slots[slot].value, CAP_BUSY);
			return (int)slot;
		}
	}
	return -1;
}

static bool is_below(int slot, int top)
{
	for (slot = model[slot].parent; slot >= 0; slot = model[slot].parent)
		if (slot == top)
			return true;
	return false;
}

static void model_remove(unsigned int slot)
{
	const int parent = model[slot].parent;
	bool has_child = false;

	for (unsigned int i = 0; i < SLOTS; i++)
		if (model[i].object >= 0 && model[i].parent == (int)slot)
			model[i].parent = parent;
	model[slot].object = -1;
	for (unsigned int i = 0; i < SLOTS; i++)
		has_child |= model[i].object >= 0 && model[i].parent == parent;
	if (parent >= 0 && !has_child && model[parent].watched) {
		model[parent].watched = false;
		to_tell[parent]++;
	}
}

static void try_make(void)
{
	const int slot = claim(), object = (int)random_below(OBJECTS);
	const unsigned int rights = random_below(4) ? EXO_RIGHTS_ALL : random_below(64);

	if (slot < 0)
		return;
	cap_make(&slots[slot], &objects[object].object, rights);
	model[slot] = (struct row){ .object = object, .parent = -1, .rights = rights };
	model[slot].first = object == 1 ? UINT32_MAX : 0;
	model[slot].count = object == 0 ? 1u << ORDER : object == 1 ? UINT32_MAX : 0;
}

/* What deriving from @parent should say, and give. */
static int model_derive(const struct row *parent, struct row *copy, unsigned int rights,
			uint32_t first, uint32_t count)
{
	*copy = *parent;
	copy->rights = parent->rights & rights;
	if (!(parent->rights & EXO_RIGHT_D))
		return -EXO_E_PERM;
	if (!first && !count)
		return 0;
	if (parent->object == 2)
		return -EXO_E_RANGE;
	if (parent->object == 1) {
		copy->first = first;
		copy->count = count;
		return (first | parent->first) == parent->first &&
				       (count | parent->count) == parent->count
			       ? 0
			       : -EXO_E_RANGE;
	}
	copy->first = parent->first + first;
	copy->count = count;
	return count && (uint64_t)first + count <= parent->count ? 0 : -EXO_E_RANGE;
}

static void try_derive(void)
{
	const unsigned int parent = random_below(SLOTS);
	const unsigned int rights = random_below(3) ? EXO_RIGHTS_ALL : random_below(64);
	const int slot = claim();
	uint32_t first = 0, count = 0;
	struct row copy;
	int error;

	if (slot < 0)
		return;
	if (random_below(3) == 0) {
		first = random_below(8) ? random_below(1u << ORDER) : random_below(UINT32_MAX);
		count = random_below(8) ? random_below(1u << ORDER) : random_below(UINT32_MAX);
	}
	if ((int)parent == slot || model[parent].object < 0) {
		/* A value from before. */
		CHECK(cap_derive(&slots[parent], (uintptr_t)&objects[0] | EXO_RIGHTS_ALL,
				 &slots[slot], rights, 0, 0) == -EXO_E_CAP);
		cap_unclaim(&slots[slot]);
		return;
	}
	error = model_derive(&model[parent], &copy, rights, first, count);
	CHECK(cap_derive(&slots[parent], value_of(parent), &slots[slot], rights, first, count) ==
	      error);
	if (error) {
		CHECK(value_of((unsigned)slot) == CAP_BUSY);
		cap_unclaim(&slots[slot]);
		return;
	}
	copy.parent = (int)parent;
	copy.watched = false;
	model[slot] = copy;
}

static void try_delete(void)
{
	const unsigned int slot = random_below(SLOTS);
	const bool exists = model[slot].object >= 0, stale = exists && random_below(16) == 0;
	const uintptr_t value = stale ? value_of(slot) ^ EXO_RIGHT_R : CAP_EMPTY;

	CHECK(cap_delete_one(&slots[slot], value) == (exists && !stale ? 0 : -EXO_E_CAP));
	if (exists && !stale)
		model_remove(slot);
}

/* Slot 0 cannot be named: nobody is told any more. */
static void try_watch(void)
{
	const unsigned int slot = random_below(SLOTS), whom = random_below(4) ? slot : 0;
	bool has_child = false, none = false, others = true;

	if (model[slot].object < 0) {
		CHECK(cap_watch(&slots[slot], (uintptr_t)&objects[0] | EXO_RIGHTS_ALL, 1, &none,
				&others) == -EXO_E_CAP);
		return;
	}
	for (unsigned int i = 0; i < SLOTS; i++)
		has_child |= model[i].object >= 0 && model[i].parent == (int)slot;
	CHECK(cap_watch(&slots[slot], value_of(slot), whom ? CAP_WATCH(whom, whom % 64) : 0, &none,
			&others) == 0);
	CHECK(none == !has_child && !others);
	model[slot].watched = has_child && whom;
}

/* The end of a capability that was taken, for those who do not have cap_delete_one() do it. */
static void finish_taken(struct cap *taken, struct object *object)
{
	const uint32_t watch = taken->watch;
	struct env *env = cap_watcher(taken);

	CHECK(!cap_finish(taken, object));
	if (watch) {
		env_tell_gone(env, watch);
		object_unpin_later(&env->object);
	}
}

static void try_take_child(void)
{
	unsigned int slot = random_below(SLOTS);
	struct object *object;
	struct cap *child;
	bool has_child = false;
	int error;

	if (model[slot].object < 0)
		return;
	object = &objects[model[slot].object].object;
	for (unsigned int i = 0; i < SLOTS; i++)
		has_child |= model[i].object >= 0 && model[i].parent == (int)slot;
	child = cap_take_child(&slots[slot], value_of(slot), &error);
	CHECK(!error && !!child == has_child);
	if (!child)
		return;
	CHECK(model[child->slot].parent == (int)slot);
	CHECK(atomic_load(&child->value) == CAP_BUSY);
	model_remove((unsigned int)child->slot);
	/* In between others go on. */
	slot = random_below(SLOTS);
	if (slot != child->slot && model[slot].object >= 0) {
		CHECK(cap_delete_one(&slots[slot], CAP_EMPTY) == 0);
		model_remove(slot);
	}
	CHECK(cap_delete_one(child, CAP_EMPTY) == -EXO_E_CAP);
	finish_taken(child, object);
}

static void try_revoke(void)
{
	const unsigned int slot = random_below(SLOTS);
	unsigned int budget = random_below(2) ? random_below(8) : 1000, before = budget;
	unsigned int below = 0, gone = 0;
	int error;

	if (model[slot].object < 0)
		return;
	for (unsigned int i = 0; i < SLOTS; i++)
		below += model[i].object >= 0 && is_below((int)i, (int)slot);
	error = object_revoke_some(&slots[slot], value_of(slot), &budget);
	CHECK(error == (below < before ? 0 : -EXO_E_AGAIN));
	/* Parents first, as their children move up before they are taken. */
	for (unsigned int i = 0; i < SLOTS; i++) {
		if (model[i].object < 0 || value_of(i) != CAP_EMPTY || model[i].parent != (int)slot)
			continue;
		model_remove(i);
		gone++;
		i = UINT32_MAX;
	}
	CHECK(gone == (below < before ? below : before) && before - budget == gone);
}

/* Each capability's parent as the tree has it, and how many there are. */
static void compare_tree(unsigned int index)
{
	struct object *const object = &objects[index].object;
	unsigned int found = 0, there = 0;

	CHECK(object_audit(object) == NULL);
	spin_lock(&object->lock);
	for (struct cap *cap = object->caps; cap; cap = cap_next(object, cap, NULL)) {
		const struct cap *last = cap;
		const void *parent;

		while (!((uintptr_t)last->next & 1))
			last = last->next;
		parent = (const void *)((uintptr_t)last->next & ~1ul);
		CHECK(parent == (model[cap->slot].parent < 0
					 ? (const void *)object
					 : (const void *)&slots[model[cap->slot].parent]));
		CHECK(++found <= SLOTS);
		if (failed_line)
			break;
	}
	for (unsigned int i = 0; i < SLOTS; i++)
		there += model[i].object == (int)index;
	CHECK(found == there && object->taken == 0);
	spin_unlock(&object->lock);
}

/* cap_next() below one of them gives its descendants and no others. */
static void compare_below(void)
{
	const unsigned int top = random_below(SLOTS);
	struct object *object;
	unsigned int found = 0, there = 0;

	if (model[top].object < 0)
		return;
	object = &objects[model[top].object].object;
	spin_lock(&object->lock);
	for (const struct cap *cap = cap_next(object, &slots[top], &slots[top]); cap;
	     cap = cap_next(object, cap, &slots[top])) {
		CHECK(is_below((int)cap->slot, (int)top));
		found++;
	}
	spin_unlock(&object->lock);
	for (unsigned int i = 0; i < SLOTS; i++)
		there += model[i].object >= 0 && is_below((int)i, (int)top);
	CHECK(found == there);
}

static void compare_slots(void)
{
	for (unsigned int i = 0; i < SLOTS; i++) {
		CHECK(value_of(i) == expected(i));
		if (model[i].object >= 0)
			CHECK(slots[i].first == model[i].first && slots[i].count == model[i].count);
		CHECK(!!slots[i].watch == (model[i].object >= 0 && model[i].watched));
		CHECK(told[i] == to_tell[i]);
	}
	CHECK(watcher.object.pins == 0);
}

static void run(uint64_t seed)
{
	random_state = seed * 0x9e3779b97f4a7c15 + 1;
	start();
	for (unsigned int i = 0; i < OPERATIONS && !failed_line; i++) {
		const unsigned int what = random_below(32);

		if (what < 3)
			try_make();
		else if (what < 6)
			try_watch();
		else if (what < 22)
			try_derive();
		else if (what < 28)
			try_delete();
		else if (what < 31)
			try_take_child();
		else if (random_below(2))
			try_revoke();
		compare_below();
		if (i % 64 == 0)
			compare_slots();
		for (unsigned int o = 0; i % 64 == 0 && o < OBJECTS; o++)
			compare_tree(o);
	}
	for (unsigned int o = 0; o < OBJECTS; o++) {
		struct cap *cap;

		while ((cap = cap_take_any(&objects[o].object)))
			finish_taken(cap, &objects[o].object);
	}
	for (unsigned int i = 0; i < SLOTS; i++)
		CHECK(value_of(i) == CAP_EMPTY);
}

int main(void)
{
	printf("1..%d\n", SEEDS);
	irq_save();
	for (uint64_t seed = 1; seed <= SEEDS && !failed_line; seed++) {
		run(seed);
		printf("%s %llu - cap_tree_model_seed_%llu\n", failed_line ? "not ok" : "ok",
		       (unsigned long long)seed, (unsigned long long)seed);
	}
	if (failed_line)
		printf("# tests/host/cap_tree_hostonly.c:%u\n", failed_line);
	return failed_line ? EXIT_FAILURE : EXIT_SUCCESS;
}
