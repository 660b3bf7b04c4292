/* SPDX-License-Identifier: MIT */
/*
 * Spinlocks: short critical sections on several CPUs.
 *
 * spin_lock() turns preemption off: for locks that no interrupt handler takes. spin_lock_irq()
 * turns interrupts off as well: for the others. A lock is always taken in the same one of the two
 * ways. Nobody may sleep or wait for another CPU's interrupt handler while holding one, except that
 * spin_lock() alone lets this CPU's own interrupts, and so its IPIs, be served.
 *
 * With CONFIG_SMP=n only the turning off remains. The order of locks is exo/lock_rank.h.
 */
#ifndef EXO_SPINLOCK_H
#define EXO_SPINLOCK_H

#include <arch/cpu.h>
#include <exo/lock_rank.h>
#include <exo/panic.h>
#include <exo/preempt.h>

struct spinlock {
	enum lock_rank rank;
#if IS_ENABLED(CONFIG_SMP)
	_Atomic uint16_t next, owner; /* tickets */
#endif
};

/* A static initialiser; @lock_rank: enum lock_rank. All zero is none. */
#define SPINLOCK_INIT(lock_rank)    \
	{                           \
		.rank = (lock_rank) \
	}

static inline void spin_lock_init(struct spinlock *lock, enum lock_rank rank)
{
	*lock = (struct spinlock)SPINLOCK_INIT(rank);
}

/* The lock alone, preemption or interrupts off already. */
static inline void spin_acquire(struct spinlock *lock)
{
#if IS_ENABLED(CONFIG_SMP)
	const uint16_t ticket = atomic_fetch_add_explicit(&lock->next, 1, memory_order_relaxed);

	while (atomic_load_explicit(&lock->owner, memory_order_acquire) != ticket)
		cpu_pause();
#endif
	(void)lock;
	barrier();
}

static inline void spin_release(struct spinlock *lock)
{
	barrier();
#if IS_ENABLED(CONFIG_SMP)
	atomic_store_explicit(
		&lock->owner,
		(uint16_t)(atomic_load_explicit(&lock->owner, memory_order_relaxed) + 1),
		memory_order_release);
#endif
	(void)lock;
}

static inline void spin_lock(struct spinlock *lock)
{
	preempt_disable();
	spin_acquire(lock);
}

static inline void spin_unlock(struct spinlock *lock)
{
	spin_release(lock);
	preempt_enable();
}

/* Returns the interrupt state for spin_unlock_irq(). */
static inline uint64_t spin_lock_irq(struct spinlock *lock)
{
	const uint64_t flags = irq_save();

	spin_acquire(lock);
	return flags;
}

static inline void spin_unlock_irq(struct spinlock *lock, uint64_t flags)
{
	spin_release(lock);
	irq_restore(flags);
}

/* Opens every function that needs its caller to hold a lock (checked with CONFIG_LOCKDEP). */
#define assert_held(lock) ((void)(lock))

/* At the start of what may block: interrupts and preemption on, no spinlock held. */
#define assert_may_sleep() ((void)0)

#endif
