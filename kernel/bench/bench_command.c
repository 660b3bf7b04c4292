/* SPDX-License-Identifier: MIT */
/* The kernel's own benchmarks: in which unit, and the monitor's command. */
#include <exo/bench.h>
#include <exo/boot_info.h>
#include <exo/clock.h>
#include <exo/monitor.h>

unsigned int bench_run(const char *filter)
{
	return bench_run_in(filter,
			    boot_info_option(&boot_info, "icount", NULL, 0) ? 0 : clock_tsc_hz());
}

static int bench_command(int argc, char **argv)
{
	return bench_run(argc > 1 ? argv[1] : NULL) == 0;
}
MONITOR_COMMAND(bench, "[FILTER]", "run the benchmarks whose name contains FILTER", bench_command);
