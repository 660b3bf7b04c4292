/* SPDX-License-Identifier: MIT */
/*
 * Benchmarks: a function takes one sample, the harness takes many and prints a row.
 *
 *	static uint64_t printf_line(void)
 *	{
 *		uint64_t start = bench_start();
 *		... the work ...
 *		return bench_stop(start);
 *	}
 *	BENCHMARK(printf_line, "printf.line", 1000);
 *
 * A sample is in TSC ticks; the harness takes off what an empty one costs. Under QEMU's
 * -icount shift=0 a tick is one guest instruction: the word "icount" on the command line says that
 * this is so and makes the unit "insn"; else samples are converted to nanoseconds.
 */
#ifndef EXO_BENCH_H
#define EXO_BENCH_H

#include <arch/cpu.h>
#include <exo/config.h>

#define BENCH_MAX_SAMPLES 1024

struct benchmark {
	const char *name;
	unsigned int samples; /* 1 .. BENCH_MAX_SAMPLES */
	uint64_t (*sample)(void);
	void (*begin)(
		void); /* called before the first sample and after the last one; may be NULL */
	void (*end)(void);
};

#if IS_ENABLED(CONFIG_BENCH)
#define BENCHMARK_KEEP __used __section(".benchmarks")
#else
#define BENCHMARK_KEEP __unused
#endif

#define BENCHMARK(function, row, count) BENCHMARK_AROUND(function, row, count, NULL, NULL)

/* The same between two functions that set the scene and clear it away, unmeasured. */
#define BENCHMARK_AROUND(function, row, count, first, last)                                    \
	_Static_assert((count) >= 1 && (count) <= BENCH_MAX_SAMPLES, "number of samples");     \
	static const struct benchmark benchmark_##function BENCHMARK_KEEP __aligned(8) = {     \
		.name = row, .samples = count, .sample = function, .begin = first, .end = last \
	}

static inline uint64_t bench_start(void)
{
	__asm__ volatile("lfence" : : : "memory");
	return cpu_tsc();
}

static inline uint64_t bench_stop(uint64_t start)
{
	__asm__ volatile("lfence" : : : "memory");
	return cpu_tsc() - start;
}

/* Runs the benchmarks whose name contains @filter (all when NULL or ""); returns how many ran. */
unsigned int bench_run(const char *filter);

/* The same with the unit: @hz TSC ticks a second for ns; 0: a tick is an instruction. */
unsigned int bench_run_in(const char *filter, uint64_t hz);

/* The end of the boot list: what boot.entry_to_main measures up to. */
#if IS_ENABLED(CONFIG_BENCH)
void bench_boot_done(void);
#else
static inline void bench_boot_done(void)
{
}
#endif

#endif
