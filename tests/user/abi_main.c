/* SPDX-License-Identifier: MIT */
/* The program abi-test: runs the suites of tests/user whose names contain its argument. */
#include "abi.h"

#include <exo/console.h>
#include <libexo/print.h>

/* What kernel/test/ktap.c prints with. */
void console_printf(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)exo_vprintf(format, arguments);
	va_end(arguments);
}

int main(int argc, char **argv)
{
	if (abi_init())
		return 1;
	return test_run(argc > 1 ? argv[1] : NULL) != 0;
}
