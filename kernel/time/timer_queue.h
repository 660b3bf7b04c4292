/* SPDX-License-Identifier: MIT */
/*
 * One CPU's timers, and when its device interrupts. Pure code.
 *
 * The device is set only when a deadline comes before the interrupt that is already on its way
 * (@device_at). Cancelling leaves the device alone: a write to it costs more than the interrupt
 * that now comes for nothing, and timers that are armed and cancelled over and over (time slices,
 * timeouts) usually find the device set early enough. So each setting is good for at most one
 * interrupt in vain, and a CPU whose timers are all gone gets no second one.
 *
 * Each interrupt runs the timers that were due when it began. One that is armed meanwhile with a
 * deadline that has passed waits for the next interrupt, which comes at once: other interrupts and
 * threads get their turn, however often a handler arms its timer again.
 */
#ifndef TIMER_QUEUE_H
#define TIMER_QUEUE_H

#include <exo/timer.h>

struct timer_queue {
	struct priority_queue timers;
	uint64_t device_at; /* when the device will interrupt; DEADLINE_NEVER if it is not set */
	uint64_t running; /* while timers are run: the time the interrupt began; else 0 */
	struct timer_counts counts;
};

void timer_queue_init(struct timer_queue *queue);

/* Adds @timer. Returns true if timer_queue_set() has to follow. */
bool timer_queue_arm(struct timer_queue *queue, struct timer *timer, uint64_t deadline);

/* Returns false if @timer is not armed. */
static inline bool timer_queue_cancel(struct timer_queue *queue, struct timer *timer)
{
	if (!timer->armed)
		return false;
	timer->armed = false;
	pq_remove(&queue->timers, &timer->node);
	return true;
}

/* The first deadline, or DEADLINE_NEVER. */
static inline uint64_t timer_queue_next(const struct timer_queue *queue)
{
	const struct pq_node *first = pq_first(&queue->timers);

	return first ? first->key : DEADLINE_NEVER;
}

/* The device has interrupted: takes out and calls every timer that is due at @now. */
void timer_queue_run(struct timer_queue *queue, uint64_t now);

/**
 * timer_queue_set() - how long the device has to wait for the first deadline
 * @now: the time
 * @longest: ns that the device can wait at most
 * Returns the ns to set it to, 0 for at once, or DEADLINE_NEVER if there is nothing to wait for.
 * A deadline out of the device's range is reached in several waits.
 */
uint64_t timer_queue_set(struct timer_queue *queue, uint64_t now, uint64_t longest);

/* --- timer.c: this CPU's, interrupts off
 * --------------------------------------------------------*/

const struct timer_queue *timer_queue_of(void);
const char *timer_device_name(void);

#endif
