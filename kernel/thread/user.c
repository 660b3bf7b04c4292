/* SPDX-License-Identifier: MIT */
/*
 * Threads in user mode: entering it, and what others want of them at its border.
 *
 * Wishes are bits of thread->attention. Who sets one kicks the thread, so that it comes into the
 * kernel if it runs; on each way out the bits are looked at with interrupts off (user_entry.asm,
 * syscall_entry.asm), and whoever sets one after that look interrupts what comes next in user mode.
 *
 * Stopping. The thread publishes its registers in user->stopped, looks again whether it is still to
 * stop, and blocks, all with interrupts off. Who lets it go on first takes the wish back, then the
 * pointer away; one who gets it wakes the thread. The two orders are each other's opposite, with
 * full fences, so either the thread sees that it need not stop or the other sees that it has. Both
 * take the pointer away by an atomic exchange, so the thread is woken just once, or not at all if
 * it was first.
 */
#include "user_internal.h"

#include "thread_internal.h"

#include <arch/interrupt_frame.h>
#include <arch/user.h>
#include <exo/panic.h>

#define WISHES (THREAD_EVENT | THREAD_STOP | THREAD_KILL)

/* --- in the thread -----------------------------------------------------------------------------*/

/* Is the thread, which is on its way out, to stop? */
static bool should_stop(const struct thread *thread)
{
	return (atomic_load(&thread->attention) & (THREAD_STOP | THREAD_KILL)) == THREAD_STOP;
}

/* Waits for user_run() or user_kill(). Interrupts off. */
static void stop(struct thread *thread, struct interrupt_frame *frame)
{
	struct user_context *user = thread->user;
	struct interrupt_frame *published = frame;

	user_save_bases(user); /* they are the stopper's now, too */
	atomic_store(&user->stopped, frame);
	if (should_stop(thread) ||
	    !atomic_compare_exchange_strong(&user->stopped, &published, NULL))
		sched_block();
	user_load_bases(user);
}

void user_attend(struct interrupt_frame *frame)
{
	struct thread *thread = thread_current();

	for (;;) {
		const unsigned int wishes = atomic_load(&thread->attention) & WISHES;

		if (wishes & THREAD_KILL) {
			irq_enable();
			thread_exit(NULL);
		}
		if (wishes & THREAD_STOP)
			stop(thread, frame);
		else if (wishes & THREAD_EVENT)
			user_deliver(thread, frame);
		else
			return;
	}
}

void user_enter(const struct interrupt_frame *registers)
{
	struct interrupt_frame frame = *registers;

	ASSERT(thread_current()->user);
	if (user_sanitise(&frame)) {
		frame.rip = frame.rsp = 0; /* a fault of the program */
		user_sanitise(&frame);
	}
	irq_save();
	if (atomic_load(&thread_current()->attention) & WISHES)
		user_attend(&frame);
	user_leave(&frame);
}

/* --- by others ---------------------------------------------------------------------------------*/

/* Takes away what a stopped thread has published, and wakes it; false if it has not stopped. */
static bool release(struct thread *thread)
{
	if (!atomic_exchange(&thread->user->stopped, NULL))
		return false;
	sched_wake(thread);
	sched_point();
	return true;
}

/* Has its home look again whether it waits for a message: it may be beginning to, without a fence.
 */
static void recheck(struct thread *thread)
{
	if (IS_ENABLED(CONFIG_IPC_FASTPATH) && IS_ENABLED(CONFIG_SMP))
		sched_requeue(thread);
}

void user_stop(struct thread *thread)
{
	atomic_fetch_or(&thread->attention, THREAD_STOP);
	if (thread == thread_current())
		return; /* it looks on its way out */
	wait_cancel(thread, -EXO_E_AGAIN);
	recheck(thread);
	sched_kick(thread);
	sched_point();
}

bool user_stopped(struct thread *thread)
{
	return atomic_load(&thread->user->stopped) != NULL;
}

void user_run(struct thread *thread)
{
	atomic_fetch_and(&thread->attention, ~(unsigned int)THREAD_STOP);
	release(thread);
}

void user_kill(struct thread *thread)
{
	atomic_fetch_or(&thread->attention, THREAD_KILL);
	mutex_own_urgency_changed(thread); /* with that wish it is the highest */
	if (release(thread))
		return;
	wait_cancel(thread, -EXO_E_DEAD);
	recheck(thread);
	sched_kick(thread);
	sched_point();
}

bool user_reap(struct thread *thread)
{
	/* One that has stopped and is this CPU's own has left it; nobody else can wake it now. */
	if (atomic_load(&thread->home) != cpu_this() ||
	    !atomic_exchange(&thread->user->stopped, NULL))
		return false;
	thread_end_stopped(thread);
	return true;
}

void user_notify(struct thread *thread, uint32_t events)
{
	atomic_fetch_or(&thread->user->events, events);
	atomic_fetch_or(&thread->attention, THREAD_EVENT);
	sched_kick(thread);
	sched_point();
}
