/* SPDX-License-Identifier: MIT */
/* Fixed priorities, but for the hot paths, which are inline (policy_priority.h). */
#include "policy.h"

const char policy_name[] = "fixed priority";

void policy_init(struct run_queue *queue, struct cpu *cpu)
{
	(void)cpu;
	queue->ticks = 1;
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

/* The first level from @level on that has a thread; PRIORITY_LEVELS if none has. */
static unsigned int priority_next(const struct run_queue *queue, unsigned int level)
{
	while (level < PRIORITY_LEVELS) {
		const uint64_t rest = queue->levels[level / 64] >> level % 64;

		if (rest)
			return level + (unsigned int)__builtin_ctzll(rest);
		level = (level / 64 + 1) * 64;
	}
	return PRIORITY_LEVELS;
}

bool policy_take(struct run_queue *queue, struct thread *thread)
{
	const bool ready = turns_has(thread);

	policy_remove(queue, thread);
	return ready;
}

/*
 * A level's first thread that was so at the last tick already, and has run since, has had its
 * turn: @current, which the core puts behind its equals if this says so, or one that others have
 * preempted.
 */
static bool has_had_turn(const struct run_queue *queue, struct thread *first,
			 const struct thread *current)
{
	const bool seen_before = first->sched.list.seen_at == queue->ticks - 1;
	const bool has_run = first == current || first->sched.list.seen != first->switches;
	const bool over = seen_before && has_run;

	first->sched.list.seen_at = over ? 0 : queue->ticks;
	first->sched.list.seen = first->switches;
	return over;
}

bool policy_slice_end(struct run_queue *queue, struct thread *current)
{
	const struct cpu *cpu = cpu_this();
	bool over = cpu->tick_switches == cpu->switches;

	queue->ticks++;
	for (unsigned int level = priority_first(queue); level < PRIORITY_LEVELS;
	     level = priority_next(queue, level + 1)) {
		struct turns *turns = &queue->lists[level];
		struct thread *first = turns_thread(turns->first);

		if (!has_had_turn(queue, first, current))
			continue;
		if (first == current)
			over = true;
		else
			turns_advance(turns, first);
	}
	return over && current->sched.list.node.next != &current->sched.list.node;
}

/* The most urgent of those that wait, so that the machine as a whole runs what matters most. */
struct thread *policy_give(struct run_queue *queue, const struct cpu *to)
{
	for (unsigned int level = priority_first(queue); level < PRIORITY_LEVELS;
	     level = priority_next(queue, level + 1)) {
		struct list_node *first = queue->lists[level].first, *node = first;

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
