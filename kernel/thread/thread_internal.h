/* SPDX-License-Identifier: MIT */
/* What the files of kernel/thread tell each other. */
#ifndef THREAD_INTERNAL_H
#define THREAD_INTERNAL_H

#include "../sched/sched_cpu.h"

#include <exo/mutex.h>
#include <exo/stack.h>
#include <exo/wait.h>

/* The TCB's room at the top of a stack: whole cache lines. */
#define THREAD_TCB_SIZE ((sizeof(struct thread) + 63) & ~63ul)

/*
 * A stack with a constructed TCB at its top: an ended thread's, else a new one (thread_cache.c). In
 * a thread, interrupts on. NULL for want of memory, or because there are CONFIG_THREADS_MAX.
 */
struct thread *thread_memory_get(void);

/* Nobody uses it any more. Interrupts may be off. */
void thread_memory_put(struct thread *thread);

/* Sets up what all threads have in common (thread.c). */
void thread_construct(struct thread *thread);

/* Ends @thread, which has blocked on this CPU and which nobody else can wake. Interrupts off. */
void thread_end_stopped(struct thread *thread);

#define STACK_PATTERN 0xa5 /* CONFIG_THREAD_STACK_USAGE: what was never written */

/* --- wait.c --- */

/* Puts the running thread into @queue, under its lock. wait_sleep() follows, without the lock. */
void wait_enter(struct wait_queue *queue) __requires(queue->lock);

/* Interrupts off all the time since wait_enter(). Returns what wait_block() does. */
int wait_sleep(uint64_t deadline);

/* Who would be taken next; NULL. */
struct thread *wait_first(const struct wait_queue *queue);

/* Puts @thread where its new urgency belongs, if it is still in @queue. Takes the lock. */
void wait_move(struct wait_queue *queue, struct thread *thread);

/* thread->timeout has expired. */
void wait_timeout(struct timer *timer);

/* thread->own_urgency is new: works out thread->urgency and has it take effect (mutex.c). */
void mutex_own_urgency_changed(struct thread *thread);

#endif
