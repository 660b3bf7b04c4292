/* SPDX-License-Identifier: MIT */
/*
 * 8259A pair (Intel 8259A data sheet). The second controller hangs on line 2 of the first. Either
 * reports a spurious interrupt on its line 7 when a line drops before it is acknowledged; the
 * in-service register tells.
 */
#include <arch/cpu.h>
#include <arch/interrupt.h>
#include <arch/io.h>
#include <arch/memory.h>
#include <arch/pic.h>

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

#define CPUID1_EDX_APIC (1u << 9)
#define MSR_APIC_BASE 0x1b
#define APIC_BASE_X2APIC (1u << 10)
#define APIC_BASE_ENABLED (1u << 11)
#define APIC_BASE_ADDRESS 0x000ffffffffff000ull
#define APIC_SPURIOUS 0xf0
#define APIC_SPURIOUS_ENABLED 0x100
#define APIC_SPURIOUS_VECTOR 0xff
#define APIC_LVT_LINT0 0x350
#define APIC_LVT_EXTINT 0x700 /* delivery mode ExtINT, not masked */
#define SPURIOUS_LINE 7

/*
 * The controllers reach the CPU through the local APIC's LINT0 pin, which must be in "virtual wire"
 * mode. A PC's firmware sets that up; microvm's does not (SDM vol. 3, 10.4.3, 10.5.1, 10.9).
 */
static void connect_to_cpu(void)
{
	const uint64_t base = cpu_read_msr(MSR_APIC_BASE);
	volatile uint32_t *apic;

	if (!(cpuid(1, 0).edx & CPUID1_EDX_APIC) || !(base & APIC_BASE_ENABLED) ||
	    (base & APIC_BASE_X2APIC) || !phys_reachable(base & APIC_BASE_ADDRESS, PAGE_SIZE))
		return;
	apic = phys_to_virt(base & APIC_BASE_ADDRESS);
	apic[APIC_SPURIOUS / 4] |= APIC_SPURIOUS_ENABLED | APIC_SPURIOUS_VECTOR;
	apic[APIC_LVT_LINT0 / 4] = APIC_LVT_EXTINT;
}

void pic_init(void)
{
	io_out8(PIC1_COMMAND, ICW1_INIT_ICW4);
	io_out8(PIC2_COMMAND, ICW1_INIT_ICW4);
	io_out8(PIC1_DATA, VECTOR_FIRST_EXTERNAL);
	io_out8(PIC2_DATA, VECTOR_FIRST_EXTERNAL + 8);
	io_out8(PIC1_DATA, 1 << CASCADE_LINE);
	io_out8(PIC2_DATA, CASCADE_LINE);
	io_out8(PIC1_DATA, ICW4_8086);
	io_out8(PIC2_DATA, ICW4_8086);
	io_out8(PIC1_DATA, 0xff & ~(1 << CASCADE_LINE));
	io_out8(PIC2_DATA, 0xff);
	connect_to_cpu();
}

void pic_unmask(unsigned int irq)
{
	const uint16_t port = irq < 8 ? PIC1_DATA : PIC2_DATA;

	io_out8(port, (uint8_t)(io_in8(port) & ~(1u << (irq & 7))));
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
