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

/* What init does for it in a protected build: "user-test=FILTER" on the command line. */
static int run_as_root(void)
{
	const char *word = exo_boot_word("user-test");
	static char filter[64];

	for (unsigned int i = 0; word && word[i] && word[i] != ' ' && i < sizeof(filter) - 1; i++)
		filter[i] = word[i];
	(void)exo_sys_ctl(EXO_FIRST_SYS, EXO_SYS_EXIT, test_run(filter) != 0, 0);
	return 1;
}

int main(int argc, char **argv)
{
	if (abi_init())
		return 1;
	if (exo_program_info.boot)
		return run_as_root();
	return test_run(argc > 1 ? argv[1] : NULL) != 0;
}
