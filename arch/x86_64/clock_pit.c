/* SPDX-License-Identifier: MIT */
/*
 * The PIT as a counter: channel 0 down once (mode 0) to measure the TSC by, before timers need it;
 * or channel 2 round and round (mode 2) as the clock where there is nothing better. Channel 0 works
 * everywhere; the gate of channel 2 is a port that small virtual machines lack. Its line may be
 * raised, but nobody has registered for it yet.
 *
 * Several port accesses read a channel, and the byte that comes next is a state of it: readers have
 * interrupts off and, as the clock, a lock. Source: Intel 8254 data sheet.
 */
#include <arch/clock.h>
#include <arch/io.h>
#include <arch/pit.h>
#include <exo/spinlock.h>

#define GATE (1u << 0)
#define SPEAKER (1u << 1)
#define NO_PORT 0xff
#define STATUS_OUTPUT (1u << 7) /* mode 0: the count has been reached */
#define STATUS_NULL (1u << 6) /* the count has not been loaded yet */

static uint16_t read_count(enum pit_port channel)
{
	const uint32_t low = io_in8((uint16_t)channel);

	return (uint16_t)(low | (uint32_t)io_in8((uint16_t)channel) << 8);
}

void pit_count_start(void)
{
	io_out8(PIT_COMMAND, PIT_CHANNEL0_ONCE);
	io_out8(PIT_CHANNEL0, 0xff);
	io_out8(PIT_CHANNEL0, 0xff);
}

bool pit_count_read(uint64_t *ticks)
{
	uint8_t status;

	io_out8(PIT_COMMAND, PIT_CHANNEL0_READ_BACK);
	status = io_in8(PIT_CHANNEL0);
	*ticks = 0xffffu - read_count(PIT_CHANNEL0);
	return !(status & (STATUS_OUTPUT | STATUS_NULL));
}

static void pit_start(void)
{
	io_out8(PIT_GATE, (uint8_t)((io_in8(PIT_GATE) & ~(GATE | SPEAKER)) | GATE));
	io_out8(PIT_COMMAND, PIT_CHANNEL2_CYCLE);
	io_out8(PIT_CHANNEL2, 0); /* 65536 */
	io_out8(PIT_CHANNEL2, 0);
}

static uint64_t pit_read(void)
{
	static struct spinlock lock = SPINLOCK_INIT(LOCK_RANK_TIMER);
	const uint64_t flags = spin_lock_irq(&lock);
	uint16_t count;

	io_out8(PIT_COMMAND, PIT_CHANNEL2_LATCH);
	count = read_count(PIT_CHANNEL2);
	spin_unlock_irq(&lock, flags);
	return 0xffffu - count;
}

const struct clock_source *clock_pit_find(void)
{
	static const struct clock_source source = { "pit", PIT_HZ, 0xffff, pit_read, pit_start };

	return io_in8(PIT_GATE) == NO_PORT ? NULL : &source;
}
