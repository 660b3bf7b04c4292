/* SPDX-License-Identifier: MIT */
/*
 * The queue of a spinlock as a list (CONFIG_SPIN_MCS, after Mellor-Crummey and Scott). Each waiting
 * CPU watches a node of its own, and the one in front is the only one that watches the word; so
 * handing over disturbs one CPU, however many wait. They are served in the order of their coming.
 *
 * Each CPU has a node for each level at which it can be waiting. There are as many levels as can
 * interrupt each other: a thread that waits with interrupts on, the interrupt handler that came in
 * between and waits too, and a non-maskable interrupt or machine check in that. Handlers run with
 * interrupts off, and whoever waits does nothing else, so no level is needed twice.
 */
#include <exo/cpu.h>
#include <exo/panic.h>
#include <exo/spin_word.h>

#define LEVELS 3

_Static_assert(NR_CPUS *LEVELS <= UINT16_MAX, "spin_word.last must name every node");

struct node {
	struct node *_Atomic next; /* who waits behind */
	_Atomic uint32_t first; /* set by the one before, when it leaves the queue */
};

/* One to a cache line, so that each CPU watches memory that is its own. */
static struct spin_queue {
	struct node nodes[LEVELS];
	unsigned int level; /* nodes in use */
} __aligned(64) queues[NR_CPUS];

/* 1 .. NR_CPUS * LEVELS */
static uint16_t number_of(cpu_t cpu, unsigned int level)
{
	return (uint16_t)(cpu * LEVELS + level + 1);
}

static struct node *node_of(uint16_t number)
{
	return &queues[(number - 1) / LEVELS].nodes[(number - 1) % LEVELS];
}

/* Waits until all that came before have taken the lock. */
static void join(struct spin_word *word, uint16_t number, struct node *node)
{
	uint16_t before;

	atomic_store_explicit(&node->next, NULL, memory_order_relaxed);
	atomic_store_explicit(&node->first, 0, memory_order_relaxed);
	/* Release: the node is ready for the next one to come; acquire: so is the one before. */
	before = atomic_exchange_explicit(&word->last, number, memory_order_acq_rel);
	if (!before)
		return;
	atomic_store_explicit(&node_of(before)->next, node, memory_order_release);
	while (!atomic_load_explicit(&node->first, memory_order_acquire))
		cpu_pause();
}

/* Makes the one behind, if there is one, the first. */
static void leave(struct spin_word *word, uint16_t number, struct node *node)
{
	struct node *next;

	/* Release: who comes next, and is the first at once, comes after this one. */
	if (atomic_compare_exchange_strong_explicit(&word->last, &number, 0, memory_order_release,
						    memory_order_relaxed))
		return;
	/* It has joined the queue and is about to say so. */
	while (!(next = atomic_load_explicit(&node->next, memory_order_acquire)))
		cpu_pause();
	atomic_store_explicit(&next->first, 1, memory_order_release);
}

void spin_mcs_wait(struct spin_word *word)
{
	const cpu_t cpu = cpu_current();
	struct spin_queue *queue = &queues[cpu];
	const unsigned int level = queue->level++;
	const uint16_t number = number_of(cpu, level);
	struct node *node = &queue->nodes[level];

	/* An interrupt from here on uses the next level. */
	barrier();
	if (level >= LEVELS)
		panic("spinlock: %u waits at a time on one CPU", level + 1);
	join(word, number, node);
	spin_word_take_turn(word);
	leave(word, number, node);
	barrier();
	queue->level--;
}
