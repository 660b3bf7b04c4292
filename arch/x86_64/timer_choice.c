/* SPDX-License-Identifier: MIT */
/* Which device interrupts CPUs at deadlines, and how fast the local APIC's counts. Pure code. */
#include <arch/timer.h>

#define NS_PER_S 1000000000ull
#define SHIFT_MAX 7u
#define COUNTS_WANTED (1ull << 30) /* a second of them, at most: 2^32 last for 4 s */

enum timer_kind timer_choose(bool apic, bool tsc_deadline, uint64_t tsc_hz)
{
	if (!apic)
		return TIMER_PIT;
	return tsc_deadline && tsc_hz ? TIMER_TSC_DEADLINE : TIMER_LAPIC;
}

struct timer_divider timer_divide(uint64_t hz)
{
	struct timer_divider divider = { .hz = hz };
	uint32_t code;

	while (divider.shift < SHIFT_MAX && divider.hz > COUNTS_WANTED)
		divider.hz = hz >> ++divider.shift;
	/* Bits 3, 1 and 0 (SDM vol. 3, figure 10-10): 111b divides by 1, 000b by 2, 110b by 128. */
	code = (divider.shift + 7) % 8;
	divider.code = (code & 4) << 1 | (code & 3);
	/* A count less, because set() adds one. */
	divider.longest = (uint64_t)(UINT32_MAX - 1) * NS_PER_S / (divider.hz + 1);
	return divider;
}
