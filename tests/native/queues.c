/* SPDX-License-Identifier: MIT */
/*
 * The kernel's lock-free queues beside those of Concurrency Kit and liburcu: nanoseconds an item.
 *
 *	native.queues ITEMS ROUNDS
 *
 * All take turns, ROUNDS times; each turn moves ITEMS. "alone" is one thread that pushes and takes
 * BATCH at a time; "1+1" and "2+1" are that many producers and one consumer. For the ring the
 * consumer is a thief. Prints a line of JSON for each turn. The libraries are inlined, as ours are.
 */
#define _LGPL_SOURCE
#include <ck_fifo.h>
#include <ck_ring.h>
#include <ck_stack.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <urcu/lfstack.h>
#include <urcu/wfcqueue.h>

#include <exo/injector.h>
#include <exo/overflow_queue.h>
#include <exo/steal_ring.h>
#include <uapi/exo/channel.h>

#define BATCH 64
#define CELLS \
	12 /* log2: of channels and the rings beside them; the queues beside them have no end */
#define CELL 4 /* log2: a pointer a cell, as in a ring */
#define PRODUCERS 2

struct item {
	union {
		struct inject_node inject;
		struct overflow_node overflow;
		ck_stack_entry_t ck_stack;
		ck_fifo_mpmc_entry_t ck_fifo;
		ck_fifo_spsc_entry_t ck_fifo_spsc;
		struct cds_lfs_node lfs;
		struct cds_wfcq_node wfcq;
	};
};

/* Those that have an order may be pushed to and taken from by one thread each, unless said. */
struct queue {
	const char *name;
	unsigned int producers; /* at most */
	void (*reset)(void);
	bool (*push)(unsigned int producer, struct item *item);
	unsigned int (*take)(void); /* as many as is natural; how many */
};

static struct injector injector;
static struct overflow_queue overflow;
static struct steal_ring ring, thief;
static ck_stack_t ck_stack;
static ck_fifo_mpmc_t ck_fifo;
static ck_fifo_mpmc_entry_t ck_fifo_stub;
static ck_ring_t ck_ring;
static ck_ring_buffer_t ck_ring_buffer[STEAL_RING_SIZE];
static struct cds_lfs_stack lfs;
static struct cds_wfcq_head wfcq_head;
static struct cds_wfcq_tail wfcq_tail;
static ck_ring_t long_ring;
static ck_ring_buffer_t long_ring_buffer[1 << CELLS];
static ck_fifo_spsc_t ck_fifo_spsc;
static ck_fifo_spsc_entry_t ck_fifo_spsc_stub;
static uint64_t channel_memory[EXO_CHANNEL_SIZE(CELLS, CELL) / sizeof(uint64_t)] __aligned(64);
static struct exo_channel *const channel = (struct exo_channel *)(void *)channel_memory;
static struct {
	struct exo_producer end;
	unsigned long wakes;
} channel_producers[PRODUCERS] __aligned(64);
static struct exo_consumer channel_consumer __aligned(64);
static bool alone; /* one thread: the ring's owner takes */

static const struct exo_channel_shape channel_shape = { CELLS, CELL };

static void reset_all(void)
{
	memset(&ring, 0, sizeof(ring));
	memset(&thief, 0, sizeof(thief));
	memset(&overflow, 0, sizeof(overflow));
	injector.newest = NULL;
	ck_stack_init(&ck_stack);
	ck_fifo_mpmc_init(&ck_fifo, &ck_fifo_stub);
	ck_ring_init(&ck_ring, STEAL_RING_SIZE);
	cds_lfs_init(&lfs);
	cds_wfcq_init(&wfcq_head, &wfcq_tail);
	ck_ring_init(&long_ring, 1 << CELLS);
	ck_fifo_spsc_init(&ck_fifo_spsc, &ck_fifo_spsc_stub);
	memset(channel_memory, 0, sizeof(channel_memory));
	for (unsigned int i = 0; i < PRODUCERS; i++)
		exo_producer_init(&channel_producers[i].end, channel, &channel_shape, i);
	exo_consumer_init(&channel_consumer, channel, &channel_shape, false);
}

static bool push_injector(unsigned int producer, struct item *item)
{
	(void)producer;
	injector_push(&injector, &item->inject);
	return true;
}

static unsigned int take_injector(void)
{
	unsigned int count = 0;

	for (struct inject_node *node = injector_take(&injector); node; node = node->next)
		count++;
	return count;
}

static bool push_overflow(unsigned int producer, struct item *item)
{
	(void)producer;
	overflow_queue_push(&overflow, &item->overflow, &item->overflow);
	return true;
}

static unsigned int take_overflow(void)
{
	return overflow_queue_take(&overflow, 1) != NULL;
}

static bool push_ring(unsigned int producer, struct item *item)
{
	(void)producer;
	return steal_ring_push(&ring, item);
}

static unsigned int take_ring(void)
{
	unsigned int more, count;

	if (alone)
		return steal_ring_pop(&ring) != NULL;
	if (!steal_ring_steal(&ring, &thief, &more))
		return 0;
	steal_ring_publish(&thief, more);
	for (count = 1; steal_ring_pop(&thief); count++)
		;
	return count;
}

static bool push_ck_stack(unsigned int producer, struct item *item)
{
	(void)producer;
	ck_stack_push_upmc(&ck_stack, &item->ck_stack);
	return true;
}

static unsigned int take_ck_stack(void)
{
	unsigned int count = 0;
	ck_stack_entry_t *entry;

	for (entry = ck_stack_batch_pop_upmc(&ck_stack); entry; entry = CK_STACK_NEXT(entry))
		count++;
	return count;
}

static bool push_ck_fifo(unsigned int producer, struct item *item)
{
	(void)producer;
	ck_fifo_mpmc_enqueue(&ck_fifo, &item->ck_fifo, item);
	return true;
}

static unsigned int take_ck_fifo(void)
{
	ck_fifo_mpmc_entry_t *garbage;
	void *value;

	return ck_fifo_mpmc_dequeue(&ck_fifo, &value, &garbage);
}

static bool push_ck_ring(unsigned int producer, struct item *item)
{
	(void)producer;
	return ck_ring_enqueue_spmc(&ck_ring, ck_ring_buffer, item);
}

static unsigned int take_ck_ring(void)
{
	void *value;

	return ck_ring_dequeue_spmc(&ck_ring, ck_ring_buffer, &value);
}

static bool push_lfstack(unsigned int producer, struct item *item)
{
	(void)producer;
	cds_lfs_push(&lfs, &item->lfs);
	return true;
}

static unsigned int take_lfstack(void)
{
	struct cds_lfs_head *head = __cds_lfs_pop_all(&lfs);
	struct cds_lfs_node *node;
	unsigned int count = 0;

	if (head)
		cds_lfs_for_each(head, node) count++;
	return count;
}

static bool push_wfcqueue(unsigned int producer, struct item *item)
{
	(void)producer;
	cds_wfcq_node_init(&item->wfcq);
	cds_wfcq_enqueue(&wfcq_head, &wfcq_tail, &item->wfcq);
	return true;
}

static unsigned int take_wfcqueue(void)
{
	const struct cds_wfcq_node *node = __cds_wfcq_dequeue_nonblocking(&wfcq_head, &wfcq_tail);

	return node && node != CDS_WFCQ_WOULDBLOCK;
}

static bool push_ck_fifo_spsc(unsigned int producer, struct item *item)
{
	(void)producer;
	ck_fifo_spsc_enqueue(&ck_fifo_spsc, &item->ck_fifo_spsc, item);
	return true;
}

static unsigned int take_ck_fifo_spsc(void)
{
	void *value;

	return ck_fifo_spsc_dequeue(&ck_fifo_spsc, &value);
}

static bool push_ck_ring_mpsc(unsigned int producer, struct item *item)
{
	(void)producer;
	return ck_ring_enqueue_mpsc(&long_ring, long_ring_buffer, item);
}

static unsigned int take_ck_ring_mpsc(void)
{
	void *value;

	return ck_ring_dequeue_mpsc(&long_ring, long_ring_buffer, &value);
}

static bool push_ck_ring_spsc(unsigned int producer, struct item *item)
{
	(void)producer;
	return ck_ring_enqueue_spsc(&long_ring, long_ring_buffer, item);
}

static unsigned int take_ck_ring_spsc(void)
{
	void *value;

	return ck_ring_dequeue_spsc(&long_ring, long_ring_buffer, &value);
}

/* Whether the consumer sleeps is looked at, as a program would: it never does here. */
static bool push_channel(unsigned int producer, struct item *item)
{
	const uint64_t message = (uint64_t)(uintptr_t)item;
	bool wake;

	if (exo_channel_push(&channel_producers[producer].end, &message, 1, &wake))
		return false;
	channel_producers[producer].wakes += wake;
	return true;
}

static bool push_channel_single(unsigned int producer, struct item *item)
{
	const uint64_t message = (uint64_t)(uintptr_t)item;

	return !exo_channel_push_single(&channel_producers[producer].end, &message, 1);
}

/* The same with the look after each message, which needs a fence. */
static bool push_channel_flush(unsigned int producer, struct item *item)
{
	if (!push_channel_single(producer, item))
		return false;
	channel_producers[producer].wakes += exo_channel_flush(&channel_producers[producer].end);
	return true;
}

static unsigned int take_channel(void)
{
	uint64_t message;

	return !exo_channel_pop(&channel_consumer, &message, 1);
}

static const struct queue queues[] = {
	{ "injector", PRODUCERS, reset_all, push_injector, take_injector },
	{ "ck_stack", PRODUCERS, reset_all, push_ck_stack, take_ck_stack },
	{ "lfstack", PRODUCERS, reset_all, push_lfstack, take_lfstack },
	{ "overflow_queue", PRODUCERS, reset_all, push_overflow, take_overflow },
	{ "wfcqueue", PRODUCERS, reset_all, push_wfcqueue, take_wfcqueue },
	{ "ck_fifo", PRODUCERS, reset_all, push_ck_fifo, take_ck_fifo },
	{ "steal_ring", 1, reset_all, push_ring, take_ring },
	{ "ck_ring", 1, reset_all, push_ck_ring, take_ck_ring },
	{ "channel", PRODUCERS, reset_all, push_channel, take_channel },
	{ "ck_ring_mpsc", PRODUCERS, reset_all, push_ck_ring_mpsc, take_ck_ring_mpsc },
	{ "channel_single", 1, reset_all, push_channel_single, take_channel },
	{ "channel_flush", 1, reset_all, push_channel_flush, take_channel },
	{ "ck_ring_spsc", 1, reset_all, push_ck_ring_spsc, take_ck_ring_spsc },
	{ "ck_fifo_spsc", 1, reset_all, push_ck_fifo_spsc, take_ck_fifo_spsc },
};

struct producer {
	const struct queue *queue;
	unsigned int number;
	struct item *items;
	unsigned long count;
	pthread_barrier_t *start;
	pthread_t thread;
};

static void *produce(void *argument)
{
	const struct producer *producer = argument;

	pthread_barrier_wait(producer->start);
	for (unsigned long i = 0; i < producer->count; i++)
		while (!producer->queue->push(producer->number, &producer->items[i]))
			sched_yield();
	return NULL;
}

static double now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static double run_alone(const struct queue *queue, struct item *items, unsigned long count)
{
	const double start = now_ns();

	for (unsigned long i = 0; i < count; i += BATCH) {
		for (unsigned int j = 0; j < BATCH; j++)
			queue->push(0, &items[i + j]);
		for (unsigned int j = 0; j < BATCH;)
			j += queue->take();
	}
	return now_ns() - start;
}

static double run_threads(const struct queue *queue, struct item *items, unsigned long count,
			  unsigned int producers)
{
	struct producer all[PRODUCERS];
	pthread_barrier_t barrier;
	double start;

	pthread_barrier_init(&barrier, NULL, producers + 1);
	for (unsigned int i = 0; i < producers; i++) {
		all[i] = (struct producer){ .queue = queue,
					    .number = i,
					    .items = items + i * (count / producers),
					    .count = count / producers,
					    .start = &barrier };
		if (pthread_create(&all[i].thread, NULL, produce, &all[i]))
			abort();
	}
	start = now_ns(); /* before: the producers may have the CPU after it */
	pthread_barrier_wait(&barrier);
	for (unsigned long done = 0, some; done < count; done += some) {
		some = queue->take();
		if (!some)
			sched_yield();
	}
	start = now_ns() - start;
	for (unsigned int i = 0; i < producers; i++)
		pthread_join(all[i].thread, NULL);
	pthread_barrier_destroy(&barrier);
	return start;
}

int main(int argc, char **argv)
{
	const unsigned long count = argc == 3 ? strtoul(argv[1], NULL, 10) / BATCH * BATCH : 0;
	const unsigned long rounds = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	struct item *items = aligned_alloc(64, (count + 1) * 64);

	if (!count || !rounds || !items) {
		fprintf(stderr, "use: native.queues ITEMS ROUNDS\n");
		return EXIT_FAILURE;
	}
	memset(items, 0, count * sizeof(*items)); /* no page fault is measured */
	for (unsigned long round = 0; round < rounds; round++) {
		for (unsigned int i = 0; i < ARRAY_SIZE(queues); i++) {
			for (unsigned int threads = 0; threads <= queues[i].producers; threads++) {
				double ns;

				queues[i].reset();
				alone = threads == 0;
				ns = alone ? run_alone(&queues[i], items, count)
					   : run_threads(&queues[i], items, count, threads);
				printf("{\"queue\": \"%s\", \"producers\": %u, \"ns\": %.3f}\n",
				       queues[i].name, threads, ns / (double)count);
			}
		}
	}
	free(items);
	return EXIT_SUCCESS;
}
