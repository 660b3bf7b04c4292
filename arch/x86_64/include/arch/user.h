/* SPDX-License-Identifier: MIT */
/*
 * Programs: what the processor has to do with them, for the files that are built with it. Those of
 * a protected kernel run in user mode (user.c); the one of a flat kernel runs in the kernel's
 * (flat.c), on stacks of its own, and is told apart by a flag of each CPU.
 */
#ifndef ARCH_USER_H
#define ARCH_USER_H

#include <arch/interrupt_frame.h>
#include <exo/compiler.h>
#include <exo/config.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct thread;
struct user_context;

/*
 * What is left of an address that a program says it is at. Programs have the lower half of four
 * levels of page tables, also where there are five: a mask is all that SYSRET needs to be safe.
 */
#define USER_ADDRESS_BITS 47
#define USER_ADDRESS_MASK ((1ull << USER_ADDRESS_BITS) - 1)
#define USER_END (USER_ADDRESS_MASK + 1 - PAGE_SIZE) /* user_end() */

/* CR4.SMAP is on: STAC and CLAC exist (user.inc). Constant once the CPUs have started. */
extern bool user_smap;

/* For a thread without state page, in place of it; only in protected kernels. */
extern const uint64_t user_no_state[8];

/* A program changes FS and GS base by itself, and so does the kernel without MSRs. As constant. */
extern bool user_has_fsgsbase;

/*
 * The same of where an upcall goes, and its stack: something that the CPU can load. A flat kernel's
 * program has addresses of both halves.
 */
static inline uint64_t user_address(uint64_t address)
{
	if (IS_ENABLED(CONFIG_FLAT_OBJECTS))
		return (uint64_t)((int64_t)(address << 16) >> 16);
	return address & USER_ADDRESS_MASK;
}

/* May the program have @size bytes at @address, as far as the address says? */
bool user_reaches(uint64_t address, size_t size);

/* Goes to user mode with these registers, which must be safe. Interrupts off. */
_Noreturn void user_leave(const struct interrupt_frame *frame);

/*
 * FS and GS base of the running thread: from the CPU to its context, and back. Between the two
 * others may write them there. Interrupts off.
 */
void user_save_bases(struct user_context *user);
void user_load_bases(struct user_context *user);

/* Was it a program that was interrupted, and not the kernel? Of what came without an IST stack. */
#if IS_ENABLED(CONFIG_PROTECTED)
static inline bool user_frame(const struct interrupt_frame *frame)
{
	return frame->cs & 3;
}
#elif IS_ENABLED(CONFIG_FLAT_OBJECTS)
bool user_frame(const struct interrupt_frame *frame);
#else
static inline bool user_frame(const struct interrupt_frame *frame)
{
	(void)frame;
	return false;
}
#endif

/*
 * @thread, which waits for a message and is about to be woken, goes on where the registers are
 * loaded (ipc_entry.asm): the fast path leaves its kernel stack without saying where. What waits in
 * C does not use the word.
 */
#if IS_ENABLED(CONFIG_IPC_FASTPATH)
extern const char ipc_return[];
#define IPC_RETURN_WORD 4 /* below the TCB */

static inline void user_message_resume(struct thread *thread)
{
	((uintptr_t *)thread)[-IPC_RETURN_WORD] = (uintptr_t)ipc_return;
}
#else
static inline void user_message_resume(struct thread *thread)
{
	(void)thread;
}
#endif

#if IS_ENABLED(CONFIG_OBJECTS)
/* A page fault in the kernel: true if it was user_copy(), which then goes on and says so. */
bool user_copy_fixup(struct interrupt_frame *frame);

/* What another CPU than the first lacks that is in use, or NULL. */
const char *user_missing_feature(void);
#else
static inline bool user_copy_fixup(struct interrupt_frame *frame)
{
	(void)frame;
	return false;
}

static inline const char *user_missing_feature(void)
{
	return NULL;
}
#endif

/* A debug exception in the kernel that a program has caused: nothing is to be done. */
#if IS_ENABLED(CONFIG_PROTECTED)
bool user_debug_in_kernel(const struct interrupt_frame *frame);
#else
static inline bool user_debug_in_kernel(const struct interrupt_frame *frame)
{
	(void)frame;
	return false;
}
#endif

#endif
