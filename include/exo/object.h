/* SPDX-License-Identifier: MIT */
/*
 * Kernel objects: what capabilities are to.
 *
 * Every object begins with a struct object and lies in memory of the bank that it was allocated
 * from (kernel/object/bank.c), which lists it. It lives while a capability to it or a pin is left;
 * who gives up the last of these calls object_end().
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
	OBJECT_ENDED, /* torn down, but still listed: only the pins are waited for */
};

struct object {
	uint8_t type; /* enum exo_type; constant */
	uint8_t order; /* FRAME: of its block */
	uint8_t state; /* enum object_state; under the lock */
	uint8_t node; /* NUMA node of its memory */
	uint32_t pins; /* under the lock */
	struct spinlock lock; /* the tree of its capabilities, and what is said to be under it */
	struct cap *caps; /* the first of the originals; NULL: none is left; under the lock */
	struct bank *bank; /* that it was allocated from; NULL: the kernel's own, never ended */
	struct list_node bank_node; /* under the bank's lock */
};

/* What is done for a type of objects. */
struct object_type {
	const char *name;
	uint16_t size; /* bytes, at most BANK_CELL_MAX */
	/*
	 * Tears @object down, in bounded steps; it is OBJECT_ENDING, and no capability to it is
	 * left. Returns 0 when nothing but its memory and its pins is left, -EXO_E_AGAIN if there is
	 * more to do. Interrupts off, no lock held; may open. Only one CPU at a time is in it.
	 */
	int (*end)(struct object *object);
};

/* Indexed by enum exo_type; a row without name does not exist in this kernel (types.c). */
#define NR_OBJECT_TYPES 16
extern const struct object_type object_types[NR_OBJECT_TYPES];

/* Sets up a new object, in no list yet and without capabilities. */
void object_init(struct object *object, enum exo_type type, struct bank *bank);

/* Keeps @object from going across an open: false if it is not OBJECT_LIVE. Takes its lock. */
bool object_pin(struct object *object);

/* Gives a pin up; what was waiting for it is then left to object_end(), which this calls. */
void object_unpin(struct object *object);

/**
 * object_end() - tear an object down and give back its memory, in bounded steps
 * To be called by whoever has taken the last capability away (cap_finish() says so), or has made it
 * OBJECT_ENDING otherwise. Returns 0, or -EXO_E_AGAIN: then it is the caller's, or that of
 * whoever ends the bank, to call again. Interrupts off, no lock held; opens.
 */
int object_end(struct object *object);

/*
 * Waits until every other CPU has left the system call that it was in, or is at an open of it.
 * Interrupts off, no lock held.
 */
void object_quiesce(void);

#endif
