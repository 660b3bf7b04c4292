/* SPDX-License-Identifier: MIT */
/*
 * The benchmark harness: takes samples, sorts them, prints one BENCH row a benchmark. In the kernel
 * and in programs (tests/user/bench).
 */
#include <exo/bench.h>
#include <exo/console.h>
#include <exo/string.h>

#define NS_PER_S 1000000000ull

extern const struct benchmark benchmarks_start[], benchmarks_end[];

static uint64_t samples[BENCH_MAX_SAMPLES];

static void sort(uint64_t *values, unsigned int count)
{
	/* Shell sort with Knuth's gaps: no recursion, and fast enough for a thousand values. */
	unsigned int gap = 1;

	while (gap < count / 3)
		gap = 3 * gap + 1;
	for (; gap > 0; gap /= 3)
		for (unsigned int i = gap; i < count; i++) {
			const uint64_t value = values[i];
			unsigned int j = i;

			for (; j >= gap && values[j - gap] > value; j -= gap)
				values[j] = values[j - gap];
			values[j] = value;
		}
}

static uint64_t empty_sample(void)
{
	return bench_stop(bench_start());
}

static uint64_t overhead(void)
{
	uint64_t least = UINT64_MAX;

	for (unsigned int i = 0; i < 16; i++) {
		const uint64_t sample = empty_sample();

		if (sample < least)
			least = sample;
	}
	return least;
}

static uint64_t in_unit(uint64_t ticks, uint64_t hz)
{
	if (!hz)
		return ticks;
	return ticks / hz * NS_PER_S + ticks % hz * NS_PER_S / hz;
}

static void run_one(const struct benchmark *b, uint64_t hz)
{
	const unsigned int n = b->samples;
	const uint64_t empty = n == 1 ? 0 : overhead();

	if (b->begin)
		b->begin();
	b->sample(); /* warms caches; for a single value it makes no difference */
	for (unsigned int i = 0; i < n; i++) {
		const uint64_t sample = b->sample();

		samples[i] = sample > empty ? sample - empty : 0;
	}
	if (b->end)
		b->end();
	sort(samples, n);
	console_printf("BENCH %s unit=%s n=%u min=%llu p50=%llu p99=%llu\n", b->name,
		       hz ? "ns" : "insn", n, (unsigned long long)in_unit(samples[0], hz),
		       (unsigned long long)in_unit(samples[n / 2], hz),
		       (unsigned long long)in_unit(samples[n - 1 - n / 100], hz));
}

unsigned int bench_run_in(const char *filter, uint64_t hz)
{
	unsigned int ran = 0;

	for (const struct benchmark *b = benchmarks_start; b < benchmarks_end; b++) {
		if (filter && *filter && !strstr(b->name, filter))
			continue;
		run_one(b, hz);
		ran++;
	}
	console_printf("BENCH END %u\n", ran);
	return ran;
}
