/* SPDX-License-Identifier: MIT */
/*
 * Work stealing: each CPU has a ring of ready threads; a CPU that has none takes half of another's.
 *
 * A CPU pushes at its ring's tail and picks from its head. If the ring is full, its older half goes
 * to the node's overflow queue, which all CPUs of the node empty. A CPU looks for a thread
 *
 *	1. at every OVERFLOW_TURN-th pick in its node's overflow queue,
 *	2. in its ring, in turns with its list of threads that are pinned,
 *	3. in its node's overflow queue,
 *	4. where cost() says that taking is cheapest: in rings of other CPUs and in overflow queues
 *of other nodes. A node that is farther away is looked at only if all nearer ones are empty.
 *
 * Pinned is a thread whose affinity is not all CPUs. Thieves never see it: the core sends it
 * (policy_give()). If the affinity has just changed, a thief may get such a thread nevertheless;
 * THREAD_MOVE is set then, and the core sends it where it belongs.
 *
 * Taking from another CPU: the thief writes the thread's home, fences, and only then reads its
 * attention (core.c, in choose()). A preempted thread is in its CPU's ring while it is still on its
 * stack: the thief waits until it has left. A CPU whose own running thread is in a ring does not
 * steal at all, so whoever is waited for does not wait: no circle. It becomes idle instead, and the
 * idle thread steals. Hence all that is in a ring or an overflow queue has left its stack, except
 *for the running thread of the ring's own CPU.
 *
 * What is taken is hidden for a moment. A CPU that looks for work meanwhile and halts is woken by
 * sched_gained(), which the thief calls once the others can be seen again.
 *
 * Bound: nobody overtakes in a ring, so the thread at place p of a ring, from 0, runs within
 * 2 (p + 1) picks of its CPU, not counting every OVERFLOW_TURN-th. A thief puts it at a lower
 *place. If it goes to the overflow queue, with q threads before it, it runs within OVERFLOW_TURN (q
 *+ 1) picks of any CPU of the node, and at once when it is taken from there, so it overflows at
 *most once between two turns. A turn is two slices at most.
 */
#include "policy.h"

#include "sched_cpu.h"

#include <arch/cache.h>
#include <arch/pause.h>
#include <exo/panic.h>

/* A prime, so that it does not keep step with what threads do; a guess. */
#define OVERFLOW_TURN 61

/*
 * Costs of taking from a queue. A unit of SLIT distance weighs more than all the rest. A CPU that
 * does not share our cache has to have a queue that is longer by COST_CACHE (a guess) to be chosen.
 */
#define COST_DISTANCE 1024
#define COST_CACHE 64
#define COST_LENGTH_MAX 512

const char policy_name[] = "work stealing";
struct stealing_node stealing_nodes[NUMA_MAX_NODES];

/* From where to take: another CPU's ring, or else another node's overflow queue. */
struct victim {
	struct run_queue *queue;
	unsigned int node, cost;
};

static inline struct thread *thread_of(struct overflow_node *node)
{
	return container_of(node, struct thread, sched.stealing.node);
}

static bool may_run_everywhere(const struct thread *thread)
{
	uint64_t all = ~0ull;

	for (unsigned int i = 0; i < CPU_SET_WORDS; i++)
		all &= thread->affinity.bits[i];
	return all == ~0ull;
}

void policy_init(struct run_queue *queue, struct cpu *cpu)
{
	list_init(&queue->pinned);
	queue->cpu = cpu;
	queue->cache = cpu_cache_domain(cpu->apic_id);
}

int policy_admit(struct thread *thread, const struct sched_parameters *parameters)
{
	(void)parameters;
	if (!thread->started)
		thread->sched.stealing.is_pinned = false;
	thread->own_urgency = 0;
	return 0;
}

void policy_leave(struct thread *thread)
{
	(void)thread;
}

/* --- threads that may not run everywhere -------------------------------------------------------*/

static inline void add_to_nr_pinned(struct run_queue *queue, unsigned int change)
{
	atomic_store_explicit(&queue->nr_pinned,
			      atomic_load_explicit(&queue->nr_pinned, memory_order_relaxed) +
				      change,
			      memory_order_relaxed);
}

static __noinline void pin(struct run_queue *queue, struct thread *thread)
{
	thread->sched.stealing.is_pinned = true;
	list_add_last(&queue->pinned, &thread->sched.stealing.pinned);
	add_to_nr_pinned(queue, 1);
}

static struct thread *unpin(struct run_queue *queue, struct list_node *node)
{
	struct thread *thread = list_entry(node, struct thread, sched.stealing.pinned);

	list_remove(node);
	add_to_nr_pinned(queue, -1u);
	thread->sched.stealing.is_pinned = false;
	return thread;
}

/* The newest, as it has the least to lose, but not the one that has yet to leave its stack. */
struct thread *policy_give(struct run_queue *queue, const struct cpu *to)
{
	struct list_node *node;

	for (node = queue->pinned.previous; node != &queue->pinned; node = node->previous) {
		const struct thread *thread =
			list_entry(node, struct thread, sched.stealing.pinned);

		if (thread != queue->cpu->current && cpu_set_has(&thread->affinity, to->number))
			return unpin(queue, node);
	}
	return NULL;
}

/* --- putting in --------------------------------------------------------------------------------*/

/* Makes room in the ring. */
static __noinline void overflow(struct run_queue *queue)
{
	struct overflow_node *head = NULL, *last = NULL;
	uint64_t first;
	const unsigned int count = steal_ring_pop_half(&queue->ring, &first);

	for (unsigned int i = 0; i < count; i++) {
		struct thread *thread = steal_ring_item(&queue->ring, first + i);
		struct overflow_node *node = &thread->sched.stealing.node;

		if (last)
			overflow_queue_link(last, node);
		else
			head = node;
		last = node;
	}
	if (!last)
		return; /* thieves have made room */
	overflow_queue_push(&stealing_nodes[queue->cpu->node].overflow, head, last);
	queue->counters.overflowed += count;
}

void policy_enqueue(struct run_queue *queue, struct thread *thread, enum enqueue_reason why)
{
	(void)why;
	if (unlikely(!may_run_everywhere(thread))) {
		pin(queue, thread);
		return;
	}
	while (unlikely(!steal_ring_push(&queue->ring, thread)))
		overflow(queue);
}

/* --- taking from others ------------------------------------------------------------------------*/

/* @thread belongs to this CPU from now on. The caller fences before anything of it is read. */
static void adopt(struct run_queue *queue, struct thread *thread)
{
	if (atomic_load_explicit(&thread->home, memory_order_relaxed) == queue->cpu)
		return;
	sched_set_home(thread, queue->cpu);
	thread->migrations++;
}

/* Waits until the CPU from which @thread was taken has switched to another one. */
static void wait_off_stack(const struct thread *thread)
{
	while (!atomic_load_explicit(&thread->stack_pointer, memory_order_acquire))
		cpu_pause();
}

/* The oldest thread of a node's overflow queue, to run at once: it has waited in a ring already. */
static struct thread *take_overflow(struct run_queue *queue, unsigned int from)
{
	struct overflow_queue *overflow = &stealing_nodes[from].overflow;
	struct overflow_node *node = overflow_queue_take(overflow, 1);

	if (!node)
		return NULL;
	queue->picks = 0;
	adopt(queue, thread_of(node));
	atomic_thread_fence(memory_order_seq_cst);
	if (!overflow_queue_empty(overflow))
		sched_gained(queue->cpu);
	return thread_of(node);
}

/* What it costs to take from a queue of this @length; the least is best. */
static unsigned int cost(unsigned int distance, bool shares_cache, unsigned int length)
{
	if (length > COST_LENGTH_MAX)
		length = COST_LENGTH_MAX;
	return distance * COST_DISTANCE + (shares_cache ? 0 : COST_CACHE) + COST_LENGTH_MAX -
	       length;
}

/* The others by number from this CPU's own on, so that thieves at the same cost do not all meet. */
static struct victim find_victim(const struct run_queue *queue)
{
	const unsigned int here = queue->cpu->node, nr_cpus = nr_cpus_online;
	struct victim best = { .cost = UINT32_MAX };
	cpu_t number = queue->cpu->number;

	for (unsigned int i = 1; i < nr_cpus; i++) {
		const struct cpu *cpu = cpus[++number < nr_cpus ? number : (number = 0)];
		const unsigned int length = steal_ring_length(&cpu->queue->ring);
		unsigned int price;

		if (!length)
			continue;
		price = cost(numa_distance(here, cpu->node), cpu->queue->cache == queue->cache,
			     length);
		if (price < best.cost)
			best = (struct victim){ cpu->queue, cpu->node, price };
	}
	/* Threads of an overflow queue are in no cache, and their node has more than it can run. */
	for (unsigned int node = 0; node < numa_nodes(); node++) {
		const unsigned int price = numa_distance(here, node) * COST_DISTANCE;

		if (price < best.cost && node != here &&
		    !overflow_queue_empty(&stealing_nodes[node].overflow))
			best = (struct victim){ NULL, node, price };
	}
	return best;
}

/* Half of @victim's ring: one thread to run, the others into the own ring. NULL if it is empty. */
static struct thread *steal_from(struct run_queue *queue, struct run_queue *victim)
{
	unsigned int more;
	struct thread *first = steal_ring_steal(&victim->ring, &queue->ring, &more);

	if (!first)
		return NULL;
	adopt(queue, first);
	for (unsigned int i = 0; i < more; i++)
		adopt(queue, steal_ring_stolen(&queue->ring, i));
	atomic_thread_fence(memory_order_seq_cst);
	wait_off_stack(first);
	for (unsigned int i = 0; i < more; i++)
		wait_off_stack(steal_ring_stolen(&queue->ring, i));
	steal_ring_publish(&queue->ring, more);
	queue->counters.stolen += more + 1;
	if (more)
		sched_gained(queue->cpu);
	return first;
}

/* The ring is empty, and so is the node's overflow queue. */
static __noinline struct thread *steal(struct run_queue *queue)
{
	const struct thread *current = queue->cpu->current;
	struct thread *thread = NULL;

	/* Is it in a ring itself? Then it may have been stolen. */
	if (current != queue->cpu->idle &&
	    atomic_load_explicit(&current->state, memory_order_relaxed) == THREAD_READY)
		return NULL;
	while (!thread) {
		const struct victim victim = find_victim(queue);

		if (victim.cost == UINT32_MAX)
			return NULL;
		thread = victim.queue ? steal_from(queue, victim.queue)
				      : take_overflow(queue, victim.node);
		/* Who has been quicker at the overflow queue will call us if there is more. */
		if (!thread && !victim.queue)
			return NULL;
		if (!thread)
			continue; /* others have taken it all */
		if (victim.node == queue->cpu->node)
			queue->counters.near++;
		else
			queue->counters.far++;
	}
	return thread;
}

/* --- looking at all ----------------------------------------------------------------------------*/

static bool is_first_of_node(const struct cpu *cpu)
{
	for (cpu_t number = 0; number < cpu->number; number++)
		if (cpus[number]->node == cpu->node)
			return false;
	return true;
}

void policy_visit(const struct run_queue *queue, policy_visitor *visit, void *context)
{
	const uint64_t tail = atomic_load_explicit(&queue->ring.tail, memory_order_relaxed);
	const struct overflow_node *node;

	for (unsigned int i = steal_ring_length(&queue->ring); i; i--)
		visit(steal_ring_item(&queue->ring, tail - i), context);
	list_for_each(pinned, &queue->pinned)
		visit(list_entry(pinned, struct thread, sched.stealing.pinned), context);
	if (!is_first_of_node(queue->cpu))
		return;
	node = atomic_load(&stealing_nodes[queue->cpu->node].overflow.oldest);
	for (; node; node = overflow_queue_next(node))
		visit(container_of(node, struct thread, sched.stealing.node), context);
}

/* --- taking out --------------------------------------------------------------------------------*/

static struct thread *pick_own(struct run_queue *queue)
{
	struct thread *thread;

	if (likely(list_empty(&queue->pinned)))
		return steal_ring_pop(&queue->ring);
	queue->pinned_turn = !queue->pinned_turn;
	thread = queue->pinned_turn ? NULL : steal_ring_pop(&queue->ring);
	return thread ? thread : unpin(queue, queue->pinned.next);
}

/* What is here without stealing. */
static inline struct thread *pick_near(struct run_queue *queue)
{
	const unsigned int node = queue->cpu->node;
	struct thread *thread = NULL;

	if (unlikely(++queue->picks >= OVERFLOW_TURN) &&
	    !overflow_queue_empty(&stealing_nodes[node].overflow))
		thread = take_overflow(queue, node);
	if (likely(!thread))
		thread = pick_own(queue);
	if (unlikely(!thread) && !overflow_queue_empty(&stealing_nodes[node].overflow))
		thread = take_overflow(queue, node);
	return thread;
}

struct thread *policy_pick(struct run_queue *queue)
{
	struct thread *thread = pick_near(queue);

	if (unlikely(!thread) && IS_ENABLED(CONFIG_SMP))
		thread = steal(queue);
	return thread;
}

struct thread *policy_yield(struct run_queue *queue, struct thread *current)
{
	struct thread *thread = pick_near(queue);

	if (!thread)
		return current;
	policy_enqueue(queue, current, ENQUEUE_PREEMPTED);
	return thread;
}

/* Is @thread in the ring? It may be gone a moment later. */
static bool is_in_ring(const struct run_queue *queue, const struct thread *thread)
{
	const uint64_t tail = atomic_load_explicit(&queue->ring.tail, memory_order_relaxed);

	for (unsigned int i = steal_ring_length(&queue->ring); i; i--)
		if (steal_ring_item(&queue->ring, tail - i) == thread)
			return true;
	return false;
}

/* Turns the ring once, which keeps the order, unless thieves come in between. */
bool policy_take(struct run_queue *queue, struct thread *thread)
{
	struct thread *other;
	bool found = false;

	if (atomic_load_explicit(&thread->home, memory_order_acquire) == queue->cpu &&
	    thread->sched.stealing.is_pinned) {
		unpin(queue, &thread->sched.stealing.pinned);
		return true;
	}
	if (!is_in_ring(queue, thread))
		return false;
	for (unsigned int i = steal_ring_length(&queue->ring); i; i--) {
		other = steal_ring_pop(&queue->ring);
		if (!other)
			break;
		if (other == thread)
			found = true;
		else
			steal_ring_push(&queue->ring, other);
	}
	return found;
}
