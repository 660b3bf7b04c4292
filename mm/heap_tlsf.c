/* SPDX-License-Identifier: MIT */
/*
 * The heap as two-level segregated fit (Masmano, Ripoll and others, 2004): every call takes a
 * bounded number of steps, whatever the heap's size and history.
 *
 * Memory comes in runs of 2^k pages. In a run, block lies beside block, up to a mark at the end
 * that looks like a block of size 0. Before a block's bytes is a word with its size and flags;
 * sizes are multiples of 16, so blocks are aligned to 16. Free blocks are merged at once: two never
 * touch. A free block repeats its size in its last word, where the next one, which has a flag for
 * it, finds it.
 *
 * Free blocks are listed by class: 16 classes for each power of two, so below 512 each size has its
 * own. A bitmap says which lists are not empty; its words, or rows, span four powers of two. Lists
 * are last in, first out. The first block's prev is stale, so taking that block touches no other.
 *
 * One free block, the victim, is in no list and has no size of its own: its start and its end are
 * in two variables. It is what was left of the block that was split last. To cut a block from it is
 * to move its start; a block that is freed next to it joins it as easily. So a block that is
 * allocated and soon freed again, or a row of blocks, costs little and lies together in memory.
 *
 * An allocation takes the first block of the class of its size, if that fits without a rest; else
 * the smallest that fits of that block or, if it is too small, the first one of the next class of
 * the same row, and the victim; else the first block of the lowest row above; else a new run. What
 * is left of a listed block becomes the victim, and the former victim is listed. This is a good
 * fit, not the best one: in the class of its size, where blocks may or may not be large enough,
 * only the first one is looked at.
 *
 * So the most that a call does, without heap_pages_alloc() and heap_pages_free(), is to take one
 * block from a list and to put another one into one, or, when it frees, to take both neighbours
 * from lists and to put what they and the block make into one. Aligned allocations may look at the
 * first blocks of up to 130 classes before they ask for a new run.
 *
 * A run of which nothing is in use is given back, but for the last one that became so: tlsf.spare
 * says which that was. Whether it still is empty is looked up when another one has become empty.
 *
 * Locks: none, as exo/heap.h says.
 */
#include <exo/string.h>

#include "heap_tlsf.h"

/* Sizes up to this are rounded up to one more: the least block has room for more. */
#define REQUEST_TINY (BLOCK_MIN - OVERHEAD - HEAP_MIN_ALIGN)

struct tlsf tlsf;

const struct heap_traits heap_core_traits = { .name = "tlsf", .frees = true };

/* --- classes -----------------------------------------------------------------------------------*/

/* The first class of a row above @row that is not empty; CLASSES if there is none. */
static inline unsigned int class_above(unsigned int row)
{
	while (++row < ROWS)
		if (tlsf.row[row])
			return row * 64 + (unsigned int)__builtin_ctzll(tlsf.row[row]);
	return CLASSES;
}

/* The first class from @class on that is not empty; CLASSES if there is none. */
static unsigned int class_find(unsigned int class)
{
	const uint64_t classes = tlsf.row[class / 64] & ~0ull << class % 64;

	if (!classes)
		return class_above(class / 64);
	return class / 64 * 64 + (unsigned int)__builtin_ctzll(classes);
}

/* --- allocating --------------------------------------------------------------------------------*/

/* Makes the victim's first @need bytes a block, or all of it when too little would be left. */
static struct block *victim_cut(size_t need)
{
	struct block *const block = tlsf.victim;
	const size_t size = victim_size();

	if (size - need < BLOCK_MIN) {
		tag_of(block)->header += size + USED;
		tag_of(victim_end())->header -= BELOW_FREE;
		victim_clear();
		return block;
	}
	tag_of(block)->header += need + USED;
	tlsf.victim = block_at(block, need);
	tag_of(tlsf.victim)->header = 0;
	return block;
}

/* Makes the first block of a list, of @size bytes, one that is in use. */
static inline struct block *list_take_whole(unsigned int class, size_t size)
{
	struct block *const block = tlsf.list[class];

	list_set(class, block->next);
	tlsf.listed -= size;
	tag_of(block_at(block, size))->header -= BELOW_FREE;
	tag_of(block)->header += USED;
	return block;
}

/* The same, of @need bytes if that leaves a block: the new victim. */
static inline struct block *list_take(unsigned int class, size_t size, size_t need)
{
	struct block *const block = tlsf.list[class];

	if (size - need < BLOCK_MIN)
		return list_take_whole(class, size);
	list_set(class, block->next);
	tlsf.listed -= size;
	tag_of(block)->header -= size - need - USED;
	victim_set(block_at(block, need), size - need, 0);
	return block;
}

/* As list_take(), whatever the block's size is. */
static inline struct block *list_take_first(unsigned int class, size_t need)
{
	return list_take(class, block_size(tlsf.list[class]), need);
}

static void *alloc_failed(void)
{
	tlsf.failures++;
	return NULL;
}

/* Neither row @row nor the victim, with a rest, will do: all of it, a larger one, a new run. */
static __noinline void *alloc_larger(size_t need, unsigned int row)
{
	unsigned int class;
	void *block;

	if (victim_size() >= need) {
		block = victim_cut(need);
	} else {
		class = class_above(row);
		if (class < CLASSES)
			block = list_take_first(class, need);
		else if (run_add(need))
			block = victim_cut(need);
		else
			return alloc_failed();
	}
	tlsf.allocs++;
	return block;
}

/* The size of the block for a request of REQUEST_TINY + 1 .. REQUEST_MAX bytes. */
static inline size_t block_need(size_t size)
{
	return (size + OVERHEAD + HEAP_MIN_ALIGN - 1) & ~(size_t)(HEAP_MIN_ALIGN - 1);
}

static void *alloc_unusual(size_t size, size_t align);

void *heap_core_alloc(size_t size, size_t align)
{
	struct block *block, *victim;
	size_t need, listed = 0;
	unsigned int class;
	uint64_t classes;
	uintptr_t rest;

	if (unlikely(align > HEAP_MIN_ALIGN ||
		     size - REQUEST_TINY - 1 > REQUEST_MAX - REQUEST_TINY - 1))
		return alloc_unusual(size, align);
	need = block_need(size);
	class = class_of(need);
	block = tlsf.list[class];
	if (block) {
		listed = block_size(block);
		if (listed - need < BLOCK_MIN) {
			tlsf.allocs++;
			return list_take_whole(class, listed);
		}
	}
	victim = tlsf.victim;
	rest = (uintptr_t)victim + need;
	if (listed < need) {
		classes = tlsf.row[class / 64] & ~1ull << class % 64;
		if (!classes) {
			if (rest > tlsf.limit)
				return alloc_larger(need, class / 64);
			goto cut;
		}
		class = class / 64 * 64 + (unsigned int)__builtin_ctzll(classes);
		listed = block_size(tlsf.list[class]);
	}
	if (rest > tlsf.limit || (uintptr_t)victim + listed < tlsf.limit + BLOCK_MIN) {
		tlsf.allocs++;
		return list_take(class, listed, need);
	}
cut:
	/* What victim_cut() does. */
	tag_of(victim)->header += need + USED;
	tlsf.victim = (struct block *)rest;
	tag_of(tlsf.victim)->header = 0;
	tlsf.allocs++;
	return victim;
}

/* --- freeing -----------------------------------------------------------------------------------*/

/* The header of a block that must be in use. */
static inline size_t used_header(const struct block *block)
{
	const size_t header = tag_of(block)->header;

	if (unlikely((header & (FLAGS & ~(BELOW_FREE | FIRST))) != USED || header < BLOCK_MIN))
		heap_damaged("not in use", block);
	return header;
}

/* If the block at @above is listed, takes it out of its list. Returns its size or 0. */
static inline size_t absorb(struct block *above)
{
	const size_t header = tag_of(above)->header;

	if (header & USED) {
		if (header & (BELOW_FREE | FIRST))
			heap_damaged("overwritten by the block before", above);
		return 0;
	}
	list_remove(above, header);
	/* No header stays behind that could pass for a block's when it is freed again. */
	tag_of(above)->header = 0;
	return header;
}

/* If the run that begins with the free block @first ends with it, the run is empty. */
static inline void run_check(const struct block *first, const struct block *end)
{
	struct run *const run = (struct run *)(uintptr_t)first - 1;

	if (block_size(end) == 0 && run != tlsf.spare)
		run_emptied(run);
}

/* Makes a block free and merges it with what is free around it. */
static void block_release(struct block *block)
{
	const size_t header = used_header(block);
	size_t size = header & ~(size_t)FLAGS, first_flag = header & FIRST;
	struct block *end = block_at(block, size);

	tag_of(block)->header = first_flag;
	if (header & BELOW_FREE) {
		const bool is_victim = block == victim_end();
		const size_t below = is_victim ? victim_size() : tag_of(block)->below;

		block = block_at(block, -below);
		first_flag = tag_of(block)->header & FIRST;
		size += below;
		if (!is_victim)
			list_remove(block, below);
		tag_of(block)->header = first_flag;
	}
	if (end == tlsf.victim) {
		tlsf.victim = block;
		end = victim_end();
	} else {
		size += absorb(end);
		end = block_at(block, size);
		if (block == tlsf.victim) {
			tlsf.limit = (uintptr_t)end - BLOCK_MIN;
			tag_of(end)->header |= BELOW_FREE;
		} else {
			list_add(block, size, first_flag);
		}
	}
	if (first_flag)
		run_check(block, end);
}

void heap_core_free(void *memory)
{
	struct block *const block = memory;
	struct block *next;
	size_t header;

	if (!memory)
		return;
	tlsf.frees++;
	header = tag_of(block)->header;
	/* With other flags this is no place for a block. */
	next = block_at(block, (header & ~(size_t)FIRST) - USED);
	if (next == tlsf.victim) {
		tag_of(block)->header = header & FIRST;
		tlsf.victim = block;
		if (unlikely(header & FIRST))
			run_check(block, victim_end());
	} else if ((header & FLAGS) == USED && (tag_of(next)->header & FLAGS) == USED) {
		list_add(block, header - USED, 0);
	} else {
		block_release(block);
	}
}

/* --- the other calls ---------------------------------------------------------------------------*/

/* Cuts a block in use down to @need bytes, if what is left makes a block. */
static void block_cut(struct block *block, size_t need)
{
	const size_t rest = block_size(block) - need;

	if (rest < BLOCK_MIN)
		return;
	tag_of(block)->header -= rest;
	tag_of(block_at(block, need))->header = rest | USED;
	block_release(block_at(block, need));
}

/* The bytes from @block to an aligned block in it: none, or enough for a block. */
static size_t align_gap(const struct block *block, size_t align)
{
	const size_t gap = -(uintptr_t)block & (align - 1);

	return gap > 0 && gap < BLOCK_MIN ? gap + align : gap;
}

/*
 * A block with @need bytes after its align_gap(). One of @enough bytes has that wherever it lies;
 * if there is none, the first block of each smaller class is tried.
 */
static struct block *take_aligned(size_t need, size_t align, size_t enough)
{
	unsigned int class;

	if (tlsf.victim && align_gap(tlsf.victim, align) + need <= victim_size())
		return victim_cut(align_gap(tlsf.victim, align) + need);
	class = class_find(class_of(enough - 1) + 1); /* there all are large enough */
	if (class == CLASSES) {
		class = class_find(class_of(need));
		while (class < CLASSES &&
		       align_gap(tlsf.list[class], align) + need > block_size(tlsf.list[class]))
			class = class_find(class + 1);
	}
	if (class < CLASSES)
		return list_take_first(class, align_gap(tlsf.list[class], align) + need);
	return run_add(enough) ? victim_cut(align_gap(tlsf.victim, align) + need) : NULL;
}

/* An allocation that heap_core_alloc() does not do itself. */
static __noinline void *alloc_unusual(size_t size, size_t align) __requires(heap_lock)
{
	size_t need, gap;
	struct block *block;

	if (size > REQUEST_MAX || align > HEAP_MAX_ALIGN)
		return alloc_failed();
	if (size <= REQUEST_TINY)
		return heap_core_alloc(REQUEST_TINY + 1, align);
	need = block_need(size);
	/* The largest gap: 16 bytes are too little for a block. */
	if (need + align + HEAP_MIN_ALIGN > NEED_MAX)
		return alloc_failed();
	block = take_aligned(need, align, need + align + HEAP_MIN_ALIGN);
	if (!block)
		return alloc_failed();
	tlsf.allocs++;
	gap = align_gap(block, align);
	if (gap > 0) {
		struct block *const head = block;

		block = block_at(head, gap);
		tag_of(block)->header = (block_size(head) - gap) | USED;
		tag_of(head)->header -= block_size(block);
		block_release(head);
	}
	block_cut(block, need);
	return block;
}

/* Extends a block in use to at least @need bytes by the free memory after it, if that does. */
static bool block_extend(struct block *block, size_t need)
{
	const size_t size = block_size(block);
	struct block *const next = block_at(block, size);

	if (next == tlsf.victim) {
		if (size + victim_size() < need)
			return false;
		tag_of(block)->header += block_size(victim_cut(need - size));
		return true;
	}
	if (tag_of(next)->header & USED || size + block_size(next) < need)
		return false;
	tag_of(block)->header += absorb(next);
	tag_of(block_at(block, block_size(block)))->header -= BELOW_FREE;
	return true;
}

void *heap_core_resize(void *memory, size_t size)
{
	struct block *const block = memory;
	size_t old, need;
	void *moved;

	if (!memory)
		return heap_core_alloc(size, HEAP_MIN_ALIGN);
	if (size > REQUEST_MAX)
		return alloc_failed();
	old = used_header(block) & ~(size_t)FLAGS;
	need = size > REQUEST_TINY ? block_need(size) : BLOCK_MIN;
	if (need <= old || block_extend(block, need)) {
		block_cut(block, need);
		return memory;
	}
	moved = heap_core_alloc(size, HEAP_MIN_ALIGN);
	if (moved) {
		memcpy(moved, memory, old - OVERHEAD);
		heap_core_free(memory);
	}
	return moved;
}

size_t heap_core_size(const void *memory)
{
	return block_size(memory) - OVERHEAD;
}
