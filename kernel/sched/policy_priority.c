/* SPDX-License-Identifier: MIT */
/*
 * Fixed priorities: on each CPU the ready thread with the highest urgency runs, at once.
 *
 * A list for each of 256 levels and two levels of bits, so every operation takes the same time
 * however many threads there are. Equals take turns of a slice; who is preempted stays the first of
 * its level, who yields or has used its slice becomes the last.
 *
 * Bound: of the most urgent ready threads, n on a level, each waits at most 2 n slices. A less
 * urgent one waits for as long as others want to run: that is what strict priorities mean, and
 * whoever gives them out answers for it.
 */
#include "policy.h"

const char policy_name[] = "fixed priority";

static inline void set_length(struct run_queue *queue, int change)
{
	const unsigned int length =
		atomic_load_explicit(&queue->length, memory_order_relaxed) + (unsigned int)change;

	atomic_store_explicit(&queue->length, length, memory_order_relaxed);
}

static inline struct thread *thread_of(struct list_node *node)
{
	return list_entry(node, struct thread, sched.list.node);
}

/* The highest level that has a thread; @queue->words is not 0. */
static inline unsigned int highest(const struct run_queue *queue)
{
	const unsigned int word = 63 - (unsigned int)__builtin_clzll(queue->words);

	return word * 64 + 63 - (unsigned int)__builtin_clzll(queue->levels[word]);
}

static inline void mark(struct run_queue *queue, unsigned int level)
{
	queue->levels[level / 64] |= 1ull << level % 64;
	queue->words |= 1ull << level / 64;
}

static inline void unmark(struct run_queue *queue, unsigned int level)
{
	queue->levels[level / 64] &= ~(1ull << level % 64);
	if (!queue->levels[level / 64])
		queue->words &= ~(1ull << level / 64);
}

static inline struct thread *take(struct run_queue *queue, struct thread *thread)
{
	struct list_node *list = &queue->lists[thread->sched.list.level];

	list_remove(&thread->sched.list.node);
	thread->sched.list.queued = false;
	if (list_empty(list))
		unmark(queue, thread->sched.list.level);
	return thread;
}

void policy_init(struct run_queue *queue, struct cpu *cpu)
{
	(void)cpu;
	for (unsigned int level = 0; level < PRIORITY_LEVELS; level++)
		list_init(&queue->lists[level]);
}

int policy_admit(struct thread *thread, const struct sched_parameters *parameters)
{
	thread->own_urgency = parameters->priority;
	return 0;
}

void policy_leave(struct thread *thread)
{
	(void)thread;
}

static inline void add(struct run_queue *queue, struct thread *thread, bool first)
{
	const unsigned int level = thread->urgency;

	if (first)
		list_add_first(&queue->lists[level], &thread->sched.list.node);
	else
		list_add_last(&queue->lists[level], &thread->sched.list.node);
	thread->sched.list.level = level;
	thread->sched.list.queued = true;
	mark(queue, level);
}

void policy_enqueue(struct run_queue *queue, struct thread *thread, enum enqueue_reason why)
{
	add(queue, thread, why == ENQUEUE_PREEMPTED);
	set_length(queue, 1);
}

struct thread *policy_pick(struct run_queue *queue)
{
	if (!queue->words)
		return NULL;
	set_length(queue, -1);
	return take(queue, thread_of(queue->lists[highest(queue)].next));
}

struct thread *policy_yield(struct run_queue *queue, struct thread *current)
{
	struct thread *next;
	unsigned int level;

	if (!queue->words)
		return current;
	level = highest(queue);
	if (level < current->urgency)
		return current;
	next = thread_of(queue->lists[level].next);
	if (level == current->urgency) {
		/* The level keeps a thread: no bit changes. */
		list_remove(&next->sched.list.node);
		next->sched.list.queued = false;
		list_add_last(&queue->lists[level], &current->sched.list.node);
		current->sched.list.level = level;
		current->sched.list.queued = true;
		return next;
	}
	take(queue, next);
	add(queue, current, false);
	return next;
}

bool policy_take(struct run_queue *queue, struct thread *thread)
{
	if (!thread->sched.list.queued)
		return false;
	take(queue, thread);
	set_length(queue, -1);
	return true;
}

/* The most urgent of those that wait, so that the machine as a whole runs what matters most. */
struct thread *policy_give(struct run_queue *queue, const struct cpu *to)
{
	for (unsigned int level = PRIORITY_LEVELS; level-- > 0;) {
		if (!(queue->levels[level / 64] >> level % 64 & 1))
			continue;
		list_for_each(node, &queue->lists[level])
			if (cpu_set_has(&thread_of(node)->affinity, to->number)) {
				set_length(queue, -1);
				return take(queue, thread_of(node));
			}
	}
	return NULL;
}
