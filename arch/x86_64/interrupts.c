/* SPDX-License-Identifier: MIT */
/*
 * Where every interrupt arrives: exceptions, device lines, the local APIC's own, and strays.
 *
 * While an interrupt is handled preemption counts as off, so that a wake-up does not switch at once
 * on this CPU; the switch comes at the end. Exceptions happen inside a thread and do not count.
 */
#include <arch/interrupt.h>
#include <arch/lapic.h>
#include <arch/smp.h>
#include <exo/cpu.h>
#include <exo/irq.h>
#include <exo/log.h>
#include <exo/preempt.h>
#include <exo/sched.h>
#include <exo/timer.h>

uint64_t interrupts_unexpected, interrupts_spurious;

/* What the local APIC waits to be told the end of holds up all that is less urgent. */
static void __cold handle_stray(unsigned int vector)
{
	if (interrupts_unexpected++ == 0)
		log_warning("interrupt: unexpected vector %u (counted from now on)", vector);
	if (lapic_present() && lapic_in_service(vector))
		lapic_end();
}

/* They are ended first: a handler may be long, or not return, and interrupts are off anyway. */
static void handle_local(unsigned int vector)
{
	if (!lapic_present()) {
		handle_stray(vector);
	} else if (IS_ENABLED(CONFIG_TIMER) && vector == VECTOR_LAPIC_TIMER) {
		lapic_end();
		timer_interrupt();
	} else if (IS_ENABLED(CONFIG_SMP) && vector - VECTOR_IPI_FIRST < NR_IPIS) {
		lapic_end();
		smp_ipi((enum ipi)(vector - VECTOR_IPI_FIRST));
	} else if (vector == VECTOR_LAPIC_ERROR) {
		lapic_end();
		lapic_error_interrupt();
	} else if (vector == VECTOR_SPURIOUS) {
		interrupts_spurious++;
	} else {
		handle_stray(vector);
	}
}

/* Says so for the checks of CONFIG_DEBUG_PREEMPT and CONFIG_LOCKDEP. Returns what was said before.
 */
static inline bool set_in_interrupt(bool now)
{
	const bool before = cpu_in_interrupt();

	if (IS_ENABLED(CONFIG_DEBUG_PREEMPT) || IS_ENABLED(CONFIG_LOCKDEP))
		cpu_this()->in_interrupt = now;
	return before;
}

static inline bool begin_external(void)
{
	const bool before = set_in_interrupt(true);

	if (PREEMPT_COUNTED)
		this_cpu_increment(preempt);
	return before;
}

/* Returns whether a switch is wanted and allowed now. */
static inline bool end_external(bool before)
{
	set_in_interrupt(before);
	return PREEMPT_COUNTED && this_cpu_decrement(preempt);
}

static void handle_line(unsigned int irq)
{
	const bool before = begin_external();
	struct thread *woken = irq_dispatch(irq);

	if (unlikely(end_external(before)) && !(IS_ENABLED(CONFIG_IRQ_OBJECTS) && woken))
		sched_interrupt_end();
	else if (IS_ENABLED(CONFIG_IRQ_OBJECTS) && woken)
		sched_wake_now(woken);
}

static __noinline void handle_other(unsigned int vector)
{
	bool before;

	if (!IS_ENABLED(CONFIG_APIC)) {
		handle_stray(vector); /* which wakes nobody */
		return;
	}
	before = begin_external();
	handle_local(vector);
	if (unlikely(end_external(before)))
		sched_interrupt_end();
}

void interrupt_dispatch(struct interrupt_frame *frame)
{
	const unsigned int vector = (unsigned int)frame->vector;

	if (IS_ENABLED(CONFIG_IRQ) && likely(vector - VECTOR_FIRST_EXTERNAL < NR_IRQS))
		handle_line(vector - VECTOR_FIRST_EXTERNAL);
	else if (vector < NR_EXCEPTIONS)
		exception_handle(frame);
	else if (IS_ENABLED(CONFIG_IRQ))
		handle_other(vector);
}
