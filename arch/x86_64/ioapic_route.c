/* SPDX-License-Identifier: MIT */
/* Which pin of which I/O APIC a line is, and what its redirection entry says. Pure code. */
#include <arch/ioapic.h>
#include <exo/string.h>

/* Redirection entry, low half (82093AA data sheet, 3.2.4). Fixed delivery, physical destination. */
enum { ENTRY_ACTIVE_LOW = 0x2000, ENTRY_LEVEL = 0x8000 };

static void connect(struct irq_route *route, const struct ioapic_pins *pins,
		    unsigned int nr_io_apics)
{
	for (unsigned int i = 0; i < nr_io_apics && !route->connected; i++) {
		if (route->gsi < pins[i].gsi_base || route->gsi - pins[i].gsi_base >= pins[i].count)
			continue;
		route->connected = true;
		route->io_apic = (uint8_t)i;
		route->pin = (uint8_t)(route->gsi - pins[i].gsi_base);
	}
}

void ioapic_route(const struct madt_line isa[NR_ISA_IRQS], const struct ioapic_pins *pins,
		  unsigned int nr_io_apics, struct irq_route *routes, unsigned int nr_routes)
{
	memset(routes, 0, nr_routes * sizeof(*routes));
	for (unsigned int irq = 0; irq < nr_routes; irq++) {
		struct irq_route *route = &routes[irq];

		*route = (struct irq_route){ .gsi = irq, .active_low = true, .level = true };
		if (irq < NR_ISA_IRQS)
			*route = (struct irq_route){ .gsi = isa[irq].gsi,
						     .active_low = isa[irq].active_low,
						     .level = isa[irq].level };
		if (route->gsi != MADT_NO_GSI)
			connect(route, pins, nr_io_apics);
		for (unsigned int other = 0; other < irq; other++)
			if (routes[other].gsi == route->gsi)
				route->connected = false;
	}
}

uint32_t ioapic_entry(const struct irq_route *route, unsigned int vector)
{
	return vector | (route->active_low ? ENTRY_ACTIVE_LOW : 0) |
	       (route->level ? ENTRY_LEVEL : 0);
}
