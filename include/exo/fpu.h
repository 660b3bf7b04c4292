/* SPDX-License-Identifier: MIT */
/*
 * The floating-point and vector state of threads. A thread has none until it executes its first
 * such instruction (CR0.TS, #NM); from then on it is saved and restored at each switch that follows
 * a use. Kernel code itself never uses these registers.
 */
#ifndef EXO_FPU_H
#define EXO_FPU_H

#include <exo/thread.h>

#if IS_ENABLED(CONFIG_FPU)
/* Each CPU at its start: finds what the CPU has (first call), turns it on, sets CR0.TS. */
void fpu_init_cpu(void);

/* Called when either thread has fpu_live set; interrupts off. */
void fpu_switch(struct thread *previous, struct thread *next);

/* The device-not-available exception. Returns false if it was not meant for the FPU. */
bool fpu_exception(void);

/* Frees a thread's state, once it will never run again. */
void fpu_release(struct thread *thread);
#else
static inline void fpu_init_cpu(void)
{
}

static inline void fpu_switch(struct thread *previous, struct thread *next)
{
	(void)previous, (void)next;
}

static inline bool fpu_exception(void)
{
	return false;
}

static inline void fpu_release(struct thread *thread)
{
	(void)thread;
}
#endif

#endif
