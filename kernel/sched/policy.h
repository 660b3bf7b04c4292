/* SPDX-License-Identifier: MIT */
/*
 * What a scheduling policy is: a run queue for each CPU, and these functions.
 *
 * A policy is a file policy_<name>.c and a header of the same name, which defines struct run_queue
 * and, inline, what the policy does not need. Exactly one is built in (CONFIG_SCHED_*), and all
 * pass tests/kernel/sched_conformance_test.c. The functions are called on the CPU whose queue it
 *is, with interrupts off, except where they say otherwise. The idle thread is never seen by a
 *policy.
 *
 *	const char policy_name[];
 *	What the monitor calls it.
 *
 *	void policy_init(struct run_queue *queue, struct cpu *cpu);
 *	Once for each CPU, before its first thread; @queue is all zero.
 *
 *	int policy_admit(struct thread *thread, const struct sched_parameters *parameters);
 *	In thread context, any CPU: may @thread have these parameters? If so they are its own from
 *now on: sets the entity up and thread->own_urgency, reserves what must be. For a new thread or an
 *existing one. 0, -EXO_E_ARG for values that make no sense, -EXO_E_BUSY if there is no room.
 *Chooses thread->home for a new thread, if it matters to the policy; else leaves it NULL.
 *
 *	void policy_leave(struct thread *thread);
 *	The thread has ended: gives back what policy_admit() has reserved. Any CPU.
 *
 *	POLICY_KEEPS_RUNNING
 *	1 if the running thread stays in its queue, 0 if policy_pick() takes it out. If it stays, it
 *is enqueued again when it is preempted, which may change its place, and policy_remove() takes it
 *	out when it stops being ready; if not, that is empty.
 *
 *	void policy_enqueue(struct run_queue *queue, struct thread *thread, enum enqueue_reason
 *why); The thread has become ready here, or was preempted. Not called for what policy_yield() keeps
 *in order.
 *
 *	void policy_remove(struct run_queue *queue, struct thread *thread);
 *	@thread, which was picked, is no longer ready here.
 *
 *	struct thread *policy_pick(struct run_queue *queue);
 *	The thread to run next; NULL if there is none. May take it from another CPU: then it
 *	sets thread->home, fences, and waits until thread->stack_pointer is not 0, because a thread
 *that is preempted gets into its queue while it is still on its stack. See core.c about attention.
 *
 *	struct thread *policy_yield(struct run_queue *queue, struct thread *current);
 *	@current lets others run: puts it where it belongs and takes out the next; may be @current.
 *
 *	bool policy_take(struct run_queue *queue, struct thread *thread);
 *	Takes out this very thread. False if it is not in this queue.
 *
 *	POLICY_HANDS
 *	1 if a thread may be replaced in its turn by another one that has the same urgency.
 *
 *	void policy_hand(struct run_queue *queue, struct thread *thread, struct thread *next);
 *	@thread, which runs, blocks, and @next, which was in no queue, runs in its place and turn.
 *
 *	bool policy_preempts(const struct thread *ready, const struct thread *current);
 *	Should @ready, just enqueued here, run instead of @current at once?
 *
 *	bool policy_slice_end(struct run_queue *queue, struct thread *current);
 *	@current has run for a whole slice (CONFIG_SCHED_SLICE_US) or more: should others run now?
 *
 *	unsigned int policy_length(const struct run_queue *queue);
 *	How many threads are in the queue. Any CPU; may be a little out of date.
 *
 *	struct thread *policy_give(struct run_queue *queue, const struct cpu *to);
 *	Takes out a ready thread that may run on @to, to be sent there; NULL if none. Policies that
 *let CPUs take for themselves always return NULL.
 *
 *	void policy_visit(const struct run_queue *queue, policy_visitor *visit, void *context);
 *	Calls @visit for every thread in the queue, as often as it is in it; what CPUs share is
 *in that of the first of them. For the audit: no CPU changes anything meanwhile.
 *
 *	void policy_running(struct run_queue *queue, struct thread *next);
 *	void policy_stopped(struct run_queue *queue, struct thread *previous);
 *	Around each turn, where a policy accounts for time; else inline and empty.
 */
#ifndef SCHED_POLICY_H
#define SCHED_POLICY_H

#include "policy_common.h"

#if IS_ENABLED(CONFIG_SCHED_ROUND_ROBIN)
#include "policy_round_robin.h"
#elif IS_ENABLED(CONFIG_SCHED_PRIORITY)
#include "policy_priority.h"
#elif IS_ENABLED(CONFIG_SCHED_STEALING)
#include "policy_stealing.h"
#elif IS_ENABLED(CONFIG_SCHED_EDF)
#include "policy_edf.h"
#elif IS_ENABLED(CONFIG_SCHED_STRIDE)
#include "policy_stride.h"
#endif

#ifndef POLICY_LENDS
#define POLICY_LENDS 1
#endif

/* 1: policy_slice_end() is called at every tick, even if threads have changed since the last. */
#ifndef POLICY_SEES_TICKS
#define POLICY_SEES_TICKS 0
#endif

/* Where in struct run_queue struct turns are, for those that have them (hand.inc). */
#ifndef POLICY_TURNS
#define POLICY_TURNS 0
#endif

#ifndef POLICY_STEALS
#define POLICY_STEALS 0
#endif

/*
 * The bound: how many slices a ready thread waits at most while @ready others, all that is ready on
 * its CPU, are as important to the policy. A turn takes two slices at most; one turn is to spare
 * for a more important thread in between. A policy whose bound is another defines it in its header.
 */
#ifndef POLICY_WAIT_SLICES
#define POLICY_WAIT_SLICES(ready) (2 * ((ready) + 1))
#endif

/* 1: the bound is of time alone. Others may have many turns meanwhile that are short. */
#ifndef POLICY_BOUNDS_TIME
#define POLICY_BOUNDS_TIME 0
#endif

#endif
