/* SPDX-License-Identifier: MIT */
/*
 * Device interrupt lines. A driver registers one handler a line; the handler runs with interrupts
 * off and must make its device drop the line.
 *
 * Lines 0 to 15 are those of the ISA bus, by the numbers that they have there, wherever they are
 * connected. Lines from 16 on are global system interrupts of the I/O APICs (ACPI 6.5, 5.2.13) and
 * work as PCI's do: level, active low. All lines interrupt the boot CPU until irq_set_cpu().
 *
 * A line that no driver of the kernel has can be lent to programs (kernel/object/irq_object.c):
 * then irq_object_interrupt() is its handler, and it can be masked and taken back.
 */
#ifndef EXO_IRQ_H
#define EXO_IRQ_H

#include <exo/compiler.h>
#include <exo/config.h>
#include <exo/cpu.h>
#include <exo/errno.h>

/* With CONFIG_APIC=n those of the 8259 pair. */
#ifndef CONFIG_IRQ_LINES
#define CONFIG_IRQ_LINES 16
#endif
#define NR_IRQS CONFIG_IRQ_LINES

struct irq_binding;
struct thread;

struct irq_line {
	void (*handler)(void *context);
	void *context;
	const char *name;
	struct irq_binding *lent; /* to programs: irq_lend(); then it has no handler */
	cpu_t cpu; /* that is interrupted */
	uint64_t count; /* handled since boot */
	uint64_t spurious; /* the controller had no reason to interrupt, or nobody listens */
} __aligned(64);

#if IS_ENABLED(CONFIG_IRQ)
/*
 * Chooses the interrupt controllers, programs them with every line masked, then lets the boot CPU
 * take interrupts. From the boot list, after acpi_madt_init().
 */
void irq_init(void);

/**
 * irq_register() - install @handler on a line and unmask it
 * @irq: 0..NR_IRQS-1
 * @name: static string, for the monitor
 * Any time after irq_init(), in a thread, no lock of a rank above LOCK_RANK_IRQ.
 * Returns 0, -EXO_E_RANGE for a line that does not exist, -EXO_E_BUSY when it is taken.
 */
int irq_register(unsigned int irq, void (*handler)(void *context), void *context, const char *name);

/**
 * irq_set_cpu() - have a line interrupt another CPU
 * An interrupt that is under way still goes to the old one. So for a moment the handler may run on
 * both, if the line is one of edges: what it shares with itself needs a lock.
 * Returns 0, -EXO_E_RANGE if there is no such line or CPU, -EXO_E_CALL if the controller cannot.
 */
int irq_set_cpu(unsigned int irq, cpu_t cpu);

/**
 * irq_lend() - take a line for programs; it stays masked
 * @binding: what irq_object_interrupt() is told
 * @level: set to whether it is one of levels, which must be masked until its device is served
 * Any context but with a lock of LOCK_RANK_IRQ or above. Returns 0, -EXO_E_RANGE for a line that
 * does not exist, -EXO_E_BUSY when it is taken.
 */
int irq_lend(unsigned int irq, struct irq_binding *binding, bool *level);

/* The end of irq_lend(): the line is masked and free. An interrupt that is under way may still
 * come. */
void irq_take_back(unsigned int irq);

/* Of a line that is lent: keep it from interrupting, and the other way. An edge that comes while it
 * is masked may be lost. Any context, as irq_lend(). */
void irq_mask(unsigned int irq);
void irq_unmask(unsigned int irq);

/*
 * Has a line that is lent interrupt this CPU once, as an edge does, for tests and benchmarks.
 * @nowhere: do all but that. *when: the TSC just after. Returns 0, -EXO_E_ARG if it is not lent,
 * -EXO_E_CALL where there is no local APIC to do it. Interrupts off.
 */
int irq_raise(unsigned int irq, bool nowhere, uint64_t *when);

/*
 * Called by the above for a line that is lent. Returns the thread that this wakes, which is left to
 * the end of the interrupt, or NULL. Interrupts off, in the handler.
 */
struct thread *irq_object_interrupt(struct irq_binding *binding);

/* Read-only view of a line for statistics; @irq < NR_IRQS. */
const struct irq_line *irq_line(unsigned int irq);
#else
static inline void irq_init(void)
{
}

static inline int irq_register(unsigned int irq, void (*handler)(void *context), void *context,
			       const char *name)
{
	(void)irq, (void)handler, (void)context, (void)name;
	return -EXO_E_CALL;
}
#endif

#endif
