/* SPDX-License-Identifier: MIT */
/*
 * Timers: a function that is called at a time, by an interrupt.
 *
 * Each CPU has a queue of its own and a device that interrupts at its first deadline; nothing ticks
 * in between. A timer belongs to the CPU that armed it until it has expired or is cancelled there,
 * so the queues need no lock.
 */
#ifndef EXO_TIMER_H
#define EXO_TIMER_H

#include <exo/clock.h>
#include <exo/cpu.h>
#include <exo/priority_queue.h>

#define DEADLINE_NEVER UINT64_MAX

#define NS_PER_US 1000ull
#define NS_PER_MS 1000000ull
#define NS_PER_S 1000000000ull

struct timer {
	struct pq_node node; /* key: the deadline, as clock_ns() counts */
	void (*expire)(struct timer *timer); /* interrupts off, on the CPU that armed it */
	bool armed;
};

/* What a CPU's timers have done since boot. */
struct timer_counts {
	uint64_t interrupts, in_vain; /* of its device; with nothing due */
	uint64_t expired;
	uint64_t lateness; /* the largest, ns */
};

static inline void timer_prepare(struct timer *timer, void (*expire)(struct timer *timer))
{
	timer->expire = expire;
	timer->armed = false;
}

/*
 * From the boot list, after interrupts: chooses the device of this CPU and starts it. Each further
 * CPU calls it too. With CONFIG_TIMER=n nothing ever expires.
 */
#if IS_ENABLED(CONFIG_TIMER)
void timer_init_cpu(void);

/**
 * timer_arm() - have @timer expire on this CPU at @deadline, or at once if that is past
 * @timer: prepared, not armed
 * @deadline: ns, as clock_ns() counts; DEADLINE_NEVER is not one
 * Interrupts off. Never early; late by the device's resolution and what keeps interrupts off.
 */
void timer_arm(struct timer *timer, uint64_t deadline);

/**
 * timer_cancel() - have it not expire
 * On the CPU that armed it, interrupts off. Returns false if it was not armed: it has expired.
 */
bool timer_cancel(struct timer *timer);

/* The first deadline of this CPU; DEADLINE_NEVER if there is none. Interrupts off. */
uint64_t timer_next(void);

/* This CPU's. Interrupts off. */
struct timer_counts timer_counts(void);

/* The interrupt of this CPU's timer device: runs what is due, sets the device to the next. */
void timer_interrupt(void);
#else
void timer_arm(struct timer *timer, uint64_t deadline); /* for calls that IS_ENABLED() takes out */

static inline void timer_init_cpu(void)
{
}

static inline void timer_interrupt(void)
{
}
#endif

#endif
