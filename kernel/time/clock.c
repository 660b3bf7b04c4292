/* SPDX-License-Identifier: MIT */
/*
 * The clock: nanoseconds since the kernel's first instruction.
 *
 * It runs on one counter. The TSC is the fastest by far, and is taken whenever all CPUs that take
 * part have the same: one CPU always has; others are compared when they start (clock_check.c). Then
 * reading it is a multiplication and no CPU ever sees the clock go back, because the TSC is read
 * after all loads before it. Any other counter has few bits and takes long: its extended value is
 * shared, and the atomic maximum of all readings. So that no round of it is lost, a timer reads it
 * twice a round (clock_keep()).
 *
 * What the clock runs on is one of the states; it is published as a pointer and does not change
 * after. NULL: the frequency is still being measured (clock_measure.c).
 */
#include "clock.h"

#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/memory.h>
#include <exo/boot_info.h>
#include <exo/clock.h>
#include <exo/log.h>
#include <exo/string.h>
#include <stdatomic.h>

#define WORD_SIZE 16

struct clock_state {
	const struct clock_source *source; /* NULL: the TSC of whatever CPU reads it */
	uint64_t multiplier;
	uint64_t base_count, base_ns; /* a point in time, by the counter and by the clock */
};

struct clock_tsc_facts clock_facts;

static struct clock_state states[2]; /* from the boot on; after the TSC has been left */
static struct clock_state *_Atomic state;
static _Atomic uint64_t extended; /* the newest reading of state->source */
static uint64_t early_ns; /* the newest answer before there is a state */
static uint64_t tsc_hz;
static const struct clock_source *counters[3]; /* other than the TSC, best first; NULL: absent */
static uint64_t cost; /* TSC ticks */

/* The TSC where CPUs differ and there is no other counter: the maximum keeps it from going back. */
static struct clock_source clock_tsc = { "tsc", 0, UINT64_MAX, cpu_tsc_ordered, NULL };

/* --- reading
 * ------------------------------------------------------------------------------------*/

static uint64_t early_read(void)
{
	const uint64_t flags = irq_save();
	const uint64_t ns = clock_measure_now();

	if (ns > early_ns)
		early_ns = ns;
	irq_restore(flags);
	return early_ns;
}

static uint64_t counter_read(const struct clock_state *s)
{
	/* Off, so that no round can go by between the two readings. */
	const uint64_t flags = irq_save();
	uint64_t last = atomic_load_explicit(&extended, memory_order_acquire);
	const uint64_t count = clock_extend(last, s->source->read(), s->source->mask);

	/* Of two CPUs that read at once the later counts. */
	while ((int64_t)(count - last) > 0)
		if (atomic_compare_exchange_weak_explicit(
			    &extended, &last, count, memory_order_acq_rel, memory_order_acquire)) {
			last = count;
			break;
		}
	irq_restore(flags);
	return s->base_ns + clock_scale(last - s->base_count, s->multiplier);
}

uint64_t clock_ns(void)
{
	const struct clock_state *s = atomic_load_explicit(&state, memory_order_acquire);

	if (likely(s && !s->source))
		return s->base_ns + clock_scale(cpu_tsc_ordered() - s->base_count, s->multiplier);
	return s ? counter_read(s) : early_read();
}

uint64_t clock_tsc_hz(void)
{
	return tsc_hz;
}

uint64_t clock_calibration_cost(void)
{
	return cost;
}

const char *clock_name(void)
{
	const struct clock_state *s = atomic_load_explicit(&state, memory_order_acquire);

	return s && s->source ? s->source->name : "tsc";
}

bool clock_on_tsc(void)
{
	const struct clock_state *s = atomic_load_explicit(&state, memory_order_acquire);

	return s && !s->source;
}

/* --- choosing
 * -----------------------------------------------------------------------------------*/

/* From now on the clock runs on @source; NULL: on the TSC. At the boot, on its CPU. */
static void run_on(const struct clock_source *source)
{
	struct clock_state *next =
		&states[atomic_load_explicit(&state, memory_order_relaxed) != NULL];

	next->source = source;
	next->multiplier = clock_multiplier(source ? source->hz : tsc_hz);
	if (source && source->start)
		source->start();
	/* First the counter, then what the clock says: the new clock is not behind the old one. */
	next->base_count = source ? source->read() : cpu_tsc_ordered();
	atomic_store_explicit(&extended, next->base_count, memory_order_relaxed);
	next->base_ns = clock_ns();
	atomic_store_explicit(&state, next, memory_order_release);
}

__boot void clock_init(void)
{
	const uint64_t start = cpu_tsc();

	clock_tsc_facts(&clock_facts, cpuid);
	clock_measure_start();
	cost += cpu_tsc() - start;
}

__boot void clock_find_counters(void)
{
	struct acpi_timers timers = { 0 };
	const uint64_t start = cpu_tsc();

	if (IS_ENABLED(CONFIG_HPET) || IS_ENABLED(CONFIG_PM_TIMER))
		acpi_timers_decode(&boot_memory_direct, boot_info.acpi_rsdp, &timers);
	counters[0] = clock_hpet_find(&timers);
	counters[1] = clock_pm_find(&timers);
	counters[2] = clock_pit_find();
	clock_measure_add(counters[0]);
	clock_measure_add(counters[1]);
	cost += cpu_tsc() - start;
}

/* The counter that the command line wants, or NULL: none, or not here. */
static const struct clock_source *wanted(void)
{
	char word[WORD_SIZE];

	if (!boot_info_option(&boot_info, "clock", word, sizeof(word)) || strcmp(word, "tsc") == 0)
		return NULL;
	for (unsigned int i = 0; i < ARRAY_SIZE(counters); i++)
		if (IS_ENABLED(CONFIG_TIMER) && counters[i] && strcmp(word, counters[i]->name) == 0)
			return counters[i];
	log_warning("clock: there is no \"%s\" to run on", word);
	return NULL;
}

__boot void clock_choose(void)
{
	const uint64_t start = cpu_tsc();
	uint64_t since_boot;

	tsc_hz = clock_measure_end();
	clock_tsc.hz = tsc_hz;
	since_boot = clock_scale(cpu_tsc() - boot_tsc, clock_multiplier(tsc_hz));
	if (since_boot > early_ns)
		early_ns = since_boot;
	run_on(wanted());
	log_info("clock: runs on %s", clock_name());
	cost += cpu_tsc() - start;
}

void clock_leave_tsc(const char *reason)
{
	const struct clock_source *next = &clock_tsc;

	if (!clock_on_tsc())
		return;
	for (unsigned int i = ARRAY_SIZE(counters); i-- > 0;)
		if (counters[i])
			next = counters[i];
	run_on(next);
	log_warning("clock: %s: runs on %s from now on", reason, next->name);
	clock_keep();
}

uint64_t clock_half_round(void)
{
	const struct clock_state *s = atomic_load_explicit(&state, memory_order_acquire);

	if (!s || !s->source || s->source->mask == UINT64_MAX)
		return 0;
	return clock_scale(s->source->mask / 2, s->multiplier);
}
