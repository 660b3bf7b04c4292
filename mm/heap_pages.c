/* SPDX-License-Identifier: MIT */
/*
 * What lies below the kernel heap: its pages are frames, reached through the direct map. And what
 * it does about damage: the kernel's memory cannot be trusted any more, so it panics.
 */
#include <arch/memory.h>
#include <exo/backtrace.h>
#include <exo/frame.h>
#include <exo/heap_debug.h>
#include <exo/panic.h>
#include <exo/printf.h>

_Static_assert(HEAP_MAX_ORDER <= FRAME_MAX_ORDER, "the largest block must be a block of frames");
_Static_assert(HEAP_PAGE_SIZE == PAGE_SIZE, "the heap counts in pages");

void *heap_pages_alloc(unsigned int order)
{
	paddr_t base;

	return frame_alloc(order, &base) ? NULL : phys_to_virt(base);
}

void heap_pages_free(void *pages, unsigned int order)
{
	const int error = frame_free((uintptr_t)pages - DIRECT_MAP_BASE, order);

	if (error)
		panic("heap: 2^%u pages at %p cannot be freed: error %d", order, pages, error);
}

void heap_damaged(const char *what, const void *block)
{
	panic("heap (%s): %p: %s", heap_core_traits.name, block, what);
}

/* A line about a return address, "" if there is none. */
static const char *describe(char *line, size_t size, const char *what, uintptr_t address)
{
	/* A return address may be the first byte after its function: look up the call itself. */
	uint64_t offset, length;
	const char *const name = address ? symbol_find(address - 1, &offset, &length) : NULL;

	if (!address)
		line[0] = '\0';
	else if (name)
		ksnprintf(line, size, "\n  %s 0x%016lx %s+0x%llx", what, address, name,
			  (unsigned long long)(offset + 1));
	else
		ksnprintf(line, size, "\n  %s 0x%016lx", what, address);
	return line;
}

void heap_misused(const struct heap_misuse *misuse)
{
	static char size[32], place[32], allocated[128], freed[128], found[128];

	if (misuse->size)
		ksnprintf(size, sizeof(size), " of %zu bytes", misuse->size);
	if (misuse->at)
		ksnprintf(place, sizeof(place), ", at byte %lld",
			  (long long)((uintptr_t)misuse->at - (uintptr_t)misuse->block));
	panic("heap: block %p%s: %s%s%s%s%s", misuse->block, size, misuse->what, place,
	      describe(allocated, sizeof(allocated), "allocated by", misuse->allocated_by),
	      describe(freed, sizeof(freed), "freed by    ", misuse->freed_by),
	      describe(found, sizeof(found), "found by    ", misuse->found_by));
}
