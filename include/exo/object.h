/* SPDX-License-Identifier: MIT */
/*
 * Kernel objects: what capabilities are to.
 *
 * Every object begins with a struct object and lies in memory of the bank that it was allocated
 * from (kernel/object/bank_cells.c), which lists it until it is torn down. It lives while a
 * capability to it or a pin is left; who gives up the last of these calls object_end().
 *
 * Tearing down never recurses: whatever is to be torn down goes to the end of one queue, also when
 * that happens while something else is torn down (the last capability to one environment may be in
 * the table of another), and object_end_some() works off some of it.
 *
 * Lifetime on several CPUs. A system call runs with interrupts off, so a CPU that answers an
 * interrupt is not inside of one, except where a call waits for other CPUs and serves them
 * meanwhile: its opens. No pointer to an object is carried across an open unless the object is
 * pinned. So once every CPU has answered (object_quiesce()), nobody knows an object that could not
 * be found any more when they were asked, and its memory can be used for something else.
 */
#ifndef EXO_OBJECT_H
#define EXO_OBJECT_H

#include <exo/errno.h>
#include <exo/list.h>
#include <exo/spinlock.h>
#include <uapi/exo/cap.h>

#define OBJECT_ALIGN 64u /* the low bits of its address are the rights in a capability */

struct bank;
struct cap;

enum object_state {
	OBJECT_LIVE,
	OBJECT_ENDING, /* no capability is derived from its capabilities any more, none is made */
	OBJECT_ENDED, /* torn down: only the pins are waited for */
	OBJECT_NEW, /* nobody but its maker uses it; LIVE from the first cap_make() on */
};

/* How far its tearing down is. */
enum object_work {
	WORK_NONE, /* not begun, or done */
	WORK_QUEUED, /* waits for object_end_some() */
	WORK_RUNNING, /* a CPU is in its type's end() */
	WORK_AGAIN, /* so it is, and object_end_again() has come meanwhile */
	WORK_PARKED, /* waits for object_end_again() */
	WORK_DEAD, /* its memory is about to be given back */
};

struct object {
	uint8_t type; /* enum exo_type; constant */
	uint8_t state; /* enum object_state; under the lock; looked at together with the type */
	uint8_t order; /* FRAME: of its block */
	uint8_t node; /* NUMA node of its memory */
	uint32_t pins; /* object_pin(); under the lock */
	struct spinlock lock; /* the tree of its capabilities, and what is said to be under it */
	struct cap *caps; /* the first of the originals; NULL: none is left; under the lock */
	struct bank *bank; /* that it was allocated from; NULL: the kernel's own, never ended */
	/* In the bank's list, under the bank's lock; then in the queue, under the queue's. */
	struct list_node bank_node;
	uint32_t taken; /* capabilities between cap_take() and cap_finish(); under the lock */
	uint8_t work; /* enum object_work; under the lock */
};

/* What is done for a type of objects. */
struct object_type {
	const char *name;
	uint16_t size; /* bytes, at most BANK_CELL_MAX */
	/*
	 * Tears @object down, in bounded steps; it is OBJECT_ENDING, no capability to it is left
	 * and none is being taken out, but there may be pins: whoever comes back from an open looks
	 * at the state again. Returns 0 when nothing but its memory and its pins is left;
	 * -EXO_E_AGAIN if there is more to do; -EXO_E_BUSY if it has to wait: object_end_again()
	 * has it called again. Interrupts off, no lock held; may open. Only one CPU at a time is in
	 * it. NULL: there is nothing to do.
	 */
	int (*end)(struct object *object);
	/*
	 * These @count (1 .. CAP_BATCH) capabilities have been taken out of the tree: make sure
	 * that nobody reaches the object through them any more. Called before they are finished;
	 * their fields are as they were, but for value and links. The object is kept by them.
	 * Interrupts off, no lock held; may open; cannot fail. NULL: there is nothing to do.
	 */
	void (*taken)(struct object *object, struct cap **caps, unsigned int count);
	/*
	 * @object has ended, nothing pins it, and nobody knows it any more (object_quiesce()): give
	 * back what those might have used who still knew it. Its memory goes next. Interrupts off,
	 * no lock held; may open; cannot fail. NULL: there is nothing to do.
	 */
	void (*bury)(struct object *object);
};

#define CAP_BATCH 32u /* a guess: 256 bytes of stack, and one shoot-down for so many mappings */

/* Indexed by enum exo_type; a row without name does not exist in this kernel (types.c). */
#define NR_OBJECT_TYPES 16
extern const struct object_type object_types[NR_OBJECT_TYPES];

/* Sets up a new object (OBJECT_NEW), in no list yet and without capabilities, at a multiple of
 * OBJECT_ALIGN. */
void object_init(struct object *object, enum exo_type type, struct bank *bank);

/* Its state, for those who do not hold its lock: a look at what may be changing. */
static inline enum object_state object_state(const struct object *object)
{
	return (enum object_state)__atomic_load_n(&object->state, __ATOMIC_ACQUIRE);
}

/* Keeps @object from going across an open: false if it is not OBJECT_LIVE. Takes its lock. */
bool object_pin(struct object *object);

/* Gives a pin up; what was waiting for it is then left to object_end_some(), which this calls. */
void object_unpin(struct object *object);

/* The same, but leaves what is to be torn down to the caller's object_end_some(). */
void object_unpin_later(struct object *object);

/**
 * object_end() - tear an object down and give back its memory, in bounded steps
 * To be called by whoever has taken the last capability away (cap_finish() says so). Returns what
 * object_end_some() does. Interrupts off, no lock held; opens. It may be called while an object is
 * torn down: @object then has its turn later.
 */
int object_end(struct object *object);

/* The first half of it: @object will have its turn. For those who end several before they call
 * object_end_some(). No lock held. */
void object_end_later(struct object *object);

/**
 * object_end_some() - tear down some of what is to be torn down, of whoever's objects
 * Returns 0, or -EXO_E_AGAIN if more is waiting. Interrupts off, no lock held; opens. What is left
 * is done by the next caller: system calls that delete or revoke call it at their end.
 */
int object_end_some(void);

/* What end() has waited for when it returned -EXO_E_BUSY has come, or may have. No object's lock
 * held; not in an interrupt handler. */
void object_end_again(struct object *object);

/*
 * Makes @object OBJECT_ENDING, if it is OBJECT_LIVE, and pins it for taking its capabilities away:
 * false if that is not possible (OBJECT_NEW), or it is being torn down already.
 */
bool object_doom(struct object *object);

/*
 * Takes all capabilities to a doomed object away, at most *budget, which is what is left of it
 * afterwards. Interrupts off, no lock held; opens.
 */
void object_take_caps(struct object *object, unsigned int *budget);

/*
 * Waits until every other CPU has left the system call that it was in, or is at an open of it.
 * Interrupts off, no lock held.
 */
void object_quiesce(void);

/* Looks at an object and all capabilities to it. Returns NULL, or what is wrong. Takes its lock. */
const char *object_audit(struct object *object);

#endif
