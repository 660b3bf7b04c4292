/* SPDX-License-Identifier: MIT */
/* What the two files of the 16550 driver share: the registers, and how input bytes are taken. */
#ifndef UART_16550_H
#define UART_16550_H

#include <arch/io.h>
#include <exo/config.h>
#include <stdbool.h>

/* PC16550D data sheet, section 8: offsets from the base port. */
enum uart_register {
	UART_DATA = 0, /* read: next byte received; write: next byte to send */
	UART_DIVISOR_LOW = 0, /* while LINE_CONTROL_DIVISOR is set */
	UART_INTERRUPT_ENABLE = 1,
	UART_DIVISOR_HIGH = 1, /* while LINE_CONTROL_DIVISOR is set */
	UART_INTERRUPT_ID = 2, /* read */
	UART_FIFO_CONTROL = 2, /* write */
	UART_LINE_CONTROL = 3,
	UART_MODEM_CONTROL = 4,
	UART_LINE_STATUS = 5,
};

enum uart_interrupt_enable {
	INTERRUPT_ENABLE_RECEIVED = 0x01,
	INTERRUPT_ENABLE_SENDABLE = 0x02, /* the transmit FIFO is empty */
};

enum uart_interrupt_id {
	INTERRUPT_ID_NONE = 0x01, /* clear while an interrupt is pending */
	INTERRUPT_ID_FIFO = 0xc0, /* both set: the FIFO works, so this is a 16550A or later */
};

enum uart_fifo_control {
	FIFO_CONTROL_ENABLE = 0x01,
	FIFO_CONTROL_CLEAR = 0x06, /* both directions */
	FIFO_CONTROL_TRIGGER_8 = 0x80, /* interrupt at 8 bytes, or after 4 silent characters */
};

enum uart_line_control { LINE_CONTROL_8N1 = 0x03, LINE_CONTROL_DIVISOR = 0x80 };

enum uart_modem_control {
	MODEM_CONTROL_READY = 0x03, /* DTR and RTS */
	MODEM_CONTROL_OUT2 = 0x08, /* on PCs: connects the interrupt line */
	MODEM_CONTROL_LOOPBACK = 0x10,
};

enum uart_line_status {
	LINE_STATUS_RECEIVED = 0x01,
	LINE_STATUS_OVERRUN = 0x02, /* the hardware lost a byte; cleared by reading */
	LINE_STATUS_SENDABLE = 0x20, /* the transmit FIFO is empty */
	LINE_STATUS_IDLE = 0x40, /* and the last bit has left */
};

/*
 * A guess: how often to look for something that should come at once, or in 87 us (a byte at full
 * speed). A port read takes about 1 us on real hardware.
 */
#define UART_PROBE_POLLS 5000

/* Counts since boot, for the monitor. */
struct uart_counts {
	unsigned long unsent; /* bytes given up because the UART took none */
	unsigned long overruns; /* times the hardware's receive FIFO overflowed */
	unsigned long interrupts;
};

extern struct uart_counts uart_counts;

static inline uint8_t uart_in(enum uart_register number)
{
	return io_in8(CONFIG_SERIAL_PORT + number);
}

static inline void uart_out(enum uart_register number, uint8_t value)
{
	io_out8(CONFIG_SERIAL_PORT + number, value);
}

/* Reads the line status. Reading clears its overrun bit, so every read must go through here. */
uint8_t uart_line_status(void);

/* The next byte in the UART's receive FIFO, or -1. Interrupts off, or not yet in use. */
int uart_16550_receive(void);

/* The rest is in uart_16550_irq.c, built with CONFIG_IRQ only. */

/*
 * Lets bytes arrive by interrupt. Returns 0; -EXO_E_BUSY or -EXO_E_RANGE if the line cannot be had;
 * -EXO_E_TIMEOUT if it can, but no interrupt comes. After an error input must be polled.
 */
int uart_16550_irq_start(void);

/* The next byte from the ring that the interrupt handler fills, or -1. Any context. */
int uart_16550_irq_read(void);

#endif
