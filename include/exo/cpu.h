/* SPDX-License-Identifier: MIT */
/*
 * CPUs by number, and what the kernel keeps for each.
 *
 * Number 0 is the CPU that booted. With CONFIG_SMP the GS base of each CPU points to its struct
 * cpu, so that the fields are one instruction away (arch/this_cpu.h); without it there is just
 * boot_cpu. A field is its own CPU's to change, with interrupts or preemption off, unless it says
 * otherwise.
 */
#ifndef EXO_CPU_H
#define EXO_CPU_H

#include <arch/this_cpu.h>
#include <exo/compiler.h>
#include <exo/config.h>
#include <exo/injector.h>
#include <exo/lock_debug.h>
#include <stdatomic.h>
#include <stdbool.h>

/* With CONFIG_SMP=n there is one. */
#ifndef CONFIG_NR_CPUS
#define CONFIG_NR_CPUS 1
#endif
#define NR_CPUS CONFIG_NR_CPUS

typedef unsigned int cpu_t; /* 0 .. NR_CPUS - 1 */

struct thread;
struct run_queue;
struct call_queue;
struct cpu_timers;
struct frame_cache;
struct page_table;
struct tss;
struct exo_state_page;

struct cpu {
	struct cpu *self; /* first: what GS:0 reads */
	struct thread *current; /* NULL before sched_init() */
	uint32_t preempt; /* exo/preempt.h */
	cpu_t number;
	uint64_t undisturbed; /* attention and home_number of a thread of here that nobody wants */
	struct run_queue *queue; /* the policy's */
	struct thread *idle;
	struct thread *outgoing; /* has left its stack for good or for another CPU (idle.c) */
	uint64_t switches; /* context switches since boot */
	uint64_t fpu_saves; /* of them, how many saved FPU state */
	uint64_t tick_switches; /* @switches at the last end of a slice */
	struct injector injector; /* any CPU: threads that are to be queued here */
	struct injector requests; /* any CPU: threads of here whose urgency has changed */
	struct call_queue *calls; /* any CPU: smp_call() */
	uint32_t apic_id;
	unsigned int node; /* NUMA */
	struct frame_cache *frame_cache; /* mm/frame.c */
	struct cpu_timers *timers; /* kernel/time/timer.c */
	struct thread *ended; /* threads whose memory waits for new ones (thread_cache.c) */
	unsigned int nr_ended;
	struct page_table *_Atomic space; /* in CR3; NULL while it changes: any CPU reads it */
	/* Only with CONFIG_PROTECTED. */
	struct tss *tss; /* rsp[0] is where the running thread's kernel stack begins */
	struct exo_state_page *state; /* the running program's, or one that is all 0 */
	uint64_t user_word; /* for syscall_entry.asm, while it has no stack */
	/* Only with CONFIG_FLAT_OBJECTS: the program runs, not the kernel (flat_entry.asm). */
	bool in_program;
	bool in_interrupt; /* kept only with CONFIG_DEBUG_PREEMPT or CONFIG_LOCKDEP */
};

extern struct cpu boot_cpu;

/* Every CPU that takes part, by number; NULL for those that do not (yet). Written at boot. */
extern struct cpu *cpus[NR_CPUS];

/* How many CPUs take part; they have the numbers below it. Grows at boot only. */
extern unsigned int nr_cpus_online;

/* What cpu_current() returns, for those who check such things. */
static inline cpu_t this_cpu_number(void)
{
	return IS_ENABLED(CONFIG_SMP) ? this_cpu_read(number) : 0;
}

/* Is an interrupt being handled? Known only with CONFIG_DEBUG_PREEMPT or CONFIG_LOCKDEP. */
static inline bool cpu_in_interrupt(void)
{
	return (IS_ENABLED(CONFIG_DEBUG_PREEMPT) || IS_ENABLED(CONFIG_LOCKDEP)) &&
	       this_cpu_read(in_interrupt);
}

/* Makes the boot CPU's struct cpu reachable. Once, as soon as the segments are loaded. */
#if IS_ENABLED(CONFIG_SMP) || IS_ENABLED(CONFIG_THREADS) || IS_ENABLED(CONFIG_FRAMES)
void cpu_init_boot(void);
#else
static inline void cpu_init_boot(void)
{
}
#endif

/*
 * This CPU, and its number. The answers hold as long as the caller cannot be moved: interrupts or
 * preemption off, which CONFIG_DEBUG_PREEMPT checks.
 */
static __inline_always struct cpu *cpu_this(void)
{
	assert_preempt_off();
	return this_cpu_read(self);
}

static __inline_always cpu_t cpu_current(void)
{
	assert_preempt_off();
	return this_cpu_number();
}

#endif
