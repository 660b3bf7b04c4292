/* SPDX-License-Identifier: MIT */
/*
 * Requests: what others want done with a thread by its home CPU, where the thread cannot change
 * meanwhile. It is put where its urgency belongs; and what it may have missed while it began to
 * wait for a message, without a fence, is looked at again (arch/x86_64/ipc_fastpath.inc).
 *
 * A thread has one node for this: whoever sets THREAD_REQUEUE sends it. THREAD_LOOK says that there
 * is something to be looked at that was not there before. The home clears that first, and the other
 * one last, unless THREAD_LOOK has come again: so nothing is missed, and once THREAD_REQUEUE is
 * clear nobody looks at the thread any more. Its memory waits for that (sched_flush_requests()).
 */
#include "sched_cpu.h"

#include <arch/pause.h>
#include <exo/ipc.h>
#include <exo/smp.h>
#include <exo/user.h>

/* Where its urgency belongs. On its home. */
static void put(struct cpu *cpu, struct thread *thread)
{
	if (policy_take(cpu_queue(cpu), thread)) {
		policy_enqueue(cpu_queue(cpu), thread, ENQUEUE_WOKEN);
		if (cpu->current != cpu->idle && policy_preempts(thread, cpu->current))
			sched_want_switch(cpu);
	}
	if (thread == cpu->current)
		sched_want_switch(cpu); /* perhaps somebody else is more urgent now */
}

/* What has been set before THREAD_LOOK is cleared is seen after. Is there nothing new? */
static bool is_done(struct thread *thread)
{
	unsigned int wishes = atomic_load(&thread->attention);

	while (!(wishes & THREAD_LOOK))
		if (atomic_compare_exchange_weak(&thread->attention, &wishes,
						 wishes & ~(unsigned int)THREAD_REQUEUE))
			return true;
	return false;
}

/*
 * @thread is this CPU's own. @missed: the request is another CPU's, which alone could want
 * something that the thread has missed; it holds no lock here.
 */
static void serve(struct cpu *cpu, struct thread *thread, bool missed)
{
	do {
		atomic_fetch_and(&thread->attention, ~(unsigned int)THREAD_LOOK);
		put(cpu, thread);
		if (IS_ENABLED(CONFIG_IPC) && missed && thread->user && thread->user->ipc)
			thread->user->ipc->recheck(thread);
	} while (!is_done(thread));
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

	if (!IS_ENABLED(CONFIG_SMP)) {
		put(cpu, thread);
	} else if (!(atomic_fetch_or(&thread->attention, THREAD_REQUEUE | THREAD_LOOK) &
		     THREAD_REQUEUE)) {
		home = atomic_load(&thread->home);
		if (home == cpu || !home)
			serve(cpu, thread, false);
		else
			send_request(home, thread);
	}
	irq_restore(flags);
}

void sched_take_requests(void)
{
	const uint64_t flags = irq_save();
	struct cpu *cpu = cpu_this(), *home;
	struct inject_node *node, *next;
	struct thread *thread;

	node = IS_ENABLED(CONFIG_SMP) ? injector_take(&cpu->requests) : NULL;
	for (; node; node = next) {
		next = node->next;
		thread = container_of(node, struct thread, request);
		home = atomic_load(&thread->home);
		if (home == cpu)
			serve(cpu, thread, true);
		else
			send_request(home, thread); /* it has moved meanwhile */
	}
	irq_restore(flags);
	cpu_pause();
}

static void take_requests(void *unused)
{
	(void)unused;
	sched_take_requests();
}

/* An interrupt would do, but for CPUs that have them off and wait for this one. */
void sched_flush_requests(void)
{
	struct cpu_set all;

	sched_take_requests();
	if (!IS_ENABLED(CONFIG_SMP) || nr_cpus_online == 1)
		return;
	cpu_set_all(&all);
	smp_call(&all, take_requests, NULL);
}
