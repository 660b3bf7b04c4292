/* SPDX-License-Identifier: MIT */
/*
 * One allocator over one trace: makes the trace, then does what standard input says, a line at a
 * time, and answers each line with one of JSON. scripts/exo/native.py is at the other end.
 *
 *	verify		the checking pass, before all else
 *	time N		a round that does not count, and N whose CPU time is taken
 *	latency N	N times a round that does not count and one with each operation timed:
 *			p99.99 and most of each of the latter
 *	report		what the latency rounds found
 *
 * The process gets no transparent huge pages: whether a library would get any depends on the host's
 * settings, and it would be those that were compared.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "native.h"

#define MOST_TICKS 65536 /* some 20 microseconds */
#define KEPT_ROUNDS 31

static struct trace trace;
static void **blocks; /* of each slot */
static uint32_t *taken[KEPT_ROUNDS]; /* TSC ticks of each operation in the last rounds */
static uint32_t *least; /* the fewest of all rounds */
static uint32_t timed_rounds;
static uint32_t timer_ticks; /* what the timer itself adds to each */
static uint64_t began_ns, began_ticks; /* the same moment by both clocks */

void fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	_exit(1); /* exit() might allocate or free, and it may be the allocator that failed */
}

void *host_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (memory == MAP_FAILED)
		fail("no memory for %zu bytes", size);
	return memory;
}

static uint64_t now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Page faults so far: they tell which rounds got memory from the system. */
static uint64_t faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (uint64_t)usage.ru_minflt;
}

/* Nanoseconds of an operation that took @ticks by the timer. */
static double to_ns(uint32_t ticks)
{
	static double ns_per_tick;

	if (ns_per_tick == 0) {
		uint64_t ns;

		do
			ns = now_ns(CLOCK_MONOTONIC);
		while (ns - began_ns < 50000000);
		ns_per_tick = (double)(ns - began_ns) / (double)(__rdtsc() - began_ticks);
	}
	return ticks > timer_ticks ? (ticks - timer_ticks) * ns_per_tick : 0;
}

static void do_verify(void)
{
	struct verified result;
	char version[64];

	verify(&trace, blocks, &result);
	allocator_identify(version, sizeof(version));
	printf("{\"version\": \"%s\", \"operations\": %u, \"counted\": %u, \"checksum\": "
	       "\"%016" PRIx64 "\", \"contents\": \"%016" PRIx64 "\", \"errors\": %" PRIu64
	       ", \"peak_live\": %" PRIu64 ", \"peak_held\": %" PRIu64 ", \"kept\": %" PRIu64 "}\n",
	       version, trace.count, trace.counted, trace.checksum, result.contents, result.errors,
	       trace.peak_live, result.peak_held, result.kept);
}

static void do_time(int rounds)
{
	printf("{\"rounds\": [");
	replay(&trace, blocks, 0, trace.count);
	for (int i = 0; i < rounds; i++) {
		const uint64_t faults_before = faults(), start = now_ns(CLOCK_THREAD_CPUTIME_ID);
		uint64_t ns;

		replay(&trace, blocks, 0, trace.counted);
		ns = now_ns(CLOCK_THREAD_CPUTIME_ID) - start;
		printf("%s[%" PRIu64 ", %" PRIu64 "]", i ? ", " : "", ns, faults() - faults_before);
		replay(&trace, blocks, trace.counted, trace.count);
	}
	printf("]}\n");
}

/*
 * What at most 1 / @part of the operations exceed; at most MOST_TICKS. Counts instead of sorting,
 * because qsort() allocates.
 */
static double quantile(const uint32_t *values, uint32_t part)
{
	static uint32_t counts[MOST_TICKS + 1];
	uint32_t above = 0, at = MOST_TICKS;

	memset(counts, 0, sizeof(counts));
	for (uint32_t i = 0; i < trace.counted; i++)
		counts[values[i] < MOST_TICKS ? values[i] : MOST_TICKS]++;
	while (at > 0 && above + counts[at] <= trace.counted / part)
		above += counts[at--];
	return to_ns(at);
}

static void do_latency(int rounds)
{
	printf("{\"rounds\": [");
	for (int i = 0; i < rounds; i++) {
		uint32_t **const round = &taken[timed_rounds++ % KEPT_ROUNDS], most = 0;

		if (!*round)
			*round = host_memory(trace.counted * sizeof(**round));
		/* Looking at the last round has put other things into the caches. */
		replay(&trace, blocks, 0, trace.count);
		replay_timed(&trace, blocks, *round);
		replay(&trace, blocks, trace.counted, trace.count);
		for (uint32_t j = 0; j < trace.counted; j++) {
			if ((*round)[j] < least[j])
				least[j] = (*round)[j];
			if ((*round)[j] > most)
				most = (*round)[j];
		}
		printf("%s[%.0f, %.0f]", i ? ", " : "", quantile(*round, 10000), to_ns(most));
	}
	printf("]}\n");
}

/* The median of an operation's times in the rounds that are kept. */
static uint32_t usual(uint32_t operation)
{
	const uint32_t rounds = timed_rounds < KEPT_ROUNDS ? timed_rounds : KEPT_ROUNDS;
	uint32_t sorted[KEPT_ROUNDS] = { 0 };

	for (uint32_t i = 0; i < rounds; i++) {
		const uint32_t ticks = taken[i][operation];
		uint32_t at = i;

		for (; at > 0 && sorted[at - 1] > ticks; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = ticks;
	}
	return sorted[(rounds - 1) / 2];
}

static void do_report(void)
{
	static const char *const kinds[] = { "alloc", "free", "resize" };
	uint32_t worst = 0, usual_worst = 0;

	for (uint32_t i = 0; i < trace.counted && timed_rounds > 0; i++) {
		const uint32_t ticks = usual(i);

		if (least[i] > least[worst])
			worst = i;
		if (ticks > usual_worst)
			usual_worst = ticks;
	}
	printf("{\"worst\": %.0f, \"usual\": %.0f, \"p9999\": %.0f, \"p50\": %.0f, "
	       "\"worst_operation\": %u, \"worst_kind\": \"%s\", \"worst_size\": %u}\n",
	       to_ns(least[worst]), to_ns(usual_worst), quantile(least, 10000), quantile(least, 2),
	       worst, kinds[trace.operations[worst].kind], trace.operations[worst].size);
}

static void prepare(const char *name, uint32_t scale)
{
	if (scale < 1 || !trace_make(&trace, name, scale))
		fail("there is no trace %s at 1/%u", name, scale);
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	blocks = host_memory(trace.slots * sizeof(*blocks));
	least = host_memory(trace.count * sizeof(*least));
	memset(least, 0xff, trace.count * sizeof(*least)); /* more than any time */
	timer_ticks = replay_timer_ticks();
	began_ns = now_ns(CLOCK_MONOTONIC);
	began_ticks = __rdtsc();
}

int main(int argc, char **argv)
{
	static char line[64];
	int rounds;

	if (argc != 3)
		fail("usage: %s TRACE SCALE", argv[0]);
	setvbuf(stdin, host_memory(4096), _IOFBF, 4096);
	setvbuf(stdout, host_memory(65536), _IOFBF, 65536);
	prepare(argv[1], (uint32_t)atoi(argv[2]));
	while (fgets(line, sizeof(line), stdin)) {
		if (strcmp(line, "verify\n") == 0)
			do_verify();
		else if (sscanf(line, "time %d", &rounds) == 1)
			do_time(rounds);
		else if (sscanf(line, "latency %d", &rounds) == 1)
			do_latency(rounds);
		else if (strcmp(line, "report\n") == 0)
			do_report();
		else
			fail("unknown command %s", line);
		fflush(stdout);
	}
	return 0;
}
