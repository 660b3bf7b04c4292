/* SPDX-License-Identifier: MIT */
/*
 * Pages for a heap on the host (heap_model.h): an arena, and a byte a page that says whether a run
 * begins there and of what order, goes on there, or nothing is there. Runs are looked for from a
 * random place on, so that neighbours in time are hardly ever neighbours in memory.
 */
#include <sanitizer/asan_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "heap_blocks.h"
#include "heap_model.h"

#undef memset /* the C library's, not the kernel's: runs are large */

#define RUN_NONE 0
#define RUN_INSIDE 0xff /* any other value: the order + 1 */
#define ARENA_SIZE ((size_t)HEAP_MODEL_PAGES * HEAP_PAGE_SIZE)

struct heap_model heap_model = { .limit = HEAP_MODEL_PAGES, .fail_after = UINT32_MAX };
jmp_buf *heap_model_catch;
struct heap_misuse heap_model_found;

static uint8_t *arena; /* aligned to its size */
static uint8_t runs[HEAP_MODEL_PAGES];
static struct heap_random placement = { .state = 20250101 };

_Static_assert(HEAP_MODEL_PAGES == 1u << (HEAP_MODEL_ORDERS - 1), "the largest run is the arena");

#define MODEL_CHECK(condition)                                                                    \
	do {                                                                                      \
		if (!(condition)) {                                                               \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                                  \
		}                                                                                 \
	} while (0)

static void make_arena(void)
{
	uint8_t *const map = mmap(NULL, 2 * ARENA_SIZE, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	MODEL_CHECK(map != MAP_FAILED);
	arena = map + (ARENA_SIZE - (uintptr_t)map % ARENA_SIZE) % ARENA_SIZE;
	ASAN_POISON_MEMORY_REGION(arena, ARENA_SIZE);
}

static bool is_free(uint32_t page, uint32_t count)
{
	for (uint32_t i = page; i < page + count; i++)
		if (runs[i] != RUN_NONE)
			return false;
	return true;
}

static bool refuse(uint32_t count)
{
	if (heap_model.fail_after == 0)
		return true;
	if (heap_model.fail_after != UINT32_MAX)
		heap_model.fail_after--;
	return count > heap_model.limit || heap_model.pages > heap_model.limit - count ||
	       (heap_model.fail_one_in && heap_random(&placement, heap_model.fail_one_in) == 0);
}

/* Records a run of free pages and returns its first one, or HEAP_MODEL_PAGES if there is none. */
static uint32_t take_run(unsigned int order)
{
	const uint32_t count = 1u << order, places = HEAP_MODEL_PAGES >> order;
	/* Scattered small runs would leave no room for large ones: they begin in the first quarter.
	 */
	const uint32_t quarter = places / 4;
	const uint32_t start = order < 5 ? heap_random(&placement, quarter)
					 : quarter + heap_random(&placement, places - quarter);

	for (uint32_t i = 0; i < places; i++) {
		const uint32_t page = ((start + i) % places) << order;

		if (!is_free(page, count))
			continue;
		memset(runs + page, RUN_INSIDE, count);
		runs[page] = (uint8_t)(order + 1);
		return page;
	}
	return HEAP_MODEL_PAGES;
}

/* Nothing that a heap could take for its own, nor zero, nor one byte repeated. */
static void fill_with_junk(uint8_t *at, size_t size)
{
	memset(at, 0xa5 ^ (int)heap_random(&placement, 64), size);
	for (size_t i = 0; i < size; i += 64)
		at[i + heap_random(&placement, 64)] ^= 0xff;
}

void *heap_pages_alloc(unsigned int order)
{
	uint32_t page = HEAP_MODEL_PAGES;
	uint8_t *at;

	MODEL_CHECK(order <= HEAP_MAX_ORDER);
	if (!arena)
		make_arena();
	heap_model.requests++;
	if (order < HEAP_MODEL_ORDERS && !refuse(1u << order))
		page = take_run(order);
	if (page == HEAP_MODEL_PAGES) {
		heap_model.refused++;
		return NULL;
	}
	heap_model.pages += 1u << order;
	heap_model.runs++;
	if (heap_model.most_pages < heap_model.pages)
		heap_model.most_pages = heap_model.pages;
	at = arena + (size_t)page * HEAP_PAGE_SIZE;
	ASAN_UNPOISON_MEMORY_REGION(at, (size_t)HEAP_PAGE_SIZE << order);
	fill_with_junk(at, (size_t)HEAP_PAGE_SIZE << order);
	return at;
}

void heap_pages_free(void *pages, unsigned int order)
{
	const size_t offset = (size_t)((uint8_t *)pages - arena);
	const size_t page = offset / HEAP_PAGE_SIZE;

	MODEL_CHECK(order < HEAP_MODEL_ORDERS);
	MODEL_CHECK(arena && (uint8_t *)pages >= arena && offset < ARENA_SIZE);
	MODEL_CHECK(offset % HEAP_PAGE_SIZE == 0);
	MODEL_CHECK(runs[page] == order + 1);
	memset(runs + page, RUN_NONE, 1u << order);
	memset(pages, 0x5a, (size_t)HEAP_PAGE_SIZE << order);
	ASAN_POISON_MEMORY_REGION(pages, (size_t)HEAP_PAGE_SIZE << order);
	heap_model.pages -= 1u << order;
	heap_model.runs--;
}

bool heap_model_owns(const void *at, size_t size)
{
	const size_t offset = (size_t)((const uint8_t *)at - arena);
	size_t page = offset / HEAP_PAGE_SIZE;

	if (!arena || (const uint8_t *)at < arena || offset >= ARENA_SIZE)
		return false;
	while (page > 0 && runs[page] == RUN_INSIDE)
		page--;
	return runs[page] != RUN_NONE && runs[page] != RUN_INSIDE &&
	       offset + size <= (page + (1u << (runs[page] - 1))) * HEAP_PAGE_SIZE;
}

void heap_damaged(const char *what, const void *block)
{
	const struct heap_misuse misuse = { .what = what, .block = block };

	heap_misused(&misuse);
}

void heap_misused(const struct heap_misuse *misuse)
{
	if (heap_model_catch) {
		heap_model_found = *misuse;
		longjmp(*heap_model_catch, 1);
	}
	fprintf(stderr, "heap: block %p of %zu bytes: %s (at %p)\n", misuse->block, misuse->size,
		misuse->what, misuse->at);
	fprintf(stderr, "heap: allocated by %#lx, freed by %#lx, found by %#lx\n",
		misuse->allocated_by, misuse->freed_by, misuse->found_by);
	abort();
}
