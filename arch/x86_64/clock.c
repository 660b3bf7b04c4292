/* SPDX-License-Identifier: MIT */
/*
 * Time since boot from the TSC.
 *
 * Where CPUID tells the frequency it is used. Else it is measured against PIT channel 2, but never
 * by waiting: the channel counts down once from 65535 (55 ms) while the boot goes on, and whoever
 * asks for the time reads both. Until MEASURE_TICKS have passed the answer comes from the PIT; then
 * the ratio is fixed. If nobody asked in time the counter has run out (OUT2 is high) and a new
 * measurement starts. A reading is used only if reading the PIT took no longer than
 * BRACKET_RATIO-th of the interval, so a host that stops the guest in between does not spoil it.
 * Sources: Intel 8254 data sheet; SDM vol. 2, CPUID leaves 0x15 and 0x16.
 */
#include <arch/cpu.h>
#include <arch/io.h>
#include <exo/clock.h>

#define PIT_HZ 1193182u
#define NS_PER_S 1000000000ull
#define MEASURE_TICKS 6000u /* a guess: 5 ms, for 0.02 % of resolution */
#define BRACKET_RATIO 256u

enum pit_port {
	PIT_CHANNEL2 = 0x42,
	PIT_COMMAND = 0x43,
	PIT_GATE = 0x61, /* bit 0: gate of channel 2, bit 1: speaker, bit 5: its output */
};

#define PIT_CHANNEL2_MODE0 0xb0 /* low then high byte, interrupt on terminal count */
#define PIT_CHANNEL2_LATCH 0x80

extern uint64_t boot_tsc; /* boot.asm: the TSC at the kernel's first instruction */

static uint64_t tsc_hz;
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
	io_out8(PIT_COMMAND, PIT_CHANNEL2_MODE0);
	io_out8(PIT_CHANNEL2, 0xff);
	io_out8(PIT_CHANNEL2, 0xff);
	start_tsc = cpu_tsc();
}

static uint64_t measure_read(void)
{
	const uint64_t before = cpu_tsc();
	uint64_t after, ns;
	uint32_t ticks;

	io_out8(PIT_COMMAND, PIT_CHANNEL2_LATCH);
	ticks = io_in8(PIT_CHANNEL2);
	ticks = 0xffffu - (ticks | (uint32_t)io_in8(PIT_CHANNEL2) << 8);
	after = cpu_tsc();
	if (io_in8(PIT_GATE) & 1 << 5) { /* ran out: at least 55 ms, more is not known */
		last_ns = start_ns + 65535ull * NS_PER_S / PIT_HZ;
		measure_start();
		return start_ns;
	}
	ns = start_ns + ticks * NS_PER_S / PIT_HZ;
	if (ticks >= MEASURE_TICKS && after - before < (after - start_tsc) / BRACKET_RATIO) {
		tsc_hz = (before + (after - before) / 2 - start_tsc) * PIT_HZ / ticks;
		start_ns = ns;
		start_tsc = after;
	}
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
	uint64_t ns, delta;

	if (tsc_hz) {
		delta = cpu_tsc() - start_tsc;
		/* Whole seconds apart, so that the product stays within 64 bits. */
		ns = start_ns + delta / tsc_hz * NS_PER_S + delta % tsc_hz * NS_PER_S / tsc_hz;
	} else {
		ns = start_tsc ? measure_read() : 0;
	}
	if (ns > last_ns)
		last_ns = ns;
	ns = last_ns;
	irq_restore(flags);
	return ns;
}

uint64_t clock_tsc_hz(void)
{
	return tsc_hz;
}
