/* SPDX-License-Identifier: MIT */
/*
 * Memory of objects: pages of cells of one size, each page of one bank, so that what one bank
 * allocates is never beside another's and all of it goes with the bank. A page begins with its
 * struct bank_page. One without objects is given back, but for a spare: who makes and ends objects
 * by turns does not need a new page each time. It counts as used, and goes as soon as somebody
 * wants to know what is used, or the bank has nothing else to give.
 */
#include <arch/memory.h>
#include <exo/panic.h>
#include <exo/string.h>

#include "bank_internal.h"

static unsigned int size_index(size_t size)
{
	return size <= BANK_CELL_MIN
		       ? 0
		       : 32 - (unsigned int)__builtin_clz((unsigned int)(size - 1) / BANK_CELL_MIN);
}

static struct bank_page *page_of(const struct object *object)
{
	return (struct bank_page *)((uintptr_t)object & ~(uintptr_t)(PAGE_SIZE - 1));
}

/* A page with all cells free, in no list. */
static int get_page(struct bank *bank, unsigned int size, struct bank_page **page)
{
	unsigned int node = EXO_NODE_ANY;
	paddr_t base = EXO_HINT_NONE; /* each object is zeroed when it is made */
	const int error = bank_frames_get(bank, 0, &node, &base);

	if (error)
		return error;
	*page = phys_to_virt(base);
	**page = (struct bank_page){ .free = bank_page_cells(size),
				     .base = base,
				     .size = (uint8_t)size,
				     .numa = (uint8_t)node };
	return 0;
}

/* Takes a cell of a page that has one. */
static struct object *take_cell(struct bank *bank, struct bank_page *page) __requires(bank->lock)
{
	const unsigned int cell = (unsigned int)__builtin_ctzll(page->free);

	assert_held(&bank->lock);
	if (page == bank->spare)
		bank->spare = NULL;
	page->free &= page->free - 1;
	if (!page->free) {
		list_remove(&page->node);
		list_add_first(&bank->full, &page->node);
	}
	return (struct object *)((uintptr_t)page + cell * (BANK_CELL_MIN << page->size));
}

/* Makes a cell of @page a new object in the bank's list. */
static struct object *make_object(struct bank *bank, struct bank_page *page, enum exo_type type)
	__requires(bank->lock)
{
	struct object *const object = take_cell(bank, page);

	memset(object, 0, BANK_CELL_MIN << page->size); /* faster than @size by words */
	object_init(object, type, bank);
	object->node = page->numa;
	list_add_last(&bank->objects, &object->bank_node);
	bank->nr_objects++;
	return object;
}

int bank_object_get(struct bank *bank, enum exo_type type, size_t size, struct object **object)
{
	const unsigned int index = size_index(size);
	struct bank_page *page = NULL;
	int error;

	ASSERT(size <= BANK_CELL_MAX && size >= sizeof(struct object));
	for (;;) {
		bool closed, full;

		spin_lock(&bank->lock);
		closed = bank->closed;
		full = list_empty(&bank->cells[index]);
		if (!closed && full && page) {
			list_add_first(&bank->cells[index], &page->node);
			page = NULL;
			full = false;
		}
		if (!closed && !full)
			*object = make_object(
				bank, list_entry(bank->cells[index].next, struct bank_page, node),
				type);
		spin_unlock(&bank->lock);
		if (closed || !full) {
			/* Somebody else was faster. */
			if (page)
				bank_frames_put(bank, page->base, 0, page->numa);
			return closed ? -EXO_E_DEAD : 0;
		}
		error = get_page(bank, index, &page);
		if (error)
			return error;
	}
}

void bank_object_unlist(struct object *object)
{
	struct bank *const bank = object->bank;

	spin_lock(&bank->lock);
	list_remove(&object->bank_node);
	spin_unlock(&bank->lock);
}

/* Gives a cell back; returns its page if that has no object any more: then it is in no list. */
static struct bank_page *put_cell(struct bank *bank, struct object *object) __requires(bank->lock)
{
	struct bank_page *const page = page_of(object);
	const uint64_t offset = (uintptr_t)object - (uintptr_t)page;
	const uint64_t bit = 1ull << offset / (BANK_CELL_MIN << page->size);

	assert_held(&bank->lock);
	ASSERT(!(page->free & bit) && bank_page_cells(page->size) & bit);
	if (!page->free) {
		list_remove(&page->node);
		list_add_first(&bank->cells[page->size], &page->node);
	}
	page->free |= bit;
	if (page->free != bank_page_cells(page->size))
		return NULL;
	if (!bank->spare && !bank->closed) {
		bank->spare = page;
		return NULL;
	}
	list_remove(&page->node);
	return page;
}

bool bank_drop_spare(struct bank *bank)
{
	struct bank_page *page;

	spin_lock(&bank->lock);
	page = bank->spare;
	bank->spare = NULL;
	if (page)
		list_remove(&page->node);
	spin_unlock(&bank->lock);
	if (page)
		bank_frames_put(bank, page->base, 0, page->numa);
	return page != NULL;
}

void bank_object_put(struct object *object)
{
	struct bank *const bank = object->bank;
	struct bank_page *page;
	bool last;

	spin_lock(&bank->lock);
	if (object->state == OBJECT_NEW)
		list_remove(&object->bank_node);
	page = put_cell(bank, object);
	/* The object counts until its page is back. */
	if (page) {
		spin_unlock(&bank->lock);
		bank_frames_put(bank, page->base, 0, page->numa);
		spin_lock(&bank->lock);
	}
	bank->nr_objects--;
	last = bank_may_end(bank);
	spin_unlock(&bank->lock);
	if (last)
		object_end_again(&bank->object);
}

/* --- looking at all ----------------------------------------------------------------------------*/

/* The lists of pages, one after the other; NULL behind the last. */
static struct list_node *page_list(struct bank *bank, unsigned int index)
{
	if (index < BANK_SIZES)
		return &bank->cells[index];
	return index == BANK_SIZES ? &bank->full : NULL;
}

struct bank_page *bank_next_page(struct bank *bank, const struct bank_page *page)
{
	unsigned int index = 0;
	struct list_node *node;

	if (page)
		index = page->free ? page->size : BANK_SIZES;
	for (node = page ? page->node.next : page_list(bank, 0)->next;;) {
		if (node != page_list(bank, index))
			return list_entry(node, struct bank_page, node);
		if (!page_list(bank, ++index))
			return NULL;
		node = page_list(bank, index)->next;
	}
}

/* The first cell of @page from @cell on that is taken. */
static struct object *taken_cell(struct bank_page *page, unsigned int cell)
{
	const uint64_t taken = bank_page_cells(page->size) & ~page->free;
	const uint64_t left = cell < 64 ? taken >> cell << cell : 0;

	if (!left)
		return NULL;
	return (struct object *)((uintptr_t)page + (unsigned int)__builtin_ctzll(left) *
							   (BANK_CELL_MIN << page->size));
}

struct object *bank_next_object(struct bank *bank, const struct object *object)
{
	struct bank_page *page = object ? page_of(object) : bank_next_page(bank, NULL);
	unsigned int cell = 1;

	if (object)
		cell += (unsigned int)(((uintptr_t)object - (uintptr_t)page) /
				       (BANK_CELL_MIN << page->size));
	for (; page; page = bank_next_page(bank, page), cell = 1) {
		struct object *found = taken_cell(page, cell);

		if (found)
			return found;
	}
	return NULL;
}
