/* SPDX-License-Identifier: MIT */
/*
 * What the heap's tests share: patterns that fill blocks, and random sizes. A pattern depends on a
 * block's seed and on the place in it, so two blocks that overlap destroy each other's, and memory
 * that moved by a few bytes is seen too. No C library: the kernel runs it as well.
 */
#ifndef HEAP_BLOCKS_H
#define HEAP_BLOCKS_H

#include <exo/heap_core.h>

/* Of a block with more than 4 KiB only every eighth word is filled, and the last whole one. */
#define PATTERN_DENSE 4096

struct heap_random {
	uint64_t state; /* not 0 */
};

/* xorshift64*, scaled: uniform in 0 .. @below - 1; @below up to 2^32. */
static inline uint32_t heap_random(struct heap_random *random, uint64_t below)
{
	random->state ^= random->state >> 12;
	random->state ^= random->state << 25;
	random->state ^= random->state >> 27;
	return (uint32_t)((random->state * 2685821657736338717ull >> 32) * below >> 32);
}

/* 1 .. 2^@bits, each power of two as likely as the next: mostly small, and any within one. */
static inline size_t heap_random_size(struct heap_random *random, unsigned int bits)
{
	const uint32_t power = heap_random(random, bits + 1);

	return power ? (1ull << (power - 1)) + heap_random(random, 1ull << (power - 1)) + 1 : 1;
}

static inline uint64_t pattern_word(uint32_t seed, size_t word)
{
	return ((uint64_t)seed << 32 ^ (word + 1)) * 0x9e3779b97f4a7c15ull;
}

static inline uint8_t pattern_byte(uint32_t seed, size_t byte)
{
	return (uint8_t)(pattern_word(seed, byte / 8) >> byte % 8 * 8);
}

/* Fills a whole block; @block is aligned to 16. */
static inline void pattern_fill(void *block, size_t size, uint32_t seed)
{
	const size_t words = size / 8, step = size > PATTERN_DENSE ? 8 : 1;
	uint64_t *const at = block;

	for (size_t i = 0; i < words; i += step)
		at[i] = pattern_word(seed, i);
	if (words)
		at[words - 1] = pattern_word(seed, words - 1);
	for (size_t i = words * 8; i < size; i++)
		((uint8_t *)block)[i] = pattern_byte(seed, i);
}

/* True if the first @kept bytes of a block are as pattern_fill(, @size, @seed) made them. */
static inline bool pattern_holds(const void *block, size_t size, size_t kept, uint32_t seed)
{
	const size_t words = size / 8, step = size > PATTERN_DENSE ? 8 : 1;
	const uint64_t *const at = block;

	for (size_t i = 0; (i + 1) * 8 <= kept && i < words; i += step)
		if (at[i] != pattern_word(seed, i))
			return false;
	if (words && words * 8 <= kept && at[words - 1] != pattern_word(seed, words - 1))
		return false;
	if (kept < size && step > 1)
		return true;
	for (size_t i = kept == size ? words * 8 : kept / 8 * 8; i < kept; i++)
		if (((const uint8_t *)block)[i] != pattern_byte(seed, i))
			return false;
	return true;
}

#endif
