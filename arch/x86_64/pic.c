/* SPDX-License-Identifier: MIT */
/*
 * 8259A pair (Intel 8259A data sheet). The second controller hangs on line 2 of the first. Either
 * reports a spurious interrupt on its line 7 when a line drops before it is acknowledged; the
 * in-service register tells.
 */
#include <arch/interrupt.h>
#include <arch/io.h>
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
#define SPURIOUS_LINE 7

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
