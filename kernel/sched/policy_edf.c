/* SPDX-License-Identifier: MIT */
/*
 * Earliest deadline first: threads that have been promised time before a deadline, and the others
 * in the background.
 *
 * A thread with parameters.period has a contract: in each period it gets budget ns of its CPU
 * within deadline ns of the period's start (deadline 0 stands for the period). policy_admit()
 * takes on only what the CPU can keep (policy_edf_ledger.c); then the ready thread with the
 * earliest deadline runs, and none is missed. Periods are 100 us to 18 minutes.
 *
 * Each such thread is served by a constant bandwidth server (Abeni and Buttazzo, 1998), so that
 * one that wants more than its contract cannot make others late:
 *	- When the budget of a period is used up, the thread is throttled until the next period
 *	  begins. Time used beyond it (interrupts off, the resolution of timers, a lent urgency)
 *	  is owed: the next budgets are smaller by as much.
 *	- A thread that wakes up after its period begins a new one at once. So does one that
 *	  wakes up within its period with more left than its density allows up to the deadline:
 *	  it could otherwise take too much of the CPU just before. If nothing is left it is
 *	  throttled.
 *	- thread_yield() ends the job: what is left is given up, the next period is waited for.
 *	  A periodic thread is "for (;;) { work(); thread_yield(); }".
 * Threads whose deadline is shorter than the period, and which sleep in between, can thus get
 * budget / deadline of the CPU, which is what has been reserved for them.
 *
 * Threads without a contract run in the background, when no thread with a deadline is ready: in
 * turn. Who is interrupted in its turn continues it later.
 *
 * The urgency of a thread is 0 in the background, else larger for shorter (relative) deadlines. A
 * thread with lent urgency, that is with more than its own, runs before all deadlines, the most
 * urgent of several first, also if its budget is used up: somebody with a shorter deadline waits
 * for its mutex. It pays for that time itself, later, like for any overrun. How long mutexes are
 * held is not part of the admission: whoever shares them among threads with deadlines must leave
 * as much of the limit unused. A holder that is throttled is waited for until its next period if
 * nobody with a shorter deadline than its own waits.
 *
 * No ready thread waits for ever. With a contract, it has run for its budget by its deadline, and
 * owes at most what it has overrun by. In the background, with U the utilisation promised on its
 * CPU (at most SCHED_EDF_LIMIT, less than 1), B the sum of the budgets and n background threads,
 * each turn comes within ((n - 1) * T + 2 * B) / (1 - U), as in any time t the contracts take at
 * most U * t + 2 * B. T is a turn: one to two times SCHED_SLICE_US.
 *
 * Queues, entities and timers belong to the home CPU, interrupts off, except for the fields that
 * the ledger's lock protects. policy_pick() and policy_yield() return NULL when all threads are
 * throttled: a timer makes the first of them ready again.
 */
#include "policy_edf.h"

#include <exo/sched.h>

#define GIVE_LOOK 32 /* threads, so that it takes a bounded time; a guess */

const char policy_name[] = "earliest deadline first";

/* What the running thread has used up to now is its own to pay. */
static void charge(struct run_queue *queue, uint64_t now)
{
	if (queue->running)
		queue->running->sched.edf.left -= (int64_t)(now - queue->charged);
	queue->charged = now;
}

/* Only this CPU writes it. */
static void count(struct run_queue *queue, int change)
{
	atomic_store_explicit(&queue->length, policy_length(queue) + (unsigned int)change,
			      memory_order_relaxed);
}

/* A period, and so a job of the server, begins at @start. What is owed is paid from its budget. */
static void begin_period(struct thread *thread, uint64_t start)
{
	if (atomic_load_explicit(&thread->sched.edf.changed, memory_order_relaxed))
		edf_ledger_take_over(thread);
	if (thread->sched.edf.left > 0 || !thread->sched.edf.now.period)
		thread->sched.edf.left = 0;
	thread->sched.edf.left += (int64_t)thread->sched.edf.now.budget;
	thread->sched.edf.due = start + thread->sched.edf.now.deadline;
	thread->sched.edf.next_period = start + thread->sched.edf.now.period;
}

/* The periods that have passed unused have paid for what is owed. */
static void settle_debt(struct thread *thread, uint64_t now)
{
	const uint64_t budget = thread->sched.edf.now.budget;
	const uint64_t passed =
		(now - thread->sched.edf.next_period) / thread->sched.edf.now.period;
	uint64_t owed;

	if (thread->sched.edf.left >= 0)
		return;
	owed = (uint64_t)-thread->sched.edf.left;
	thread->sched.edf.left = owed / budget < passed ? 0 : -(int64_t)(owed - passed * budget);
}

/* Its next period is due. A thread that has fallen behind by a whole deadline starts afresh. */
static void next_period(struct thread *thread, uint64_t now)
{
	uint64_t start = thread->sched.edf.next_period;

	if (now - start > thread->sched.edf.now.deadline) {
		settle_debt(thread, now);
		start = now;
	}
	begin_period(thread, start);
}

/* @thread comes from elsewhere: from waiting, from its creator or from another CPU. */
static void arrive(struct run_queue *queue, struct thread *thread, uint64_t now)
{
	const struct edf_contract *contract = &thread->sched.edf.now;
	const int64_t left = thread->sched.edf.left;
	const uint64_t due = thread->sched.edf.due;

	if (thread->sched.edf.reserved && thread->sched.edf.reserved_on != queue->cpu->number)
		edf_ledger_move(thread, queue->cpu->number);
	if (!contract->period)
		return;
	if (now >= thread->sched.edf.next_period) {
		settle_debt(thread, now);
		begin_period(thread, now);
	} else if (left > 0 &&
		   (now >= due || (unsigned __int128)left * contract->deadline >
					  (unsigned __int128)(due - now) * contract->budget)) {
		begin_period(thread, now);
	}
}

static void set_refill(struct run_queue *queue)
{
	const struct pq_node *first = pq_first(&queue->throttled);

	timer_cancel(&queue->refill);
	if (first)
		timer_arm(&queue->refill, first->key);
}

/* Only the rest of a slice that was interrupted goes before others. */
static void insert_background(struct run_queue *queue, struct thread *thread, bool interrupted)
{
	thread->sched.edf.place = EDF_BACKGROUND;
	if (interrupted && thread->sched.edf.left > 0) {
		list_add_first(&queue->background, &thread->sched.edf.background);
		return;
	}
	if (thread->sched.edf.left <= 0)
		thread->sched.edf.left = (int64_t)SCHED_SLICE_NS;
	list_add_last(&queue->background, &thread->sched.edf.background);
}

/* Puts @thread where its budget and its urgency want it. */
static void insert(struct run_queue *queue, struct thread *thread, uint64_t now, bool interrupted)
{
	if (thread->sched.edf.now.period) {
		if (thread->sched.edf.left <= 0 && now >= thread->sched.edf.next_period)
			next_period(thread, now);
	} else if (unlikely(atomic_load_explicit(&thread->sched.edf.changed,
						 memory_order_relaxed))) {
		thread->sched.edf.left = 0;
		begin_period(thread, now);
	}
	if (!thread->sched.edf.now.period && !edf_is_lent(thread)) {
		insert_background(queue, thread, interrupted);
	} else if (thread->sched.edf.left > 0 || edf_is_lent(thread)) {
		thread->sched.edf.place = EDF_READY;
		thread->sched.edf.node.key = edf_key(thread);
		pq_insert(&queue->ready, &thread->sched.edf.node);
	} else {
		thread->sched.edf.place = EDF_THROTTLED;
		thread->sched.edf.node.key = thread->sched.edf.next_period;
		pq_insert(&queue->throttled, &thread->sched.edf.node);
		if (pq_first(&queue->throttled) == &thread->sched.edf.node)
			set_refill(queue);
		return;
	}
	count(queue, 1);
}

/* Periods begin. The core treats these threads like others that become ready. */
static void refill_expired(struct timer *timer)
{
	struct run_queue *queue = container_of(timer, struct run_queue, refill);
	const uint64_t now = clock_ns();
	const struct pq_node *first;

	while ((first = pq_first(&queue->throttled)) && first->key <= now)
		sched_wake(pq_entry(pq_take(&queue->throttled), struct thread, sched.edf.node));
	set_refill(queue);
}

/* While urgency is lent it is looked at again after a slice. */
static void set_budget(struct run_queue *queue, uint64_t now)
{
	const struct thread *thread = queue->running;

	if (!thread->sched.edf.now.period)
		return;
	if (edf_is_lent(thread))
		timer_arm(&queue->budget, now + SCHED_SLICE_NS);
	else
		timer_arm(&queue->budget, thread->sched.edf.left > 0
						  ? now + (uint64_t)thread->sched.edf.left
						  : now);
}

static void budget_expired(struct timer *timer)
{
	struct run_queue *queue = container_of(timer, struct run_queue, budget);
	const uint64_t now = clock_ns();

	charge(queue, now);
	if (queue->running->sched.edf.left <= 0 && !edf_is_lent(queue->running))
		sched_kick(queue->running);
	else
		set_budget(queue, now);
}

void policy_init(struct run_queue *queue, struct cpu *cpu)
{
	queue->cpu = cpu;
	list_init(&queue->background);
	timer_prepare(&queue->budget, budget_expired);
	timer_prepare(&queue->refill, refill_expired);
}

void policy_enqueue(struct run_queue *queue, struct thread *thread, enum enqueue_reason why)
{
	const uint64_t now = clock_ns();

	charge(queue, now);
	/* From refill_expired() it comes with its place, and is where it was. */
	if (why == ENQUEUE_WOKEN && thread->sched.edf.place != EDF_THROTTLED)
		arrive(queue, thread, now);
	insert(queue, thread, now, why == ENQUEUE_PREEMPTED);
}

/* The most urgent thread with a deadline, else the next in the background. */
struct thread *policy_pick(struct run_queue *queue)
{
	struct pq_node *node = pq_take(&queue->ready);
	struct thread *thread;

	if (node) {
		thread = pq_entry(node, struct thread, sched.edf.node);
	} else {
		if (list_empty(&queue->background))
			return NULL;
		thread = list_entry(queue->background.next, struct thread, sched.edf.background);
		list_remove(&thread->sched.edf.background);
	}
	thread->sched.edf.place = EDF_NOWHERE;
	count(queue, -1);
	/* It goes on without policy_running(), perhaps with another budget. */
	if (thread == queue->running) {
		timer_cancel(&queue->budget);
		set_budget(queue, queue->charged);
	}
	return thread;
}

struct thread *policy_yield(struct run_queue *queue, struct thread *current)
{
	const uint64_t now = clock_ns();

	charge(queue, now);
	if (current->sched.edf.left > 0)
		current->sched.edf.left = 0;
	insert(queue, current, now, false);
	return policy_pick(queue);
}

/* Does the core have to put @thread anew where it belongs? */
static bool is_misplaced(const struct thread *thread)
{
	return edf_is_lent(thread) ||
	       atomic_load_explicit(&thread->sched.edf.changed, memory_order_relaxed) ||
	       (thread->sched.edf.place == EDF_READY &&
		thread->sched.edf.node.key != edf_key(thread));
}

/*
 * In the background, the running thread gives what is left of its turn to @thread, and so comes
 * last when it is queued again: two that give to each other do not keep the others waiting.
 */
static bool give_turn(struct run_queue *queue, struct thread *thread)
{
	struct thread *running = queue->running;

	if (!running || running->sched.edf.now.period || edf_is_lent(running))
		return true;
	charge(queue, clock_ns());
	if (running->sched.edf.left <= 0)
		return false;
	thread->sched.edf.left = running->sched.edf.left;
	running->sched.edf.left = 0;
	return true;
}

/*
 * For thread_yield_to(), or because the urgency has changed. The former must not be a way around
 * deadlines, throttling and turns.
 */
bool policy_take(struct run_queue *queue, struct thread *thread)
{
	const struct pq_node *first = pq_first(&queue->ready);
	enum edf_place place;

	if (atomic_load_explicit(&thread->home, memory_order_relaxed) != queue->cpu)
		return false;
	place = thread->sched.edf.place;
	if (place == EDF_NOWHERE)
		return false;
	if (!is_misplaced(thread) &&
	    (place == EDF_THROTTLED || (first && first->key < edf_key(thread)) ||
	     (place == EDF_BACKGROUND && !give_turn(queue, thread))))
		return false;
	if (place == EDF_BACKGROUND)
		list_remove(&thread->sched.edf.background);
	else
		pq_remove(place == EDF_READY ? &queue->ready : &queue->throttled,
			  &thread->sched.edf.node);
	thread->sched.edf.place = EDF_NOWHERE;
	if (place != EDF_THROTTLED)
		count(queue, -1);
	return true;
}

bool policy_slice_end(struct run_queue *queue, struct thread *current)
{
	const struct pq_node *first = pq_first(&queue->ready);

	charge(queue, clock_ns());
	if (first && first->key < edf_key(current))
		return true;
	if (edf_is_lent(current) || current->sched.edf.left > 0)
		return false;
	return current->sched.edf.now.period || !list_empty(&queue->background);
}

/* Contracts are kept where they were made: only the background moves. */
struct thread *policy_give(struct run_queue *queue, const struct cpu *to)
{
	unsigned int look = GIVE_LOOK;

	list_for_each(node, &queue->background)
	{
		struct thread *thread = list_entry(node, struct thread, sched.edf.background);

		if (cpu_set_has(&thread->affinity, to->number)) {
			list_remove(node);
			thread->sched.edf.place = EDF_NOWHERE;
			count(queue, -1);
			return thread;
		}
		if (--look == 0)
			break;
	}
	return NULL;
}

/* The idle thread counts as none. */
void policy_running(struct run_queue *queue, struct thread *next)
{
	const uint64_t now = clock_ns();

	queue->charged = now;
	if (next == queue->cpu->idle)
		return;
	queue->running = next;
	set_budget(queue, now);
}

void policy_stopped(struct run_queue *queue, struct thread *previous)
{
	if (queue->running != previous)
		return;
	charge(queue, clock_ns());
	queue->running = NULL;
	timer_cancel(&queue->budget);
}
