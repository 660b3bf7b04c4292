/* SPDX-License-Identifier: MIT */
/*
 * The scheduler's core: switching, waking, slices. Which thread is next is the policy's business.
 *
 * Everything here works on the CPU that executes it, with interrupts off; that is what protects
 * run queues, cpu->current and a ready thread's entity. A thread belongs to one CPU, its home:
 *
 *	ready	in the home's run queue, or on its way there in its injector; or it runs
 *	blocked	nowhere; its waker sends it home. It cannot get there before it has left its stack,
 *		because it gave up the CPU with interrupts off
 *
 * Others' wishes are bits of thread->attention, looked at when the policy has chosen the thread.
 * The wisher sets the bit with a locked instruction, then reads the home and kicks that CPU. A CPU
 * that has taken a thread from another (a thief) writes the home, fences, and then reads the bits:
 * so one of the two sees the other (Dekker). Where home stays, the interrupt orders the two.
 *
 * A slice is not timed from its thread's first instruction. While somebody waits, a timer goes off
 * every CONFIG_SCHED_SLICE_US; a thread that has run since the last time is at its slice's end. So
 * it runs for one to two slices, and switching never touches the timer.
 */
#include "sched_cpu.h"

#include <exo/fpu.h>
#include <exo/panic.h>
#include <exo/smp.h>
#include <exo/spinlock.h>
#include <exo/user.h>

#define SLICE_NS (CONFIG_SCHED_SLICE_US * NS_PER_US)
#define BALANCE_TICKS 8 /* a guess: balance every so many slices */

/* --- switching ---------------------------------------------------------------------------------*/

static __noinline void switch_fpu(struct thread *previous, struct thread *next)
{
	fpu_switch(previous, next);
	context_switch(previous, next);
}

static inline void switch_to(struct cpu *cpu, struct thread *previous, struct thread *next)
{
	assert_no_spinlock();
	if (IS_ENABLED(CONFIG_DEBUG_PREEMPT))
		ASSERT(!(cpu->preempt & ~PREEMPT_UNWANTED));
	if (previous != cpu->idle)
		policy_stopped(cpu_queue(cpu), previous);
	if (next != cpu->idle)
		policy_running(cpu_queue(cpu), next);
	cpu->current = next;
	cpu->switches++;
	next->switches++;
	if (IS_ENABLED(CONFIG_OBJECTS) &&
	    unlikely((uintptr_t)previous->user | (uintptr_t)next->user))
		user_switch(previous, next);
	if (IS_ENABLED(CONFIG_FPU) && unlikely(previous->fpu_live | next->fpu_live))
		switch_fpu(previous, next);
	else
		context_switch(previous, next);
}

void sched_switch_to(struct cpu *cpu, struct thread *next)
{
	switch_to(cpu, cpu->current, next);
}

/* Stops @thread if it should not go on: then it waits for thread_resume(). */
static bool park(struct thread *thread)
{
	unsigned int suspended = THREAD_SUSPENDED;

	atomic_store(&thread->state, THREAD_SUSPENDED);
	if (atomic_load(&thread->attention) & THREAD_SUSPEND)
		return true;
	/* Resumed meanwhile: by whoever changes the state back. */
	return !atomic_compare_exchange_strong(&thread->state, &suspended, THREAD_READY);
}

/* @thread was chosen, but somebody has a wish. Returns whether it can run here now. */
static bool attend(struct cpu *cpu, struct thread *thread)
{
	const unsigned int wishes =
		atomic_fetch_and(&thread->attention, ~(unsigned int)THREAD_MOVE);

	if (wishes & THREAD_MOVE && !cpu_set_has(&thread->affinity, cpu->number)) {
		policy_remove(cpu_queue(cpu), thread);
		if (thread == cpu->current)
			cpu->outgoing = thread; /* the idle thread sends it, off its stack */
		else
			sched_send(sched_place(thread), thread);
		return false;
	}
	if (wishes & THREAD_SUSPEND) {
		policy_remove(cpu_queue(cpu), thread);
		if (park(thread))
			return false;
		if (POLICY_KEEPS_RUNNING)
			policy_enqueue(cpu_queue(cpu), thread, ENQUEUE_PREEMPTED);
	}
	return true;
}

/* What is left to do when the policy's choice has wishes to be looked at. */
static __noinline struct thread *choose_attended(struct cpu *cpu, struct thread *thread)
{
	while (thread && atomic_load_explicit(&thread->attention, memory_order_relaxed) &&
	       !attend(cpu, thread))
		thread = cpu->outgoing ? NULL : policy_pick(cpu_queue(cpu));
	return thread ? thread : cpu->idle;
}

static inline struct thread *choose(struct cpu *cpu, struct thread *thread)
{
	if (unlikely(!thread))
		return cpu->idle;
	if (unlikely(atomic_load_explicit(&thread->attention, memory_order_relaxed)))
		return choose_attended(cpu, thread);
	return thread;
}

static inline struct thread *choose_next(struct cpu *cpu)
{
	return choose(cpu, policy_pick(cpu_queue(cpu)));
}

struct thread *sched_choose(struct cpu *cpu)
{
	return choose_next(cpu);
}

static __inline_hot void switch_wanted(struct cpu *cpu)
{
	struct sched_cpu *sched = sched_cpu(cpu);
	struct thread *current = cpu->current, *next;

	cpu->preempt |= PREEMPT_UNWANTED;
	if (unlikely(current == cpu->idle))
		return; /* it looks for itself */
	if (unlikely(sched->slice_over == cpu->switches)) {
		policy_enqueue(&sched->queue, current, ENQUEUE_SLICE_END);
	} else if (!POLICY_KEEPS_RUNNING) {
		policy_enqueue(&sched->queue, current, ENQUEUE_PREEMPTED);
	}
	next = choose_next(cpu);
	if (next != current)
		switch_to(cpu, current, next);
}

void sched_switch(void)
{
	switch_wanted(cpu_this());
}

void sched_preempt(void)
{
	const uint64_t flags = irq_save();

	if (flags & RFLAGS_IF && cpu_this()->preempt == 0)
		sched_switch();
	irq_restore(flags);
}

void sched_block(void)
{
	struct cpu *cpu = cpu_this();
	struct thread *current = cpu->current;

	atomic_store_explicit(&current->state, THREAD_BLOCKED, memory_order_relaxed);
	policy_remove(cpu_queue(cpu), current);
	cpu->preempt |= PREEMPT_UNWANTED;
	switch_to(cpu, current, choose_next(cpu));
}

void sched_leave(void)
{
	struct cpu *cpu = cpu_this();
	struct thread *current = cpu->current;

	atomic_store_explicit(&current->state, THREAD_DEAD, memory_order_relaxed);
	policy_remove(cpu_queue(cpu), current);
	cpu->outgoing = current;
	switch_to(cpu, current, cpu->idle);
	panic("sched: a thread that has ended runs again");
}

void thread_yield(void)
{
	const uint64_t flags = irq_save();
	struct cpu *cpu = cpu_this();
	struct thread *current = cpu->current;
	struct thread *next = choose(cpu, policy_yield(cpu_queue(cpu), current));

	if (next != current)
		switch_to(cpu, current, next);
	irq_restore(flags);
}

/*
 * Puts the running thread behind the others, and @thread, which is in no queue, in front of them,
 * where it goes on with the same slice; or, if that is used up, last but one. Else two threads
 * could keep the CPU between them for ever. Returns who is next.
 */
static struct thread *give_turn(struct cpu *cpu, struct thread *thread)
{
	struct run_queue *queue = cpu_queue(cpu);
	const bool over = sched_cpu(cpu)->slice_over == cpu->switches;

	if (over)
		policy_enqueue(queue, thread, ENQUEUE_WOKEN);
	policy_enqueue(queue, cpu->current, ENQUEUE_SLICE_END);
	if (over)
		return policy_pick(queue);
	if (POLICY_KEEPS_RUNNING)
		policy_enqueue(queue, thread, ENQUEUE_PREEMPTED);
	if (cpu->tick_switches == cpu->switches)
		cpu->tick_switches++;
	return thread;
}

int thread_yield_to(struct thread *thread)
{
	const uint64_t flags = irq_save();
	struct cpu *cpu = cpu_this();
	struct thread *current = cpu->current, *next;
	int error = -EXO_E_AGAIN;

	if (thread != current && atomic_load(&thread->home) == cpu &&
	    policy_take(cpu_queue(cpu), thread)) {
		next = choose(cpu, give_turn(cpu, thread));
		if (next != current)
			switch_to(cpu, current, next);
		error = 0;
	}
	irq_restore(flags);
	return error;
}

/* --- waking ------------------------------------------------------------------------------------*/

/* Ends a slice, if the running thread has used it; goes on while somebody waits. */
void sched_slice_end(struct timer *timer)
{
	struct cpu *cpu = cpu_this();
	struct sched_cpu *sched = container_of(timer, struct sched_cpu, slice);

	if (sched_waiting(cpu) == 0)
		return;
	/* The idle thread has no slice, but it is about to start one of those that wait. */
	if (sched_tick_counts(cpu) && policy_slice_end(&sched->queue, cpu->current)) {
		sched->slice_over = cpu->switches;
		user_slice_over(cpu->current);
		sched_want_switch(cpu);
	}
	cpu->tick_switches = cpu->switches;
	if (IS_ENABLED(CONFIG_SMP) && ++sched->ticks % BALANCE_TICKS == 0)
		sched_balance(cpu);
	timer_arm(timer, clock_ns() + SLICE_NS);
}

static __noinline void start_slice(struct cpu *cpu, struct sched_cpu *sched)
{
	cpu->tick_switches = cpu->switches;
	timer_arm(&sched->slice, clock_ns() + SLICE_NS);
}

/* @thread is ready and this CPU's own. */
static inline void enqueue(struct cpu *cpu, struct thread *thread)
{
	struct sched_cpu *sched = sched_cpu(cpu);
	struct thread *current = cpu->current;

	if (thread->timeout.armed)
		timer_cancel(&thread->timeout);
	atomic_store_explicit(&thread->state, THREAD_READY, memory_order_relaxed);
	policy_enqueue(&sched->queue, thread, ENQUEUE_WOKEN);
	if (current == cpu->idle) {
		if (sched_waiting(cpu) == 1)
			return;
	} else if (policy_preempts(thread, current)) {
		sched_want_switch(cpu);
	}
	if (!sched->slice.armed)
		start_slice(cpu, sched);
	if (!IS_ENABLED(CONFIG_SMP) || nr_cpus_online == 1)
		return;
	/* The queue's change before the look at who is idle; announce() fences on the other side.
	 */
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&idle_count, memory_order_relaxed))
		sched_offer(cpu);
}

void sched_gained(struct cpu *cpu)
{
	struct sched_cpu *sched = sched_cpu(cpu);

	if (!sched->slice.armed)
		start_slice(cpu, sched);
	if (IS_ENABLED(CONFIG_SMP))
		sched_call_idle(cpu);
}

void sched_send(struct cpu *to, struct thread *thread)
{
	struct cpu *from = cpu_this();

	if (to == from) {
		enqueue(from, thread);
		return;
	}
	if (atomic_load_explicit(&thread->home, memory_order_relaxed) != to) {
		sched_set_home(thread, to);
		thread->migrations++;
		sched_cpu(from)->sent++;
	}
	if (injector_push(&to->injector, &thread->inject))
		smp_interrupt(to->number, IPI_RESCHEDULE);
}

static inline void wake(struct cpu *cpu, struct thread *thread)
{
	if (!IS_ENABLED(CONFIG_SMP) ||
	    likely(atomic_load_explicit(&thread->home, memory_order_relaxed) == cpu))
		enqueue(cpu, thread);
	else
		sched_send(atomic_load_explicit(&thread->home, memory_order_relaxed), thread);
}

void sched_wake(struct thread *thread)
{
	const uint64_t flags = irq_save();

	wake(cpu_this(), thread);
	irq_restore(flags);
}

void sched_wake_now(struct thread *thread)
{
	struct cpu *cpu = cpu_this();

	if (IS_ENABLED(CONFIG_CC_OPTIMIZE_SIZE) ||
	    unlikely(!POLICY_KEEPS_RUNNING || cpu->preempt != PREEMPT_UNWANTED)) {
		sched_wake(thread);
		sched_interrupt_end();
		return;
	}
	wake(cpu, thread);
	if (!IS_ENABLED(CONFIG_PREEMPT) || cpu->preempt)
		return;
	/* Nothing but @thread has wanted the switch, so it is the first of the queue. */
	if (likely(sched_cpu(cpu)->slice_over != cpu->switches &&
		   !atomic_load_explicit(&thread->attention, memory_order_relaxed))) {
		cpu->preempt = PREEMPT_UNWANTED;
		switch_to(cpu, cpu->current, thread);
	} else {
		sched_switch();
	}
}

void sched_wake_restore(struct thread *thread, uint64_t flags)
{
	struct cpu *cpu = cpu_this();

	wake(cpu, thread);
	if (IS_ENABLED(CONFIG_PREEMPT) && cpu->preempt == 0 && flags & RFLAGS_IF)
		switch_wanted(cpu);
	irq_restore(flags);
}

void sched_kick(struct thread *thread)
{
	const uint64_t flags = irq_save();
	struct cpu *cpu = cpu_this();
	struct cpu *home = atomic_load(&thread->home);

	if (home == cpu && thread == cpu->current)
		sched_want_switch(cpu);
	else if (home && home != cpu)
		smp_interrupt(home->number, IPI_RESCHEDULE);
	irq_restore(flags);
}

void sched_interrupt(void)
{
	struct cpu *cpu = cpu_this();
	struct inject_node *node = injector_take(&cpu->injector), *next;
	struct thread *thread;

	for (; node; node = next) {
		next = node->next;
		thread = container_of(node, struct thread, inject);
		ASSERT(atomic_load(&thread->home) == cpu);
		sched_cpu(cpu)->received++;
		enqueue(cpu, thread);
	}
	sched_take_requests();
	if (atomic_load(&cpu->current->attention))
		sched_want_switch(cpu);
}
