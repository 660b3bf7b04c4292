/* SPDX-License-Identifier: MIT */
/* Arithmetic of counters, and which of several frequencies is believed. Pure code. */
#include <exo/clock_source.h>

#define MILLION 1000000u
#define NS_PER_S 1000000000ull

uint64_t clock_multiplier(uint64_t hz)
{
	/* 10^9 << 48 divided by hz, in two steps of long division: 10^9 has 30 bits, hz 34. */
	const uint64_t high = (NS_PER_S << 34) / hz, rest = (NS_PER_S << 34) % hz;

	return (high << 14) + (rest << 14) / hz;
}

uint64_t clock_ticks_multiplier(uint64_t hz)
{
	/* Rounded up. The whole GHz apart, so that nothing overflows. */
	return (hz / NS_PER_S << CLOCK_TICKS_SHIFT) +
	       ((hz % NS_PER_S << CLOCK_TICKS_SHIFT) + NS_PER_S - 1) / NS_PER_S;
}

struct clock_opinion clock_opinion(const char *name, uint64_t hz, uint64_t mask,
				   const struct clock_reading *from, const struct clock_reading *to)
{
	struct clock_opinion opinion = { .name = name };
	const uint64_t ticks = (to->count - from->count) & mask, elapsed = to->tsc - from->tsc;
	const uint64_t widths = from->width / 2 + to->width / 2;
	uint64_t tsc_hz;

	if (ticks == 0 || ticks > UINT32_MAX || to->tsc <= from->tsc || widths >= elapsed ||
	    elapsed / ticks > CLOCK_HZ_MAX / hz)
		return opinion;
	tsc_hz = elapsed / ticks * hz + elapsed % ticks * hz / ticks;
	if (tsc_hz < CLOCK_HZ_MIN || tsc_hz > CLOCK_HZ_MAX)
		return opinion;
	opinion.hz = tsc_hz;
	/* A tick, because the counter's steps were not seen; and the width of the readings. */
	opinion.error = MILLION / ticks + 1;
	if (widths <= UINT64_MAX / MILLION)
		opinion.error += widths * MILLION / elapsed;
	else
		opinion.error += widths / (elapsed / MILLION);
	return opinion;
}

__boot bool clock_agrees(const struct clock_opinion *a, const struct clock_opinion *b)
{
	const uint64_t larger = a->hz > b->hz ? a->hz : b->hz;
	const uint64_t difference = a->hz > b->hz ? a->hz - b->hz : b->hz - a->hz;

	return a->hz && b->hz &&
	       difference <= larger / MILLION * (a->error + b->error + CLOCK_TOLERANCE);
}

static __boot bool has_support(const struct clock_opinion *opinions, unsigned int count,
			       unsigned int which)
{
	for (unsigned int i = 0; i < count; i++)
		if (i != which && clock_agrees(&opinions[which], &opinions[i]))
			return true;
	return false;
}

__boot unsigned int clock_judge(const struct clock_opinion *opinions, unsigned int count)
{
	unsigned int first = count, least = count;

	for (unsigned int i = 0; i < count; i++) {
		if (!opinions[i].hz)
			continue;
		if (least == count || opinions[i].error < opinions[least].error)
			least = i;
		if (opinions[i].error > CLOCK_VAGUE)
			continue;
		if (has_support(opinions, count, i))
			return i;
		if (first == count)
			first = i;
	}
	return first < count ? first : least;
}
