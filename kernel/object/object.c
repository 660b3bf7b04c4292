/* SPDX-License-Identifier: MIT */
/*
 * The lives of objects: pins, and the queue of those that are to be torn down.
 *
 * An object is to be torn down when it is OBJECT_ENDING and no capability to it is left or being
 * taken out. Whoever brings that about, under the object's lock, makes it WORK_QUEUED, and so no
 * one else does; takes it out of its bank's list, and puts it into the queue. object_end_some()
 * takes objects out of the queue and calls their types' end(), which may end more objects: these
 * go into the queue too, so the stack does not grow with how one holds the last capability to
 * another.
 *
 * The memory of what is torn down is given back once nobody can know it (object_quiesce()), for up
 * to GRAVE objects at a time. Last is the object with pins left: who gives up the last one does it.
 *
 * Without an open in between a CPU may use any object that it has found in a slot, in a bank's list
 * or in the queue, whatever has become of it since.
 */
#include <exo/bank.h>
#include <exo/cap.h>
#include <exo/panic.h>

#define STEPS 64 /* a guess: calls of end() before the caller has to ask again */
#define GRAVE 32 /* a guess: 256 bytes of stack */

struct grave {
	struct object *objects[GRAVE];
	unsigned int count;
};

static struct spinlock queue_lock = SPINLOCK_INIT(LOCK_RANK_ENDING);
static struct list_node queue __guarded_by(queue_lock) = LIST_INIT(queue);
static _Atomic size_t
	queue_length; /* changed under queue_lock; read without by who looks for work */

/* By CPU: it is in object_end_some(). Interrupts are off there. */
static bool working[NR_CPUS];

static void set_state(struct object *object, enum object_state state)
{
	__atomic_store_n(&object->state, (uint8_t)state, __ATOMIC_RELEASE);
}

void object_init(struct object *object, enum exo_type type, struct bank *bank)
{
	ASSERT((uintptr_t)object % OBJECT_ALIGN == 0);
	object->type = (uint8_t)type;
	object->order = 0;
	set_state(object, OBJECT_NEW);
	object->node = 0;
	object->pins = 0;
	spin_lock_init(&object->lock, LOCK_RANK_OBJECT);
	object->caps = NULL;
	object->bank = bank;
	object->taken = 0;
	object->work = WORK_NONE;
}

bool object_pin(struct object *object)
{
	bool live;

	spin_lock(&object->lock);
	live = object->state == OBJECT_LIVE;
	object->pins += live;
	spin_unlock(&object->lock);
	return live;
}

static size_t nr_queued(void)
{
	return atomic_load_explicit(&queue_length, memory_order_relaxed);
}

static void set_nr_queued(size_t length) __requires(queue_lock)
{
	atomic_store_explicit(&queue_length, length, memory_order_relaxed);
}

static void put_into_queue(struct object *object)
{
	spin_lock(&queue_lock);
	list_add_last(&queue, &object->bank_node);
	set_nr_queued(nr_queued() + 1);
	spin_unlock(&queue_lock);
}

static struct object *take_from_queue(void)
{
	struct list_node *node = NULL;

	if (nr_queued() == 0)
		return NULL;
	spin_lock(&queue_lock);
	if (!list_empty(&queue)) {
		node = queue.next;
		list_remove(node);
		set_nr_queued(nr_queued() - 1);
	}
	spin_unlock(&queue_lock);
	return node ? list_entry(node, struct object, bank_node) : NULL;
}

/* Makes it the caller's to put into the queue, if it is to be torn down and nobody does yet. */
static bool claim(struct object *object) __requires(object->lock)
{
	assert_held(&object->lock);
	if (object->caps || object->taken || object->work != WORK_NONE)
		return false;
	if (object->state == OBJECT_LIVE && !object->pins && object->bank)
		set_state(object, OBJECT_ENDING);
	if (object->state != OBJECT_ENDING)
		return false;
	object->work = WORK_QUEUED;
	return true;
}

/* What claim() is followed by. */
static void enqueue(struct object *object)
{
	bank_object_unlist(object);
	put_into_queue(object);
}

void object_end_later(struct object *object)
{
	bool claimed;

	spin_lock(&object->lock);
	claimed = claim(object);
	spin_unlock(&object->lock);
	if (claimed)
		enqueue(object);
}

/* Gives back the memory of all that is in @grave. */
static void bury(struct grave *grave)
{
	if (grave->count)
		object_quiesce();
	for (unsigned int i = 0; i < grave->count; i++) {
		const struct object_type *type = &object_types[grave->objects[i]->type];

		if (type->bury)
			type->bury(grave->objects[i]);
		bank_object_put(grave->objects[i]);
	}
	grave->count = 0;
}

/* Somebody had it pinned when it was torn down. */
static __noinline void bury_one(struct object *object)
{
	struct grave grave = { .objects = { object }, .count = 1 };

	bury(&grave);
}

void object_unpin_later(struct object *object)
{
	bool dead = false, claimed = false;

	spin_lock(&object->lock);
	ASSERT(object->pins);
	if (--object->pins == 0 && object->state == OBJECT_ENDED) {
		object->work = WORK_DEAD;
		dead = true;
	} else {
		claimed = claim(object);
	}
	spin_unlock(&object->lock);
	if (unlikely(dead))
		bury_one(object);
	if (unlikely(claimed))
		enqueue(object);
}

void object_unpin(struct object *object)
{
	object_unpin_later(object);
	object_end_some();
}

bool object_doom(struct object *object)
{
	bool doomed;

	spin_lock(&object->lock);
	if (object->state == OBJECT_LIVE && object->bank)
		set_state(object, OBJECT_ENDING);
	doomed = object->state == OBJECT_ENDING && object->work == WORK_NONE;
	object->pins += doomed;
	spin_unlock(&object->lock);
	return doomed;
}

/* end() has returned @result: what becomes of the object? True if its memory can be given back. */
static bool after_end(struct object *object, int result)
{
	bool again = result == -EXO_E_AGAIN;
	bool dead = false;

	spin_lock(&object->lock);
	if (!result) {
		set_state(object, OBJECT_ENDED);
		dead = !object->pins;
		object->work = dead ? WORK_DEAD : WORK_NONE;
	} else {
		ASSERT(again || result == -EXO_E_BUSY);
		again |= object->work == WORK_AGAIN;
		object->work = again ? WORK_QUEUED : WORK_PARKED;
	}
	spin_unlock(&object->lock);
	if (again)
		put_into_queue(object);
	return dead;
}

/* Calls end() of an object from the queue. */
static void step(struct object *object, struct grave *grave)
{
	const struct object_type *type = &object_types[object->type];

	spin_lock(&object->lock);
	ASSERT(object->state == OBJECT_ENDING && object->work == WORK_QUEUED);
	ASSERT(!object->caps && !object->taken);
	object->work = WORK_RUNNING;
	spin_unlock(&object->lock);
	if (!after_end(object, type->end ? type->end(object) : 0))
		return;
	grave->objects[grave->count++] = object;
	if (grave->count == GRAVE)
		bury(grave);
}

/* object_end_some() where there is something; of its own, as it needs a stack. */
static __noinline int work(void)
{
	struct object *object = NULL;
	struct grave grave;

	if (working[cpu_current()])
		return 0;
	working[cpu_current()] = true;
	grave.count = 0;
	for (unsigned int i = 0; i < STEPS; i++) {
		object = take_from_queue();
		/* Giving memory back may bring a bank into the queue that has waited for it. */
		if (!object && grave.count) {
			bury(&grave);
			object = take_from_queue();
		}
		if (!object)
			break;
		step(object, &grave);
	}
	bury(&grave);
	working[cpu_current()] = false;
	return nr_queued() == 0 ? 0 : -EXO_E_AGAIN;
}

int object_end_some(void)
{
	/* What somebody else is just putting into it is theirs to work off. */
	return likely(nr_queued() == 0) ? 0 : work();
}

int object_end(struct object *object)
{
	object_end_later(object);
	return object_end_some();
}

void object_end_again(struct object *object)
{
	bool parked;

	spin_lock(&object->lock);
	parked = object->work == WORK_PARKED;
	if (parked)
		object->work = WORK_QUEUED;
	else if (object->work == WORK_RUNNING)
		object->work = WORK_AGAIN;
	spin_unlock(&object->lock);
	if (parked)
		put_into_queue(object);
}
