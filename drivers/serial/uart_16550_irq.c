/* SPDX-License-Identifier: MIT */
/*
 * Interrupt-driven input of the 16550: the handler moves bytes from the UART to a ring.
 *
 * The 8259 latches edges, so the handler must leave no cause pending: it drains until the UART says
 * that nothing is (or a bound is reached, should the UART lie; the reader drains as well, so a lost
 * edge delays bytes and never loses the line). A full ring drops the newest bytes and counts them.
 *
 * Invariant: ring indices only grow; put - got <= size. Guarded by interrupts off.
 */
#include "uart_16550.h"

#include <arch/cpu.h>
#include <exo/console.h>
#include <exo/irq.h>
#include <exo/log.h>
#include <exo/monitor.h>

#define RING_SIZE 256 /* a power of 2; a pasted line fits */
#define DRAIN_LIMIT 1024 /* bytes one interrupt takes at most */

static uint8_t ring[RING_SIZE];
static unsigned int ring_put, ring_got;

/* Interrupts off. */
static void drain(void)
{
	int byte;

	for (unsigned int i = 0; i < DRAIN_LIMIT && (byte = uart_16550_receive()) >= 0; i++) {
		if (ring_put - ring_got < RING_SIZE)
			ring[ring_put++ % RING_SIZE] = (uint8_t)byte;
		else
			uart_counts.dropped++;
	}
}

static void uart_interrupt(void *context)
{
	(void)context;
	uart_counts.interrupts++;
	for (unsigned int i = 0; i < 4 && !(uart_in(UART_INTERRUPT_ID) & INTERRUPT_ID_NONE); i++)
		drain();
}

int uart_16550_irq_read(void)
{
	uint64_t flags = irq_save();
	int byte = -1;

	drain();
	if (ring_got != ring_put)
		byte = ring[ring_got++ % RING_SIZE];
	irq_restore(flags);
	return byte;
}

int uart_16550_irq_start(void)
{
	int error = irq_register(CONFIG_SERIAL_IRQ, uart_interrupt, NULL, "serial");

	if (error)
		log_warning("serial: irq %d is not available (error %d): input is polled (SERIAL_IRQ)",
			    CONFIG_SERIAL_IRQ, -error);
	else
		uart_out(UART_INTERRUPT_ENABLE, INTERRUPT_ENABLE_RECEIVED);
	return error;
}

static int serial_command(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) {
		console_printf("serial: takes no argument\n");
		return 1;
	}
	console_printf("port 0x%x irq %d: %lu interrupts, %lu overruns, %lu bytes dropped, %lu unsent\n",
		       CONFIG_SERIAL_PORT, CONFIG_SERIAL_IRQ, uart_counts.interrupts,
		       uart_counts.overruns, uart_counts.dropped, uart_counts.unsent);
	return 0;
}
MONITOR_COMMAND(serial, "", "state and losses of the serial port", serial_command);
