/* SPDX-License-Identifier: MIT */
/* Round robin, but for the hot paths, which are inline (policy_round_robin.h). */
#include "policy.h"

const char policy_name[] = "round robin";

void policy_init(struct run_queue *queue, struct cpu *cpu)
{
	(void)queue, (void)cpu;
}

int policy_admit(struct thread *thread, const struct sched_parameters *parameters)
{
	(void)parameters;
	if (!thread->started)
		turns_set_up(thread);
	thread->own_urgency = 0;
	return 0;
}

void policy_leave(struct thread *thread)
{
	(void)thread;
}

bool policy_take(struct run_queue *queue, struct thread *thread)
{
	const bool ready = turns_has(thread);

	policy_remove(queue, thread);
	return ready;
}

/* The one whose turn is farthest away: it gains the most. */
struct thread *policy_give(struct run_queue *queue, const struct cpu *to)
{
	struct list_node *first = queue->turns.first, *node = first;

	if (!first)
		return NULL;
	do {
		struct thread *thread = turns_thread(node = node->previous);

		if (thread != cpu_this()->current && cpu_set_has(&thread->affinity, to->number)) {
			policy_remove(queue, thread);
			return thread;
		}
	} while (node != first);
	return NULL;
}
