/* SPDX-License-Identifier: MIT */
/*
 * The I/O APICs (Intel 82093AA data sheet): device interrupts to the local APIC of a chosen CPU.
 *
 * Each has an index register and a window: an access takes two steps, under the lock of irq.c or at
 * boot. A line's redirection entry is written when the line is unmasked. The kernel never masks its
 * own again, since an edge would be lost meanwhile; of those of programs kernel/object/irq_object.c
 * knows when that matters. Another CPU is a write of the high half alone. The end of an interrupt
 * is told to the local APIC, which tells the I/O APIC if the line is one of levels.
 */
#include <arch/interrupt.h>
#include <arch/ioapic.h>
#include <arch/lapic.h>
#include <arch/memory.h>
#include <exo/errno.h>
#include <exo/irq.h>
#include <exo/log.h>

/* Of the memory that an I/O APIC occupies, as 32-bit words. */
enum { IOAPIC_INDEX = 0x00 / 4, IOAPIC_WINDOW = 0x10 / 4 };
#define IOAPIC_SIZE 0x20

/* Of the index register. */
enum ioapic_register {
	IOAPIC_VERSION = 0x01, /* bits 23:16: the last pin */
	IOAPIC_ENTRY = 0x10, /* of pin 0, low half; two a pin */
};

#define DESTINATION_SHIFT 24
#define DESTINATION_BROADCAST 0xffu
#define PINS_MAX 240 /* a guess: a version register with more is not one */

static volatile uint32_t *io_apics[MADT_MAX_IO_APICS];
static struct ioapic_pins pins[MADT_MAX_IO_APICS];
static struct irq_route routes[NR_IRQS];

static uint32_t ioapic_read(unsigned int io_apic, unsigned int number)
{
	io_apics[io_apic][IOAPIC_INDEX] = number;
	return io_apics[io_apic][IOAPIC_WINDOW];
}

static void ioapic_write(unsigned int io_apic, unsigned int number, uint32_t value)
{
	io_apics[io_apic][IOAPIC_INDEX] = number;
	io_apics[io_apic][IOAPIC_WINDOW] = value;
}

static const struct irq_route *route_of(unsigned int irq)
{
	return routes[irq].connected ? &routes[irq] : NULL;
}

static void unmask(unsigned int irq)
{
	const struct irq_route *route = &routes[irq];

	ioapic_write(route->io_apic, IOAPIC_ENTRY + 2u * route->pin,
		     ioapic_entry(route, VECTOR_FIRST_EXTERNAL + irq));
}

static void mask(unsigned int irq)
{
	const struct irq_route *route = &routes[irq];

	ioapic_write(route->io_apic, IOAPIC_ENTRY + 2u * route->pin,
		     ioapic_entry(route, VECTOR_FIRST_EXTERNAL + irq) | IOAPIC_MASKED);
}

static int set_target(unsigned int irq, uint32_t apic_id)
{
	const struct irq_route *route = &routes[irq];

	if (apic_id >= DESTINATION_BROADCAST)
		return -EXO_E_CALL;
	ioapic_write(route->io_apic, IOAPIC_ENTRY + 2u * route->pin + 1,
		     apic_id << DESTINATION_SHIFT);
	return 0;
}

const struct irq_controller ioapic_controller = {
	.name = "I/O APIC",
	.route = route_of,
	.unmask = unmask,
	.mask = IS_ENABLED(CONFIG_IRQ_OBJECTS) ? mask : NULL,
	.set_target = set_target,
};

/* ---- start ----------------------------------------------------------------------------------- */

/* How many pins it has; 0 if it is not there. */
static unsigned int find_pins(const struct madt_io_apic *io_apic, unsigned int index)
{
	unsigned int count = 0;

	if (phys_reachable(io_apic->address, IOAPIC_SIZE)) {
		io_apics[index] = phys_to_virt(io_apic->address);
		count = (ioapic_read(index, IOAPIC_VERSION) >> 16 & 0xff) + 1;
	}
	if (count == 0 || count > PINS_MAX) {
		log_warning("ioapic: none answers at 0x%llx", (unsigned long long)io_apic->address);
		return 0;
	}
	log_info("ioapic: at 0x%llx, GSIs %u to %u", (unsigned long long)io_apic->address,
		 io_apic->gsi_base, io_apic->gsi_base + count - 1);
	return count;
}

unsigned int ioapic_init(const struct acpi_madt *madt, uint32_t apic_id)
{
	unsigned int total = 0;

	if (apic_id >= DESTINATION_BROADCAST) {
		log_warning("ioapic: not used: it cannot address the boot CPU, APIC ID %u",
			    apic_id);
		return 0;
	}
	for (unsigned int i = 0; i < madt->nr_io_apics; i++) {
		pins[i].gsi_base = madt->io_apics[i].gsi_base;
		pins[i].count = find_pins(&madt->io_apics[i], i);
		total += pins[i].count;
		for (unsigned int pin = 0; pin < pins[i].count; pin++) {
			ioapic_write(i, IOAPIC_ENTRY + 2 * pin, IOAPIC_MASKED);
			ioapic_write(i, IOAPIC_ENTRY + 2 * pin + 1, apic_id << DESTINATION_SHIFT);
		}
	}
	ioapic_route(madt->isa, pins, madt->nr_io_apics, routes, NR_IRQS);
	return total;
}
