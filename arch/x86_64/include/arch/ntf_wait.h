/* SPDX-License-Identifier: MIT */
/* The short way out of ntf_wait (ntf_wait.asm). */
#ifndef ARCH_NTF_WAIT_H
#define ARCH_NTF_WAIT_H

#include <exo/thread.h>

/*
 * A thread that waits in ntf_wait() has nothing to do any more but to answer what it was granted:
 * where its home is this CPU, it does so when it is switched to, and what is on its kernel stack is
 * forgotten. It has been taken out of its wait queue, by the caller, and not been woken yet.
 * Interrupts off.
 */
#define USER_WAIT_FRAME 88 /* of a thread's kernel stack, from its beginning: ntf_wait.asm */
#if IS_ENABLED(CONFIG_PROTECTED) && !IS_ENABLED(CONFIG_CC_OPTIMIZE_SIZE)
static inline void user_wait_is_over(struct thread *thread)
{
	if (!IS_ENABLED(CONFIG_SMP) ||
	    atomic_load_explicit(&thread->home, memory_order_relaxed) == cpu_this())
		atomic_store_explicit(&thread->stack_pointer, (uintptr_t)thread - USER_WAIT_FRAME,
				      memory_order_relaxed);
}
#else
static inline void user_wait_is_over(struct thread *thread)
{
	(void)thread;
}
#endif

#endif
