/* SPDX-License-Identifier: MIT */
/*
 * What a heap variant implements (mm/heap_bump.c, heap_buddy.c, heap_slab.c, heap_tlsf.c; one is
 * chosen by Kconfig), and where it gets its pages. The contract of each function is the one of its
 * namesake in exo/heap.h, which everybody else includes.
 *
 * A variant keeps a single heap in static variables that need no initialisation beyond zero. It
 * asks heap_pages_alloc() for memory when it must, and gives a run of pages back when nothing in it
 * is in use any more (it may keep one empty run, against thrashing; heap_core_trim() gives that
 * back too). It never trusts that two runs are adjacent.
 */
#ifndef EXO_HEAP_CORE_H
#define EXO_HEAP_CORE_H

#include <exo/compiler.h>
#include <exo/config.h>
#include <exo/spinlock.h>
#include <stdbool.h>

#define HEAP_PAGE_SIZE 4096
#define HEAP_MIN_ALIGN 16
#define HEAP_MAX_ALIGN 4096
#define HEAP_MAX_SIZE (1ull << 30) /* more than this is never given */
#define HEAP_MAX_ORDER 18 /* of heap_pages_alloc(): HEAP_MAX_SIZE in pages */

/* For host tests of a configuration without a heap. */
#ifndef CONFIG_HEAP_GROW_ORDER
#define CONFIG_HEAP_GROW_ORDER 4
#endif

/*
 * Is a call served from what belongs to its CPU? Then the caller has preemption off instead of
 * holding heap_lock, and the variant takes it itself, around what CPUs share.
 */
#define HEAP_PER_CPU (IS_ENABLED(CONFIG_HEAP_SLAB) && !IS_ENABLED(CONFIG_HEAP_DEBUG))

extern struct spinlock heap_lock; /* mm/heap.c */

struct heap_stats {
	uint64_t pages; /* 4 KiB pages held */
	uint64_t used; /* bytes in blocks that are in use, as heap_size() counts them */
	uint64_t blocks; /* how many of them */
	/*
	 * Since the start: allocations and frees that succeeded, and allocations that returned NULL
	 * (too large a size included). Resizing counts as it acts: NULL as an allocation, moving as
	 * an allocation and a free, in place as nothing, returning NULL as a failure.
	 */
	uint64_t allocs, frees, failures;
};

/* What tests must know of a variant. */
struct heap_traits {
	const char *name; /* as in its Kconfig symbol: "bump", "buddy", "slab", "tlsf" */
	bool frees; /* heap_free() makes memory available again */
	bool caches; /* keeps some free blocks, and so their pages, at hand until trimmed */
};
extern const struct heap_traits heap_core_traits;

void *heap_core_alloc(size_t size, size_t align) __requires(heap_lock);
void heap_core_free(void *block) __requires(heap_lock);
void *heap_core_resize(void *block, size_t size) __requires(heap_lock);
size_t heap_core_size(const void *block) __requires(heap_lock);
void heap_core_stats(struct heap_stats *stats) __requires(heap_lock);
void heap_core_trim(void) __requires(heap_lock);
bool heap_core_check(void) __requires(heap_lock);

/*
 * Below the heap: mm/heap_pages.c in the kernel, tests/host/heap_model.c on the host.
 * 2^@order pages (0 .. HEAP_MAX_ORDER), aligned to their size, contents undefined; NULL when there
 * are none.
 */
void *heap_pages_alloc(unsigned int order);
void heap_pages_free(void *pages, unsigned int order);

/* Called by a variant that finds damage; panics in the kernel. */
_Noreturn void heap_damaged(const char *what, const void *block);

#endif
