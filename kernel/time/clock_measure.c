/* SPDX-License-Identifier: MIT */
/*
 * The frequency of the TSC: what CPUID states and what other counters show.
 *
 * Each counter is read early in the boot and again late, so that the boot itself is the interval. A
 * reading lies between two of the TSC, and the tightest of several is taken: a host that stops the
 * guest within one does not spoil it, and what uncertainty is left is known (struct clock_opinion).
 * The PIT counts down but once in 55 ms; so every look at the clock reads it, and the least
 * uncertain of its opinions stays.
 *
 * Only if nobody states the frequency, and the interval so far leaves more than ERROR_WANTED of
 * uncertainty, the rest is waited for: on the best counter, for at most WAIT_NS by its count, and
 * at most WAIT_ROUNDS rounds even if it stands still. Under QEMU's -icount, where an instruction is
 * a nanosecond, that is less than 2 million instructions altogether (benchmark boot.calibration).
 * All of this happens on the boot CPU, before there are others.
 */
#include "clock.h"

#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/pit.h>
#include <exo/log.h>

#define MEASURE_SOURCES 2
#define ERROR_WANTED 600u /* millionths: less than 0.1 % */
#define WAIT_NS 20000000u
#define NS_PER_S 1000000000ull
#define READINGS 5u
#define WAIT_ROUNDS 7000u
#define WAIT_PAUSES 40u
#define KHZ 1000u

struct reference {
	const struct clock_source *source;
	struct clock_reading first;
};

static struct reference references[MEASURE_SOURCES];
static unsigned int nr_references;
static uint64_t start_tsc;
static struct clock_reading pit_first;
static struct clock_opinion pit_opinion;

/* What CPUID states, 0 if nothing. */
static uint64_t stated_hz(void)
{
	return clock_facts.leaf15 ? clock_facts.leaf15 : clock_facts.hypervisor_hz;
}

/* The tightest of @readings; its width is UINT64_MAX if the PIT's time is over (@source NULL). */
static struct clock_reading read_tightly(const struct clock_source *source, unsigned int readings)
{
	struct clock_reading best = { .width = UINT64_MAX };

	for (unsigned int i = 0; i < readings; i++) {
		const uint64_t before = cpu_tsc_ordered();
		uint64_t count, width;

		if (source)
			count = source->read();
		else if (!pit_count_read(&count))
			break;
		width = cpu_tsc_ordered() - before;
		if (width < best.width)
			best = (struct clock_reading){ before + width / 2, width, count };
	}
	return best;
}

__boot void clock_measure_start(void)
{
	start_tsc = cpu_tsc();
	pit_count_start();
	pit_first = read_tightly(NULL, READINGS);
}

__boot void clock_measure_add(const struct clock_source *source)
{
	if (!source || nr_references == MEASURE_SOURCES)
		return;
	references[nr_references++] = (struct reference){ source, read_tightly(source, READINGS) };
}

/* Reads the PIT. Returns false if its time is over. */
static bool read_pit(unsigned int readings, struct clock_reading *now)
{
	struct clock_opinion opinion;

	*now = read_tightly(NULL, readings);
	if (now->width == UINT64_MAX)
		return false;
	opinion = clock_opinion("pit", PIT_HZ, UINT64_MAX, &pit_first, now);
	if (opinion.hz && (!pit_opinion.hz || opinion.error <= pit_opinion.error))
		pit_opinion = opinion;
	return true;
}

uint64_t clock_measure_now(void)
{
	uint64_t hz = stated_hz();
	struct clock_reading now;

	if (!hz && read_pit(1, &now))
		return (now.count - pit_first.count) * NS_PER_S / PIT_HZ;
	if (!hz)
		hz = pit_opinion.hz;
	return hz ? clock_scale(cpu_tsc() - start_tsc, clock_multiplier(hz)) : 0;
}

/* Is the opinion of @source (NULL: the PIT) good enough, or as good as it will get? */
static __boot bool good_enough(const struct reference *reference)
{
	const struct clock_source *source = reference ? reference->source : NULL;
	struct clock_opinion opinion;
	struct clock_reading now;

	if (!source) {
		if (!read_pit(1, &now))
			return true;
		return pit_opinion.hz && pit_opinion.error <= ERROR_WANTED;
	}
	now = read_tightly(source, 1);
	opinion = clock_opinion(source->name, source->hz, source->mask, &reference->first, &now);
	return (opinion.hz && opinion.error <= ERROR_WANTED) ||
	       ((now.count - reference->first.count) & source->mask) >
		       source->hz / NS_PER_S * WAIT_NS + source->hz % NS_PER_S * WAIT_NS / NS_PER_S;
}

/* Makes the interval long enough for the best counter. */
static __boot void wait_for_interval(void)
{
	const struct reference *reference = nr_references ? &references[0] : NULL;
	struct clock_reading now;

	/* Did the PIT run out before anybody looked? */
	if (!reference && !read_pit(1, &now) &&
	    (!pit_opinion.hz || pit_opinion.error > CLOCK_VAGUE)) {
		clock_measure_start();
		pit_opinion.hz = 0;
	}
	for (unsigned int round = 0; round < WAIT_ROUNDS && !good_enough(reference); round++)
		for (unsigned int i = 0; i < WAIT_PAUSES; i++)
			cpu_pause();
}

static __boot void report(const struct clock_opinion *opinions, unsigned int count,
			  unsigned int chosen)
{
	if (chosen == count) {
		log_warning("clock: nothing tells the frequency of the time-stamp counter: it is "
			    "taken for 1 GHz");
		return;
	}
	log_info("clock: time-stamp counter at %llu kHz by %s, to %llu millionths",
		 (unsigned long long)(opinions[chosen].hz / KHZ), opinions[chosen].name,
		 (unsigned long long)opinions[chosen].error);
	for (unsigned int i = 0; i < count; i++) {
		if (i == chosen || !opinions[i].hz)
			continue;
		if (clock_agrees(&opinions[chosen], &opinions[i]))
			log_info("clock: %s agrees: %llu kHz", opinions[i].name,
				 (unsigned long long)(opinions[i].hz / KHZ));
		else
			log_warning("clock: %s disagrees: %llu kHz", opinions[i].name,
				    (unsigned long long)(opinions[i].hz / KHZ));
	}
}

__boot uint64_t clock_measure_end(void)
{
	/* The most trusted first; the nominal frequency may be off by a per cent. */
	struct clock_opinion opinions[3 + MEASURE_SOURCES + 1] = {
		{ "CPUID leaf 0x15", clock_facts.leaf15, 0 },
		{ "the hypervisor", clock_facts.hypervisor_hz, 0 },
	};
	unsigned int count = 2, chosen;
	struct clock_reading now;

	if (!stated_hz())
		wait_for_interval();
	for (unsigned int i = 0; i < nr_references; i++) {
		const struct reference *r = &references[i];

		now = read_tightly(r->source, READINGS);
		opinions[count++] = clock_opinion(r->source->name, r->source->hz, r->source->mask,
						  &r->first, &now);
	}
	read_pit(READINGS, &now);
	opinions[count++] = pit_opinion;
	opinions[count++] = (struct clock_opinion){ "CPUID leaf 0x16", clock_facts.leaf16, 10000 };
	chosen = clock_judge(opinions, count);
	report(opinions, count, chosen);
	return chosen < count ? opinions[chosen].hz : NS_PER_S;
}
