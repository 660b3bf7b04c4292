/* SPDX-License-Identifier: MIT */
/* Benchmarks of what every kernel does: boot, formatting a line. */
#include <exo/bench.h>
#include <exo/clock.h>
#include <exo/printf.h>

static uint64_t boot_done_tsc;

void bench_boot_done(void)
{
	boot_done_tsc = cpu_tsc();
}

static uint64_t boot_entry_to_main(void)
{
	return boot_done_tsc - boot_tsc;
}
BENCHMARK(boot_entry_to_main, "boot.entry_to_main", 1);

/* A typical log line: text, a padded number, hexadecimal, a string. 60 characters. */
static uint64_t printf_line(void)
{
	static char line[80];
	const uint64_t start = bench_start();

	ksnprintf(line, sizeof(line), "memory: %8u KiB at 0x%012llx-0x%012llx %s", 523904u,
		  0x100000ull, 0x1ff00000ull, "usable");
	return bench_stop(start);
}
BENCHMARK(printf_line, "printf.line", 1000);
