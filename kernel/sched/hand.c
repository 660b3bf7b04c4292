/* SPDX-License-Identifier: MIT */
/*
 * Handing the CPU to a thread that waits: the way of messages (ipc/), which need not queue whom
 * they wake. The partner takes the place that the running thread has in the policy's eyes: its turn
 * and what is left of its slice. So two threads that call each other have one slice between them,
 * and whoever waits for the CPU meanwhile gets it as if they were one. A policy that accounts for
 * each thread's time sees the partner wake, and is asked whether it may go first (policy_take()).
 */
#include "sched_cpu.h"

/* Is it the same to the policy which of the two runs? */
static inline bool can_hand(struct cpu *cpu, const struct thread *next)
{
	return POLICY_HANDS && atomic_load_explicit(&next->home, memory_order_relaxed) == cpu &&
	       next->urgency == cpu->current->urgency && cpu->preempt &&
	       sched_cpu(cpu)->slice_over != cpu->switches &&
	       !atomic_load_explicit(&next->attention, memory_order_relaxed);
}

bool sched_can_hand(const struct thread *next)
{
	return can_hand(cpu_this(), next);
}

/* The rest of sched_hand(). The tick goes by the number of switches: this one begins no slice. */
static inline void switch_in_slice(struct cpu *cpu, struct thread *next)
{
	if (cpu->tick_switches == cpu->switches)
		cpu->tick_switches++;
	sched_switch_to(cpu, next);
}

static void hand_by_queue(struct cpu *cpu, struct thread *next)
{
	struct run_queue *queue = cpu_queue(cpu);

	sched_wake(next);
	if (POLICY_HANDS || sched_cpu(cpu)->slice_over == cpu->switches ||
	    atomic_load_explicit(&next->attention, memory_order_relaxed) ||
	    !policy_take(queue, next)) {
		sched_block();
		return;
	}
	atomic_store_explicit(&cpu->current->state, THREAD_BLOCKED, memory_order_relaxed);
	policy_remove(queue, cpu->current);
	cpu->preempt |= PREEMPT_UNWANTED;
	switch_in_slice(cpu, next);
}

void sched_hand(struct thread *next)
{
	struct cpu *cpu = cpu_this();
	struct thread *current = cpu->current;

	if (!can_hand(cpu, next)) {
		hand_by_queue(cpu, next);
		return;
	}
	if (next->timeout.armed)
		timer_cancel(&next->timeout);
	atomic_store_explicit(&current->state, THREAD_BLOCKED, memory_order_relaxed);
	atomic_store_explicit(&next->state, THREAD_READY, memory_order_relaxed);
	policy_hand(cpu_queue(cpu), current, next);
	switch_in_slice(cpu, next);
}
