/* SPDX-License-Identifier: MIT */
/*
 * What irq.c needs of the hardware that device interrupts come from: one of two, chosen at boot.
 * How interrupts end is not here: irq_dispatch() knows both, which is shorter than a table.
 */
#ifndef ARCH_IRQ_CONTROLLER_H
#define ARCH_IRQ_CONTROLLER_H

#include <exo/compiler.h>
#include <stdbool.h>

/* Where a line enters the I/O APICs, and what it looks like there. */
struct irq_route {
	uint32_t gsi;
	bool connected; /* else nothing below counts, and the line does not exist */
	bool active_low;
	bool level;
	uint8_t io_apic; /* its index */
	uint8_t pin; /* of that I/O APIC */
};

struct irq_controller {
	const char *name;

	/* NULL if the line does not exist. Constant; @irq < NR_IRQS. */
	const struct irq_route *(*route)(unsigned int irq);

	/* Lets an existing line interrupt. The lock of irq.c is held. */
	void (*unmask)(unsigned int irq);

	/* The other way; an edge is lost meanwhile, unless the controller keeps it. Lock as above.
	 */
	void (*mask)(unsigned int irq);

	/* Has an existing line interrupt that CPU: 0 or -EXO_E_CALL. The lock of irq.c is held. */
	int (*set_target)(unsigned int irq, uint32_t apic_id);
};

extern const struct irq_controller pic_controller, ioapic_controller;

#endif
