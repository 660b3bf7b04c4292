/* SPDX-License-Identifier: MIT */
/*
 * Stopping all CPUs for a panic.
 *
 * The CPU that reports sends the others a non-maskable interrupt: they may have interrupts off, for
 * ever perhaps. Each notes where it was, and halts; then the first one tells what they have noted.
 * A CPU that panics while another reports stops in the same way, by itself. Nothing here takes a
 * lock.
 */
#include <arch/cpu.h>
#include <arch/interrupt_frame.h>
#include <arch/lapic.h>
#include <arch/smp.h>
#include <exo/backtrace.h>
#include <exo/console.h>
#include <exo/cpu.h>
#include <exo/panic.h>
#include <exo/smp.h>
#include <exo/thread.h>

/* By the TSC alone, as the clock may be what has broken. A guess: a tenth of a second or more. */
#define STOP_CYCLES 500000000ull

/* Where each CPU stopped, written by itself; rip is 0 as long as it runs. */
static _Atomic uint64_t stopped_at[NR_CPUS];
static _Atomic bool stopping;

_Noreturn void smp_stop_self(uint64_t rip)
{
	/* It may panic while it stops: what it noted first stays. */
	if (!atomic_load(&stopped_at[cpu_current()]))
		atomic_store(&stopped_at[cpu_current()], rip);
	cpu_halt();
}

void smp_nmi(const struct interrupt_frame *frame)
{
	if (atomic_load(&stopping) && !panic_is_here())
		smp_stop_self(frame->rip);
}

static bool all_stopped(void)
{
	for (cpu_t cpu = 0; cpu < nr_cpus_online; cpu++)
		if (cpu != cpu_current() && !atomic_load(&stopped_at[cpu]))
			return false;
	return true;
}

static void report(cpu_t cpu)
{
	const uint64_t rip = atomic_load(&stopped_at[cpu]);
	const struct thread *thread = cpus[cpu]->current;
	uint64_t offset = 0, size = 0;
	const char *symbol;

	if (!rip) {
		console_printf("CPU %u (APIC ID %u) does not answer\n", cpu, cpus[cpu]->apic_id);
		return;
	}
	symbol = symbol_find(rip, &offset, &size);
	console_printf("CPU %u stopped at 0x%016llx %s%s", cpu, (unsigned long long)rip,
		       symbol ? symbol : "", symbol ? "+" : "");
	if (symbol)
		console_printf("0x%llx/0x%llx ", (unsigned long long)offset,
			       (unsigned long long)size);
	console_printf("in thread \"%s\"\n", thread ? thread->name : "none");
}

void smp_stop_others(void)
{
	const uint64_t start = cpu_tsc();

	if (nr_cpus_online == 1)
		return;
	atomic_store(&stopping, true);
	for (cpu_t cpu = 0; cpu < nr_cpus_online; cpu++)
		if (cpu != cpu_current())
			lapic_send_nmi(cpus[cpu]->apic_id);
	while (!all_stopped() && cpu_tsc() - start < STOP_CYCLES)
		cpu_pause();
}

void smp_report_others(void)
{
	const struct thread *thread = thread_current();

	if (nr_cpus_online == 1)
		return;
	console_printf("on CPU %u in thread \"%s\"\n", cpu_current(),
		       thread ? thread->name : "none");
	for (cpu_t cpu = 0; cpu < nr_cpus_online; cpu++)
		if (cpu != cpu_current())
			report(cpu);
}
