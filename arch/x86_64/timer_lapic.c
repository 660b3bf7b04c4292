/* SPDX-License-Identifier: MIT */
/*
 * The local APIC's timer (SDM vol. 3, 10.5.4): one shot, or the TSC's deadline register.
 *
 * The counter's rate is nowhere to be read reliably, so the boot CPU measures it by the clock, for
 * some 100 us: until it is known to a thousandth. If it is wrong by that, a timer is late by that
 * part of its wait, and never early: timer_interrupt() looks at the clock.
 */
#include <arch/cpu.h>
#include <arch/interrupt.h>
#include <arch/lapic.h>
#include <arch/timer.h>
#include <exo/clock_source.h>
#include <exo/cpu.h>
#include <exo/log.h>
#include <exo/timer.h>

#define LVT_ONE_SHOT 0u
#define LVT_TSC_DEADLINE (2u << 17)
#define MSR_TSC_DEADLINE 0x6e0
#define DIVIDE_BY_1 0xbu
#define DEADLINE_LONGEST (3600 * NS_PER_S) /* an hour, for no reason but to have an end */

#define ERROR_WANTED 1000u /* millionths */
#define WAIT_NS 5000000u
#define WAIT_ROUNDS 2000u
#define WAIT_PAUSES 40u

static struct timer_divider divider;
static uint64_t multiplier; /* clock_ticks(): of the counter or of the TSC */

static void one_shot_set(uint64_t ns)
{
	lapic_write(LAPIC_TIMER_INITIAL, (uint32_t)clock_ticks(ns, multiplier));
}

static void tsc_deadline_set(uint64_t ns)
{
	cpu_write_msr(MSR_TSC_DEADLINE, cpu_tsc() + clock_ticks(ns, multiplier));
}

static struct timer_device one_shot = { "local APIC", 0, one_shot_set };
static const struct timer_device tsc_deadline = { "TSC deadline", DEADLINE_LONGEST,
						  tsc_deadline_set };

/* The counter (as "TSC") together with the clock (as the other counter). */
static struct clock_reading read_both(void)
{
	const uint64_t before = UINT32_MAX - lapic_read(LAPIC_TIMER_CURRENT);
	const uint64_t now = clock_ns();
	const uint64_t width = UINT32_MAX - lapic_read(LAPIC_TIMER_CURRENT) - before;

	return (struct clock_reading){ before + width / 2, width, now };
}

/* The counter's frequency without a divider; 0 if it stands still. */
static uint64_t measure(void)
{
	struct clock_opinion opinion = { 0 };
	struct clock_reading from, to;

	lapic_write(LAPIC_LVT_TIMER, LVT_MASKED | VECTOR_LAPIC_TIMER);
	lapic_write(LAPIC_TIMER_DIVIDE, DIVIDE_BY_1);
	lapic_write(LAPIC_TIMER_INITIAL, UINT32_MAX);
	from = read_both();
	for (unsigned int round = 0; round < WAIT_ROUNDS; round++) {
		for (unsigned int i = 0; i < WAIT_PAUSES; i++)
			cpu_pause();
		to = read_both();
		opinion = clock_opinion("local APIC", NS_PER_S, UINT64_MAX, &from, &to);
		if ((opinion.hz && opinion.error <= ERROR_WANTED) ||
		    to.count - from.count > WAIT_NS)
			break;
	}
	lapic_write(LAPIC_TIMER_INITIAL, 0);
	return opinion.hz;
}

static const struct timer_device *start_tsc_deadline(void)
{
	if (cpu_current() == 0)
		multiplier = clock_ticks_multiplier(clock_tsc_hz());
	lapic_write(LAPIC_LVT_TIMER, LVT_TSC_DEADLINE | VECTOR_LAPIC_TIMER);
	/* The mode is a write to memory, the deadline to an MSR: keep them in order (10.5.4.1). */
	__asm__ volatile("mfence" : : : "memory");
	return &tsc_deadline;
}

const struct timer_device *timer_lapic_start(bool use_tsc_deadline)
{
	uint64_t hz;

	if (use_tsc_deadline)
		return start_tsc_deadline();
	if (cpu_current() == 0) {
		hz = measure();
		if (!hz) {
			log_warning("timer: the local APIC's counter stands still");
			return NULL;
		}
		divider = timer_divide(hz);
		one_shot.longest = divider.longest;
		multiplier = clock_ticks_multiplier(divider.hz);
		log_info("timer: local APIC at %llu kHz, counts every %u ticks",
			 (unsigned long long)(hz / 1000), 1u << divider.shift);
	}
	lapic_write(LAPIC_TIMER_DIVIDE, divider.code);
	lapic_write(LAPIC_LVT_TIMER, LVT_ONE_SHOT | VECTOR_LAPIC_TIMER);
	return &one_shot;
}
