/* SPDX-License-Identifier: MIT */
/*
 * Device interrupt lines. A driver registers one handler a line; the handler runs with interrupts
 * off and must make its device drop the line.
 */
#ifndef EXO_IRQ_H
#define EXO_IRQ_H

#include <exo/compiler.h>
#include <exo/config.h>
#include <exo/errno.h>

#define NR_IRQS 16

struct irq_line {
	void (*handler)(void *context);
	void *context;
	const char *name;
	uint64_t count; /* handled since boot */
	uint64_t spurious; /* the controller had no reason to interrupt, or nobody listens */
};

#if IS_ENABLED(CONFIG_IRQ)
/* Programs the interrupt controller with every line masked, then lets the CPU take interrupts. */
void irq_init(void);

/**
 * irq_register() - install @handler on a line and unmask it
 * @irq: 0..NR_IRQS-1 (ISA numbering)
 * @name: static string, for the monitor
 * Returns 0, -EXO_E_RANGE for a line that does not exist, -EXO_E_BUSY when it is taken.
 */
int irq_register(unsigned int irq, void (*handler)(void *context), void *context, const char *name);

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
