/* SPDX-License-Identifier: MIT */
/* The I/O APICs: which pin a line is, and what is written there. */
#ifndef ARCH_IOAPIC_H
#define ARCH_IOAPIC_H

#include <arch/irq_controller.h>
#include <exo/acpi_madt.h>

/* Pure code (ioapic_route.c): the global system interrupts that one I/O APIC takes. */
struct ioapic_pins {
	uint32_t gsi_base;
	unsigned int count; /* 0: the I/O APIC is not used */
};

/**
 * ioapic_route() - find out where each line is
 * @isa: of lines 0 to 15; the others have the global system interrupt of their own number
 * @pins, @nr_io_apics: by I/O APIC
 * @routes, @nr_routes: filled in, by line; at least NR_ISA_IRQS
 * A pin has one name: the line with the smallest number gets it, the others do not exist.
 */
void ioapic_route(const struct madt_line isa[NR_ISA_IRQS], const struct ioapic_pins *pins,
		  unsigned int nr_io_apics, struct irq_route *routes, unsigned int nr_routes);

/* The low half of a redirection entry that interrupts on @vector; the high half says whom. */
#define IOAPIC_MASKED 0x10000u
uint32_t ioapic_entry(const struct irq_route *route, unsigned int vector);

/* The rest is ioapic.c. */

/*
 * Boot, interrupts off: takes over the I/O APICs that @madt names, all lines masked and directed at
 * the CPU with @apic_id. Returns how many pins there are; 0 if none can be used.
 */
unsigned int ioapic_init(const struct acpi_madt *madt, uint32_t apic_id);

#endif
