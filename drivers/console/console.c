/* SPDX-License-Identifier: MIT */
/*
 * The list of consoles: output goes to all of them, input comes from any.
 *
 * Consoles are only ever added, at the end and at boot, so walking the list needs no lock. Whoever
 * writes has console_lock, with interrupts on. A handler only tries (console_try()), and so needs
 * to know without CONFIG_SMP too whether it interrupted somebody who writes: @writing says so.
 */
#include <arch/cpu.h>
#include <exo/console.h>
#include <exo/log.h>
#include <exo/panic.h>
#include <exo/printf.h>
#include <exo/semaphore.h>
#include <exo/serial.h>
#include <exo/spinlock.h>
#include <exo/string.h>
#include <stdbool.h>

#define POLL_NS (5 * NS_PER_MS) /* a guess: quicker than anybody types */

static struct console *consoles;
static struct semaphore input = SEMAPHORE_INIT(0); /* given when there may be input */
static struct spinlock console_lock = SPINLOCK_INIT(LOCK_RANK_CONSOLE);
static volatile bool writing; /* under console_lock; read without it where there is one CPU */

/* Can there be anybody else? Threads are preempted by interrupts, and CPUs need them too. */
#define SHARED IS_ENABLED(CONFIG_IRQ)

/*
 * Taking and giving up the console are functions of their own, between which nothing is guarded
 * that the analysis could follow: consoles are reached through pointers.
 */
void console_begin(void) __no_thread_safety_analysis
{
	if (!SHARED || panic_is_here())
		return;
	spin_lock(&console_lock);
	writing = true;
}

bool console_try(void) __no_thread_safety_analysis
{
	if (!SHARED || panic_is_here())
		return true;
	if (!IS_ENABLED(CONFIG_SMP) && writing)
		return false;
	if (!spin_try_lock(&console_lock))
		return false;
	writing = true;
	return true;
}

void console_release(void) __no_thread_safety_analysis
{
	if (!SHARED || panic_is_here())
		return;
	writing = false;
	spin_unlock(&console_lock);
}

void console_end(void)
{
	console_release();
	log_echo();
}

static void replay_line(void *context, const char *text, size_t length)
{
	struct console *console = context;

	console->write(console, text, length);
}

void console_register(struct console *console)
{
	struct console **end = &consoles;

	console_begin();
	log_replay_echo(replay_line, console);
	console->next = NULL;
	while (*end)
		end = &(*end)->next;
	*end = console;
	console_end();
}

const struct console *console_first(void)
{
	return consoles;
}

void console_put(const char *text, size_t length)
{
	for (struct console *console = consoles; console; console = console->next)
		console->write(console, text, length);
}

void console_write(const char *text, size_t length)
{
	if (!SHARED) {
		console_put(text, length);
		return;
	}
	while (length) {
		const char *newline = memchr(text, '\n', length);
		const size_t line = newline ? (size_t)(newline - text) + 1 : length;

		console_begin();
		console_put(text, line);
		console_end();
		text += line;
		length -= line;
	}
}

static void put_to_consoles(struct printf_sink *sink, const char *text, size_t length)
{
	(void)sink;
	console_put(text, length);
}

void console_vprintf(const char *format, va_list arguments)
{
	struct printf_sink sink = { .put = put_to_consoles };

	console_begin();
	printf_format(&sink, format, arguments);
	console_end();
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

/* Lets others run until there may be input. */
static void wait_for_input(void)
{
	if (!IS_ENABLED(CONFIG_THREADS))
		cpu_pause();
	else if (must_poll())
		thread_sleep_until(clock_ns() + POLL_NS);
	else
		semaphore_take(&input, DEADLINE_NEVER);
}

int console_wait(void)
{
	for (;;) {
		/* Off, so that a byte that arrives after the look ends the halt instead of
		 * preceding it. */
		uint64_t flags = irq_save();
		int byte = console_read();

		if (byte < 0 && !IS_ENABLED(CONFIG_THREADS) && !must_poll())
			cpu_idle();
		irq_restore(flags);
		if (byte < 0) {
			wait_for_input();
			continue;
		}
		/* What was given for it, so that the count stays small. */
		if (IS_ENABLED(CONFIG_THREADS))
			semaphore_try(&input);
		return byte;
	}
}

void console_input_arrived(void)
{
	if (IS_ENABLED(CONFIG_THREADS))
		semaphore_give(&input);
}
