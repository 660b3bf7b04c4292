/* SPDX-License-Identifier: MIT */
/*
 * The list of consoles: output goes to all of them, input comes from any.
 *
 * Consoles are only ever added, at the end, so walking the list needs no lock: a writer in an
 * interrupt sees it with or without the newest entry.
 */
#include <arch/cpu.h>
#include <exo/console.h>
#include <exo/log.h>
#include <exo/printf.h>
#include <exo/serial.h>
#include <stdbool.h>

static struct console *consoles;

static void replay_line(void *context, const char *text, size_t length)
{
	struct console *console = context;

	console->write(console, text, length);
}

void console_register(struct console *console)
{
	struct console **end = &consoles;

	log_replay_echo(replay_line, console);
	console->next = NULL;
	while (*end)
		end = &(*end)->next;
	*end = console;
}

const struct console *console_first(void)
{
	return consoles;
}

void console_write(const char *text, size_t length)
{
	for (struct console *console = consoles; console; console = console->next)
		console->write(console, text, length);
}

static void put_to_consoles(struct printf_sink *sink, const char *text, size_t length)
{
	(void)sink;
	console_write(text, length);
}

void console_vprintf(const char *format, va_list arguments)
{
	struct printf_sink sink = { .put = put_to_consoles };

	printf_format(&sink, format, arguments);
}

void console_printf(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	console_vprintf(format, arguments);
	va_end(arguments);
}

int console_read(void)
{
	int byte = -1;

	for (struct console *console = consoles; console && byte < 0; console = console->next) {
		if (console->read)
			byte = console->read(console);
	}
	return byte;
}

/* True if input can arrive without an interrupt. */
static bool must_poll(void)
{
	for (struct console *console = consoles; console; console = console->next) {
		if (console->read && !serial_input_wakes())
			return true;
	}
	return false;
}

int console_wait(void)
{
	for (;;) {
		/* Off, so that a byte that arrives after the look ends the halt instead of
		 * preceding it. */
		uint64_t flags = irq_save();
		int byte = console_read();

		if (byte < 0 && !must_poll())
			cpu_idle();
		irq_restore(flags);
		if (byte >= 0)
			return byte;
		cpu_pause();
	}
}
