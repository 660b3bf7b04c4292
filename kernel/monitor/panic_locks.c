/* SPDX-License-Identifier: MIT */
/*
 * Misuse of locks on purpose, to see that CONFIG_LOCKDEP and CONFIG_DEBUG_PREEMPT report each as
 * what it is. Clang would not compile most of it: hence the exemptions.
 */
#include "panic_locks.h"

#include <arch/pause.h>
#include <exo/clock.h>
#include <exo/spinlock.h>
#include <exo/timer.h>

static struct spinlock first = SPINLOCK_INIT(LOCK_RANK_TEST);
static struct spinlock second = SPINLOCK_INIT(LOCK_RANK_TEST_IRQ);

void break_lock_order(void) __no_thread_safety_analysis
{
	irq_save();
	spin_acquire(&second);
	spin_acquire(&first);
}

void break_lock_twice(void) __no_thread_safety_analysis
{
	spin_lock(&first);
	spin_lock(&first);
}

void break_lock_release(void) __no_thread_safety_analysis
{
	spin_unlock(&first);
}

void break_lock_interrupts_on(void) __no_thread_safety_analysis
{
	spin_lock(&second);
}

void break_sleep_in_lock(void) __no_thread_safety_analysis
{
	spin_lock(&first);
	assert_may_sleep();
}

/* Has @function called in the timer's interrupt and waits for it. */
static void interrupt_with(void (*function)(struct timer *timer))
{
	static struct timer timer;
	const uint64_t end = clock_ns() + 1000000000;

	timer_prepare(&timer, function);
	preempt_disable();
	timer_arm(&timer, clock_ns() + 1000000);
	while (clock_ns() < end)
		cpu_pause();
	preempt_enable();
}

static void take_plain(struct timer *timer) __no_thread_safety_analysis
{
	(void)timer;
	spin_acquire(&first);
}

void break_lock_in_interrupt(void)
{
	if (IS_ENABLED(CONFIG_TIMER))
		interrupt_with(take_plain);
}

static void sleep_now(struct timer *timer)
{
	(void)timer;
	assert_may_sleep();
}

void break_sleep_in_interrupt(void)
{
	if (IS_ENABLED(CONFIG_TIMER))
		interrupt_with(sleep_now);
}

void break_cpu_unpinned(void)
{
	if (IS_ENABLED(CONFIG_DEBUG_PREEMPT))
		cpu_this();
}
