/* SPDX-License-Identifier: MIT */
/*
 * Counters that tell the time, and the arithmetic and the decisions about them. All but the
 * counters themselves is pure code.
 */
#ifndef EXO_CLOCK_SOURCE_H
#define EXO_CLOCK_SOURCE_H

#include <exo/compiler.h>
#include <stdbool.h>

/* A counter that goes up at a constant rate. */
struct clock_source {
	const char *name;
	uint64_t hz; /* CLOCK_HZ_MIN .. CLOCK_HZ_MAX */
	uint64_t mask; /* 2^bits - 1: it starts at 0 again after that */
	uint64_t (*read)(void); /* any CPU, any context */
	void (*start)(void); /* once, before it becomes the clock; may be NULL */
};

/* --- ticks and nanoseconds
 * ----------------------------------------------------------------------*/

#define CLOCK_HZ_MIN 16000ull
#define CLOCK_HZ_MAX (1ull << 34)
#define CLOCK_SHIFT 48

/* What clock_scale() needs for a counter with @hz: ns per tick, a fixed-point number. */
uint64_t clock_multiplier(uint64_t hz);

/*
 * Ticks to nanoseconds, rounded down. A product has 128 bits, so nothing overflows before the
 * result itself does, after 584 years; the multiplier is exact to 4e-14, 0.1 ms in 100 years, at 10
 * GHz.
 */
static inline uint64_t clock_scale(uint64_t ticks, uint64_t multiplier)
{
	return (uint64_t)((unsigned __int128)ticks * multiplier >> CLOCK_SHIFT);
}

#define CLOCK_TICKS_SHIFT 32

/* What clock_ticks() needs for a counter with @hz: ticks per ns. */
uint64_t clock_ticks_multiplier(uint64_t hz);

/* Nanoseconds to ticks, rounded up: waiting so many ticks is never too short by rounding. */
static inline uint64_t clock_ticks(uint64_t ns, uint64_t multiplier)
{
	return (uint64_t)((unsigned __int128)ns * multiplier >> CLOCK_TICKS_SHIFT) + 1;
}

/*
 * Extends a counter of few bits: @last is its extended value at an earlier time, less than a whole
 * round ago. The low bits of what comes out are @count.
 */
static inline uint64_t clock_extend(uint64_t last, uint64_t count, uint64_t mask)
{
	return last + ((count - last) & mask);
}

/* --- the TSC's frequency
 * ------------------------------------------------------------------------*/

/* A counter read together with the TSC. */
struct clock_reading {
	uint64_t tsc; /* in the middle of */
	uint64_t width; /* the ticks that reading took */
	uint64_t count;
};

/* What one source says the frequency is. */
struct clock_opinion {
	const char *name;
	uint64_t hz; /* 0: it says nothing */
	uint64_t error; /* how wrong it may be, in millionths */
};

/* Beyond this an opinion is worth less than any other. */
#define CLOCK_VAGUE 2000
/* What two crystals may differ by, in millionths. A guess, generous: 0.1 %. */
#define CLOCK_TOLERANCE 1000

/**
 * clock_opinion() - the TSC's frequency from two readings of a counter
 * @mask: the counter's, which went round less than once in between
 * No opinion if the counter has not moved, or reading it took as long as the interval.
 */
struct clock_opinion clock_opinion(const char *name, uint64_t hz, uint64_t mask,
				   const struct clock_reading *from,
				   const struct clock_reading *to);

/* Are these two frequencies the same, as far as they are known? */
bool clock_agrees(const struct clock_opinion *a, const struct clock_opinion *b);

/**
 * clock_judge() - which opinion is right
 * @opinions: the most trusted first
 * Returns the index of the first that is not vague and that another agrees with; without one, the
 * first that is not vague; else the least vague; @count if there is no opinion at all.
 */
unsigned int clock_judge(const struct clock_opinion *opinions, unsigned int count);

/* What CPUID says about the TSC. */
struct clock_tsc_facts {
	bool present;
	bool invariant; /* its rate does not depend on power states */
	bool hypervisor; /* a hypervisor runs this machine, and keeps the TSC going */
	uint64_t crystal_hz; /* leaf 0x15, what it calls the core crystal clock; 0: unknown */
	/* In Hz, 0: unknown. */
	uint64_t leaf15; /* leaf 0x15 */
	uint64_t leaf16; /* leaf 0x16: the nominal frequency, rounded to MHz */
	uint64_t hypervisor_hz; /* leaf 0x40000010, kHz */
};

struct cpuid_regs;

/* @cpuid: the instruction. */
void clock_tsc_facts(struct clock_tsc_facts *facts,
		     struct cpuid_regs (*cpuid)(uint32_t leaf, uint32_t subleaf));

/* May the TSC be the clock of several CPUs, as far as CPUID tells? One CPU can always use it. */
static inline bool clock_tsc_shared(const struct clock_tsc_facts *facts)
{
	return facts->invariant || facts->hypervisor;
}

#endif
