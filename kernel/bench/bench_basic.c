/* SPDX-License-Identifier: MIT */
/* Benchmarks of what every kernel does: boot, a spurious interrupt, formatting a line. */
#include <arch/interrupt.h>
#include <exo/bench.h>
#include <exo/printf.h>

extern uint64_t boot_tsc; /* boot.asm: the TSC at the kernel's first instruction */
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

#define SPURIOUS_VECTOR (VECTOR_FIRST_EXTERNAL + 7)

/* The 8259's spurious vector, raised by software: entry, in-service check, count, return. */
static uint64_t irq_spurious(void)
{
	uint64_t start;

	if (!IS_ENABLED(CONFIG_IRQ))
		return 0;
	start = bench_start();
	__asm__ volatile("int %0" : : "i"(SPURIOUS_VECTOR) : "memory");
	return bench_stop(start);
}
BENCHMARK(irq_spurious, "irq.spurious", 1000);

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
