/* SPDX-License-Identifier: MIT */
/*
 * Waiting for an MCS lock (exo/spin_mcs.h).
 *
 * Each CPU has a node for each level at which it can be waiting. There are as many levels as can
 * interrupt each other: a thread that waits with interrupts on, the interrupt handler that came in
 * between and waits too, and a non-maskable interrupt or machine check in that. Handlers run with
 * interrupts off, and whoever waits does nothing else, so no level is needed twice.
 */
#include <arch/pause.h>
#include <exo/cpu.h>
#include <exo/panic.h>
#include <exo/spin_mcs.h>
#include <exo/spin_virtual.h>

#define LEVELS 3
#define TAIL_SHIFT 16
#define TAIL_MASK 0xffff0000u

_Static_assert(NR_CPUS *LEVELS < 65536, "a tail must fit the upper half of the word");

struct node {
	struct node *_Atomic next; /* who waits behind */
	_Atomic uint32_t first; /* set by the one before, when it leaves the queue */
};

/* One to a cache line, so that each CPU watches memory that is its own. */
static struct spin_queue {
	struct node nodes[LEVELS];
	unsigned int level; /* nodes in use */
} __aligned(64) queues[NR_CPUS];

static uint32_t tail_of(cpu_t cpu, unsigned int level)
{
	return (cpu * LEVELS + level + 1) << TAIL_SHIFT; /* 0: no queue */
}

static struct node *node_of(uint32_t word)
{
	const uint32_t number = (word >> TAIL_SHIFT) - 1;

	return &queues[number / LEVELS].nodes[number % LEVELS];
}

/* Makes @tail the end of the queue; returns what the word was before. */
static uint32_t join(struct spin_word *word, uint32_t tail)
{
	uint32_t old = atomic_load_explicit(&word->word, memory_order_relaxed);

	/* Release: the node is ready for the next one to come; acquire: so is the one before. */
	while (!atomic_compare_exchange_weak_explicit(&word->word, &old, (old & ~TAIL_MASK) | tail,
						      memory_order_acq_rel, memory_order_relaxed))
		;
	return old;
}

/*
 * Takes the lock as the first of the queue, once its holder is done. Returns false if nobody was
 * behind: then there is no queue any more.
 */
static bool take_first(struct spin_word *word, uint32_t tail)
{
	for (;;) {
		uint32_t old = atomic_load_explicit(&word->word, memory_order_relaxed);

		if (old & SPIN_LOCKED)
			cpu_pause();
		else if (old != tail)
			break;
		else if (atomic_compare_exchange_weak_explicit(&word->word, &old, SPIN_LOCKED,
							       memory_order_acquire,
							       memory_order_relaxed))
			return false;
	}
	atomic_fetch_or_explicit(&word->word, SPIN_LOCKED, memory_order_acquire);
	return true;
}

static void wait_in_queue(struct spin_word *word)
{
	const cpu_t cpu = cpu_current();
	struct spin_queue *queue = &queues[cpu];
	const unsigned int level = queue->level++;
	const uint32_t tail = tail_of(cpu, level);
	struct node *node = &queue->nodes[level], *next;
	uint32_t old;

	/* An interrupt from here on uses the next level. */
	barrier();
	if (level >= LEVELS)
		panic("spinlock: %u waits at a time on one CPU", level + 1);
	atomic_store_explicit(&node->next, NULL, memory_order_relaxed);
	atomic_store_explicit(&node->first, 0, memory_order_relaxed);
	old = join(word, tail);
	if (old & TAIL_MASK) {
		atomic_store_explicit(&node_of(old)->next, node, memory_order_release);
		while (!atomic_load_explicit(&node->first, memory_order_acquire))
			cpu_pause();
	}
	if (take_first(word, tail)) {
		/* It has joined the queue and is about to say so. */
		while (!(next = atomic_load_explicit(&node->next, memory_order_acquire)))
			cpu_pause();
		atomic_store_explicit(&next->first, 1, memory_order_release);
	}
	barrier();
	queue->level--;
}

void spin_mcs_wait(struct spin_word *word)
{
	if (!spin_virtual) {
		wait_in_queue(word);
		return;
	}
	do
		while (atomic_load_explicit(&word->word, memory_order_relaxed))
			cpu_pause();
	while (!spin_word_try(word));
}
