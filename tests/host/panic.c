/* SPDX-License-Identifier: MIT */
/* panic() of the host tests, for ASSERT(): prints the cause and aborts. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <exo/panic.h>

void panic(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("panic: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	abort();
}

bool panic_is_here(void)
{
	return false;
}
