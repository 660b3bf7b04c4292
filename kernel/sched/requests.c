/* SPDX-License-Identifier: MIT */
/*
 * Requests: what others want done with a thread by its home CPU, where the thread cannot change
 * meanwhile. It is put where its urgency belongs; and what it may have missed while it began to
 * wait for a message, without a fence, is looked at again (arch/x86_64/ipc_fastpath.inc).
 *
 * A thread has one node for this: whoever sets THREAD_REQUEUE sends it.
 */
#include "sched_cpu.h"

#include <arch/pause.h>
#include <exo/ipc.h>
#include <exo/smp.h>
#include <exo/user.h>

/* @thread, whose urgency has changed, is this CPU's own. */
static void requeue(struct cpu *cpu, struct thread *thread)
{
	atomic_fetch_and(&thread->attention, ~(unsigned int)THREAD_REQUEUE);
	if (policy_take(cpu_queue(cpu), thread)) {
		policy_enqueue(cpu_queue(cpu), thread, ENQUEUE_WOKEN);
		if (cpu->current != cpu->idle && policy_preempts(thread, cpu->current))
			sched_want_switch(cpu);
	}
	if (thread == cpu->current)
		sched_want_switch(cpu); /* perhaps somebody else is more urgent now */
}

static void send_request(struct cpu *to, struct thread *thread)
{
	if (injector_push(&to->requests, &thread->request))
		smp_interrupt(to->number, IPI_RESCHEDULE);
}

void sched_requeue(struct thread *thread)
{
	const uint64_t flags = irq_save();
	struct cpu *cpu = cpu_this(), *home;

	/* Whoever sets the bit sends the one node that the thread has for this. */
	if (!(atomic_fetch_or(&thread->attention, THREAD_REQUEUE) & THREAD_REQUEUE)) {
		home = atomic_load(&thread->home);
		if (!IS_ENABLED(CONFIG_SMP) || home == cpu || !home)
			requeue(cpu, thread);
		else
			send_request(home, thread);
	}
	irq_restore(flags);
}

/* A request of another CPU: only that could miss what happened here. */
static void serve(struct cpu *cpu, struct thread *thread)
{
	requeue(cpu, thread);
	if (IS_ENABLED(CONFIG_IPC) && thread->user && thread->user->ipc)
		thread->user->ipc->recheck(thread);
}

void sched_take_requests(void)
{
	const uint64_t flags = irq_save();
	struct cpu *cpu = cpu_this(), *home;
	struct inject_node *node, *next;
	struct thread *thread;

	for (node = injector_take(&cpu->requests); node; node = next) {
		next = node->next;
		thread = container_of(node, struct thread, request);
		home = atomic_load(&thread->home);
		if (home == cpu)
			serve(cpu, thread);
		else
			send_request(home, thread); /* it has moved meanwhile */
	}
	irq_restore(flags);
	cpu_pause();
}
