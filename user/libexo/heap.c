/* SPDX-License-Identifier: MIT */
/*
 * The heap. A block has a header of 16 bytes that says its class, so free() needs no search:
 * class c < NR_CLASSES is of 2^(c + SMALLEST) bytes, header included, and comes from a list that is
 * refilled by cutting up some pages; every other number is a number of pages.
 */
#include <libexo/heap.h>
#include <libexo/lock.h>
#include <libexo/pages.h>
#include <uapi/exo/info.h>

#define SMALLEST 5 /* 2^5 bytes */
#define NR_CLASSES 7 /* the largest has 2^11 */
#define LARGEST ((size_t)1 << (SMALLEST + NR_CLASSES - 1))
#define REFILL_PAGES 4u /* a guess: few calls, little waste */

struct block {
	uint64_t kind; /* class, or NR_CLASSES + pages */
	struct block *next; /* while it is free */
};

_Static_assert(sizeof(struct block) == 16, "what follows is aligned to 16");

static struct block *lists[NR_CLASSES]; /* under the lock */
static struct exo_lock lock;

static unsigned int class_of(size_t size)
{
	unsigned int class = 0;

	while ((size_t)1 << (class + SMALLEST) < size)
		class ++;
	return class;
}

static void refill(unsigned int class)
{
	const size_t size = (size_t)1 << (class + SMALLEST);
	void *pages;

	if (exo_pages_take(EXO_FIRST_BANK, REFILL_PAGES, &pages))
		return;
	for (size_t at = REFILL_PAGES * EXO_PAGE; at > 0;) {
		struct block *block;

		at -= size;
		block = (struct block *)(void *)((char *)pages + at);
		block->kind = class;
		block->next = lists[class];
		lists[class] = block;
	}
}

static struct block *take_pages(size_t size)
{
	const uint64_t pages = (size + EXO_PAGE - 1) / EXO_PAGE;
	void *memory;

	if (exo_pages_take(EXO_FIRST_BANK, pages, &memory))
		return NULL;
	((struct block *)memory)->kind = NR_CLASSES + pages;
	return memory;
}

void *exo_allocate(size_t size)
{
	struct block *block;
	unsigned int class;

	if (size > SIZE_MAX / 2)
		return NULL;
	size += sizeof(struct block);
	if (size > LARGEST) {
		block = take_pages(size);
		return block ? block + 1 : NULL;
	}
	class = class_of(size);
	exo_lock(&lock);
	if (!lists[class])
		refill(class);
	block = lists[class];
	if (block)
		lists[class] = block->next;
	exo_unlock(&lock);
	return block ? block + 1 : NULL;
}

void exo_free(void *memory)
{
	struct block *block;

	if (!memory)
		return;
	block = (struct block *)memory - 1;
	if (block->kind >= NR_CLASSES) {
		exo_pages_give(block, block->kind - NR_CLASSES);
		return;
	}
	exo_lock(&lock);
	block->next = lists[block->kind];
	lists[block->kind] = block;
	exo_unlock(&lock);
}
