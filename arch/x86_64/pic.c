/* SPDX-License-Identifier: MIT */
/*
 * 8259A pair (Intel 8259A data sheet). The second controller hangs on line 2 of the first. Either
 * reports a spurious interrupt on its line 7 when a line drops before it is acknowledged; the
 * in-service register tells.
 */
#include <arch/cpu.h>
#include <arch/interrupt.h>
#include <arch/io.h>
#include <arch/irq_controller.h>
#include <arch/lapic.h>
#include <arch/lapic_mode.h>
#include <arch/memory.h>
#include <arch/pic.h>
#include <exo/errno.h>
#include <exo/irq.h>

enum pic_register {
	PIC1_COMMAND = 0x20, /* write: ICW1, OCW2, OCW3; read: the register that OCW3 chose */
	PIC1_DATA = 0x21, /* ICW2..4, then the mask */
	PIC2_COMMAND = 0xa0,
	PIC2_DATA = 0xa1,
};

#define ICW1_INIT_ICW4 0x11
#define ICW4_8086 0x01
#define OCW2_END 0x20
#define OCW3_READ_ISR 0x0b
#define CASCADE_LINE 2

#define SPURIOUS_LINE 7

/* Without the rest of lapic.c: the APIC is in xAPIC mode as the firmware has left it, or not used.
 */
static volatile uint32_t *firmware_lapic(void)
{
	const struct cpuid_regs first = cpuid(1, 0);
	uint64_t base = 0;

	if (lapic_mode_exists(first.edx))
		base = cpu_read_msr(MSR_APIC_BASE);
	if (lapic_mode_choose(first.ecx, first.edx, base, false) != LAPIC_XAPIC ||
	    !phys_reachable(base & APIC_BASE_ADDRESS, PAGE_SIZE))
		return NULL;
	return phys_to_virt(base & APIC_BASE_ADDRESS);
}

/*
 * The controllers reach the CPU through the local APIC's LINT0 pin, which must be in "virtual wire"
 * mode. A PC's firmware sets that up; microvm's does not (SDM vol. 3, 10.4.3, 10.5.1, 10.9).
 */
static void connect_to_cpu(void)
{
	volatile uint32_t *lapic;

	if (IS_ENABLED(CONFIG_APIC)) {
		if (lapic_present())
			lapic_write(LAPIC_LVT_LINT0, LVT_EXTINT);
		return;
	}
	lapic = firmware_lapic();
	if (!lapic)
		return;
	lapic[LAPIC_SPURIOUS / 4] |= LAPIC_ENABLED | VECTOR_SPURIOUS;
	lapic[LAPIC_LVT_LINT0 / 4] = LVT_EXTINT;
}

static void program(uint8_t first_vector, uint8_t first_mask)
{
	io_out8(PIC1_COMMAND, ICW1_INIT_ICW4);
	io_out8(PIC2_COMMAND, ICW1_INIT_ICW4);
	io_out8(PIC1_DATA, first_vector);
	io_out8(PIC2_DATA, first_vector + 8);
	io_out8(PIC1_DATA, 1 << CASCADE_LINE);
	io_out8(PIC2_DATA, CASCADE_LINE);
	io_out8(PIC1_DATA, ICW4_8086);
	io_out8(PIC2_DATA, ICW4_8086);
	io_out8(PIC1_DATA, first_mask);
	io_out8(PIC2_DATA, 0xff);
}

__boot void pic_init(void)
{
	program(VECTOR_FIRST_EXTERNAL, 0xff & ~(1 << CASCADE_LINE));
	connect_to_cpu();
}

void pic_disable(void)
{
	program(VECTOR_PIC_UNUSED, 0xff);
}

/* All 16 exist; what they look like is the hardware's matter. */
static const struct irq_route *route_of(unsigned int irq)
{
	static const struct irq_route wired = { .connected = true };

	return irq < 16 && irq != CASCADE_LINE ? &wired : NULL;
}

static void unmask(unsigned int irq)
{
	const uint16_t port = irq < 8 ? PIC1_DATA : PIC2_DATA;

	io_out8(port, (uint8_t)(io_in8(port) & ~(1u << (irq & 7))));
}

static void mask(unsigned int irq)
{
	const uint16_t port = irq < 8 ? PIC1_DATA : PIC2_DATA;

	io_out8(port, (uint8_t)(io_in8(port) | 1u << (irq & 7)));
}

/* There is one wire, to the boot CPU. */
static int set_target(unsigned int irq, uint32_t apic_id)
{
	(void)irq, (void)apic_id;
	return -EXO_E_CALL;
}

bool pic_in_service(unsigned int irq)
{
	const uint16_t port = irq < 8 ? PIC1_COMMAND : PIC2_COMMAND;

	if ((irq & 7) != SPURIOUS_LINE)
		return true;
	io_out8(port, OCW3_READ_ISR);
	return io_in8(port) & 1 << SPURIOUS_LINE;
}

void pic_end(unsigned int irq, bool in_service)
{
	if (irq >= 8 && in_service)
		io_out8(PIC2_COMMAND, OCW2_END);
	if (irq >= 8 || in_service)
		io_out8(PIC1_COMMAND, OCW2_END);
}

const struct irq_controller pic_controller = {
	.name = "8259",
	.route = route_of,
	.unmask = unmask,
	.mask = IS_ENABLED(CONFIG_IRQ_OBJECTS) ? mask : NULL,
	.set_target = set_target,
};
