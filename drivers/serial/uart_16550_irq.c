/* SPDX-License-Identifier: MIT */
/*
 * Interrupt-driven input of the 16550: the handler moves bytes from the UART to a ring.
 *
 * The 8259 latches edges, so the handler must leave no cause pending: it drains until the UART says
 * that nothing is. (The reader drains as well: a lost edge delays bytes and never loses the line.)
 * When the ring is full the interrupt is masked and bytes stay in the UART until the reader has
 * made room: a virtual machine then stops sending, and real hardware counts an overrun.
 *
 * Invariant: ring indices only grow; put - got <= size. The ring is under input_lock.
 */
#include "uart_16550.h"

#include <arch/cpu.h>
#include <exo/console.h>
#include <exo/irq.h>
#include <exo/log.h>
#include <exo/monitor.h>
#include <exo/spinlock.h>

#define RING_SIZE 256 /* a power of 2; a pasted line fits */
#define ROUNDS 4 /* a guess: causes that one interrupt serves at most, should the UART lie */

static struct spinlock input_lock = SPINLOCK_INIT(LOCK_RANK_INPUT);
static uint8_t ring[RING_SIZE] __guarded_by(input_lock);
static unsigned int ring_put __guarded_by(input_lock), ring_got __guarded_by(input_lock);
static bool masked __guarded_by(input_lock); /* because the ring was full */

static bool ring_is_full(void) __requires(input_lock)
{
	return ring_put - ring_got == RING_SIZE;
}

static void drain(void) __requires(input_lock)
{
	int byte;

	while (!ring_is_full() && (byte = uart_16550_receive()) >= 0)
		ring[ring_put++ % RING_SIZE] = (uint8_t)byte;
}

static void mask(bool on) __requires(input_lock)
{
	masked = on;
	uart_out(UART_INTERRUPT_ENABLE, on ? 0 : INTERRUPT_ENABLE_RECEIVED);
}

static void uart_interrupt(void *context)
{
	(void)context;
	spin_acquire(&input_lock);
	uart_counts.interrupts++;
	for (unsigned int i = 0; i < ROUNDS && !(uart_in(UART_INTERRUPT_ID) & INTERRUPT_ID_NONE);
	     i++)
		drain();
	if (ring_is_full())
		mask(true);
	spin_release(&input_lock);
	console_input_arrived();
}

int uart_16550_irq_read(void)
{
	const uint64_t flags = spin_lock_irq(&input_lock);
	int byte = -1;

	drain();
	if (ring_got != ring_put)
		byte = ring[ring_got++ % RING_SIZE];
	if (masked)
		mask(false);
	spin_unlock_irq(&input_lock, flags);
	return byte;
}

/* An idle transmitter interrupts as soon as it may. Returns false if that does not get here. */
static bool interrupt_arrives(void)
{
	bool arrived = false;

	uart_out(UART_INTERRUPT_ENABLE, INTERRUPT_ENABLE_SENDABLE);
	for (unsigned int i = 0; i < UART_PROBE_POLLS && !arrived; i++) {
		cpu_pause();
		uart_line_status(); /* takes a bus cycle, so the wait is the same on every CPU */
		arrived = *(volatile unsigned long *)&uart_counts.interrupts > 0;
	}
	return arrived;
}

int uart_16550_irq_start(void)
{
	uint64_t flags;
	int error = irq_register(CONFIG_SERIAL_IRQ, uart_interrupt, NULL, "serial");

	if (error == -EXO_E_BUSY)
		log_warning("serial: irq %d is taken: input is polled (SERIAL_IRQ)",
			    CONFIG_SERIAL_IRQ);
	if (error)
		return error;
	if (!interrupt_arrives()) {
		uart_out(UART_INTERRUPT_ENABLE, 0);
		log_warning("serial: irq %d does not arrive: input is polled (SERIAL_IRQ)",
			    CONFIG_SERIAL_IRQ);
		return -EXO_E_TIMEOUT;
	}
	flags = spin_lock_irq(&input_lock);
	mask(false);
	spin_unlock_irq(&input_lock, flags);
	return 0;
}

static int serial_command(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) {
		console_printf("serial: takes no argument\n");
		return 1;
	}
	console_printf("port 0x%x irq %d: %lu interrupts, %lu overruns, %lu bytes unsent\n",
		       CONFIG_SERIAL_PORT, CONFIG_SERIAL_IRQ, uart_counts.interrupts,
		       uart_counts.overruns, uart_counts.unsent);
	return 0;
}
MONITOR_COMMAND(serial, "", "state and losses of the serial port", serial_command);
