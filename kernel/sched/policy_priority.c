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

/*
 * A tick. A level's first thread that was so at the last tick already, and has run since, has had
 * its turn: @current, which the core puts behind its equals if this says so, or one that others
 * have preempted.
 */
static bool has_had_turn(struct thread *first, const struct thread *current)
{
	const uint64_t seen = first->sched.list.seen;

	first->sched.list.seen = first->switches + 1;
	return seen && (first == current || seen != first->switches + 1);
}

bool policy_slice_end(struct run_queue *queue, struct thread *current)
{
	const struct cpu *cpu = cpu_this();
	bool over = cpu->tick_switches == cpu->switches;

	for (unsigned int level = priority_first(queue); level < PRIORITY_LEVELS; level++) {
		struct turns *turns = &queue->lists[level];

		if (!turns->first || !has_had_turn(turns_thread(turns->first), current))
			continue;
		if (turns_thread(turns->first) == current)
			over = true;
		else
			turns_advance(turns, turns_thread(turns->first))->sched.list.seen = 0;
	}
	if (over)
		current->sched.list.seen = 0;
	return over && current->sched.list.node.next != &current->sched.list.node;
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
