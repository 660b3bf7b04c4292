/* SPDX-License-Identifier: MIT */
/*
 * The PIT's channel 0 as timer device, in mode 0: it counts down once and raises its line at the
 * end. Writing the command stops it, with the line low, until both bytes of a count have followed
 * (Intel 8254 data sheet, mode 0).
 */
#include <arch/io.h>
#include <arch/pit.h>
#include <arch/timer.h>
#include <exo/irq.h>
#include <exo/log.h>
#include <exo/timer.h>

/* The counter's 16 bits last 54.9 ms; @set adds a tick. */
#define LONGEST_NS 54000000u

static void pit_set(uint64_t ns)
{
	/* Rounded up, and one more because the count is loaded at the next tick. */
	const uint32_t ticks = (uint32_t)(ns * PIT_HZ / NS_PER_S) + 1;

	io_out8(PIT_COMMAND, PIT_CHANNEL0_ONCE);
	io_out8(PIT_CHANNEL0, (uint8_t)ticks);
	io_out8(PIT_CHANNEL0, (uint8_t)(ticks >> 8));
}

static void pit_interrupt(void *context)
{
	(void)context;
	timer_interrupt();
}

const struct timer_device *timer_pit_start(void)
{
	static const struct timer_device device = { "PIT", LONGEST_NS, pit_set };

	/* The firmware may have left it ticking. */
	io_out8(PIT_COMMAND, PIT_CHANNEL0_ONCE);
	if (irq_register(PIT_IRQ, pit_interrupt, NULL, "timer"))
		log_error("timer: the PIT's line is taken: no timer will expire");
	return &device;
}
