/* SPDX-License-Identifier: MIT */
/*
 * The order of locks: a lock may be taken while holding only locks of smaller ranks. docs/locking.md
 * says what each protects; CONFIG_LOCKDEP checks it at run time.
 */
#ifndef EXO_LOCK_RANK_H
#define EXO_LOCK_RANK_H

enum lock_rank {
	LOCK_RANK_MUTEX, /* sleeping locks, before all others */
	LOCK_RANK_TEST, /* locks of self tests */
	LOCK_RANK_THREADS, /* the list of all threads, and their references */
	LOCK_RANK_MUTEX_GRAPH, /* who waits for which mutex (kernel/thread/mutex.c) */
	LOCK_RANK_WAIT, /* a wait queue */
	LOCK_RANK_STACKS, /* which stacks of threads are taken */
	LOCK_RANK_KERNEL_SPACE, /* the kernel's page tables */
	LOCK_RANK_HEAP,
	LOCK_RANK_FRAMES,
	LOCK_RANK_IRQ, /* interrupt lines and their controllers */
	LOCK_RANK_TIMER, /* time keeping */
	LOCK_RANK_SCHED, /* what a scheduling policy shares among CPUs */
	LOCK_RANK_LOG,
	LOCK_RANK_CONSOLE, /* last: anything may print */
	NR_LOCK_RANKS,
};

#endif
