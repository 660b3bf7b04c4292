/* SPDX-License-Identifier: MIT */
/*
 * The scheduler's core: which thread runs. What is chosen is the policy's (kernel/sched/policy.h);
 * when and how to switch is here.
 *
 * Every thread has a home CPU, and only that CPU, with interrupts off, touches its place in a run
 * queue. Other CPUs leave it messages: a wake-up goes through the home's injector, a wish (suspend,
 * move, …) is a bit of thread->attention that is looked at whenever the thread is about to run. So
 * run queues have no locks, except where a policy lets CPUs take from each other.
 */
#ifndef EXO_SCHED_H
#define EXO_SCHED_H

#include <exo/cpu_set.h>
#include <exo/thread.h>

/* Makes the running code the first thread ("main") and lets threads be created. Boot list. */
#if IS_ENABLED(CONFIG_THREADS)
void sched_init(void);
#else
static inline void sched_init(void)
{
}
#endif

/**
 * sched_prepare_cpu() - get memory for the scheduler of a CPU that is to be started
 * @cpu: its number and node are set
 * Returns 0 or -EXO_E_NOMEM. Not undone: a CPU that does not start keeps it.
 */
int sched_prepare_cpu(struct cpu *cpu);

/* The end of a CPU's start: it becomes the idle thread of its CPU. Interrupts off. */
_Noreturn void sched_run_cpu(void);

/**
 * sched_block() - give up the CPU until sched_wake()
 * Interrupts off, and the thread is where a waker finds it. Returns with interrupts off.
 */
void sched_block(void);

/**
 * sched_hand() - give up the CPU, to one thread that waits
 * @next: has called sched_block(), and the caller is the one who wakes it
 * Interrupts off, and the running thread is where a waker finds it. @next goes on with the rest of
 * the turn if it belongs here, and the policy sees no difference or lets it go first; else this is
 * sched_wake() and sched_block(). Returns when the running thread is woken.
 */
void sched_hand(struct thread *next);

/* Would sched_hand() go straight to @next? */
bool sched_can_hand(const struct thread *next);

/*
 * Lends @thread the urgency of @lender, which waits for what it does: it runs with the highest of
 * this, its own, and those of who wait for its mutexes. NULL: no more. One at a time; by @thread
 * itself, or while nobody else can wake it. Interrupts off.
 */
void sched_lend(struct thread *thread, const struct thread *lender);

/* @lender waits no more: takes back what @thread has of it, if anything. Interrupts off. */
void sched_take_back(struct thread *thread, const struct thread *lender);

/**
 * sched_wake() - make a thread runnable that has called, or is about to call, sched_block()
 * Exactly once for each block: whoever takes the thread out of a wait queue is the one. Any CPU,
 * any context. In a thread, sched_point() should follow once interrupts are on.
 */
void sched_wake(struct thread *thread);

/* The same and then sched_interrupt_end(), in one. Interrupts off, no lock held. */
void sched_wake_now(struct thread *thread);

/*
 * The same at the end of a waker's critical section: gives way to @thread, if it is more urgent and
 * @flags allow it, and restores the interrupts to @flags. Interrupts off, no lock held.
 */
void sched_wake_restore(struct thread *thread, uint64_t flags);

/* Has @thread's home look at its attention bits, at once if it runs there. Any context. */
void sched_kick(struct thread *thread);

/* Has @thread's home put it where its new urgency belongs. Any context. */
void sched_requeue(struct thread *thread);

/* Ends the running thread: its CPU's idle thread buries it. Interrupts off. */
_Noreturn void sched_leave(void);

/* IPI_RESCHEDULE: takes in what others have sent. Interrupts off, in the interrupt. */
void sched_interrupt(void);

/* Has the policy choose anew; the running thread stays ready. Interrupts off. */
void sched_switch(void);

/* The end of any interrupt: switches if that is wanted and allowed. Interrupts off. */
static inline void sched_interrupt_end(void)
{
	if (IS_ENABLED(CONFIG_PREEMPT) && unlikely(this_cpu_read(preempt) == 0))
		sched_switch();
}

/* Gives way to a more urgent thread that was woken meanwhile. In a thread. */
static inline void sched_point(void)
{
	if (IS_ENABLED(CONFIG_PREEMPT) && unlikely(this_cpu_read(preempt) == 0))
		sched_preempt();
}

#endif
