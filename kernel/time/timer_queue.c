/* SPDX-License-Identifier: MIT */
/* The queue of timers of one CPU: see timer_queue.h. */
#include "timer_queue.h"

void timer_queue_init(struct timer_queue *queue)
{
	*queue = (struct timer_queue){ .device_at = DEADLINE_NEVER };
}

bool timer_queue_arm(struct timer_queue *queue, struct timer *timer, uint64_t deadline)
{
	if (deadline <= queue->running)
		deadline = queue->running + 1;
	timer->node.key = deadline;
	timer->armed = true;
	pq_insert(&queue->timers, &timer->node);
	/* While timers are run the device is set once, at the end. */
	return deadline < queue->device_at && !queue->running;
}

void timer_queue_run(struct timer_queue *queue, uint64_t now)
{
	struct pq_node *first = pq_first(&queue->timers);

	queue->counts.interrupts++;
	queue->device_at = DEADLINE_NEVER;
	if (!first || first->key > now) {
		queue->counts.in_vain++;
		return;
	}
	if (now - first->key > queue->counts.lateness)
		queue->counts.lateness = now - first->key;
	queue->running = now;
	do {
		struct timer *timer = pq_entry(first, struct timer, node);

		pq_remove(&queue->timers, first);
		timer->armed = false;
		queue->counts.expired++;
		timer->expire(timer);
		first = pq_first(&queue->timers);
	} while (first && first->key <= now);
	queue->running = 0;
}

uint64_t timer_queue_set(struct timer_queue *queue, uint64_t now, uint64_t longest)
{
	const uint64_t deadline = timer_queue_next(queue);
	uint64_t wait = 0;

	if (deadline == DEADLINE_NEVER)
		return DEADLINE_NEVER;
	if (deadline > now)
		wait = deadline - now;
	if (wait > longest)
		wait = longest;
	queue->device_at = now + wait;
	return wait;
}
