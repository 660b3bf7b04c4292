/* SPDX-License-Identifier: MIT */
/* Several CPUs: starting them, interrupting them, having them run a function. */
#ifndef EXO_SMP_H
#define EXO_SMP_H

#include <exo/cpu_set.h>

/* Interrupts from CPU to CPU. Each is a vector (arch/interrupt.h). */
enum ipi {
	IPI_RESCHEDULE, /* look at the injector and at the current thread's attention */
	IPI_CALL, /* run what smp_call() has queued */
	NR_IPIS,
};

#if IS_ENABLED(CONFIG_SMP)
/* Starts every CPU that the firmware names, up to NR_CPUS. From the boot list, interrupts on. */
void smp_start(void);

/* Interrupts another CPU. Any context. Everything written before is seen by its handler. */
void smp_interrupt(cpu_t cpu, enum ipi ipi);

/**
 * smp_call() - run @function on other CPUs and wait until all have
 * @set: this CPU is left out, and those that are not online
 * @function: runs with interrupts off, in an interrupt; must not wait for this CPU
 * No lock held that a handler or another waiter could want with interrupts off; this CPU serves its
 * own calls while it waits, so two CPUs may call each other. With interrupts on or off.
 */
void smp_call(const struct cpu_set *set, void (*function)(void *argument), void *argument);

/**
 * smp_alone() - run @function here while all other CPUs stand still
 * They stand in an interrupt of code that may be preempted: so none of them holds a spinlock, waits
 * for other CPUs or has interrupts off, and what is protected by these is whole.
 * Returns 0, -EXO_E_BUSY if another CPU is at it, -EXO_E_AGAIN if some CPU could not be stopped
 * there for a while. Interrupts off, no lock held; with CONFIG_PREEMPT.
 */
int smp_alone(void (*function)(void *argument), void *argument);

/* Stops all other CPUs for good, for a panic, and waits until they have. Any context. */
void smp_stop_others(void);

/* Prints which CPU this is and where the others were. */
void smp_report_others(void);

/* Stops this CPU for good, which was at @rip: another one panics. */
_Noreturn void smp_stop_self(uint64_t rip);
#else
static inline void smp_start(void)
{
}

static inline void smp_interrupt(cpu_t cpu, enum ipi ipi)
{
	(void)cpu, (void)ipi;
}

static inline void smp_call(const struct cpu_set *set, void (*function)(void *argument),
			    void *argument)
{
	(void)set, (void)function, (void)argument;
}

static inline int smp_alone(void (*function)(void *argument), void *argument)
{
	function(argument);
	return 0;
}

static inline void smp_stop_others(void)
{
}

static inline void smp_report_others(void)
{
}

static inline _Noreturn void smp_stop_self(uint64_t rip)
{
	(void)rip;
	for (;;)
		;
}
#endif

#endif
