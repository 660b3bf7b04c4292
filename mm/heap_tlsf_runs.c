/* SPDX-License-Identifier: MIT */
/*
 * The runs of heap_tlsf.c: how the heap grows and shrinks, its statistics, and whether all it knows
 * agrees.
 *
 * The check goes through the runs block by block, then through the lists, and compares both with
 * each other and with the counters. It follows no pointer that leads out of the memory between the
 * first run and the last, so that most damage is found rather than stumbled over.
 */
#include "heap_tlsf.h"

/* A guess: an empty run larger than this is not kept. */
#define KEEP_ORDER (CONFIG_HEAP_GROW_ORDER < 6 ? CONFIG_HEAP_GROW_ORDER + 4 : 10)

/* Gives an empty run back. */
static void run_drop(struct run *run)
{
	const unsigned int order = (unsigned int)run->first.below;

	if (run_first(run) == tlsf.victim)
		victim_clear();
	else
		list_remove(run_first(run), run_size(run));
	if (run->prev)
		run->prev->next = run->next;
	else
		tlsf.runs = run->next;
	if (run->next)
		run->next->prev = run->prev;
	if (tlsf.spare == run)
		tlsf.spare = NULL;
	tlsf.pages -= 1ull << order;
	tlsf.capacity -= run_size(run);
	heap_pages_free(run, order);
}

static void drop_spare(void)
{
	if (tlsf.spare && run_is_empty(tlsf.spare))
		run_drop(tlsf.spare);
}

void heap_core_trim(void)
{
	drop_spare();
}

void run_emptied(struct run *run)
{
	if (run->first.below > KEEP_ORDER) {
		run_drop(run);
		return;
	}
	drop_spare();
	tlsf.spare = run;
}

/* As large a run as the heap likes to have, or as large as it must be for @need bytes. */
static struct run *run_alloc(size_t need)
{
	const size_t last_page = (need + sizeof(struct run) - 1) / HEAP_PAGE_SIZE;
	const unsigned int grow_order = CONFIG_HEAP_GROW_ORDER; /* may be 0 */
	unsigned int order = last_page ? 64 - (unsigned int)__builtin_clzll(last_page) : 0;
	struct run *run = NULL;

	if (order < grow_order)
		run = heap_pages_alloc(grow_order);
	if (run) {
		order = grow_order;
	} else {
		run = heap_pages_alloc(order);
		if (!run && tlsf.spare) {
			drop_spare();
			run = heap_pages_alloc(order);
		}
	}
	if (run)
		run->first.below = order;
	return run;
}

bool run_add(size_t need)
{
	struct run *const run = run_alloc(need);

	if (!run)
		return false;
	run->prev = NULL;
	run->next = tlsf.runs;
	if (run->next)
		run->next->prev = run;
	tlsf.runs = run;
	tlsf.pages += 1ull << run->first.below;
	tlsf.capacity += run_size(run);
	victim_set(run_first(run), run_size(run), FIRST);
	tag_of(victim_end())->header = USED | BELOW_FREE;
	return true;
}

/* --- statistics and check ----------------------------------------------------------------------*/

void heap_core_stats(struct heap_stats *stats)
{
	const uint64_t blocks = tlsf.allocs - tlsf.frees;

	*stats = (struct heap_stats){
		.pages = tlsf.pages,
		.used = tlsf.capacity - tlsf.listed - victim_size() - blocks * OVERHEAD,
		.blocks = blocks,
		.allocs = tlsf.allocs,
		.frees = tlsf.frees,
		.failures = tlsf.failures,
	};
}

/* What the runs were found to hold. */
struct census {
	uint64_t pages, capacity, blocks;
	uint64_t listed, listed_bytes; /* blocks that should be in a list */
	unsigned int victims, empty_runs;
	uintptr_t low, high; /* all runs lie between */
};

static struct block *run_end(const struct run *run)
{
	return block_at(run_first(run), run_size(run));
}

/* True if a listed block may be at @block. */
static bool block_is_possible(const struct block *block, const struct census *census)
{
	const uintptr_t at = (uintptr_t)block;

	return at % HEAP_MIN_ALIGN == 0 && at > census->low && at < census->high;
}

/* The list of runs, which the rest of the check walks in good faith. */
static bool runs_are_linked(struct census *census)
{
	const struct run *prev = NULL;
	bool spare = !tlsf.spare;

	for (const struct run *run = tlsf.runs; run; prev = run, run = run->next) {
		if (run->prev != prev || run->first.below > HEAP_MAX_ORDER ||
		    (uintptr_t)run % ((uintptr_t)HEAP_PAGE_SIZE << run->first.below))
			return false;
		census->pages += 1ull << run->first.below;
		census->capacity += run_size(run);
		/* Also ends a list that has become a ring. */
		if (census->pages > tlsf.pages)
			return false;
		spare |= run == tlsf.spare;
		if (census->low > (uintptr_t)run)
			census->low = (uintptr_t)run;
		if (census->high < (uintptr_t)run_end(run))
			census->high = (uintptr_t)run_end(run);
	}
	return spare && census->pages == tlsf.pages && census->capacity == tlsf.capacity;
}

/* A listed block is the first of its class, or the one before points to it. */
static bool block_is_listed(const struct block *block, const struct census *census)
{
	if (tlsf.list[class_of(block_size(block))] == block)
		return true;
	return block_is_possible(block->prev, census) && block->prev->next == block;
}

/* The size of @block, which is @room bytes before the end of its run; 0: something is wrong. */
static size_t check_block(const struct block *block, size_t room, struct census *census)
{
	const bool listed = block != tlsf.victim && !(tag_of(block)->header & USED);
	size_t size = block_size(block);

	if (block == tlsf.victim) {
		if (size)
			return 0;
		census->victims++;
		size = victim_size();
	}
	if (size < BLOCK_MIN || size > room || size % HEAP_MIN_ALIGN)
		return 0;
	census->blocks += tag_of(block)->header & USED;
	if (listed) {
		census->listed++;
		census->listed_bytes += size;
		if (!block_is_listed(block, census))
			return 0;
	}
	return size;
}

static bool check_run(const struct run *run, struct census *census)
{
	const struct block *const end = run_end(run);
	const struct block *block = run_first(run);
	size_t first_flag = FIRST, below = 0; /* @below: the size of the listed block before */
	bool was_free = false, empty = true;

	for (;;) {
		const struct tag tag = *tag_of(block);
		const bool is_free = !(tag.header & USED);
		size_t size;

		if ((is_free && was_free) || (below && tag.below != below) ||
		    (tag.header & (FLAGS - USED)) != (first_flag | (was_free ? BELOW_FREE : 0)))
			return false;
		if (block == end)
			break;
		size = check_block(block, (uintptr_t)end - (uintptr_t)block, census);
		if (!size)
			return false;
		below = is_free && block != tlsf.victim ? size : 0;
		was_free = is_free;
		empty &= is_free;
		first_flag = 0;
		block = block_at(block, size);
	}
	census->empty_runs += empty;
	return block_size(end) == 0 && tag_of(end)->header & USED && empty == run_is_empty(run) &&
	       (!empty || run == tlsf.spare);
}

/* Counts down census->listed. */
static bool check_list(unsigned int class, struct census *census)
{
	const struct block *block = tlsf.list[class];

	if ((tlsf.row[class / 64] >> class % 64 & 1) != (block != NULL))
		return false;
	for (; block; block = block->next) {
		if (!block_is_possible(block, census) || tag_of(block)->header & USED ||
		    block_size(block) < BLOCK_MIN || class_of(block_size(block)) != class ||
		    census->listed-- == 0)
			return false;
	}
	return true;
}

bool heap_core_check(void)
{
	struct census census = { .low = UINTPTR_MAX };

	if (!runs_are_linked(&census))
		return false;
	for (const struct run *run = tlsf.runs; run; run = run->next)
		if (!check_run(run, &census))
			return false;
	for (unsigned int class = 0; class < ARRAY_SIZE(tlsf.list); class ++)
		if (!check_list(class, &census))
			return false;
	return census.listed == 0 && census.listed_bytes == tlsf.listed && census.empty_runs <= 1 &&
	       census.victims == (tlsf.victim != NULL) && !tlsf.victim == !tlsf.limit &&
	       census.blocks == tlsf.allocs - tlsf.frees;
}
