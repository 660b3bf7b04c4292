/* SPDX-License-Identifier: MIT */
/*
 * What a CPU does when no thread of its own is ready: it sends off the thread that has just left
 * (thread->outgoing: for another CPU, or for good), looks for work, and halts.
 *
 * A CPU that finds nothing announces itself in idle_cpus and looks once more before it halts; a CPU
 * that has more than it can run queues the thread and then looks for announced CPUs. With a full
 * fence between the two steps on both sides one of them sees the other: no thread waits while a CPU
 * sleeps. Whoever clears a CPU's bit is the one that gives it something, or just wakes it where
 * policies let CPUs take for themselves. A CPU that was claimed while it found something else
 * passes the call on. tests/model/idle.cpp checks all this.
 *
 * The idle thread is never preempted: interrupts return to it and it looks for itself.
 */
#include "sched_cpu.h"

#include <arch/cpu.h>
#include <exo/numa.h>
#include <exo/panic.h>
#include <exo/smp.h>

_Atomic unsigned int idle_count;
static _Atomic uint64_t idle_cpus[CPU_SET_WORDS];

static void announce(cpu_t number)
{
	atomic_fetch_or(&idle_cpus[number / 64], 1ull << number % 64);
	atomic_fetch_add(&idle_count, 1);
	atomic_thread_fence(memory_order_seq_cst);
}

/* True if this call took the CPU off the announced ones. */
static bool claim(cpu_t number)
{
	const uint64_t bit = 1ull << number % 64;

	if (!(atomic_load_explicit(&idle_cpus[number / 64], memory_order_relaxed) & bit) ||
	    !(atomic_fetch_and(&idle_cpus[number / 64], ~bit) & bit))
		return false;
	atomic_fetch_sub(&idle_count, 1);
	return true;
}

/* Finds an announced CPU other than this one, of the nodes nearest to this one's, and claims it. */
static struct cpu *claim_near(const struct cpu *cpu)
{
	for (;;) {
		struct cpu *best = NULL;
		unsigned int least = UINT32_MAX;

		for (cpu_t other = 0; other < nr_cpus_online; other++) {
			const uint64_t word =
				atomic_load_explicit(&idle_cpus[other / 64], memory_order_relaxed);
			unsigned int distance;

			if (!(word >> other % 64 & 1) || other == cpu->number)
				continue;
			distance = numa_distance(cpu->node, cpus[other]->node);
			if (distance < least) {
				least = distance;
				best = cpus[other];
			}
		}
		if (!best || claim(best->number))
			return best;
	}
}

void sched_offer(struct cpu *cpu)
{
	struct thread *thread;
	struct cpu *idle;

	if (sched_waiting(cpu) < (cpu->current == cpu->idle ? 2 : 1))
		return;
	idle = claim_near(cpu);
	if (!idle)
		return;
	thread = POLICY_STEALS ? NULL : policy_give(cpu_queue(cpu), idle);
	if (thread)
		sched_send(idle, thread);
	else if (POLICY_STEALS)
		smp_interrupt(idle->number, IPI_RESCHEDULE);
	else
		announce(idle->number); /* it sleeps on, and can be given something else */
}

void sched_call_idle(struct cpu *cpu)
{
	struct cpu *idle;

	atomic_thread_fence(memory_order_seq_cst);
	if (!atomic_load_explicit(&idle_count, memory_order_relaxed))
		return;
	idle = claim_near(cpu);
	if (idle)
		smp_interrupt(idle->number, IPI_RESCHEDULE);
}

/* One other CPU a time, in turn: the imbalance of two CPUs is at most two threads in the end. */
void sched_balance(struct cpu *cpu)
{
	const cpu_t number = (cpu->number + 1 + sched_cpu(cpu)->ticks / 8) % nr_cpus_online;
	struct cpu *other = cpus[number];
	struct thread *thread;

	if (other == cpu || sched_waiting(cpu) < sched_waiting(other) + 2)
		return;
	thread = policy_give(cpu_queue(cpu), other);
	if (thread)
		sched_send(other, thread);
}

struct cpu *sched_place(const struct thread *thread)
{
	struct cpu *best = NULL;
	unsigned int least = UINT32_MAX;

	for (cpu_t number = 0; number < nr_cpus_online; number++) {
		unsigned int length;

		if (!cpu_set_has(&thread->affinity, number))
			continue;
		length = sched_waiting(cpus[number]);
		if (cpus[number]->current != cpus[number]->idle)
			length++;
		if (length < least) {
			least = length;
			best = cpus[number];
		}
	}
	ASSERT(best); /* an affinity always has a CPU that is online */
	return best;
}

/* Where the thread that left has to go. */
static void send_outgoing(struct cpu *cpu)
{
	struct thread *thread = cpu->outgoing;

	if (!thread)
		return;
	cpu->outgoing = NULL;
	if (atomic_load_explicit(&thread->state, memory_order_relaxed) == THREAD_DEAD)
		thread_bury(thread);
	else
		sched_send(sched_place(thread), thread);
}

static struct thread *look(struct cpu *cpu)
{
	struct thread *thread = sched_choose(cpu);

	return thread == cpu->idle ? NULL : thread;
}

void sched_idle(void *unused)
{
	struct thread *next;
	struct cpu *cpu;

	(void)unused;
	irq_save();
	cpu = cpu_this(); /* for ever: this thread is the CPU's own */
	for (;;) {
		send_outgoing(cpu);
		while (unlikely(cpu->nr_ended > CONFIG_THREAD_CACHE))
			thread_cache_shrink();
		next = look(cpu);
		if (!next && IS_ENABLED(CONFIG_SMP) && nr_cpus_online > 1) {
			announce(cpu->number);
			next = look(cpu);
			/* Whoever claimed this CPU wanted its own thread to be taken. */
			if (next && !claim(cpu->number))
				sched_call_idle(cpu);
		}
		if (next) {
			sched_switch_to(cpu, next);
			continue;
		}
		if (sched_cpu(cpu)->slice.armed)
			timer_cancel(&sched_cpu(cpu)->slice);
		cpu_idle();
		claim(cpu->number);
	}
}
