/* SPDX-License-Identifier: MIT */
/* Benchmarks of the clock: reading it, and what finding its frequency takes. */
#include <exo/bench.h>
#include <exo/clock.h>

static uint64_t clock_read(void)
{
	const uint64_t start = bench_start();

	clock_ns();
	return bench_stop(start);
}
BENCHMARK(clock_read, "clock.read", 1000);

/* Busy waiting included. */
static uint64_t boot_calibration(void)
{
	return clock_calibration_cost();
}
BENCHMARK(boot_calibration, "boot.calibration", 1);
