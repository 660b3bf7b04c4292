/* SPDX-License-Identifier: MIT */
/*
 * The heap as slabs: runs of pages cut into blocks of one size, and some free blocks of each size
 * at each CPU's hand.
 *
 * A slab is SLAB_SIZE bytes, aligned to that, so masking a block's address gives its header. Its
 * blocks are free (in its list), fresh (behind all others, never touched), or not here. A class has
 * the slabs of a size: those with something to give, and the full ones. A slab that is empty goes
 * back to the pages, but one is kept, for whichever class needs one next.
 *
 * In front of this each CPU has a magazine for each class, from which heap_core_alloc() takes and
 * to which heap_core_free() gives. Only an empty or a full one goes to the slabs, with half of what
 * it holds at a time: so its work is bounded, and seldom. The magazines are their CPU's alone, with
 * preemption off; the lock is for what is behind them, and so is seldom taken.
 *
 * What is larger than half a slab has pages of its own, in a tree by address (heap_large.h) whose
 * nodes are blocks of a small class.
 */
#include <exo/string.h>

#include "heap_slab.h"

/*
 * At most so many blocks in a magazine, of together at most so many bytes (a guess), but two at
 * least. Half of them move at a time, each a cache miss: 32 were no faster on average than 8
 * (scripts/native), and made the worst case three times as long.
 */
#define MAGAZINE_BLOCKS 8u
#define MAGAZINE_BYTES 32768u

struct slab_heap heap_slab;

const struct heap_traits heap_core_traits = { .name = "slab", .frees = true, .caches = true };

/* --- classes -----------------------------------------------------------------------------------*/

/* The smallest class of blocks of @size bytes, 1 .. HEAP_MAX_SIZE; may be NR_CLASSES or more. */
static inline unsigned int class_of(size_t size)
{
	const size_t last = (size - 1) / 16;
	unsigned int shift;

	if (last < NR_LINEAR)
		return (unsigned int)last;
	shift = 61 - (unsigned int)__builtin_clzl(last);
	return NR_LINEAR - 8 + 4 * shift + (unsigned int)(last >> shift);
}

/* The same for any size and alignment; NR_CLASSES for what has pages of its own. */
static unsigned int class_for(size_t size, size_t align)
{
	unsigned int class;

	if (align > HEAP_MIN_ALIGN)
		size = (size + align - 1) & -align;
	class = class_of(size);
	while (class < NR_REGULAR && class_align(class) < align)
		class ++;
	if (class < NR_REGULAR || align > HEAP_MIN_ALIGN)
		return class < NR_REGULAR ? class : NR_CLASSES;
	for (class = NR_REGULAR; class < NR_CLASSES && class_size(class) < size; class ++)
		;
	return class;
}

static uint32_t capacity(unsigned int class)
{
	const uint32_t blocks = (uint32_t)(MAGAZINE_BYTES / class_size(class));

	return blocks > MAGAZINE_BLOCKS ? MAGAZINE_BLOCKS : blocks < 2 ? 2 : blocks;
}

/* --- slabs -------------------------------------------------------------------------------------*/

static void link_slab(struct slab **list, struct slab *slab)
{
	slab->previous = NULL;
	slab->next = *list;
	if (slab->next)
		slab->next->previous = slab;
	*list = slab;
}

static void unlink_slab(struct slab **list, struct slab *slab)
{
	if (slab->next)
		slab->next->previous = slab->previous;
	if (slab->previous)
		slab->previous->next = slab->next;
	else
		*list = slab->next;
}

static void free_slab(struct slab *slab)
{
	slab->magic = 0;
	heap_slab.pages -= SLAB_SIZE / HEAP_PAGE_SIZE;
	heap_pages_free(slab, SLAB_ORDER);
}

/* An empty slab for @class: the spare one, or a new one. NULL if there are no pages. */
static struct slab *new_slab(unsigned int class)
{
	struct slab *slab = heap_slab.spare;

	heap_slab.spare = NULL;
	if (!slab) {
		slab = heap_pages_alloc(SLAB_ORDER);
		if (!slab)
			return NULL;
		heap_slab.pages += SLAB_SIZE / HEAP_PAGE_SIZE;
	}
	*slab = (struct slab){ .magic = SLAB_MAGIC, .class = class, .fresh = class_blocks(class) };
	link_slab(&heap_slab.partial[class], slab);
	return slab;
}

/* Takes a block out of a slab that has one. */
static inline void *take(struct slab *slab, unsigned int class)
{
	void *block = slab->free;

	slab->in_use++;
	if (block) {
		slab->free = *(void **)block;
		return block;
	}
	/* Fresh ones from the front: the last of them is the last of the slab. */
	return (char *)slab + class_start(class) +
	       (class_blocks(class) - slab->fresh--) * class_size(class);
}

/* Gives a block back to its slab. */
static void put(void *block)
{
	struct slab *const slab = slab_of(block);
	const unsigned int class = slab->class;
	const bool was_full = !slab->free && !slab->fresh;

	*(void **)block = slab->free;
	slab->free = block;
	slab->in_use--;
	if (was_full)
		unlink_slab(&heap_slab.full[class], slab);
	else if (slab->in_use == 0)
		unlink_slab(&heap_slab.partial[class], slab);
	if (slab->in_use != 0) {
		if (was_full)
			link_slab(&heap_slab.partial[class], slab);
	} else if (heap_slab.spare) {
		free_slab(slab);
	} else {
		heap_slab.spare = slab;
	}
}

/* --- magazines ---------------------------------------------------------------------------------*/

/* Gives all but @keep blocks of a magazine, the oldest ones, back to their slabs. */
static void unload(struct magazine *m, uint32_t keep)
{
	void **link = &m->top, *block;

	for (uint32_t i = 0; i < keep && *link; i++)
		link = *link;
	block = *link;
	*link = NULL;
	while (block) {
		void *const next = *(void **)block;

		m->count--;
		m->room++;
		put(block);
		block = next;
	}
}

static inline struct magazine *magazine_of(unsigned int class)
{
	return &heap_slab.magazines[cpu_current()][class];
}

static void trim(void)
{
	for (unsigned int class = 0; class < NR_CLASSES; class ++)
		unload(magazine_of(class), 0);
	if (heap_slab.spare)
		free_slab(heap_slab.spare);
	heap_slab.spare = NULL;
}

/* Fills an empty magazine by half; returns false if there is no memory. */
static bool load(struct magazine *m, unsigned int class)
{
	struct slab *slab = heap_slab.partial[class];
	uint32_t wanted = capacity(class) / 2;

	if (!slab)
		slab = new_slab(class);
	if (!slab) {
		/* Magazines may hold the last blocks of slabs that are empty but for them. */
		trim();
		slab = heap_slab.partial[class] ? heap_slab.partial[class] : new_slab(class);
	}
	if (!slab)
		return false;
	m->room = capacity(class);
	do {
		void *const block = take(slab, class);

		*(void **)block = m->top;
		m->top = block;
		m->count++;
		m->room--;
	} while (--wanted && (slab->free || slab->fresh));
	if (!slab->free && !slab->fresh) {
		unlink_slab(&heap_slab.partial[class], slab);
		link_slab(&heap_slab.full[class], slab);
	}
	return true;
}

static inline void *pop(struct magazine *m)
{
	void *const block = m->top;

	m->top = *(void **)block;
	m->count--;
	m->room++;
	m->allocs++;
	return block;
}

static void push(struct magazine *m, void *block)
{
	*(void **)block = m->top;
	m->top = block;
	m->count++;
	m->room--;
}

/* --- large blocks ------------------------------------------------------------------------------*/

static unsigned int order_for(size_t size)
{
	unsigned int order = SLAB_ORDER;

	while (HEAP_PAGE_SIZE * 1ul << order < size)
		order++;
	return order;
}

static void *fail(void)
{
	heap_slab.failures++;
	return NULL;
}

static void *alloc_large(size_t size)
{
	const unsigned int class = class_of(sizeof(struct heap_large)), order = order_for(size);
	struct magazine *const m = magazine_of(class);
	struct heap_large *large;
	void *pages;

	if (!m->top && !load(m, class))
		return fail();
	large = pop(m);
	m->allocs--; /* not the caller's */
	pages = heap_pages_alloc(order);
	if (!pages) {
		trim();
		pages = heap_pages_alloc(order);
	}
	if (!pages) {
		push(m, large);
		return fail();
	}
	*large = (struct heap_large){ .pages = (uintptr_t)pages + order };
	*find_large(pages) = large;
	heap_slab.pages += 1ul << order;
	heap_slab.large_in_use[order]++;
	heap_slab.large_allocs++;
	return pages;
}

static void free_small(void *block, unsigned int class)
{
	struct magazine *const m = magazine_of(class);

	/* The first block of its class that this CPU has to do with. */
	if (m->count == 0)
		m->room = capacity(class);
	push(m, block);
	if (m->room == 0)
		unload(m, m->count / 2);
}

static void free_large(void *block)
{
	struct heap_large **const at = find_large(block), *large;
	unsigned int order;

	if (!*at)
		heap_damaged("is no block of the heap", block);
	large = heap_large_remove(at);
	order = heap_large_order(large);
	heap_slab.pages -= 1ul << order;
	heap_slab.large_in_use[order]--;
	heap_pages_free(block, order);
	free_small(large, slab_of(large)->class);
}

/* --- the heap ----------------------------------------------------------------------------------*/

static void *alloc_shared(size_t size, size_t align)
{
	unsigned int class;
	struct magazine *m;

	if (size > HEAP_MAX_SIZE)
		return fail();
	class = class_for(size ? size : 1, align);
	if (class == NR_CLASSES)
		return alloc_large(size);
	m = magazine_of(class);
	if (!m->top && !load(m, class))
		return fail();
	return pop(m);
}

/* heap_core_alloc() of all but what a magazine has at hand; apart, so that that needs no stack. */
static __noinline void *alloc_elsewhere(size_t size, size_t align)
{
	void *block;

	heap_slab_share();
	block = alloc_shared(size, align);
	heap_slab_unshare();
	return block;
}

void *heap_core_alloc(size_t size, size_t align)
{
	struct magazine *m;

	if (unlikely(size - 1 >= SLAB_SIZE / 4) || unlikely(align > HEAP_MIN_ALIGN))
		return alloc_elsewhere(size, align);
	m = magazine_of(class_of(size));
	if (unlikely(!m->top))
		return alloc_elsewhere(size, align);
	return pop(m);
}

/* heap_core_free() where a magazine overflows, or there is none. */
static __noinline void free_elsewhere(void *block)
{
	if (!block)
		return;
	heap_slab_share();
	if (is_large(block))
		free_large(block);
	else if (slab_of(block)->magic != SLAB_MAGIC)
		heap_damaged("is no block of the heap", block);
	else
		free_small(block, slab_of(block)->class);
	heap_slab_unshare();
}

void heap_core_free(void *block)
{
	const struct slab *const slab = slab_of(block);
	struct magazine *m;

	if (unlikely(is_large(block)) || unlikely(slab->magic != SLAB_MAGIC)) {
		free_elsewhere(block);
		return;
	}
	m = magazine_of(slab->class);
	if (unlikely(m->room <= 1)) {
		free_elsewhere(block);
		return;
	}
	push(m, block);
}

size_t heap_core_size(const void *block)
{
	unsigned int order;

	if (!is_large(block))
		return class_size(slab_of(block)->class);
	heap_slab_share();
	order = heap_large_order(*find_large(block));
	heap_slab_unshare();
	return HEAP_PAGE_SIZE * 1ul << order;
}

/* How much a block of @size bytes would take. */
static size_t rounded(size_t size)
{
	const unsigned int class = class_for(size ? size : 1, 0);

	return class < NR_CLASSES ? class_size(class) : HEAP_PAGE_SIZE * 1ul << order_for(size);
}

void *heap_core_resize(void *block, size_t size)
{
	size_t old;
	void *new;

	if (!block)
		return heap_core_alloc(size, 0);
	if (size > HEAP_MAX_SIZE)
		return alloc_elsewhere(size, 0);
	old = heap_core_size(block);
	if (rounded(size) == old)
		return block;
	new = heap_core_alloc(size, 0);
	if (!new &&size <= old) {
		/* Too large is better than nothing. */
		heap_slab_share();
		heap_slab.failures--;
		heap_slab_unshare();
		return block;
	}
	if (!new)
		return NULL;
	memcpy(new, block, size < old ? size : old);
	heap_core_free(block);
	return new;
}

void heap_core_trim(void)
{
	heap_slab_share();
	trim();
	heap_slab_unshare();
}
