/* SPDX-License-Identifier: MIT */
/*
 * Consoles: where text goes and where keys come from. A driver fills a struct console and
 * registers it; every registered console gets all output, and input is taken from each in turn.
 *
 * Locks: output takes LOCK_RANK_CONSOLE, a line or a call of console_printf() at a time, so that
 * lines of several CPUs are not mixed. Interrupts stay on, for a console may be slow; so this is
 * for threads, and what interrupt handlers have to say goes through the log (exo/log.h). The
 * reporter of a panic waits for nobody (panic_is_here()).
 */
#ifndef EXO_CONSOLE_H
#define EXO_CONSOLE_H

#include <exo/compiler.h>
#include <stdarg.h>
#include <stdbool.h>

struct console {
	const char *name;
	/* Writes @length bytes; '\n' alone ends a line, the driver adds '\r' where it needs one. */
	void (*write)(struct console *console, const char *text, size_t length);
	/* Next input byte, or -1 when there is none; NULL for an output-only console. */
	int (*read)(struct console *console);
	struct console *next; /* owned by drivers/console/console.c */
};

/**
 * console_register() - add a console; it first gets what was written before (if the log keeps it)
 * @console: static; never unregistered
 */
void console_register(struct console *console);

/* Writes to all consoles, a line at a time. */
void console_write(const char *text, size_t length);

/* Formats straight to the consoles, past the log and its level: for the monitor and for tests. */
void console_printf(const char *format, ...) __format_printf(1, 2);
void console_vprintf(const char *format, va_list arguments) __format_printf(1, 0);

/* Next input byte from any console, or -1 when there is none now. Never waits. */
int console_read(void);

/* Waits for the next input byte; other threads run meanwhile, or else the CPU halts. */
int console_wait(void);

/* By a console's interrupt handler: console_read() may return something now. */
void console_input_arrived(void);

/* The registered consoles, oldest first; NULL when there is none. */
const struct console *console_first(void);

/*
 * Having the console to oneself: from console_begin(), or from console_try() if it returns true
 * (any context; it does not wait), to console_end() or console_release(). Preemption is off
 * meanwhile.
 */
void console_begin(void);
bool console_try(void);

/* Writes to all consoles; the caller has them, or knows why it may disturb who does. */
void console_put(const char *text, size_t length);

/* Gives them up; and prints what was logged meanwhile. */
void console_release(void);
void console_end(void);

#endif
