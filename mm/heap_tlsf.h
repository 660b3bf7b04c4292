/* SPDX-License-Identifier: MIT */
/*
 * What heap_tlsf.c, whose opening says what it means, shares with heap_tlsf_runs.c: blocks, runs
 * and classes.
 */
#ifndef HEAP_TLSF_H
#define HEAP_TLSF_H

#include <exo/heap_core.h>

/* Flags in the low bits of a block's header. The victim's header has FIRST alone, and no size. */
enum {
	USED = 1, /* the victim and listed blocks do not have it */
	BELOW_FREE = 2, /* the block before is free; @below is its size unless it is the victim */
	FIRST = 4, /* the first block of its run */
	FLAGS = 15,
};

/* What is before a block's first byte. */
struct tag {
	size_t below; /* the block before's last word; a run's first block: see struct run */
	size_t header; /* the distance to the next block, and flags */
};

/* A block's first bytes, when it is in a list; prev is stale in the first one. */
struct block {
	struct block *next, *prev;
};

#define OVERHEAD sizeof(size_t) /* of a block in use: its header */
#define BLOCK_MIN (sizeof(struct block) + sizeof(struct tag))
_Static_assert(sizeof(struct tag) == HEAP_MIN_ALIGN, "sizes are multiples of the alignment");

/* 2^k pages: this, the blocks one after the other, and the tag of a block of size 0. */
struct run {
	struct run *next, *prev;
	struct tag first; /* nothing is before the first block: its tag's below is the run's k */
};
_Static_assert(sizeof(struct run) % HEAP_MIN_ALIGN == 0, "a run's first block is aligned");

#define NEED_MAX (((size_t)HEAP_PAGE_SIZE << HEAP_MAX_ORDER) - sizeof(struct run))
#define REQUEST_MAX (NEED_MAX - OVERHEAD)
_Static_assert(REQUEST_MAX < HEAP_MAX_SIZE, "what is too large is refused");

/* 2^SPLIT_LOG2 classes for each power of two, from BLOCK_MIN = 2^5 to less than 2^30. */
#define SPLIT_LOG2 4
#define CLASS_BASE (((5u - SPLIT_LOG2) << SPLIT_LOG2) + (1u << SPLIT_LOG2))
#define CLASSES ((30u - 5u) << SPLIT_LOG2)
#define ROWS (CLASSES / 64 + 1)

struct tlsf {
	struct block *list[ROWS * 64];
	struct block *victim; /* or NULL */
	uintptr_t limit; /* the victim's end less BLOCK_MIN; 0 when there is none */
	uint64_t allocs, frees;
	uint64_t listed; /* bytes in listed blocks */
	uint64_t row[ROWS]; /* bit i of word j: list[64 * j + i] is not empty */
	struct run *runs;
	struct run *spare; /* the last run that became empty, or NULL */
	uint64_t pages, capacity; /* of the runs; capacity: bytes in blocks of any kind */
	uint64_t failures;
};
extern struct tlsf tlsf;

static inline struct tag *tag_of(const void *block)
{
	return (struct tag *)block - 1;
}

static inline size_t block_size(const struct block *block)
{
	return tag_of(block)->header & ~(size_t)FLAGS;
}

static inline struct block *block_at(const struct block *block, size_t offset)
{
	return (struct block *)((uintptr_t)block + offset);
}

static inline struct block *victim_end(void)
{
	return (struct block *)(tlsf.limit + BLOCK_MIN);
}

static inline size_t victim_size(void)
{
	return tlsf.victim ? (uintptr_t)victim_end() - (uintptr_t)tlsf.victim : 0;
}

/*
 * The class that lists blocks of @size bytes: the highest bit and the SPLIT_LOG2 bits below it,
 * read as one number.
 */
static inline unsigned int class_of(size_t size)
{
	const unsigned int shift = ((unsigned int)__builtin_clzll(size) ^ 63) - SPLIT_LOG2;

	return (shift << SPLIT_LOG2) + (unsigned int)(size >> shift) - CLASS_BASE;
}

/* Makes [@block, @block + @size), free and with nothing free beside it, a listed block. */
static inline void list_add(struct block *block, size_t size, size_t first_flag)
{
	const unsigned int class = class_of(size);
	struct block *const next = tlsf.list[class];
	struct tag *const above = tag_of(block_at(block, size));

	tag_of(block)->header = size + first_flag;
	above->below = size;
	above->header |= BELOW_FREE;
	tlsf.listed += size;
	block->next = next;
	tlsf.list[class] = block;
	if (next)
		next->prev = block;
	else
		tlsf.row[class / 64] ^= 1ull << class % 64;
}

/* Makes @next, or nothing, the first of a list. */
static inline void list_set(unsigned int class, struct block *next)
{
	tlsf.list[class] = next;
	if (!next)
		tlsf.row[class / 64] ^= 1ull << class % 64;
}

/* Takes a block of @size bytes out of its list. The tags are the caller's business. */
static inline void list_remove(struct block *block, size_t size)
{
	const unsigned int class = class_of(size);

	tlsf.listed -= size;
	if (tlsf.list[class] == block) {
		list_set(class, block->next);
		return;
	}
	block->prev->next = block->next;
	if (block->next)
		block->next->prev = block->prev;
}

static inline void victim_clear(void)
{
	tlsf.victim = NULL;
	tlsf.limit = 0;
}

/*
 * Makes [@block, @block + @size) the victim, whose end has BELOW_FREE already. The former one is
 * listed.
 */
static inline void victim_set(struct block *block, size_t size, size_t first_flag)
{
	if (tlsf.victim)
		list_add(tlsf.victim, victim_size(), tag_of(tlsf.victim)->header);
	tlsf.victim = block;
	tlsf.limit = (uintptr_t)block + size - BLOCK_MIN;
	tag_of(block)->header = first_flag;
}

static inline struct block *run_first(const struct run *run)
{
	return (struct block *)(uintptr_t)(run + 1);
}

/* The size of a block that is all of @run. */
static inline size_t run_size(const struct run *run)
{
	return ((size_t)HEAP_PAGE_SIZE << run->first.below) - sizeof(*run);
}

static inline bool run_is_empty(const struct run *run)
{
	if (run_first(run) == tlsf.victim)
		return victim_size() == run_size(run);
	return run->first.header == (run_size(run) | FIRST);
}

/* A run other than the spare one has become empty. Keeps it as that, or gives it back. */
void run_emptied(struct run *run);

/* Makes a new run with room for @need bytes the victim; false if there is none. */
bool run_add(size_t need);

#endif
