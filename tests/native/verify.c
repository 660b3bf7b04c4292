/* SPDX-License-Identifier: MIT */
/*
 * The pass over a trace that checks what the timed ones take for granted: each block is there, is
 * aligned to 16, and keeps its pattern, other in each block, over its whole size until it is freed
 * or resized. All bytes are written, so that the memory which a library has mapped is really held;
 * how much that is, is sampled along the way.
 */
#include <string.h>

#include "native.h"

#define SAMPLES 256
#define CHECKS 16

/* What is in a slot's block. */
struct contents {
	uint32_t size, seed;
};

static uint64_t pattern(uint32_t seed, uint32_t at)
{
	return (((uint64_t)seed << 32) + at + 1) * 0x9e3779b97f4a7c15ull;
}

static void fill(uint8_t *block, struct contents contents)
{
	uint32_t at = 0;
	uint64_t word;

	for (; contents.size - at >= sizeof(word); at += sizeof(word)) {
		word = pattern(contents.seed, at);
		memcpy(block + at, &word, sizeof(word));
	}
	word = pattern(contents.seed, at);
	memcpy(block + at, &word, contents.size - at);
}

/* The first @size bytes of a block must be as fill() wrote them. */
static void check(const uint8_t *block, struct contents contents, uint32_t size,
		  struct verified *result)
{
	bool good = true;

	for (uint32_t at = 0; at < size; at += sizeof(uint64_t)) {
		const size_t bytes = size - at < sizeof(uint64_t) ? size - at : sizeof(uint64_t);
		const uint64_t right = pattern(contents.seed, at);
		uint64_t word = 0;

		good &= memcmp(block + at, &right, bytes) == 0;
		memcpy(&word, block + at, bytes);
		result->contents = (result->contents ^ word) * 0x100000001b3ull;
	}
	result->errors += !good;
}

static void step(const struct operation *operation, uint32_t number, void **block,
		 struct contents *contents, struct verified *result)
{
	const uint32_t old_size = contents->size;

	if (operation->kind == FREE) {
		check(*block, *contents, old_size, result);
		call_free(*block);
		return;
	}
	if (operation->kind == ALLOCATE)
		*block = call_allocate(operation->size);
	else
		*block = call_resize(*block, operation->size);
	if (!*block || (uintptr_t)*block % 16)
		fail("operation %u: a block of %u bytes at %p", number, operation->size, *block);
	if (operation->kind == RESIZE)
		check(*block, *contents, old_size < operation->size ? old_size : operation->size,
		      result);
	*contents = (struct contents){ .size = operation->size, .seed = number };
	fill(*block, *contents);
}

void verify(const struct trace *trace, void **blocks, struct verified *result)
{
	struct contents *contents = host_memory(trace->slots * sizeof(*contents));

	allocator_start(trace);
	*result = (struct verified){ 0 };
	for (uint32_t i = 0; i < trace->count; i++) {
		const uint32_t slot = trace->operations[i].slot;

		step(&trace->operations[i], i, &blocks[slot], &contents[slot], result);
		if (i % (trace->count / SAMPLES + 1) == 0) {
			const uint64_t held = allocator_held();

			if (held > result->peak_held)
				result->peak_held = held;
		}
		if (i % (trace->count / CHECKS + 1) == 0)
			result->errors += !allocator_check(false);
	}
	result->kept = allocator_held();
	result->errors += !allocator_check(true);
}
