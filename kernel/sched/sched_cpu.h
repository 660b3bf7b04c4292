/* SPDX-License-Identifier: MIT */
/* What the scheduler keeps for each CPU, and what core.c and idle.c tell each other. */
#ifndef SCHED_CPU_H
#define SCHED_CPU_H

#include "policy.h"

#include <exo/preempt.h>
#include <exo/sched.h>

/* Behind struct cpu's pointer to its first member. */
struct sched_cpu {
	struct run_queue queue;
	struct timer slice; /* armed while somebody waits here, and once after */
	uint64_t slice_over; /* cpu->switches when the running thread had used up its slice */
	unsigned int ticks; /* ends of slices, for balancing */
	uint64_t received, sent; /* threads that came from and went to other CPUs */
	struct thread idle; /* of a CPU other than the first; unused there */
};

extern struct sched_cpu boot_sched_cpu;

static inline struct sched_cpu *sched_cpu(struct cpu *cpu)
{
	if (!IS_ENABLED(CONFIG_SMP))
		return &boot_sched_cpu;
	return container_of(cpu->queue, struct sched_cpu, queue);
}

static inline struct run_queue *cpu_queue(struct cpu *cpu)
{
	return IS_ENABLED(CONFIG_SMP) ? cpu->queue : &boot_sched_cpu.queue;
}

/* Is this tick, of @cpu's slice timer, for the policy to judge? */
static inline bool sched_tick_counts(const struct cpu *cpu)
{
	return cpu->current != cpu->idle &&
	       (POLICY_SEES_TICKS || cpu->tick_switches == cpu->switches);
}

static inline void sched_want_switch(struct cpu *cpu)
{
	cpu->preempt &= ~PREEMPT_UNWANTED;
}

/* What the slice timer of a CPU does (core.c). */
void sched_slice_end(struct timer *timer);

/* How many threads wait for @cpu. */
static inline unsigned int sched_waiting(struct cpu *cpu)
{
	const unsigned int length = policy_length(cpu_queue(cpu));

	return length - (POLICY_KEEPS_RUNNING && length > 0 && cpu->current != cpu->idle);
}

/* @thread belongs to @cpu from now on. */
static inline void sched_set_home(struct thread *thread, struct cpu *cpu)
{
	thread->home_number = cpu->number;
	atomic_store_explicit(&thread->home, cpu, memory_order_relaxed);
}

/* Swaps stacks and callee-saved registers (context_switch.asm). */
void context_switch(struct thread *previous, struct thread *next);

/* Chooses who runs next; the idle thread if nobody. Interrupts off. */
struct thread *sched_choose(struct cpu *cpu);

/* Gives the CPU to @next, which may not be the running thread. Interrupts off. */
void sched_switch_to(struct cpu *cpu, struct thread *next);

/* Sends a thread that is in no queue to another CPU, whose own it is from then on. */
void sched_send(struct cpu *to, struct thread *thread);

/* A CPU on which @thread may run, the idle ones first. */
struct cpu *sched_place(const struct thread *thread);

/* Serves this CPU's requests (THREAD_REQUEUE); and those of all CPUs: no lock held, smp_call(). */
void sched_take_requests(void);
void sched_flush_requests(void);

/* What the idle thread does, for ever. */
_Noreturn void sched_idle(void *unused);

/* How many CPUs are idle and have not been given anything yet. */
extern _Atomic unsigned int idle_count;

/* Somebody waits here: have an idle CPU take part. Interrupts off. */
void sched_offer(struct cpu *cpu);

/*
 * Threads have come into this CPU's queue without the core, by a policy that takes from other CPUs;
 * all CPUs can see them by now. Interrupts off.
 */
void sched_gained(struct cpu *cpu);

/* Has an idle CPU, if there is one, look for work. Interrupts off. */
void sched_call_idle(struct cpu *cpu);

/* Sometimes, at the end of a slice: evens out the lengths of queues. Interrupts off. */
void sched_balance(struct cpu *cpu);

/* --- kernel/thread/thread.c --- */

/* Makes what runs on @cpu, or will first, a thread: the boot code, an idle thread. */
void thread_adopt(struct thread *thread, const char *name, struct cpu *cpu);

/*
 * Frees some of the stacks that this CPU has too many of; false if it has not. Interrupts off, but
 * on for a while if it has; the caller stays on this CPU.
 */
bool thread_cache_shrink(void);

/* A thread has left its stack for the last time. Interrupts off. */
void thread_bury(struct thread *thread);

#endif
