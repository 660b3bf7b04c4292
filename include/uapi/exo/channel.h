/* SPDX-License-Identifier: MIT */
/*
 * Channels: a bounded ring of messages in shared memory, any number of producers, one consumer.
 * The kernel, programs and the tests on a host use this same code. Why it is right, and how
 * programs use it: docs/channels.md.
 *
 * Each end keeps its own position, and what it knows of the other, in memory of its own; positions
 * count on without end in steps of EXO_CHANNEL_STEP. A cell is a word and the message. The word of
 * a cell says for which position, one further, it was last claimed, and by whom; then that the
 * message is there. So all zero is an empty channel.
 *
 * Claim: a producer moves the word from the lap before to its position, by compare-and-exchange.
 * Nobody goes on to the next position unless it has seen this one claimed, so there are no gaps.
 *
 * Publish: it writes the message, then the word; a release, which the consumer's acquire sees.
 *
 * Take: the consumer copies the message, then writes head; a release, for the acquire of whoever
 * uses the cell again. Producers keep what they have seen of head, so they seldom look.
 *
 * Sleep: the consumer sets a bit in the word of the cell that it waits for, by
 * compare-and-exchange, which fails if that is claimed. Whoever claims the cell finds the bit, and
 * wakes. No fence is needed, and while both are awake nobody makes a call. What wakes must order:
 * what was done before is seen by who is woken. Notifications do.
 *
 * A single producer needs no locked instruction to push, but its store would hide the bit. So both
 * exchange @sleeping: the producer once for as many messages as it likes (exo_channel_flush()), the
 * consumer before it looks again. Whoever is second sees what the first one did before. In the same
 * way @waiting decides between a producer that waits for room and the consumer.
 *
 * Nothing in the shared memory is trusted. Whoever writes there what it likes can lose, invent and
 * hold up messages. It can not have another end access anything outside of the channel, or go
 * through more than two laps in one call. A message is copied before the consumer looks at it.
 */
#ifndef UAPI_EXO_CHANNEL_H
#define UAPI_EXO_CHANNEL_H

#include <stdbool.h>
#include <uapi/exo/abi.h>
#include <uapi/exo/errno.h>

/* Positions wrap after 2^48 messages: who claims must not stand still for so many. */
#define EXO_CHANNEL_STEP UINT64_C(0x10000)
/* In a word, below the position. */
#define EXO_CHANNEL_SLEEPS UINT64_C(1) /* an unclaimed one: the consumer waits for this cell */
#define EXO_CHANNEL_PUBLISHED UINT64_C(0x8000)
#define EXO_CHANNEL_IDS 0x4000u /* producers' ids are below; in a claimed word: times 2 */

/* What is shared, aligned to 64. All zero at first; the cells follow. */
struct exo_channel {
	uint64_t head; /* the consumer's: all before has been taken */
	uint64_t reserved0[7];
	uint64_t tail; /* the producers': all before has been claimed, and perhaps more */
	uint64_t reserved1[7];
	uint64_t sleeping; /* the consumer waits for a single producer */
	uint64_t waiting; /* a bit for each producer that waits for room */
	uint64_t reserved2[6];
};

EXO_ABI_SIZE(struct exo_channel, 192);
EXO_ABI_OFFSET(struct exo_channel, tail, 64);
EXO_ABI_OFFSET(struct exo_channel, sleeping, 128);
EXO_ABI_OFFSET(struct exo_channel, waiting, 136);

struct exo_channel_cell {
	uint64_t word;
};

/*
 * What both ends have agreed upon beforehand: 2^@cells cells (0 .. 16) of 2^@bytes bytes (4 .. 12),
 * of which 8 are the word. 64 bytes are a cache line; with fewer, neighbours share one.
 */
struct exo_channel_shape {
	uint32_t cells, bytes;
};

/* Bytes of memory that a channel takes. */
#define EXO_CHANNEL_SIZE(cells, bytes) \
	(sizeof(struct exo_channel) + (UINT64_C(1) << ((cells) + (bytes))))

/* An end: nobody else's, one thread at a time. Positions are multiples of EXO_CHANNEL_STEP. */
struct exo_producer {
	struct exo_channel *channel;
	uint64_t mask; /* of offsets of cells */
	uint64_t tail; /* where to try next */
	uint64_t limit; /* the first position without room, as head was when last looked at */
	uint64_t lap; /* from a position to the same cell's next one */
	uint64_t mine; /* what makes a position a word that is claimed */
	uint32_t shift; /* from a position to its offset */
	uint32_t reserved;
};

struct exo_consumer {
	struct exo_channel *channel;
	uint64_t mask;
	uint64_t head; /* what to take next */
	uint64_t half; /* mask: 0 where half of the channel has been taken */
	uint32_t shift;
	bool single; /* the producer is: it uses exo_channel_push_single() */
};

/* A cell that a producer has claimed, and has to publish. */
struct exo_claim {
	struct exo_channel_cell *cell;
	uint64_t position;
	bool wake; /* the consumer waits for it */
};

/* --- the shared memory -------------------------------------------------------------------------*/

static inline struct exo_channel_cell *exo_channel_at(struct exo_channel *channel, uint64_t mask,
						      uint32_t shift, uint64_t position)
{
	const uint64_t offset = (position >> shift) & mask;

	return (struct exo_channel_cell *)(void *)((char *)(channel + 1) + offset);
}

static inline uint64_t exo_channel_mask(const struct exo_channel_shape *shape)
{
	return ((UINT64_C(1) << shape->cells) - 1) << shape->bytes;
}

/* The word of a cell whose message is there. */
static inline uint64_t exo_channel_published(uint64_t position)
{
	return position + EXO_CHANNEL_STEP + EXO_CHANNEL_PUBLISHED;
}

/* Where a cell's message is: 8-byte words, one less than the cell has. */
static inline uint64_t *exo_channel_message(struct exo_channel_cell *cell)
{
	return &cell->word + 1;
}

/* How a word is for a position: below 0, not claimed yet; 0, claimed; above, from a later lap. */
static inline int64_t exo_channel_compare(uint64_t word, uint64_t position)
{
	return (int64_t)((word & ~(EXO_CHANNEL_STEP - 1)) - (position + EXO_CHANNEL_STEP));
}

/* --- producers ---------------------------------------------------------------------------------*/

/**
 * exo_producer_init() - become a producer
 * @channel: mapped, with as many bytes as the shape says
 * @id: what exo_channel_claimant() tells; of a single producer unused
 * Any number of times, for threads that come and go; a single producer's predecessor must be gone.
 */
static inline void exo_producer_init(struct exo_producer *producer, struct exo_channel *channel,
				     const struct exo_channel_shape *shape, uint32_t id)
{
	producer->channel = channel;
	producer->mask = exo_channel_mask(shape);
	producer->shift = 16 - shape->bytes;
	producer->reserved = 0;
	producer->lap = EXO_CHANNEL_STEP << shape->cells;
	producer->mine = EXO_CHANNEL_STEP + (uint64_t)id * 2;
	producer->limit = __atomic_load_n(&channel->head, __ATOMIC_ACQUIRE) + producer->lap;
	producer->tail =
		__atomic_load_n(&channel->tail, __ATOMIC_RELAXED) & ~(EXO_CHANNEL_STEP - 1);
	/* The predecessor may have published one more. */
	if (__atomic_load_n(
		    &exo_channel_at(channel, producer->mask, producer->shift, producer->tail)->word,
		    __ATOMIC_RELAXED) == exo_channel_published(producer->tail))
		producer->tail += EXO_CHANNEL_STEP;
}

/* Is there no room at @position? One that has been taken long ago has some. */
static inline bool exo_channel_full(struct exo_producer *producer, uint64_t position)
{
	if (__builtin_expect((int64_t)(position - producer->limit) < 0, 1))
		return false;
	producer->limit =
		__atomic_load_n(&producer->channel->head, __ATOMIC_ACQUIRE) + producer->lap;
	return (int64_t)(position - producer->limit) >= 0;
}

/* Where to try after @position, which another one has claimed, in this lap or in a later one. */
static inline uint64_t exo_channel_next(struct exo_producer *producer, uint64_t position,
					int64_t compared)
{
	const uint64_t tail = __atomic_load_n(&producer->channel->tail, __ATOMIC_RELAXED);

	position += EXO_CHANNEL_STEP;
	if ((int64_t)(tail - position) > 0)
		position = tail;
	if (__builtin_expect(compared > 0, 0)) {
		const uint64_t head = __atomic_load_n(&producer->channel->head, __ATOMIC_ACQUIRE);

		producer->limit = head + producer->lap;
		if ((int64_t)(head - position) > 0)
			position = head & ~(EXO_CHANNEL_STEP - 1);
	}
	return position;
}

/* For exo_channel_claim(), where anything is not as usual. */
static __attribute__((__noinline__, __cold__, __unused__)) int exo_channel_claim_slow(
	struct exo_producer *producer, struct exo_claim *claim)
{
	uint64_t position = producer->tail;

	for (uint64_t tries = 0; tries < 2 * producer->lap; tries += EXO_CHANNEL_STEP) {
		struct exo_channel_cell *const cell = exo_channel_at(
			producer->channel, producer->mask, producer->shift, position);
		uint64_t word = __atomic_load_n(&cell->word, __ATOMIC_RELAXED);
		const int64_t compared = exo_channel_compare(word, position);

		if (compared >= 0) {
			position = exo_channel_next(producer, position, compared);
			continue;
		}
		if (exo_channel_full(producer, position))
			break;
		if (__atomic_compare_exchange_n(&cell->word, &word, position + producer->mine,
						false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
			claim->cell = cell;
			claim->position = position;
			claim->wake = (word & EXO_CHANNEL_SLEEPS) != 0;
			return 0;
		}
	}
	producer->tail = position;
	return -EXO_E_AGAIN;
}

/**
 * exo_channel_claim() - the first half of a push
 * @claim: filled; its cell's message is then the caller's to write, up to exo_channel_publish()
 * Returns 0; -EXO_E_AGAIN: the channel is full, or others were quicker all the time. Until it is
 * published the consumer gets nothing that was claimed later.
 */
static inline int exo_channel_claim(struct exo_producer *producer, struct exo_claim *claim)
{
	const uint64_t position = producer->tail;
	struct exo_channel_cell *const cell =
		exo_channel_at(producer->channel, producer->mask, producer->shift, position);
	/* As the lap before has left it; nobody sleeps. Not looked at: that would fetch it twice.
	 */
	uint64_t word = exo_channel_published(position) - producer->lap;
	struct exo_claim slow;

	if (__builtin_expect((int64_t)(position - producer->limit) < 0, 1) &&
	    __builtin_expect(__atomic_compare_exchange_n(&cell->word, &word,
							 position + producer->mine, false,
							 __ATOMIC_RELAXED, __ATOMIC_RELAXED),
			     1)) {
		claim->cell = cell;
		claim->position = position;
		claim->wake = false;
		return 0;
	}
	if (exo_channel_claim_slow(producer, &slow))
		return -EXO_E_AGAIN;
	*claim = slow;
	return 0;
}

static inline void exo_channel_publish_in(struct exo_channel *channel,
					  struct exo_producer *producer,
					  const struct exo_claim *claim)
{
	const uint64_t next = claim->position + EXO_CHANNEL_STEP;

	producer->tail = next;
	__atomic_store_n(&claim->cell->word, exo_channel_published(claim->position),
			 __ATOMIC_RELEASE);
	/* Behind it, as stores wait for those before. It may go back: others then look at more. */
	__atomic_store_n(&channel->tail, next, __ATOMIC_RELAXED);
}

/* The other half. Returns whether the caller has to wake the consumer, who waits for it. */
static inline bool exo_channel_publish(struct exo_producer *producer, const struct exo_claim *claim)
{
	exo_channel_publish_in(producer->channel, producer, claim);
	return claim->wake;
}

/**
 * exo_channel_push() - send a message
 * @message, @words: up to as many 8-byte words as a cell has besides its own; best a constant
 * @wake: whether the consumer waits for it and has to be woken
 * Returns 0; -EXO_E_AGAIN as exo_channel_claim() does.
 */
static inline int exo_channel_push(struct exo_producer *producer, const uint64_t *message,
				   uint32_t words, bool *wake)
{
	struct exo_channel *const channel = producer->channel;
	struct exo_claim claim;

	*wake = false;
	if (__builtin_expect(exo_channel_claim(producer, &claim) != 0, 0))
		return -EXO_E_AGAIN;
	__builtin_memcpy(exo_channel_message(claim.cell), message, words * sizeof(*message));
	exo_channel_publish_in(channel, producer, &claim);
	*wake = claim.wake;
	return 0;
}

/* The same where there is one producer. The consumer may sleep on until exo_channel_flush(). */
static inline int exo_channel_push_single(struct exo_producer *producer, const uint64_t *message,
					  uint32_t words)
{
	const uint64_t position = producer->tail, next = position + EXO_CHANNEL_STEP;
	struct exo_channel *const channel = producer->channel;
	struct exo_channel_cell *cell;

	if (__builtin_expect(exo_channel_full(producer, position), 0))
		return -EXO_E_AGAIN;
	cell = exo_channel_at(channel, producer->mask, producer->shift, position);
	producer->tail = next;
	__builtin_memcpy(exo_channel_message(cell), message, words * sizeof(*message));
	__atomic_store_n(&cell->word, exo_channel_published(position), __ATOMIC_RELEASE);
	__atomic_store_n(&channel->tail, next, __ATOMIC_RELAXED);
	return 0;
}

/* The single producer, after one push or several: returns whether it has to wake the consumer. */
static inline bool exo_channel_flush(struct exo_producer *producer)
{
	return __atomic_exchange_n(&producer->channel->sleeping, 0, __ATOMIC_ACQ_REL) != 0;
}

/**
 * exo_channel_await_room() - what a producer does before it waits because the channel is full
 * @bit: its own: with it the consumer will tell (exo_channel_waiting())
 * Returns whether it may wait; false: there is room by now.
 */
static inline bool exo_channel_await_room(struct exo_producer *producer, uint64_t bit)
{
	(void)__atomic_fetch_or(&producer->channel->waiting, bit, __ATOMIC_ACQ_REL);
	return exo_channel_full(producer, producer->tail);
}

/* --- the consumer ------------------------------------------------------------------------------*/

/* Becomes the consumer, the first or a later one. @single: see struct exo_consumer. */
static inline void exo_consumer_init(struct exo_consumer *consumer, struct exo_channel *channel,
				     const struct exo_channel_shape *shape, bool single)
{
	consumer->channel = channel;
	consumer->mask = exo_channel_mask(shape);
	consumer->shift = 16 - shape->bytes;
	consumer->half = ((UINT64_C(1) << shape->cells) - 1) / 2 * EXO_CHANNEL_STEP;
	consumer->head =
		__atomic_load_n(&channel->head, __ATOMIC_RELAXED) & ~(EXO_CHANNEL_STEP - 1);
	consumer->single = single;
}

/* The cell that the next message comes in. */
static inline struct exo_channel_cell *exo_channel_first(const struct exo_consumer *consumer)
{
	return exo_channel_at(consumer->channel, consumer->mask, consumer->shift, consumer->head);
}

/**
 * exo_channel_pop() - take a message
 * @message, @words: where it is copied to, and how much of it
 * Returns 0; -EXO_E_AGAIN: there is none; -EXO_E_BUSY: the next one is claimed, but not there yet.
 */
static inline int exo_channel_pop(struct exo_consumer *consumer, uint64_t *message, uint32_t words)
{
	struct exo_channel_cell *const cell = exo_channel_first(consumer);
	struct exo_channel *const channel = consumer->channel;
	const uint64_t head = consumer->head;
	const uint64_t word = __atomic_load_n(&cell->word, __ATOMIC_ACQUIRE);

	if (__builtin_expect(word != exo_channel_published(head), 0))
		return exo_channel_compare(word, head) ? -EXO_E_AGAIN : -EXO_E_BUSY;
	consumer->head = head + EXO_CHANNEL_STEP;
	__builtin_memcpy(message, exo_channel_message(cell), words * sizeof(*message));
	__atomic_store_n(&channel->head, head + EXO_CHANNEL_STEP, __ATOMIC_RELEASE);
	return 0;
}

/* Who has claimed what exo_channel_pop() found EXO_E_BUSY: the producer's id, as it says. */
static inline uint32_t exo_channel_claimant(const struct exo_consumer *consumer)
{
	return (uint32_t)(__atomic_load_n(&exo_channel_first(consumer)->word, __ATOMIC_RELAXED) /
			  2) %
	       EXO_CHANNEL_IDS;
}

/**
 * exo_channel_skip() - give up a message whose producer ended between claim and publish
 * Only when that can not write to the channel any more: its thread has ended, or cap_revoke() has
 * told that nobody has the memory. Else it could still write over a later message. Returns 0;
 * -EXO_E_AGAIN: there is nothing to be skipped, so pop.
 */
static inline int exo_channel_skip(struct exo_consumer *consumer)
{
	const uint64_t word = __atomic_load_n(&exo_channel_first(consumer)->word, __ATOMIC_RELAXED);

	if (exo_channel_compare(word, consumer->head) ||
	    word == exo_channel_published(consumer->head))
		return -EXO_E_AGAIN;
	consumer->head += EXO_CHANNEL_STEP;
	__atomic_store_n(&consumer->channel->head, consumer->head, __ATOMIC_RELEASE);
	return 0;
}

/**
 * exo_channel_sleep() - what a consumer does that found nothing, before it waits
 * Returns whether it may wait: who sends the next message will wake it. False: something is there,
 * or is about to be. May be called again while it holds.
 */
static inline bool exo_channel_sleep(struct exo_consumer *consumer)
{
	uint64_t *const place = &exo_channel_first(consumer)->word;
	uint64_t word;

	if (consumer->single)
		(void)__atomic_exchange_n(&consumer->channel->sleeping, 1, __ATOMIC_ACQ_REL);
	word = __atomic_load_n(place, __ATOMIC_RELAXED);
	if (exo_channel_compare(word, consumer->head) == 0) {
		if (consumer->single)
			(void)__atomic_exchange_n(&consumer->channel->sleeping, 0,
						  __ATOMIC_ACQ_REL);
		return false;
	}
	if (consumer->single || word & EXO_CHANNEL_SLEEPS)
		return true;
	return __atomic_compare_exchange_n(place, &word, word | EXO_CHANNEL_SLEEPS, false,
					   __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

/* It does not wait any more, though nobody has woken it. If somebody is about to, that is lost. */
static inline void exo_channel_stay_awake(struct exo_consumer *consumer)
{
	uint64_t *const place = &exo_channel_first(consumer)->word;
	uint64_t word = __atomic_load_n(place, __ATOMIC_RELAXED);

	if (consumer->single)
		(void)__atomic_exchange_n(&consumer->channel->sleeping, 0, __ATOMIC_ACQ_REL);
	else if (exo_channel_compare(word, consumer->head) && word & EXO_CHANNEL_SLEEPS)
		(void)__atomic_compare_exchange_n(place, &word, word & ~EXO_CHANNEL_SLEEPS, false,
						  __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

/* Bits of the producers that wait for room, who are to be told. At least every time when half of
 * the channel has been taken (exo_channel_half()), and before the consumer waits for anything. */
static inline uint64_t exo_channel_waiting(struct exo_consumer *consumer)
{
	return __atomic_exchange_n(&consumer->channel->waiting, 0, __ATOMIC_ACQ_REL);
}

static inline bool exo_channel_half(const struct exo_consumer *consumer)
{
	return (consumer->head & consumer->half) == 0;
}

#endif
