/* SPDX-License-Identifier: MIT */
/*
 * Preemption: when the scheduler may take the CPU away from kernel code.
 *
 * cpu->preempt counts the reasons why not: nested preempt_disable(), and one for an interrupt that
 * is being handled. Its highest bit is set while nothing wants the CPU, so the word is 0 exactly
 * when a switch is wanted and allowed, and that is one comparison. With CONFIG_PREEMPT=n kernel
 * code keeps the CPU until it yields or blocks; the count is then kept only for
 * CONFIG_DEBUG_PREEMPT.
 *
 * Interrupts off is a stronger state than preemption off: nothing is counted there, because nothing
 * can interrupt. Whoever wakes a thread with interrupts off calls sched_point() later.
 */
#ifndef EXO_PREEMPT_H
#define EXO_PREEMPT_H

#include <arch/irq_flag.h>
#include <exo/cpu.h>

#define PREEMPT_UNWANTED 0x80000000u /* nothing wants this CPU */
#define PREEMPT_COUNTED (IS_ENABLED(CONFIG_PREEMPT) || IS_ENABLED(CONFIG_DEBUG_PREEMPT))

/* Gives up the CPU to whoever wants it (kernel/sched/core.c). Preemption and interrupts on. */
void sched_preempt(void);

/* Keeps this thread on this CPU, and other threads off it, up to preempt_enable(). Nests. */
static inline void preempt_disable(void)
{
	if (!PREEMPT_COUNTED)
		return;
	this_cpu_increment(preempt);
	barrier();
}

/*
 * preempt_enable() in two halves, for functions that need no stack but for a call: if this returns
 * true, the caller calls sched_preempt().
 */
static inline bool preempt_enable_asks(void)
{
	bool wanted;

	if (!PREEMPT_COUNTED)
		return false;
	barrier();
	wanted = this_cpu_decrement(preempt);
	return IS_ENABLED(CONFIG_PREEMPT) && wanted;
}

static inline void preempt_enable(void)
{
	if (unlikely(preempt_enable_asks()))
		sched_preempt();
}

/* May the scheduler take the CPU away here? Without a count, only interrupts are looked at. */
static inline bool preemptible(void)
{
	return irq_enabled() && (!PREEMPT_COUNTED || !(this_cpu_read(preempt) & ~PREEMPT_UNWANTED));
}

#endif
