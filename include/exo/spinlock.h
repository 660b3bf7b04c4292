/* SPDX-License-Identifier: MIT */
/*
 * Spinlocks: short critical sections on several CPUs.
 *
 * spin_lock() turns preemption off: for locks that no interrupt handler takes. spin_lock_irq()
 * turns interrupts off as well: for the others. The lock's rank says which it is (exo/lock_rank.h).
 * Nobody may sleep or wait for another CPU's interrupt handler while holding one, except that
 * spin_lock() alone lets this CPU's own interrupts, and so its IPIs, be served.
 *
 * With CONFIG_SMP=n only the turning off remains. How CPUs queue up for a lock (exo/spin_word.h) is
 * a choice: kernel/spin_ticket.c or spin_mcs.c. CONFIG_LOCKDEP (kernel/lockdep.c) checks the order,
 * CONFIG_LOCK_STATISTICS (kernel/lock_statistics.c) counts; clang's analysis knows who holds what
 * (exo/annotations.h).
 */
#ifndef EXO_SPINLOCK_H
#define EXO_SPINLOCK_H

#include <exo/annotations.h>
#include <exo/lock_debug.h>
#include <exo/lock_rank.h>
#include <exo/preempt.h>

#if IS_ENABLED(CONFIG_SMP)
#include <exo/spin_word.h>
#else
#include <exo/spin_none.h>
#endif

struct __capability("spinlock") spinlock
{
	uint16_t rank; /* enum lock_rank */
	struct spin_word word;
#if IS_ENABLED(CONFIG_LOCK_STATISTICS)
	uint64_t since; /* TSC, when it was taken; the holder's */
	uintptr_t taken_at; /* by the code at this return address */
#endif
};

/* A static initialiser; @lock_rank: enum lock_rank. All zero is none. */
#define SPINLOCK_INIT(lock_rank)              \
	{                                     \
		.rank = (uint16_t)(lock_rank) \
	}

static inline void spin_lock_init(struct spinlock *lock, enum lock_rank rank)
{
	*lock = (struct spinlock)SPINLOCK_INIT(rank);
}

/* The lock alone, preemption or interrupts off already. */
static __inline_always void spin_acquire(struct spinlock *lock)
	__acquires(lock) __no_thread_safety_analysis
{
	bool waited;

	if (IS_ENABLED(CONFIG_LOCKDEP))
		lockdep_check(lock);
	waited = !spin_word_try(&lock->word);
	if (unlikely(waited))
		spin_word_wait(&lock->word);
	if (IS_ENABLED(CONFIG_LOCKDEP))
		lockdep_taken(lock);
	if (IS_ENABLED(CONFIG_LOCK_STATISTICS))
		lock_statistics_taken(lock, waited);
	barrier();
}

/*
 * Takes the lock if nobody holds it, preemption or interrupts off already. Needs no order: whoever
 * does not wait cannot be waited for in a circle.
 */
static __inline_always bool spin_try_acquire(struct spinlock *lock)
	__try_acquires(true, lock) __no_thread_safety_analysis
{
	if (!spin_word_try(&lock->word))
		return false;
	if (IS_ENABLED(CONFIG_LOCKDEP))
		lockdep_taken(lock);
	if (IS_ENABLED(CONFIG_LOCK_STATISTICS))
		lock_statistics_taken(lock, false);
	barrier();
	return true;
}

static __inline_always void spin_release(struct spinlock *lock)
	__releases(lock) __no_thread_safety_analysis
{
	barrier();
	if (IS_ENABLED(CONFIG_LOCK_STATISTICS))
		lock_statistics_released(lock);
	if (IS_ENABLED(CONFIG_LOCKDEP))
		lockdep_released(lock);
	spin_word_release(&lock->word);
}

static __inline_always void spin_lock(struct spinlock *lock) __acquires(lock)
{
	preempt_disable();
	spin_acquire(lock);
}

/* Returns whether it could be had without waiting; preemption is off then. */
static __inline_always bool spin_try_lock(struct spinlock *lock) __try_acquires(true, lock)
{
	preempt_disable();
	if (spin_try_acquire(lock))
		return true;
	preempt_enable();
	return false;
}

static __inline_always void spin_unlock(struct spinlock *lock) __releases(lock)
{
	spin_release(lock);
	preempt_enable();
}

/* Returns the interrupt state for spin_unlock_irq(). */
static __inline_always uint64_t spin_lock_irq(struct spinlock *lock) __acquires(lock)
{
	const uint64_t flags = irq_save();

	spin_acquire(lock);
	return flags;
}

static __inline_always void spin_unlock_irq(struct spinlock *lock, uint64_t flags) __releases(lock)
{
	spin_release(lock);
	irq_restore(flags);
}

/* Opens every function that needs its caller to hold a lock (checked with CONFIG_LOCKDEP). */
static __inline_always void assert_held(const struct spinlock *lock)
	__asserts(lock) __no_thread_safety_analysis
{
	if (IS_ENABLED(CONFIG_LOCKDEP))
		lockdep_assert_held(lock);
	(void)lock;
}

#endif
