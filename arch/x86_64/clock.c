/* SPDX-License-Identifier: MIT */
/*
 * Time since boot from the TSC.
 *
 * Where CPUID tells the frequency it is used. Else it is measured against PIT channel 2, but never
 * by waiting: the channel counts down once from 65535 (55 ms) while the boot goes on, and whoever
 * asks for the time reads both. Until MEASURE_TICKS have passed the answer comes from the PIT; then
 * the ratio is fixed. Each reading before that leaves an estimate, and if the counter runs out
 * (OUT2 is high) because nobody asked in time, the last estimate is taken: kernel_main() asks once
 * at the end of the boot list. Without any, the counter is started again and waited for, 5 ms.
 *
 * A reading counts only if reading the PIT took no longer than the BRACKET-th part of the interval,
 * so a host that stops the guest in between does not spoil it.
 * Sources: Intel 8254 data sheet; SDM vol. 2, CPUID leaf 0x15.
 */
#include <arch/cpu.h>
#include <arch/io.h>
#include <arch/pit.h>
#include <exo/clock.h>
#include <stdbool.h>

#define NS_PER_S 1000000000ull
#define MEASURE_TICKS 6000u /* a guess: 5 ms, for 0.02 % of resolution */
#define BRACKET 256u
#define ESTIMATE_BRACKET 64u

extern uint64_t boot_tsc; /* boot.asm: the TSC at the kernel's first instruction */

static uint64_t tsc_hz;
static uint64_t estimated_hz; /* from the last good reading; 0 for none yet */
static uint64_t start_tsc; /* when the running measurement began */
static uint64_t start_ns; /* and what the clock said then */
static uint64_t last_ns; /* the newest answer: the clock never goes back */

static uint64_t cpuid_tsc_hz(void)
{
	const uint32_t highest = cpuid(0, 0).eax;
	struct cpuid_regs r;

	if (highest >= 0x15) {
		r = cpuid(0x15, 0);
		if (r.eax && r.ebx && r.ecx)
			return (uint64_t)r.ecx * r.ebx / r.eax;
	}
	return 0;
}

static void measure_start(void)
{
	start_ns = last_ns;
	io_out8(PIT_GATE, (uint8_t)((io_in8(PIT_GATE) & ~3u) | 1u));
	io_out8(PIT_COMMAND, PIT_CHANNEL2_ONCE);
	io_out8(PIT_CHANNEL2, 0xff);
	io_out8(PIT_CHANNEL2, 0xff);
	start_tsc = cpu_tsc();
}

/* Reads both clocks. Sets tsc_hz once the result is good enough; returns false after 55 ms. */
static bool measure_read(uint64_t *ns)
{
	const uint64_t before = cpu_tsc();
	uint64_t bracket, elapsed;
	uint32_t ticks;

	io_out8(PIT_COMMAND, PIT_CHANNEL2_LATCH);
	ticks = io_in8(PIT_CHANNEL2);
	ticks = 0xffffu - (ticks | (uint32_t)io_in8(PIT_CHANNEL2) << 8);
	bracket = cpu_tsc() - before;
	if (io_in8(PIT_GATE) & 1 << 5)
		return false;
	*ns = start_ns + ticks * NS_PER_S / PIT_HZ;
	elapsed = before + bracket / 2 - start_tsc;
	if (ticks && bracket < elapsed / ESTIMATE_BRACKET)
		estimated_hz = elapsed * PIT_HZ / ticks;
	if (ticks >= MEASURE_TICKS && bracket < elapsed / BRACKET)
		tsc_hz = estimated_hz;
	return true;
}

static uint64_t measure(void)
{
	uint64_t ns = start_ns;

	if (measure_read(&ns))
		return ns;
	if (!estimated_hz)
		for (measure_start(); !tsc_hz && measure_read(&ns);)
			cpu_pause();
	/* A host so busy that no reading was good in 55 ms: 1 GHz is as good as any other. */
	if (!tsc_hz)
		tsc_hz = estimated_hz ? estimated_hz : NS_PER_S;
	return ns;
}

void clock_init(void)
{
	tsc_hz = cpuid_tsc_hz();
	if (tsc_hz)
		start_tsc = boot_tsc;
	else
		measure_start();
}

uint64_t clock_ns(void)
{
	const uint64_t flags = irq_save();
	uint64_t ns = 0, delta;

	if (!tsc_hz && start_tsc)
		ns = measure();
	if (tsc_hz) {
		delta = cpu_tsc() - start_tsc;
		/* Whole seconds apart, so that the product stays within 64 bits. */
		ns = start_ns + delta / tsc_hz * NS_PER_S + delta % tsc_hz * NS_PER_S / tsc_hz;
	}
	if (ns > last_ns)
		last_ns = ns;
	ns = last_ns;
	irq_restore(flags);
	return ns;
}

uint64_t clock_tsc_hz(void)
{
	while (!tsc_hz)
		clock_ns();
	return tsc_hz;
}
