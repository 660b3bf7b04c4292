/* SPDX-License-Identifier: MIT */
/*
 * The log without a log: lines go straight to the consoles and nothing is kept. A handler, or
 * whoever has interrupts off, does not wait for the console: rather than be lost, its line may then
 * be mixed with another.
 */
#include "log_echo.h"

#include <arch/irq_flag.h>
#include <exo/console.h>
#include <exo/printf.h>
#include <exo/string.h>

static void put_to_consoles(struct printf_sink *sink, const char *text, size_t length)
{
	(void)sink;
	console_put(text, length);
}

void log_emit(enum log_level level, const char *format, ...)
{
	struct printf_sink sink = { .put = put_to_consoles };
	const char *prefix = log_level_prefix(level);
	bool alone = true;
	va_list arguments;

	if (irq_enabled())
		console_begin();
	else
		alone = console_try();
	console_put(prefix, strlen(prefix));
	va_start(arguments, format);
	printf_format(&sink, format, arguments);
	va_end(arguments);
	console_put("\n", 1);
	if (alone)
		console_release();
}

void log_replay(unsigned int lines, void (*put)(void *context, const char *text, size_t length),
		void *context)
{
	(void)lines, (void)put, (void)context;
}

void log_replay_echo(void (*put)(void *context, const char *text, size_t length), void *context)
{
	(void)put, (void)context;
}

void log_set_echo(enum log_level level)
{
	(void)level;
}
