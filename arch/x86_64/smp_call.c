/* SPDX-License-Identifier: MIT */
/*
 * Interrupts between CPUs, and functions that run on other CPUs.
 *
 * A call is a struct on the caller's stack, and for each CPU that is asked a node, which goes into
 * that CPU's queue (cpu->calls); many CPUs at a time are asked in groups, to keep the stack small.
 * A node is the caller's again once its function has been counted as done, so the server reads it
 * before, and never after.
 *
 * Only the push that finds a queue empty sends an interrupt. Nothing may come between the two, or
 * whoever pushes next would wait for an interrupt that its own CPU has yet to send: so both are
 * done with interrupts off.
 *
 * Who waits serves its own queue meanwhile: with interrupts on they would be served anyway, with
 * interrupts off two CPUs that call each other would wait for ever.
 */
#include "smp_calls.h"

#include <arch/cpu.h>
#include <arch/interrupt.h>
#include <arch/lapic.h>
#include <arch/smp.h>
#include <exo/compiler.h>
#include <exo/panic.h>
#include <exo/preempt.h>
#include <exo/sched.h>

#define GROUP 16 /* a guess: 256 bytes of stack */

void smp_call_serve(void)
{
	struct inject_node *node = injector_take(&cpu_this()->calls);

	while (node) {
		struct smp_call *call = container_of(node, struct call_node, node)->call;

		node = node->next;
		call->function(call->argument);
		atomic_fetch_sub_explicit(&call->pending, 1, memory_order_release);
	}
}

void smp_interrupt(cpu_t cpu, enum ipi ipi)
{
	lapic_send(cpus[cpu]->apic_id, VECTOR_IPI_FIRST + ipi);
}

void smp_ipi(enum ipi ipi)
{
	if (ipi == IPI_CALL)
		smp_call_serve();
	else
		sched_interrupt();
}

void smp_call_wait(struct smp_call *call)
{
	while (atomic_load_explicit(&call->pending, memory_order_acquire)) {
		const uint64_t flags = irq_save();

		preempt_disable();
		smp_call_serve();
		preempt_enable();
		irq_restore(flags);
		cpu_pause();
	}
}

void smp_call_send(struct call_node *node, cpu_t cpu)
{
	const uint64_t flags = irq_save();

	if (injector_push(&cpus[cpu]->calls, &node->node))
		smp_interrupt(cpu, IPI_CALL);
	irq_restore(flags);
}

/* Asks up to GROUP members of @set from @cpu on; returns the first that was not asked. */
static cpu_t call_group(struct smp_call *call, const struct cpu_set *set, cpu_t cpu)
{
	struct call_node nodes[GROUP];
	unsigned int nr = 0;
	cpu_t members[GROUP];

	for (; cpu < nr_cpus_online && nr < GROUP; cpu = cpu_set_next(set, cpu + 1))
		if (cpu != cpu_current())
			members[nr++] = cpu;
	atomic_store_explicit(&call->pending, nr, memory_order_relaxed);
	for (unsigned int i = 0; i < nr; i++) {
		nodes[i].call = call;
		smp_call_send(&nodes[i], members[i]);
	}
	smp_call_wait(call);
	return cpu;
}

void smp_call(const struct cpu_set *set, void (*function)(void *argument), void *argument)
{
	struct smp_call call = { .function = function, .argument = argument };
	cpu_t cpu = cpu_set_next(set, 0);

	preempt_disable();
	while (cpu < nr_cpus_online)
		cpu = call_group(&call, set, cpu);
	preempt_enable();
}
