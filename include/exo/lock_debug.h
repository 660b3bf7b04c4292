/* SPDX-License-Identifier: MIT */
/*
 * What finds misuse of locks and counts their use: CONFIG_LOCKDEP (kernel/lockdep.c),
 * CONFIG_DEBUG_PREEMPT (kernel/debug_preempt.c) and CONFIG_LOCK_STATISTICS
 * (kernel/lock_statistics.c). Called by exo/spinlock.h and exo/cpu.h, except for the assertions.
 */
#ifndef EXO_LOCK_DEBUG_H
#define EXO_LOCK_DEBUG_H

#include <exo/compiler.h>
#include <exo/config.h>
#include <exo/lock_rank.h>
#include <stdbool.h>

struct spinlock;

/* Before waiting for a lock: may it be taken here? */
void lockdep_check(const struct spinlock *lock);

/* This CPU has taken it; before it releases it. */
void lockdep_taken(const struct spinlock *lock);
void lockdep_released(const struct spinlock *lock);

void lockdep_assert_held(const struct spinlock *lock);

/* This CPU holds none; @what is about to happen, as a verb in the past: "blocked". */
void lockdep_assert_none(const char *what);

/* Calls @visit for each lock that this CPU holds, the oldest first. */
void lockdep_for_each(void (*visit)(const struct spinlock *lock, uintptr_t taken_at));

void lock_statistics_taken(struct spinlock *lock, bool waited);
void lock_statistics_released(const struct spinlock *lock);

/* Of all locks of a rank, by all CPUs, since boot. */
struct lock_statistics {
	uint64_t taken, waited; /* times; waited: somebody else held it */
	uint64_t longest; /* TSC ticks that one was held */
	uintptr_t longest_at; /* by the code that took it, a return address */
};
void lock_statistics_read(enum lock_rank rank, struct lock_statistics *statistics);

/* Panics unless the caller stays on this CPU: interrupts or preemption off, or an idle thread. */
void preempt_check_pinned(void);

/* Panics unless the caller may be taken off the CPU: in a thread, interrupts and preemption on. */
void preempt_check_may_sleep(void);

/* At the start of what may block: interrupts and preemption on, no spinlock held. */
static __inline_always void assert_may_sleep(void)
{
	if (IS_ENABLED(CONFIG_LOCKDEP))
		lockdep_assert_none("blocked");
	if (IS_ENABLED(CONFIG_DEBUG_PREEMPT))
		preempt_check_may_sleep();
}

/* Where threads are switched: no spinlock goes from one to the other. */
static __inline_always void assert_no_spinlock(void)
{
	if (IS_ENABLED(CONFIG_LOCKDEP))
		lockdep_assert_none("switched to another thread");
}

/* Before using what belongs to this CPU. */
static __inline_always void assert_preempt_off(void)
{
	if (IS_ENABLED(CONFIG_DEBUG_PREEMPT))
		preempt_check_pinned();
}

#endif
