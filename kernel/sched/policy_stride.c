/* SPDX-License-Identifier: MIT */
/*
 * Stride scheduling (Waldspurger and Weihl, 1995): on each CPU, time in proportion to shares.
 *
 * Each thread has a pass, which grows by the time that it runs divided by its shares; the ready
 * thread with the smallest runs, for a slice at a time. What counts is the time that it has
 * really run, so who yields or blocks early pays for no more. Over any time in which the same
 * threads are ready, each gets shares / S of the CPU, S being the sum of their shares, to within
 * a few slices.
 *
 * The virtual time of a queue is the pass of an ideal thread that always gets its part: it grows
 * by the time that passes divided by S. A thread that has slept continues at the larger of its
 * pass and the virtual time: time slept through is not made up for, and a debt is not forgotten.
 * It preempts the running thread if its pass is smaller. A thread that comes from another CPU
 * keeps its lead over the virtual time; a new one begins with the lead of a slice, as if it had
 * just had its turn. If its shares change, its lead changes with the reciprocal.
 *
 * thread_yield() lets the thread with the smallest pass of the others have a turn, also if the
 * caller's is smaller by up to one slice; if it is smaller by more the caller continues. So
 * equals alternate, and what a thread has not used is not lost. thread_yield_to() fails if the
 * other's pass is ahead of the smallest by more than one slice of its own.
 *
 * The urgency of a thread stands for its shares, in steps of a sixteenth octave. A thread with
 * lent urgency has as many shares as the lender, who does not use them: it waits.
 *
 * Pass and virtual time count 1/16 ns for one share. They grow fastest with a single share, by 16
 * in each ns, so that 64 bits last for 36 years of running and never wrap in practice. What is
 * below the unit is carried over, so that many short turns cost as much as a long one.
 *
 * Shares are per CPU: a thread competes with those of its CPU alone. CPUs without work take
 * threads from others (policy_give()), which evens out how many there are, not their shares.
 *
 * No ready thread waits for ever. With n ready threads on its CPU that have S shares together, a
 * thread with s shares is run within 2 * (S / s + n) turns: its own last turn has put it ahead by
 * at most S / s turns of all, and nobody else gets more than about one turn beyond its part. A
 * turn is one to two times SCHED_SLICE_US, and what keeps interrupts off at its end. S and n are
 * the largest while it waits; who comes meanwhile comes with the virtual time, which grows.
 *
 * Queues and entities belong to the home CPU, interrupts off; only .wanted is written by others.
 */
#include <exo/errno.h>
#include <exo/string.h>

#include "policy_stride.h"

#define UNIT_SHIFT 4 /* pass counts 2^-4 ns */
#define FRACTION_SHIFT (32 - UNIT_SHIFT)
#define LEAD_MAX (1ull << 50) /* times STRIDE_SHARES_MAX is within 64 bits */
#define GIVE_LOOK 32 /* threads, so that it takes a bounded time; a guess */

const char policy_name[] = "stride";

/* What @ns cost @thread. (2^32 - 1) * 2^32 + 2^28 is within 64 bits. */
static void advance(struct thread *thread, uint64_t ns)
{
	const uint64_t inverse = thread->sched.stride.inverse;
	const uint64_t low = (ns & UINT32_MAX) * inverse + thread->sched.stride.fraction;

	thread->sched.stride.fraction = low & ((1u << FRACTION_SHIFT) - 1);
	thread->sched.stride.node.key += (low >> FRACTION_SHIFT) + ((ns >> 32) * inverse << 4);
}

/* A slice is at most 2^30 ns. */
static uint64_t slice_cost(const struct thread *thread)
{
	return SCHED_SLICE_NS * thread->sched.stride.inverse >> FRACTION_SHIFT;
}

/* The running thread pays for its time up to now, and the virtual time goes on. */
static void charge(struct run_queue *queue)
{
	const uint64_t now = clock_ns();
	const uint64_t ns = now - queue->charged;
	uint64_t sum;

	queue->charged = now;
	/* One that is queued already has paid but for what the switch takes. */
	if (!queue->running || queue->running->sched.stride.queued)
		return;
	advance(queue->running, ns);
	sum = (ns << UNIT_SHIFT) + queue->remainder;
	queue->virtual_time += sum / queue->shares;
	queue->remainder = sum % queue->shares;
}

/* Only this CPU writes it. */
static void count(struct run_queue *queue, int change)
{
	atomic_store_explicit(&queue->length, policy_length(queue) + (unsigned int)change,
			      memory_order_relaxed);
}

static void insert(struct run_queue *queue, struct thread *thread)
{
	thread->sched.stride.queued = true;
	queue->shares += thread->sched.stride.shares;
	pq_insert(&queue->ready, &thread->sched.stride.node);
	count(queue, 1);
}

/* Notes how far @thread, which may go to another CPU, is ahead. */
static void note_lead(const struct run_queue *queue, struct thread *thread)
{
	const uint64_t pass = thread->sched.stride.node.key;

	thread->sched.stride.lead = pass > queue->virtual_time ? pass - queue->virtual_time : 0;
}

static void remove(struct run_queue *queue, struct thread *thread)
{
	pq_remove(&queue->ready, &thread->sched.stride.node);
	thread->sched.stride.queued = false;
	queue->shares -= thread->sched.stride.shares;
	count(queue, -1);
	note_lead(queue, thread);
}

/* 0 .. 211; more for more shares, in steps of a sixteenth octave. */
static uint8_t urgency_of(uint32_t shares)
{
	const unsigned int octave = 31 - (unsigned int)__builtin_clz(shares);

	return (uint8_t)(16 * octave + ((shares << 4 >> octave) & 15));
}

/* The fewest shares with this urgency; those without any stand for the next below. */
static uint32_t shares_of(uint8_t urgency)
{
	const uint32_t shares = (16u + (urgency & 15)) << (urgency >> 4) >> 4;

	return shares < STRIDE_SHARES_MAX ? shares : STRIDE_SHARES_MAX;
}

static void set_shares(struct thread *thread, uint32_t shares)
{
	thread->sched.stride.shares = shares;
	thread->sched.stride.inverse = (1ull << 32) / shares;
}

/* Its own shares may be others by now, or have been lent or taken back. */
static uint32_t current_shares(const struct thread *thread)
{
	const uint32_t own =
		atomic_load_explicit(&thread->sched.stride.wanted, memory_order_relaxed);
	uint32_t lent;

	if (likely(thread->urgency <= thread->own_urgency))
		return own;
	lent = shares_of(thread->urgency);
	return lent > own ? lent : own;
}

static void update_shares(struct run_queue *queue, struct thread *thread)
{
	const uint32_t old = thread->sched.stride.shares, new = current_shares(thread);
	const uint64_t pass = thread->sched.stride.node.key;

	if (likely(new == old))
		return;
	if (pass > queue->virtual_time) {
		uint64_t lead = pass - queue->virtual_time;

		lead = lead < LEAD_MAX ? lead : LEAD_MAX;
		thread->sched.stride.node.key = queue->virtual_time + lead * old / new;
	}
	if (thread == queue->running)
		queue->shares += (uint64_t) new - old;
	set_shares(thread, new);
}

void policy_init(struct run_queue *queue, struct cpu *cpu)
{
	queue->cpu = cpu;
}

int policy_admit(struct thread *thread, const struct sched_parameters *parameters)
{
	const uint32_t shares = parameters->shares ? parameters->shares : STRIDE_SHARES_DEFAULT;

	if (shares > STRIDE_SHARES_MAX)
		return -EXO_E_ARG;
	/* The TCB may be of a thread that has ended; the first thread has a home already. */
	if (!atomic_load_explicit(&thread->home, memory_order_relaxed) ||
	    !thread->sched.stride.shares) {
		memset(&thread->sched.stride, 0, sizeof(thread->sched.stride));
		set_shares(thread, shares);
		/* It is new, and gets its first slice when that is due. */
		thread->sched.stride.lead = slice_cost(thread);
	}
	atomic_store_explicit(&thread->sched.stride.wanted, shares, memory_order_relaxed);
	thread->own_urgency = urgency_of(shares);
	return 0;
}

/* Shares are reserved nowhere. */
void policy_leave(struct thread *thread)
{
	(void)thread;
}

void policy_enqueue(struct run_queue *queue, struct thread *thread, enum enqueue_reason why)
{
	charge(queue);
	if (unlikely(thread->sched.stride.queue != queue)) {
		thread->sched.stride.queue = queue;
		thread->sched.stride.node.key = queue->virtual_time + thread->sched.stride.lead;
	}
	update_shares(queue, thread);
	if (why == ENQUEUE_WOKEN && thread->sched.stride.node.key < queue->virtual_time)
		thread->sched.stride.node.key = queue->virtual_time;
	insert(queue, thread);
}

struct thread *policy_pick(struct run_queue *queue)
{
	struct pq_node *first = pq_first(&queue->ready);
	struct thread *thread;

	if (!first)
		return NULL;
	thread = pq_entry(first, struct thread, sched.stride.node);
	remove(queue, thread);
	return thread;
}

struct thread *policy_yield(struct run_queue *queue, struct thread *current)
{
	const struct pq_node *first = pq_first(&queue->ready);
	struct thread *next;

	charge(queue);
	if (!first || first->key > current->sched.stride.node.key + slice_cost(current))
		return current;
	next = policy_pick(queue);
	update_shares(queue, current);
	insert(queue, current);
	return next;
}

/*
 * For thread_yield_to(), or because its shares have changed. The former must not let some run far
 * ahead of the others: @thread may be a slice before its turn.
 */
bool policy_take(struct run_queue *queue, struct thread *thread)
{
	if (atomic_load_explicit(&thread->home, memory_order_relaxed) != queue->cpu ||
	    !thread->sched.stride.queued)
		return false;
	if (thread->sched.stride.node.key > pq_first(&queue->ready)->key + slice_cost(thread) &&
	    thread->sched.stride.shares == current_shares(thread))
		return false;
	charge(queue);
	remove(queue, thread);
	return true;
}

bool policy_slice_end(struct run_queue *queue, struct thread *current)
{
	const struct pq_node *first = pq_first(&queue->ready);

	charge(queue);
	return first && first->key <= current->sched.stride.node.key;
}

struct thread *policy_give(struct run_queue *queue, const struct cpu *to)
{
	unsigned int look = GIVE_LOOK;

	for (struct pq_node *node = pq_walk(&queue->ready, NULL); node && look--;
	     node = pq_walk(&queue->ready, node)) {
		struct thread *thread = pq_entry(node, struct thread, sched.stride.node);

		if (cpu_set_has(&thread->affinity, to->number)) {
			charge(queue);
			remove(queue, thread);
			return thread;
		}
	}
	return NULL;
}

/* The idle thread counts as none. */
void policy_running(struct run_queue *queue, struct thread *next)
{
	queue->charged = clock_ns();
	if (next == queue->cpu->idle)
		return;
	queue->running = next;
	queue->shares += next->sched.stride.shares;
}

void policy_stopped(struct run_queue *queue, struct thread *previous)
{
	if (queue->running != previous)
		return;
	charge(queue);
	queue->running = NULL;
	queue->shares -= previous->sched.stride.shares;
	note_lead(queue, previous);
}

/* It pays while the queue still counts the shares of all that were ready. */
void policy_remove(struct run_queue *queue, struct thread *thread)
{
	policy_stopped(queue, thread);
}
