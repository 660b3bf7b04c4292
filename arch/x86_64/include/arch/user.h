/* SPDX-License-Identifier: MIT */
/* User mode: what the processor has to do with it, for the files that are built with it. */
#ifndef ARCH_USER_H
#define ARCH_USER_H

#include <exo/compiler.h>
#include <exo/config.h>
#include <stdbool.h>

struct interrupt_frame;
struct user_context;

/*
 * What is left of an address that a program says it is at. Programs have the lower half of four
 * levels of page tables, also where there are five: a mask is all that SYSRET needs to be safe.
 */
#define USER_ADDRESS_BITS 47
#define USER_ADDRESS_MASK ((1ull << USER_ADDRESS_BITS) - 1)

/* CR4.SMAP is on: STAC and CLAC exist (user.inc). Constant once the CPUs have started. */
extern bool user_smap;

/* Goes to user mode with these registers, which must be safe. Interrupts off. */
_Noreturn void user_leave(const struct interrupt_frame *frame);

/*
 * FS and GS base of the running thread: from the CPU to its context, and back. They are away from
 * the CPU between the two. Interrupts off.
 */
void user_save_bases(struct user_context *user);
void user_load_bases(struct user_context *user);

#if IS_ENABLED(CONFIG_PROTECTED)
/* A page fault in the kernel: true if it was user_copy(), which then goes on and says so. */
bool user_copy_fixup(struct interrupt_frame *frame);

/* A debug exception in the kernel that a program has caused: nothing is to be done. */
bool user_debug_in_kernel(const struct interrupt_frame *frame);

/* What another CPU than the first lacks that is in use, or NULL. */
const char *user_missing_feature(void);
#else
static inline bool user_copy_fixup(struct interrupt_frame *frame)
{
	(void)frame;
	return false;
}

static inline bool user_debug_in_kernel(const struct interrupt_frame *frame)
{
	(void)frame;
	return false;
}

static inline const char *user_missing_feature(void)
{
	return NULL;
}
#endif

#endif
