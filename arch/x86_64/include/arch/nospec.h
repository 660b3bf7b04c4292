/* SPDX-License-Identifier: MIT */
/* A mask for an index, without a branch that could be guessed. */
#ifndef ARCH_NOSPEC_H
#define ARCH_NOSPEC_H

#include <stdint.h>

/* All ones if @index is below @size, else 0. In assembler, as compilers know what a check says. */
static inline uint64_t index_mask(uint64_t index, uint64_t size)
{
	uint64_t mask;

	__asm__ volatile("cmp %1, %2; sbb %0, %0" : "=r"(mask) : "r"(size), "r"(index) : "cc");
	return mask;
}

#endif
