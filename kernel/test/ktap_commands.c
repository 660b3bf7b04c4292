/* SPDX-License-Identifier: MIT */
/* The monitor's command that runs the self tests. */
#include <exo/console.h>
#include <exo/errno.h>
#include <exo/monitor.h>
#include <exo/test.h>

static int test_command(int argc, char **argv)
{
	if (argc > 2) {
		console_printf("test: give one word that is part of the suites' names, or none\n");
		return -EXO_E_ARG;
	}
	return test_run(argc == 2 ? argv[1] : NULL) == 0 ? 0 : 1;
}
MONITOR_COMMAND(test, "[FILTER]", "run the self tests whose suite's name contains FILTER",
		test_command);
