/* SPDX-License-Identifier: MIT */
/* The way of a signal to the one who waits for it, inline: of ntf_signal and of interrupts. */
#ifndef EXO_NTF_FAST_H
#define EXO_NTF_FAST_H

#include <arch/ntf_wait.h>
#include <exo/env.h>
#include <exo/wait.h>

/* @thread leaves the list. Under wait_lock. */
static inline void ntf_leave_list(struct ntf *ntf, struct user_thread *thread)
{
	list_remove(&thread->wait_node);
	if (--ntf->nr_waiters == 0)
		ntf->wanted = ntf->bound_mask;
	thread->waiting_on = NULL;
}

/*
 * Takes @thread out of the list, served with @bits. Under wait_lock; interrupts off. Returns whom
 * to wake; NULL if its time is over: it is on its way to finish_wait().
 */
static inline struct thread *ntf_serve(struct ntf *ntf, struct user_thread *thread, uint64_t bits)
{
	struct thread *waiter;

	ntf_leave_list(ntf, thread);
	thread->granted = bits;
	spin_acquire(&thread->wait.lock);
	waiter = wait_take_only(&thread->wait);
	spin_release(&thread->wait.lock);
	if (likely(waiter) && bits)
		user_wait_is_over(waiter);
	return waiter;
}

/* What is set goes to those who want it: to several, or none, or who is bound. As ntf_set_fast().
 */
struct thread *ntf_hand_out(struct ntf *ntf);

/* ntf_set_only(). */
static __inline_always struct thread *ntf_set_inline(struct ntf *ntf, uint64_t bits)
{
	struct thread *woken = NULL;
	struct user_thread *first;

	spin_acquire(&ntf->wait_lock);
	bits |= ntf->word;
	ntf->word = bits;
	if (bits & ntf->wanted) {
		first = list_entry(ntf->waiters.next, struct user_thread, wait_node);
		if (!IS_ENABLED(CONFIG_CC_OPTIMIZE_SIZE) &&
		    likely(!list_empty(&ntf->waiters) && !(bits & ~first->wait_mask))) {
			ntf->word = 0;
			woken = ntf_serve(ntf, first, bits);
		} else {
			woken = ntf_hand_out(ntf);
		}
	}
	spin_release(&ntf->wait_lock);
	return woken;
}

/* The same, but where size matters more. */
static inline struct thread *ntf_set_fast(struct ntf *ntf, uint64_t bits)
{
	if (IS_ENABLED(CONFIG_CC_OPTIMIZE_SIZE))
		return ntf_set_only(ntf, bits);
	return ntf_set_inline(ntf, bits);
}

#endif
