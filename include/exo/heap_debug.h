/* SPDX-License-Identifier: MIT */
/*
 * The layer of CONFIG_HEAP_DEBUG (mm/heap_debug.c) above any heap variant: a red zone on both sides
 * of each block, poison in free and fresh memory, and a quarantine before memory is used again. A
 * write outside a block or to a freed one, a second heap_free() and a pointer that is no block end
 * in heap_misused(). Everybody else calls these functions by their names in exo/heap.h.
 */
#ifndef EXO_HEAP_DEBUG_H
#define EXO_HEAP_DEBUG_H

#include <exo/heap_core.h>

/* For host tests of a configuration without CONFIG_HEAP_DEBUG. */
#ifndef CONFIG_HEAP_QUARANTINE
#define CONFIG_HEAP_QUARANTINE 128
#endif

void *heap_debug_alloc(size_t size, size_t align) __requires(heap_lock);
void heap_debug_free(void *block) __requires(heap_lock);
void *heap_debug_resize(void *block, size_t size) __requires(heap_lock);
size_t heap_debug_size(const void *block) __requires(heap_lock);
void heap_debug_stats(struct heap_stats *stats) __requires(heap_lock);
void heap_debug_trim(void) __requires(heap_lock);
bool heap_debug_check(void) __requires(heap_lock);

/* What the layer knows of a block that was misused. */
struct heap_misuse {
	const char *what; /* a sentence without its full stop: "written behind its end" */
	const void *block;
	const void *at; /* the damaged byte; NULL if there is no single one */
	size_t size; /* as asked for; 0 if not known */
	/* Return addresses: who allocated, who freed, who called now. 0: not known, nobody. */
	uintptr_t allocated_by, freed_by, found_by;
};

/* Reports misuse and does not return; panics in the kernel. */
_Noreturn void heap_misused(const struct heap_misuse *misuse);

#endif
