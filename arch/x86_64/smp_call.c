/* SPDX-License-Identifier: MIT */
/*
 * Interrupts between CPUs, and functions that run on other CPUs.
 *
 * A call is a struct on the caller's stack, and a pointer to it goes into the channel of each CPU
 * that is asked (cpu->calls). The struct is the caller's again once the function has been counted
 * as done, so the server reads it before, and never after.
 *
 * A CPU that has emptied its channel sleeps, in the channel's sense, until it is interrupted: who
 * finds it asleep sends the interrupt. Nothing may come between the two, or whoever pushes next
 * would wait for an interrupt that its own CPU has yet to send: so both are done with interrupts
 * off. So are both halves of a push, and a server that finds a claimed cell waits for it.
 *
 * Who waits, for an answer or for room, serves its own channel meanwhile: with interrupts on it
 * would be served anyway, with interrupts off two CPUs that call each other would wait for ever.
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

static const struct exo_channel_shape shape = { CALL_CELLS, CALL_BYTES };

static struct exo_channel *channel_of(struct call_queue *queue)
{
	return (struct exo_channel *)(void *)queue->memory;
}

void smp_call_init(struct cpu *cpu, struct call_queue *queue)
{
	exo_consumer_init(&queue->consumer, channel_of(queue), &shape, false);
	(void)exo_channel_sleep(&queue->consumer);
	cpu->calls = queue;
}

void smp_call_serve(void)
{
	struct exo_consumer *consumer = &cpu_this()->calls->consumer;
	uint64_t message;

	do
		while (!exo_channel_pop(consumer, &message, 1)) {
			struct smp_call *call = (struct smp_call *)(uintptr_t)message;

			call->function(call->argument);
			atomic_fetch_sub_explicit(&call->pending, 1, memory_order_release);
		}
	while (!exo_channel_sleep(consumer));
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

static void serve_meanwhile(void)
{
	const uint64_t flags = irq_save();

	preempt_disable();
	smp_call_serve();
	preempt_enable();
	irq_restore(flags);
	cpu_pause();
}

void smp_call_wait(struct smp_call *call)
{
	while (atomic_load_explicit(&call->pending, memory_order_acquire))
		serve_meanwhile();
}

/* False if there is no room. */
static bool try_send(struct smp_call *call, cpu_t cpu)
{
	const uint64_t message = (uintptr_t)call;
	const uint64_t flags = irq_save();
	struct exo_producer producer;
	bool wake = false;
	int error;

	exo_producer_init(&producer, channel_of(cpus[cpu]->calls), &shape, 0);
	error = exo_channel_push(&producer, &message, 1, &wake);
	if (wake)
		smp_interrupt(cpu, IPI_CALL);
	irq_restore(flags);
	return !error;
}

void smp_call_send(struct smp_call *call, cpu_t cpu)
{
	while (!try_send(call, cpu))
		serve_meanwhile();
}

void smp_call(const struct cpu_set *set, void (*function)(void *argument), void *argument)
{
	struct smp_call call = { .function = function, .argument = argument };
	const cpu_t nr = nr_cpus_online;
	unsigned int members = 0;
	cpu_t self;

	preempt_disable();
	self = cpu_current();
	for (cpu_t cpu = cpu_set_next(set, 0); cpu < nr; cpu = cpu_set_next(set, cpu + 1))
		members += cpu != self;
	atomic_store_explicit(&call.pending, members, memory_order_relaxed);
	for (cpu_t cpu = cpu_set_next(set, 0); cpu < nr; cpu = cpu_set_next(set, cpu + 1))
		if (cpu != self)
			smp_call_send(&call, cpu);
	smp_call_wait(&call);
	preempt_enable();
}
