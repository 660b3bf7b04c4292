/* SPDX-License-Identifier: MIT */
/*
 * Threads in user mode (CONFIG_PROTECTED): entering it, what interrupts them there, stopping them.
 *
 * A thread with thread->user, which is set before it starts, runs a kernel function that calls
 *user_enter() and comes back into the kernel only by interrupts, exceptions and system calls, each
 *of which begins at the top of its kernel stack: no kernel state outlives a stay in user mode.
 *
 * What others want of such a thread are bits of thread->attention that are looked at whenever it is
 * about to return to user mode (user_attend()), so never in the middle of a system call:
 *
 *	THREAD_EVENT	context->events is not 0: an upcall
 *	THREAD_STOP	stop until user_run(); its registers can then be read and written
 *	THREAD_KILL	end
 *
 * Waits within system calls end early for THREAD_KILL and THREAD_STOP (wait_cancel()).
 */
#ifndef EXO_USER_H
#define EXO_USER_H

#include <arch/interrupt_frame.h>
#include <exo/page_table.h>
#include <exo/thread.h>
#include <uapi/exo/result.h>
#include <uapi/exo/thread.h>

struct ipc_ops;

/* What the kernel and the CPU need to run a thread in user mode. */
struct user_context {
	struct page_table *space; /* constant while the thread may run */
	/* The kernel's alias of its state page; NULL: it has none. Changed with the thread stopped.
	 */
	struct exo_state_page *state;
	uint64_t fs_base, gs_base; /* while it does not run, or is stopped */
	bool away; /* they are here and may be written, also while it runs: it is being stopped */
	struct exo_state_page *entry_state; /* for the entries: @state, or one that is all 0 */
	_Atomic uint32_t events; /* enum exo_event: to be delivered; any CPU sets bits */
	/* Its registers, while it is stopped in user_attend(); NULL else. Under no lock: who has
	 * seen user_stopped() return true may use it up to user_run(). */
	struct interrupt_frame *_Atomic stopped;
	/*
	 * A fault that cannot be an upcall (no state page, no entry, or disabled) has happened; the
	 * thread stops (THREAD_STOP is set) once this returns. Interrupts off, in the thread.
	 */
	void (*faulted)(struct thread *thread, const struct interrupt_frame *frame,
			uint64_t address);
	/* The thread has left its stack for the last time; on the idle thread, interrupts off. */
	void (*gone)(struct thread *thread);
	const struct ipc_ops *ipc; /* of a thread that may wait for messages; NULL */
};

/*
 * The first address that user space does not have: one page less than the lower half of four
 * levels of page tables, because the address behind a SYSCALL there would not be canonical (and
 * SYSRET to it faults in ring 0).
 */
uint64_t user_end(void);

/* Each CPU at its start, after gdt_init…() and mmu_init…(): SYSCALL, SMEP, SMAP, UMIP, FSGSBASE. */
#if IS_ENABLED(CONFIG_OBJECTS)
void user_init_cpu(void);
#else
static inline void user_init_cpu(void)
{
}
#endif

/**
 * user_enter() - leave the kernel for the first time
 * @registers: what they are to be; sanitised by user_sanitise()
 * With thread->user set, in the thread, any interrupt state. Attends to wishes first.
 */
_Noreturn void user_enter(const struct interrupt_frame *registers);

/* Makes what a program says its registers are safe to return to: rip and rsp canonical and below
 * user_end() (else -EXO_E_RANGE), selectors of user mode, only harmless bits of rflags. */
int user_sanitise(struct interrupt_frame *frame);

/* Asks a thread to stop at the border of user mode; ends a wait it is in. Any context. */
void user_stop(struct thread *thread);
/*
 * Has it stopped? Then its registers are user->stopped, up to user_run() or user_kill(): who looks
 * at them keeps others from calling these.
 */
bool user_stopped(struct thread *thread);
/* Lets it go on, or takes back user_stop(). */
void user_run(struct thread *thread);
/* Ends it, the sooner the better: it gets the highest urgency and leaves the kernel no more. */
void user_kill(struct thread *thread);
/*
 * The same for one that has stopped, and on this CPU: it is over at once, without running again and
 * without a call of user->gone(). False if it is not such a one. Interrupts off.
 */
bool user_reap(struct thread *thread);
/* Sets bits of events and has them delivered. Any context. */
void user_notify(struct thread *thread, uint32_t events);

/* In kernel/thread/upcall.c. */
void user_tell_slice(struct thread *thread);

/* The running thread has used up its slice while others wait: an event, if its program wants it.
 * Interrupts off. */
static inline void user_slice_over(struct thread *thread)
{
	if (IS_ENABLED(CONFIG_OBJECTS) && thread->user)
		user_tell_slice(thread);
}

/*
 * Copies to and from the memory of the program that runs here; 0 or -EXO_E_FAULT: then some of it
 * may have been copied. Addresses are checked. Interrupts may be off.
 */
int user_copy_from(void *to, uint64_t from, size_t size);
int user_copy_to(uint64_t to, const void *from, size_t size);

/* --- called by arch/ --- */

/* An exception of user mode: an upcall, or context->faulted(). Interrupts off. */
void user_exception(struct interrupt_frame *frame, uint64_t address);

/* The return to user mode when thread->attention is not 0. Interrupts off, at the end, too. */
void user_attend(struct interrupt_frame *frame);

/* The scheduler switches to @next, and one of the two has ->user. Interrupts off. */
void user_switch(struct thread *previous, struct thread *next);

#endif
