/* SPDX-License-Identifier: MIT */
/*
 * For the files whose constants NASM needs (arch/x86_64/asm_offsets.c, kernel/sched/offsets.c):
 * they are compiled to assembly only, and the build turns each "@define NAME value" into a line of
 * generated/….inc.
 */
#ifndef EXO_OFFSETS_H
#define EXO_OFFSETS_H

#include <stddef.h>
#include <stdint.h>

#define DEFINE(name, value) \
	__asm__ volatile(".ascii \"@define " #name " %c0\"" : : "i"((uint64_t)(value)))

#endif
