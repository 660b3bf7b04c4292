/* SPDX-License-Identifier: MIT */
/* The log without a log: lines go straight to the consoles and nothing is kept. */
#include "log_echo.h"

#include <exo/console.h>

void log_emit(enum log_level level, const char *format, ...)
{
	va_list arguments;

	console_printf("%s", log_level_prefix(level));
	va_start(arguments, format);
	console_vprintf(format, arguments);
	va_end(arguments);
	console_write("\n", 1);
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
