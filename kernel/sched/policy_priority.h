/* SPDX-License-Identifier: MIT */
/*
 * Fixed priorities: on each CPU the ready thread with the highest urgency runs, at once.
 *
 * A list for each of 256 levels, the running thread included, and a bit for each list that is not
 * empty, so every operation takes the same time however many threads there are. Equals take turns
 * of a slice; who is preempted by a more urgent one stays the first of its level, and its turn ends
 * when it has run in between two ticks, however often it was preempted.
 *
 * Bound: of the most urgent ready threads, n on a level, each waits less than 2 n slices. A less
 * urgent one waits for as long as others want to run: that is what strict priorities mean, and
 * whoever gives them out answers for it.
 */
#ifndef SCHED_POLICY_PRIORITY_H
#define SCHED_POLICY_PRIORITY_H

#include "turns.h"

#define POLICY_KEEPS_RUNNING 1
#define POLICY_HANDS 1
#define POLICY_SEES_TICKS 1
#define PRIORITY_WORDS (PRIORITY_LEVELS / 64)

struct run_queue {
	uint64_t levels[PRIORITY_WORDS]; /* a bit for each list; the most urgent is bit 0 of word 0
					  */
	unsigned int length;
	uint32_t ticks; /* that the policy has seen, plus one */
	struct turns lists[PRIORITY_LEVELS]; /* in the same order */
};

#define POLICY_TURNS offsetof(struct run_queue, lists)

static inline unsigned int policy_length(const struct run_queue *queue)
{
	return *(const volatile unsigned int *)&queue->length;
}

/* The first level that has a thread; PRIORITY_LEVELS if none has. */
static inline unsigned int priority_first(const struct run_queue *queue)
{
	for (unsigned int word = 0; word < PRIORITY_WORDS; word++)
		if (queue->levels[word])
			return word * 64 + (unsigned int)__builtin_ctzll(queue->levels[word]);
	return PRIORITY_LEVELS;
}

static inline void policy_remove(struct run_queue *queue, struct thread *thread)
{
	const unsigned int level = thread->sched.list.level;

	if (!turns_has(thread))
		return;
	queue->length--;
	if (turns_remove(&queue->lists[level], thread))
		queue->levels[level / 64] &= ~(1ull << level % 64);
}

static inline void policy_enqueue(struct run_queue *queue, struct thread *thread,
				  enum enqueue_reason why)
{
	unsigned int level = thread->sched.list.level;
	bool empty;

	if (why != ENQUEUE_WOKEN && turns_has(thread)) {
		if (why == ENQUEUE_SLICE_END)
			turns_advance(&queue->lists[level], thread);
		return;
	}
	level = (uint8_t)~thread->urgency;
	thread->sched.list.level = level;
	queue->length++;
	if (why == ENQUEUE_PREEMPTED)
		empty = turns_add_first(&queue->lists[level], thread);
	else
		empty = turns_add_last(&queue->lists[level], thread);
	if (empty)
		queue->levels[level / 64] |= 1ull << level % 64;
}

static inline struct thread *policy_pick(struct run_queue *queue)
{
	const unsigned int level = priority_first(queue);

	return level < PRIORITY_LEVELS ? turns_thread(queue->lists[level].first) : NULL;
}

/* They are of the same level. */
static inline void policy_hand(struct run_queue *queue, struct thread *thread, struct thread *next)
{
	const unsigned int level = thread->sched.list.level;

	next->sched.list.level = level;
	/* What the last tick has seen of the turn; and it has run since. */
	next->sched.list.seen_at = thread->sched.list.seen_at;
	next->sched.list.seen = next->switches - 1;
	turns_hand(&queue->lists[level], thread, next);
}

static inline struct thread *policy_yield(struct run_queue *queue, struct thread *current)
{
	turns_advance(&queue->lists[current->sched.list.level], current);
	/* With CONFIG_PREEMPT nobody who waits is more urgent: it would be running. */
	return IS_ENABLED(CONFIG_PREEMPT) ? turns_thread(current->sched.list.node.next)
					  : policy_pick(queue);
}

static inline bool policy_preempts(const struct thread *ready, const struct thread *current)
{
	return ready->urgency > current->urgency;
}

bool policy_slice_end(struct run_queue *queue, struct thread *current);

static inline void policy_visit(const struct run_queue *queue, policy_visitor *visit, void *context)
{
	for (unsigned int level = 0; level < PRIORITY_LEVELS; level++)
		turns_visit(&queue->lists[level], visit, context);
}

static inline void policy_running(struct run_queue *queue, struct thread *next)
{
	(void)queue, (void)next;
}

static inline void policy_stopped(struct run_queue *queue, struct thread *previous)
{
	(void)queue, (void)previous;
}

#endif
