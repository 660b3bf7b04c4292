/* SPDX-License-Identifier: MIT */
/*
 * The floating-point and vector state of threads. A thread has none until it executes its first
 * such instruction (CR0.TS, #NM); from then on it is saved and restored at each of its switches.
 * Kernel code itself never uses these registers.
 */
#ifndef EXO_FPU_H
#define EXO_FPU_H

#include <exo/thread.h>

struct interrupt_frame;

/*
 * Each CPU at its start: finds what the CPU has (first call), turns it on, sets CR0.TS. With
 * CONFIG_FPU_NONE it sees to it that nobody can use it.
 */
#if IS_ENABLED(CONFIG_THREADS)
void fpu_init_cpu(void);
#else
static inline void fpu_init_cpu(void)
{
}
#endif

#if IS_ENABLED(CONFIG_FPU)
/* Called when either thread has fpu_live set; interrupts off. */
void fpu_switch(struct thread *previous, struct thread *next);

/*
 * The device-not-available exception: gives the thread its state. Returns false if it was not meant
 * for the FPU, or in user mode without memory for it; panics where no thread may use it (interrupts
 * or preemption off).
 */
bool fpu_exception(const struct interrupt_frame *frame);

/* Frees a thread's state, once it will never run again. Not in an interrupt. */
void fpu_release(struct thread *thread);
#else
static inline void fpu_switch(struct thread *previous, struct thread *next)
{
	(void)previous, (void)next;
}

static inline bool fpu_exception(const struct interrupt_frame *frame)
{
	(void)frame;
	return false;
}

static inline void fpu_release(struct thread *thread)
{
	(void)thread;
}
#endif

#endif
