/* SPDX-License-Identifier: MIT */
/*
 * Banks: reservations of frames, per NUMA node (KeyKOS's space banks).
 *
 * A bank has so many frames of each node, some of which are in use. A child bank's are taken out
 * of what its parent has unused. The sum of all reservations is never more than the memory there
 * is, so whoever has a charge accepted gets the frame: no bank can be starved by another. Frames
 * themselves come from the frame allocator when they are needed.
 *
 * A bank keeps a list of all objects that were allocated from it, child banks included, and the
 * objects lie in pages that it is charged for. Ending it ends them all, in bounded steps; a bank
 * that is being ended waits for the memory of the last of its objects to come back.
 *
 * Locks: bank->lock (LOCK_RANK_BANK) for counts, cells and the list; it is never held together with
 * another bank's or an object's.
 */
#ifndef EXO_BANK_H
#define EXO_BANK_H

#include <exo/frame.h>
#include <exo/object.h>

#define BANK_CELL_MAX 2048u /* the largest object */
#define BANK_SIZES 6 /* cells of 64, 128 … 2048 bytes */

/* With CONFIG_NUMA=n there is one node. */
#ifndef CONFIG_NUMA_NODES
#define CONFIG_NUMA_NODES 1
#endif

struct bank_page; /* a page of cells (bank.c) */

struct bank_node_count {
	uint64_t reserved, used; /* frames; used includes what children have reserved */
};

/*
 * What the root bank leaves to the kernel, on the boot CPU's node and at most an eighth of it:
 * tables for the area of the stacks, and whatever else the kernel allocates without a bank. A
 * guess.
 */
#define BANK_KERNEL_FRAMES 256u

struct bank {
	struct object object;
	struct spinlock lock;
	struct list_node objects; /* all that were allocated here and are not being torn down */
	uint64_t nr_objects; /* all whose memory is not back */
	bool closed; /* it is ending: no more objects */
	struct list_node cells[BANK_SIZES]; /* pages that have a free cell */
	struct list_node full; /* pages that have none */
	struct bank_page *spare; /* the one of @cells that has no objects, if there is one */
	struct bank_node_count counts[CONFIG_NUMA_NODES];
};

_Static_assert(sizeof(struct bank) <= BANK_CELL_MAX, "a bank is an object");

/*
 * The bank of all memory that is free when it is made, but for BANK_KERNEL_FRAMES and what all CPUs
 * may have in their frame caches: so nothing that is charged for is ever out of reach. Its parent
 * is NULL. Boot, once, when all CPUs are online. Returns 0, -EXO_E_NOMEM if nothing is free,
 * -EXO_E_BUSY if it was made already.
 */
int bank_make_root(struct bank **bank);

/* Gives it @frames more of @node, which are free from now on; nothing if there is none. */
void bank_grow_root(unsigned int node, uint64_t frames);

/* The one that was made; NULL. */
struct bank *bank_root(void);

/**
 * bank_make() - carve a bank out of another
 * @node: NUMA node, or EXO_NODE_ANY for the calling CPU's first, then the nearest: as many of each
 *	as there are
 * Whoever makes it has claimed a slot, because only ending a bank undoes this. Returns 0,
 * -EXO_E_NOMEM, -EXO_E_RANGE (no such node), -EXO_E_DEAD (the parent is ending).
 */
int bank_make(struct bank *parent, uint64_t frames, unsigned int node, struct bank **bank);

/* Moves @frames that @from has unused into the reservation of @to. -EXO_E_NOMEM, -EXO_E_RANGE,
 * -EXO_E_ARG unless one of the two is the other's parent, -EXO_E_DEAD if @to is ending. */
int bank_move(struct bank *from, struct bank *to, uint64_t frames, unsigned int node);

/**
 * bank_charge() - take frames out of what is unused, without getting them
 * @node: as bank_make(); *node is the one that was charged
 * Returns 0, -EXO_E_NOMEM, -EXO_E_RANGE.
 */
int bank_charge(struct bank *bank, uint64_t frames, unsigned int *node);
void bank_uncharge(struct bank *bank, uint64_t frames, unsigned int node);

/* What it has of all nodes together, once what it holds without need is given back: cap_stat(). */
struct bank_node_count bank_total(struct bank *bank);

/**
 * bank_frames_get() - charge for 2^order frames and get them; the contents are anything
 * @node: as bank_charge()
 * @base: EXO_HINT_NONE, or the physical address that it must have
 * Returns 0, -EXO_E_NOMEM (also where the frames are there, but not in one piece), -EXO_E_RANGE,
 * -EXO_E_ALIGN, -EXO_E_BUSY (that address is not free), -EXO_E_ARG (no such order).
 */
int bank_frames_get(struct bank *bank, unsigned int order, unsigned int *node, paddr_t *base);
void bank_frames_put(struct bank *bank, paddr_t base, unsigned int order, unsigned int node);

/* A zeroed frame for page tables and capability tables. */
int bank_page_get(struct bank *bank, unsigned int *node, paddr_t *base);

/* Puts a block back whose node nobody has noted. */
void bank_block_put(struct bank *bank, paddr_t base, unsigned int order);

/**
 * bank_object_get() - memory for an object, set up by object_init() and listed in the bank
 * @size: bytes, at most BANK_CELL_MAX; zero but for its struct object
 * It is OBJECT_NEW: even who ends the bank leaves it alone until cap_make() or bank_object_put().
 * Returns 0, -EXO_E_NOMEM, -EXO_E_DEAD (the bank is ending).
 */
int bank_object_get(struct bank *bank, enum exo_type type, size_t size, struct object **object);

/* Gives back the memory of an object that is OBJECT_NEW, or torn down, unlisted and out of
 * everybody's reach (object_quiesce()). */
void bank_object_put(struct object *object);

/* Nobody who ends the bank comes across @object any more: it is about to be torn down. */
void bank_object_unlist(struct object *object);

/**
 * bank_end_some() - end what was allocated from @bank, some of it
 * Meanwhile nothing can be allocated from it (-EXO_E_DEAD); afterwards it can, unless it is ending
 * itself. Returns 0 when nothing is left, -EXO_E_AGAIN. Interrupts off, no lock held; opens.
 */
int bank_end_some(struct bank *bank);

/* struct object_type's: all of it, then its reservation goes back to the parent. */
int bank_end(struct object *object);

/* Looks at a bank's counts, list and cells. Returns NULL, or what is wrong. Takes its lock. */
const char *bank_audit(struct bank *bank);

#endif
