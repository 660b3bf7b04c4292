/* SPDX-License-Identifier: MIT */
/*
 * The order of locks: a lock may be taken while holding only locks of smaller ranks.
 * docs/locking.md says what each protects; CONFIG_LOCKDEP checks it at run time.
 *
 * The ranks are in two groups. Interrupts may come while a lock of the first one is held, and their
 * handlers take locks of the second: so whoever holds one of the second takes none of the first.
 * Were it otherwise, a CPU could wait for such a lock, whose holder is interrupted by a handler
 * that waits for the other one.
 */
#ifndef EXO_LOCK_RANK_H
#define EXO_LOCK_RANK_H

enum lock_rank {
	LOCK_RANK_NONE, /* what a lock that nobody initialised has */

	/* spin_lock(): no interrupt handler takes them. */
	LOCK_RANK_TEST, /* locks of self tests */
	LOCK_RANK_CAP_TABLE, /* the coming of pages to a capability table */
	LOCK_RANK_USER_SPACE, /* an environment's page tables */
	LOCK_RANK_OBJECT, /* the capabilities to an object, and its state */
	LOCK_RANK_BANK, /* a bank's counts, its cells and its list of objects */
	LOCK_RANK_ENDING, /* which objects wait to be torn down */
	LOCK_RANK_STACKS, /* which stacks of threads are taken */
	LOCK_RANK_KERNEL_SPACE, /* the kernel's page tables */
	LOCK_RANK_HEAP,
	LOCK_RANK_FRAMES,
	LOCK_RANK_CONSOLE, /* whose line is being written; interrupt handlers only try */

	/* spin_lock_irq(): interrupt handlers may take them. */
	LOCK_RANK_TEST_IRQ, /* locks of self tests */
	LOCK_RANK_THREADS, /* the list of all threads */
	LOCK_RANK_ENV_THREADS, /* the threads of an environment */
	LOCK_RANK_IRQ_BINDING, /* which notification an interrupt line signals */
	LOCK_RANK_NTF, /* a notification */
	LOCK_RANK_ENDPOINT, /* who waits at an endpoint */
	LOCK_RANK_MUTEX_GRAPH, /* who waits for which mutex (kernel/thread/mutex.c) */
	LOCK_RANK_WAIT, /* a wait queue */
	LOCK_RANK_IRQ, /* interrupt lines and their controllers */
	LOCK_RANK_TIMER, /* time keeping */
	LOCK_RANK_SCHED, /* what a scheduling policy shares among CPUs */
	LOCK_RANK_INPUT, /* keys that have arrived at a console */
	LOCK_RANK_LOG, /* last: whoever holds whatever may log */
	NR_LOCK_RANKS,
	LOCK_RANK_FIRST_IRQ = LOCK_RANK_TEST_IRQ,
};

/* The ranks' names, as they are spelled above (kernel/lock_rank.c). */
extern const char *const lock_rank_names[NR_LOCK_RANKS];

#endif
