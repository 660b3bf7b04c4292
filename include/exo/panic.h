/* SPDX-License-Identifier: MIT */
/*
 * The end: a kernel invariant is broken. Prints the cause, registers, a backtrace, the
 * configuration's hash and the last log lines, as far as they are configured, then stops the
 * machine.
 */
#ifndef EXO_PANIC_H
#define EXO_PANIC_H

#include <exo/compiler.h>
#include <exo/config.h>
#include <stdbool.h>

/* With CONFIG_LOG=n there are no lines; the code that prints them is dropped. */
#ifndef CONFIG_PANIC_LOG_LINES
#define CONFIG_PANIC_LOG_LINES 0
#endif

struct interrupt_frame;

/* Panics with a cause in words. Any context. A panic within a panic ends at once. */
_Noreturn void panic(const char *format, ...) __format_printf(1, 2) __cold;

/* The same for an exception: the registers and the backtrace are @frame's. */
_Noreturn void panic_at(const struct interrupt_frame *frame, const char *format, ...)
	__format_printf(2, 3) __cold;

/*
 * Is this CPU the one that reports a panic? It waits for no lock and checks none: whoever holds it
 * was stopped, or is the code that panicked.
 */
bool panic_is_here(void);

/* Checks an invariant of the kernel's own; compiled out with CONFIG_ASSERT=n. */
#define ASSERT(condition)                                                                      \
	do {                                                                                   \
		if (IS_ENABLED(CONFIG_ASSERT) && unlikely(!(condition)))                       \
			panic("assertion failed: %s (%s:%d)", #condition, __FILE__, __LINE__); \
	} while (0)

#endif
