/* SPDX-License-Identifier: MIT */
/*
 * The stealing ring: a bounded FIFO of pointers with one owner, from which anybody may take a half.
 *
 * The owner pushes at the tail and pops at the head, so that what it holds waits for a bounded
 *time; thieves, any number at once, take up to half from the head too. Head and tail count on
 *without end in 64 bits, so no value of the head comes back while a thief sleeps on it (32 bits
 *would in a minute, and a virtual CPU may well stand still for so long).
 *
 * tail: written by the owner alone. A push is ordinary stores.
 * head: moved by whoever takes, with a compare-and-exchange. Never goes back, never passes tail.
 * slots: written by the owner alone, and only where head has passed. A thief reads slots before it
 *	owns them; the owner may be overwriting these by then, but only because head has moved, and
 *	then the thief's compare-and-exchange fails and what it read is forgotten. That the reads
 *	come before the owner's overwriting where it succeeds is what its release and the owner's
 *	acquire of head are for.
 *
 * Memory order: what the owner wrote before a push is seen by whoever takes the item. Nothing here
 * is a full barrier, except for what a locked instruction happens to be.
 */
#ifndef EXO_STEAL_RING_H
#define EXO_STEAL_RING_H

#include <exo/compiler.h>
#include <stdatomic.h>
#include <stdbool.h>

/* How many items fit: a power of two. Tests define it themselves. */
#ifndef STEAL_RING_SIZE
#define STEAL_RING_SMEAR(n)                                                                 \
	((n) | (n) >> 1 | (n) >> 2 | (n) >> 3 | (n) >> 4 | (n) >> 5 | (n) >> 6 | (n) >> 7 | \
	 (n) >> 8 | (n) >> 9 | (n) >> 10 | (n) >> 11)
#ifndef CONFIG_SCHED_RING_SIZE
#define CONFIG_SCHED_RING_SIZE 256
#endif
#define STEAL_RING_SIZE (STEAL_RING_SMEAR(CONFIG_SCHED_RING_SIZE - 1) + 1)
#endif
#define STEAL_RING_MASK (STEAL_RING_SIZE - 1)

/* All zero is an empty one. */
struct steal_ring {
	_Atomic uint64_t head; /* the next to take */
	_Atomic uint64_t tail; /* the next to fill; on head's line: whoever reads one reads both */
	void *_Atomic slots[STEAL_RING_SIZE];
};

/* How many items there are. Anybody; out of date at once, except for the owner: at most so many. */
static inline unsigned int steal_ring_length(const struct steal_ring *ring)
{
	const uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	const uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

	if ((int64_t)(tail - head) <= 0)
		return 0;
	return tail - head < STEAL_RING_SIZE ? (unsigned int)(tail - head) : STEAL_RING_SIZE;
}

/* The owner. False if the ring is full. */
static inline bool steal_ring_push(struct steal_ring *ring, void *item)
{
	const uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

	if (unlikely(tail - atomic_load_explicit(&ring->head, memory_order_acquire) ==
		     STEAL_RING_SIZE))
		return false;
	atomic_store_explicit(&ring->slots[tail & STEAL_RING_MASK], item, memory_order_relaxed);
	atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
	return true;
}

/* The owner. The oldest item; NULL if there is none. */
static inline void *steal_ring_pop(struct steal_ring *ring)
{
	const uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);

	do
		if (head == tail)
			return NULL;
	while (!atomic_compare_exchange_weak_explicit(&ring->head, &head, head + 1,
						      memory_order_release, memory_order_relaxed));
	return atomic_load_explicit(&ring->slots[head & STEAL_RING_MASK], memory_order_relaxed);
}

/**
 * steal_ring_pop_half() - the owner takes the older half out
 * @first: where to put the number of the first item, for steal_ring_item(), up to the next push
 * Returns how many items these are, rounded up; 0 if there were none.
 */
static inline unsigned int steal_ring_pop_half(struct steal_ring *ring, uint64_t *first)
{
	const uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	uint64_t count;

	do
		count = (tail - head + 1) / 2;
	while (count &&
	       !atomic_compare_exchange_weak_explicit(&ring->head, &head, head + count,
						      memory_order_release, memory_order_relaxed));
	*first = head;
	return (unsigned int)count;
}

/* The owner: one of what steal_ring_pop_half() has taken. */
static inline void *steal_ring_item(const struct steal_ring *ring, uint64_t number)
{
	return atomic_load_explicit(&ring->slots[number & STEAL_RING_MASK], memory_order_relaxed);
}

/*
 * One attempt of steal_ring_steal(): copies half of @victim, with @head and @count, but for the
 * first item behind @own's tail, then makes them its own. False if others were quicker.
 */
static inline bool steal_ring_try(struct steal_ring *victim, uint64_t head, uint64_t count,
				  struct steal_ring *own, void **first)
{
	const uint64_t tail = atomic_load_explicit(&own->tail, memory_order_relaxed);

	*first = atomic_load_explicit(&victim->slots[head & STEAL_RING_MASK], memory_order_relaxed);
	for (uint64_t i = 1; i < count; i++) {
		void *item = atomic_load_explicit(&victim->slots[(head + i) & STEAL_RING_MASK],
						  memory_order_relaxed);

		atomic_store_explicit(&own->slots[(tail + i - 1) & STEAL_RING_MASK], item,
				      memory_order_relaxed);
	}
	return atomic_compare_exchange_strong_explicit(&victim->head, &head, head + count,
						       memory_order_release, memory_order_relaxed);
}

/**
 * steal_ring_steal() - take half of another's ring
 * @victim: any ring but @own
 * @own: the caller's; gets all but the first item, as far as there is room, but hidden as yet
 * @more: where to put how many these are: see steal_ring_stolen() and steal_ring_publish()
 * Returns the oldest item; NULL if there was nothing to take. Half is rounded up. Starts again if
 * others have taken something meanwhile: lock-free.
 */
static inline void *steal_ring_steal(struct steal_ring *victim, struct steal_ring *own,
				     unsigned int *more)
{
	const uint64_t room =
		STEAL_RING_SIZE - (atomic_load_explicit(&own->tail, memory_order_relaxed) -
				   atomic_load_explicit(&own->head, memory_order_acquire));
	uint64_t head, length, count;
	void *first;

	*more = 0;
	do {
		head = atomic_load_explicit(&victim->head, memory_order_acquire);
		length = atomic_load_explicit(&victim->tail, memory_order_acquire) - head;
		if (!length)
			return NULL;
		count = (length + 1) / 2;
		if (count > room + 1)
			count = room + 1;
		/* A longer one is a head that was too old. */
	} while (length > STEAL_RING_SIZE || !steal_ring_try(victim, head, count, own, &first));
	*more = (unsigned int)(count - 1);
	return first;
}

/* The owner: the @number-th, from 0, of what steal_ring_steal() has hidden. */
static inline void *steal_ring_stolen(const struct steal_ring *own, unsigned int number)
{
	return steal_ring_item(own,
			       atomic_load_explicit(&own->tail, memory_order_relaxed) + number);
}

/* The owner: makes the @more stolen items part of the ring, as if they were pushed. */
static inline void steal_ring_publish(struct steal_ring *own, unsigned int more)
{
	atomic_store_explicit(&own->tail,
			      atomic_load_explicit(&own->tail, memory_order_relaxed) + more,
			      memory_order_release);
}

#endif
