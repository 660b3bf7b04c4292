/* SPDX-License-Identifier: MIT */
/* Who called whom: return addresses from the chain of frame pointers, and names for addresses. */
#ifndef EXO_BACKTRACE_H
#define EXO_BACKTRACE_H

#include <exo/compiler.h>
#include <exo/config.h>

struct interrupt_frame;

/**
 * backtrace_next() - step one frame up
 * @frame_pointer: in: the frame; out: the caller's
 * Returns the return address, or 0 at the end or where the chain leaves the kernel's stacks.
 */
uint64_t backtrace_next(uint64_t *frame_pointer);

/**
 * backtrace_caller() - who jumped to where @frame's fault happened
 * Returns the address that a call pushed, if the frame's RIP is no code of the kernel's (so a wild
 * call led there and no function has set up a frame yet); else 0.
 */
uint64_t backtrace_caller(const struct interrupt_frame *frame);

/**
 * symbol_find() - the function that holds @address
 * @offset, @size: where in it, and how long it is (bytes)
 * Returns its name, or NULL with CONFIG_SYMBOLS=n or for an address outside the kernel's code.
 */
#if IS_ENABLED(CONFIG_SYMBOLS)
const char *symbol_find(uint64_t address, uint64_t *offset, uint64_t *size);
#else
static inline const char *symbol_find(uint64_t address, uint64_t *offset, uint64_t *size)
{
	(void)address, (void)offset, (void)size;
	return NULL;
}
#endif

#endif
