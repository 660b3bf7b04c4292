/* SPDX-License-Identifier: MIT */
/* Fixed priorities, but for the hot paths, which are inline (policy_priority.h). */
#include "policy.h"

const char policy_name[] = "fixed priority";

void policy_init(struct run_queue *queue, struct cpu *cpu)
{
	(void)queue, (void)cpu;
}

int policy_admit(struct thread *thread, const struct sched_parameters *parameters)
{
	if (!thread->started)
		turns_set_up(thread);
	thread->own_urgency = parameters->priority;
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

/* The most urgent of those that wait, so that the machine as a whole runs what matters most. */
struct thread *policy_give(struct run_queue *queue, const struct cpu *to)
{
	for (unsigned int level = priority_first(queue); level < PRIORITY_LEVELS; level++) {
		struct list_node *first = queue->lists[level].first, *node = first;

		if (!first)
			continue;
		do {
			struct thread *thread = turns_thread(node);

			if (thread != cpu_this()->current &&
			    cpu_set_has(&thread->affinity, to->number)) {
				policy_remove(queue, thread);
				return thread;
			}
			node = node->next;
		} while (node != first);
	}
	return NULL;
}
