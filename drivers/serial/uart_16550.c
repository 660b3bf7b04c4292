/* SPDX-License-Identifier: MIT */
/*
 * 16550 serial port: the console that works from the first line of the kernel on.
 *
 * Output is polled: the driver waits until the transmit FIFO is empty and refills it whole, with
 * interrupts off only while it fills. The wait is bounded, and once it has run out each further
 * attempt looks just once until the UART takes bytes again, so a dead UART costs one wait, not a
 * hang. Input is polled here; uart_16550_irq.c replaces that when CONFIG_IRQ is set.
 *
 * Locks: none. Two writers (a line and an interrupt in the middle of it) mix bytes, never more.
 */
#include "uart_16550.h"

#include <arch/cpu.h>
#include <exo/console.h>
#include <exo/errno.h>
#include <exo/log.h>
#include <exo/serial.h>

#define UART_CLOCK 115200 /* baud at divisor 1, on every PC */
#define UART_DIVISOR ((UART_CLOCK + CONFIG_SERIAL_BAUD / 2) / CONFIG_SERIAL_BAUD)

/*
 * A guess. A port read takes about 1 us on real hardware and less in a virtual machine. The wait
 * must outlast 16 bytes at 50 baud (3.2 s) and a person who suspends the reader of a pipe for
 * a moment.
 */
#define UART_SEND_POLLS 10000000

#define UART_PROBE_BYTE 0xae /* neither what an empty bus reads as nor its complement */

struct uart_counts uart_counts;
static uint8_t uart_fifo_depth;
static bool uart_stuck; /* the last wait ran out */
static bool uart_return_sent; /* the '\r' before the next '\n' is out */
static bool uart_interrupts; /* input arrives by interrupt */
static int uart_status = -EXO_E_DEAD; /* of the probe */

uint8_t uart_line_status(void)
{
	uint8_t status = uart_in(UART_LINE_STATUS);

	if (status & LINE_STATUS_OVERRUN)
		uart_counts.overruns++;
	return status;
}

static bool uart_wait(enum uart_line_status bit, unsigned int polls)
{
	while (!(uart_line_status() & bit)) {
		if (polls-- == 0)
			return false;
		cpu_pause();
	}
	return true;
}

/* Fills the empty transmit FIFO. Returns how many bytes of @text it took. */
static size_t uart_fill(const char *text, size_t length)
{
	size_t taken = 0;

	for (unsigned int room = uart_fifo_depth; room > 0 && taken < length; room--) {
		char byte = text[taken];

		if (byte == '\n' && !uart_return_sent) {
			byte = '\r';
			uart_return_sent = true;
		} else {
			uart_return_sent = false;
			taken++;
		}
		uart_out(UART_DATA, (uint8_t)byte);
	}
	return taken;
}

static void uart_write(struct console *console, const char *text, size_t length)
{
	(void)console;
	while (length > 0) {
		unsigned int polls = uart_stuck ? 0 : UART_SEND_POLLS;
		size_t taken = 0;

		uart_stuck = !uart_wait(LINE_STATUS_SENDABLE, polls);
		if (uart_stuck) {
			uart_counts.unsent += length;
			return;
		}
		/* Look again with interrupts off: a handler may have filled the FIFO meanwhile. */
		uint64_t flags = irq_save();

		if (uart_line_status() & LINE_STATUS_SENDABLE)
			taken = uart_fill(text, length);
		irq_restore(flags);
		text += taken;
		length -= taken;
	}
}

int uart_16550_receive(void)
{
	return uart_line_status() & LINE_STATUS_RECEIVED ? uart_in(UART_DATA) : -1;
}

static int uart_read(struct console *console)
{
	(void)console;
	if (IS_ENABLED(CONFIG_IRQ) && uart_interrupts)
		return uart_16550_irq_read();
	return uart_16550_receive();
}

static struct console uart_console = { .name = "serial", .write = uart_write, .read = uart_read };

static void uart_set_divisor(uint16_t divisor)
{
	uart_out(UART_LINE_CONTROL, LINE_CONTROL_8N1 | LINE_CONTROL_DIVISOR);
	uart_out(UART_DIVISOR_LOW, divisor & 0xff);
	uart_out(UART_DIVISOR_HIGH, divisor >> 8);
	uart_out(UART_LINE_CONTROL, LINE_CONTROL_8N1);
}

/* Sends a byte to itself. Returns 0, or -EXO_E_DEAD when it does not come back. */
static int uart_probe(void)
{
	int status = -EXO_E_DEAD;

	uart_wait(LINE_STATUS_IDLE, UART_PROBE_POLLS); /* the firmware's last words */
	uart_out(UART_INTERRUPT_ENABLE, 0);
	uart_set_divisor(1);
	uart_out(UART_FIFO_CONTROL,
		 FIFO_CONTROL_ENABLE | FIFO_CONTROL_CLEAR | FIFO_CONTROL_TRIGGER_8);
	uart_out(UART_MODEM_CONTROL, MODEM_CONTROL_READY | MODEM_CONTROL_LOOPBACK);
	uart_out(UART_DATA, UART_PROBE_BYTE);
	if (uart_wait(LINE_STATUS_RECEIVED, UART_PROBE_POLLS) &&
	    uart_in(UART_DATA) == UART_PROBE_BYTE)
		status = 0;
	uart_fifo_depth =
		(uart_in(UART_INTERRUPT_ID) & INTERRUPT_ID_FIFO) == INTERRUPT_ID_FIFO ? 16 : 1;
	uart_set_divisor(UART_DIVISOR);
	uart_out(UART_MODEM_CONTROL, MODEM_CONTROL_READY | MODEM_CONTROL_OUT2);
	uart_counts.overruns = 0; /* an empty bus reads as all ones */
	return status;
}

__boot void serial_init(void)
{
	uart_status = uart_probe();
	if (uart_status == 0)
		console_register(&uart_console);
}

void serial_enable_input(void)
{
	if (uart_status) {
		log_warning(
			"serial: no 16550 UART answers at port 0x%x; it is not used (SERIAL_PORT)",
			CONFIG_SERIAL_PORT);
		return;
	}
	log_info("serial: 16550 at port 0x%x, %d baud, fifo %d", CONFIG_SERIAL_PORT,
		 UART_CLOCK / UART_DIVISOR, uart_fifo_depth);
	if (IS_ENABLED(CONFIG_IRQ))
		uart_interrupts = uart_16550_irq_start() == 0;
}

bool serial_input_wakes(void)
{
	return uart_interrupts;
}
