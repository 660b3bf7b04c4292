/* SPDX-License-Identifier: MIT */
/*
 * The native comparison of the kernel's heaps with the C library's malloc and its rivals: what its
 * files share.
 *
 * One source, linked once for each allocator. call_kernel.h or call_malloc.h, included first by the
 * Makefile into replay.c and verify.c, says what an allocation is, inline, so that no allocator
 * pays for a layer that another does not have. Each program replays the same trace, an array made
 * beforehand; scripts/exo/native.py runs the programs round by round in turn and compares.
 */
#ifndef NATIVE_H
#define NATIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum operation_kind { ALLOCATE, FREE, RESIZE };

/* The first of a slot allocates, and the last one frees: after a trace nothing is left. */
struct operation {
	uint32_t kind : 2; /* enum operation_kind */
	uint32_t slot : 30;
	uint32_t size; /* ALLOCATE, RESIZE: bytes, at least 16 */
};

struct trace {
	const char *name;
	struct operation *operations;
	uint32_t count;
	uint32_t counted; /* so many are measured; those behind only free what is left */
	uint32_t slots; /* all slot numbers are below this */
	uint64_t peak_live; /* bytes: the most that is allocated at a time, as asked for */
	uint64_t checksum; /* of the operations */
};

/* Makes the trace of this name, with about 1 / @scale of its operations; false: no such name. */
bool trace_make(struct trace *trace, const char *name, uint32_t scale);

/* Zeroed memory that is there already and belongs to no allocator. Never freed; never fails. */
void *host_memory(size_t size);

/* Ends the program with a message. */
_Noreturn void fail(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));

/* --- replay.c: the timed passes --- */

/*
 * Replays the operations @from .. @end - 1 and writes a word to each block as its user would.
 * @blocks: one for each slot.
 */
void replay(const struct trace *trace, void **blocks, uint32_t from, uint32_t end);

/* Replays what counts, with each operation timed: ticks[i] = TSC ticks of operation i. */
void replay_timed(const struct trace *trace, void **blocks, uint32_t *ticks);

/* What replay_timed() measures where nothing happens: included in each of its figures. */
uint32_t replay_timer_ticks(void);

/* --- verify.c: the pass that checks --- */

struct verified {
	uint64_t contents; /* checksum of what was read back: the same for all allocators */
	uint64_t errors; /* blocks that were damaged, misaligned, or not given */
	uint64_t peak_held; /* bytes that the allocator held at most */
	uint64_t kept; /* bytes that it holds after everything was freed */
};

/* Replays the trace with patterns in the blocks. Measures memory if the process has done no other.
 */
void verify(const struct trace *trace, void **blocks, struct verified *result);

/* --- kernel.c, or library.c and one of glibc.c, jemalloc.c, mimalloc.c --- */

/* Prepares for a trace, before anything is allocated. */
void allocator_start(const struct trace *trace);

/* Writes name and version; fails if malloc() is another library's. */
void allocator_identify(char *text, size_t size);

/* Bytes held now: from its pages, or by the growth of the process since allocator_start(). */
uint64_t allocator_held(void);

/* The allocator's own consistency check, where there is one; @empty: nothing is allocated. */
bool allocator_check(bool empty);

#endif
