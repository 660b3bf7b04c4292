/* SPDX-License-Identifier: MIT */
/*
 * Producers push to a channel while its consumer takes, sleeps and is woken; the ring wraps, is
 * full, and loses a producer between claim and publish.
 */
#define MODEL_CELLS 2
#define MODEL_WORDS 1
#define MODEL_THREADS 3u
#include "model.h"

#define EXO_ABI_SIZE(type, size)
#define EXO_ABI_OFFSET(type, member, offset)
#define EXO_E_AGAIN 11
#define EXO_E_BUSY 10

static struct exo_channel_cell *model_cell(struct exo_channel *channel, uint64_t index);

static void model_copy(rl::var<uint64_t> *to, const uint64_t *from, size_t size)
{
	for (unsigned int i = 0; i < size / sizeof(*from); i++)
		to[i]($) = from[i];
}

static void model_copy(uint64_t *to, rl::var<uint64_t> *from, size_t size)
{
	for (unsigned int i = 0; i < size / sizeof(*to); i++)
		to[i] = from[i]($);
}
#define __builtin_memcpy model_copy

#include "channel_port.h"

struct model_channel : exo_channel {
	struct exo_channel_cell cells[MODEL_CELLS];

	void clear()
	{
		head.store(0, rl::mo_relaxed, $);
		tail.store(0, rl::mo_relaxed, $);
		sleeping.store(0, rl::mo_relaxed, $);
		waiting.store(0, rl::mo_relaxed, $);
		for (unsigned int i = 0; i < MODEL_CELLS; i++)
			cells[i].word.store(0, rl::mo_relaxed, $);
	}
};

static struct exo_channel_cell *model_cell(struct exo_channel *channel, uint64_t index)
{
	RL_ASSERT(index < MODEL_CELLS);
	return &static_cast<struct model_channel *>(channel)->cells[index];
}

/* A notification orders: what was done before it is signalled is seen by whom it wakes. */
#ifdef BROKEN_wake_orders_nothing
#define SIGNAL_RELEASE rl::mo_relaxed
#define SIGNAL_ACQUIRE rl::mo_relaxed
#else
#define SIGNAL_RELEASE rl::mo_release
#define SIGNAL_ACQUIRE rl::mo_acquire
#endif

/* What all cases have. CELLS: log2. */
template <unsigned int PRODUCERS, unsigned int CELLS, bool SINGLE> struct channel_state {
	struct exo_channel_shape shape = { CELLS, 4 };
	struct model_channel channel;
	struct exo_producer producers[PRODUCERS];
	struct exo_consumer consumer;
	model_atomic<unsigned int> signal, room;
	bool asleep, waits[PRODUCERS];
	unsigned int sent[PRODUCERS], got[PRODUCERS], skipped;

	void clear()
	{
		channel.clear();
		signal.store(0, rl::mo_relaxed, $);
		room.store(0, rl::mo_relaxed, $);
		asleep = false;
		skipped = 0;
		for (unsigned int i = 0; i < PRODUCERS; i++) {
			sent[i] = got[i] = 0;
			waits[i] = false;
		}
		exo_consumer_init(&consumer, &channel, &shape, SINGLE);
	}

	void wake()
	{
		signal.store(1, SIGNAL_RELEASE, $);
	}

	bool push(unsigned int self)
	{
		const uint64_t message = self << 8 | (sent[self] + 1);
		bool needed = false;

		if (SINGLE) {
			if (exo_channel_push_single(&producers[self], &message, 1))
				return false;
			needed = exo_channel_flush(&producers[self]);
		} else if (exo_channel_push(&producers[self], &message, 1, &needed)) {
			return false;
		}
		sent[self]++;
		if (needed)
			wake();
		return true;
	}

	/* Sends; waits for room once, if that is told before somebody could really wait. */
	void send(unsigned int self)
	{
		if (push(self) || !exo_channel_await_room(&producers[self], 1u << self)) {
			return;
		} else if (!(room.load(rl::mo_relaxed, $) & 1u << self)) {
			waits[self] = true;
			return;
		}
		push(self);
	}

	void tell_room()
	{
		const uint64_t bits = exo_channel_waiting(&consumer);

		if (bits)
			room.fetch_or((unsigned int)bits, rl::mo_relaxed, $);
	}

	int pop()
	{
		uint64_t message;
		const int error = exo_channel_pop(&consumer, &message, 1);

		if (!error) {
			RL_ASSERT(message >> 8 < PRODUCERS);
			RL_ASSERT((message & 0xff) == ++got[message >> 8]);
		}
		return error;
	}

	/* One turn of a consumer; false: it waits, and nobody has woken it yet. */
	bool turn()
	{
		const int error = pop();

		if (!error) {
			if (exo_channel_half(&consumer))
				tell_room();
			return true;
		}
		if (!exo_channel_sleep(&consumer))
			return true;
		tell_room();
		return signal.exchange(0, SIGNAL_ACQUIRE, $) != 0;
	}

	void consume(unsigned int turns)
	{
		for (unsigned int i = 0; i < turns && !asleep; i++)
			asleep = !turn();
	}

	/* Whoever waits has a reason; then the rest must be there. */
	void finish()
	{
		const bool woken = signal.load(rl::mo_relaxed, $) != 0;
		const unsigned int told = room.load(rl::mo_relaxed, $);

		if (asleep && !woken) {
			RL_ASSERT(pop() == -EXO_E_AGAIN);
			for (unsigned int i = 0; i < PRODUCERS; i++)
				RL_ASSERT(!waits[i] || told & 1u << i);
		}
		while (pop() == 0)
			;
		for (unsigned int i = 0; i < PRODUCERS; i++)
			RL_ASSERT(got[i] == sent[i]);
	}
};

/* PRODUCERS send COUNT each; the consumer has TURNS. */
template <unsigned int PRODUCERS, unsigned int CELLS, unsigned int COUNT, unsigned int TURNS,
	  bool SINGLE = false>
struct sending : model_case {
	channel_state<PRODUCERS, CELLS, SINGLE> state;

	void before()
	{
		state.clear();
	}

	void thread(unsigned int number)
	{
		if (number >= PRODUCERS) {
			if (number == PRODUCERS)
				state.consume(TURNS);
			return;
		}
		exo_producer_init(&state.producers[number], &state.channel, &state.shape, number);
		for (unsigned int i = 0; i < COUNT; i++)
			state.send(number);
	}

	void after()
	{
		state.finish();
	}
};

/* The first producer ends between claim and publish, or just behind it if LATE. */
template <unsigned int CELLS, unsigned int COUNT, unsigned int TURNS, bool LATE>
struct dying : model_case {
	channel_state<2, CELLS, false> state;
	model_atomic<unsigned int> dead;

	void before()
	{
		state.clear();
		dead.store(0, rl::mo_relaxed, $);
	}

	void die()
	{
		struct exo_producer *self = &state.producers[0];
		const uint64_t message = 1;
		struct exo_claim claim;

		if (!exo_channel_claim(self, &claim)) {
			model_copy(exo_channel_message(claim.cell), &message, sizeof(message));
			if (LATE) {
				state.sent[0]++;
				if (exo_channel_publish(self, &claim))
					state.wake();
			}
		}
		dead.store(1, rl::mo_release, $); /* the kernel tells, and wakes who waits */
	}

	void consume()
	{
		for (unsigned int i = 0; i < TURNS && !state.asleep; i++) {
			const int error = state.pop();

			if (error == -EXO_E_BUSY) {
				if (!dead.load(rl::mo_acquire, $))
					continue;
				if (exo_channel_claimant(&state.consumer) == 0 &&
				    !exo_channel_skip(&state.consumer))
					state.skipped++;
			} else if (error && exo_channel_sleep(&state.consumer)) {
				state.asleep = !state.signal.exchange(0, SIGNAL_ACQUIRE, $) &&
					       !dead.load(rl::mo_relaxed, $);
			}
		}
	}

	void thread(unsigned int number)
	{
		if (number == 2) {
			consume();
			return;
		}
		exo_producer_init(&state.producers[number], &state.channel, &state.shape, number);
		if (number == 0)
			die();
		else
			for (unsigned int i = 0; i < COUNT; i++)
				state.push(1);
	}

	void after()
	{
		while (state.pop() == -EXO_E_BUSY) {
			RL_ASSERT(!LATE && exo_channel_claimant(&state.consumer) == 0);
			RL_ASSERT(!exo_channel_skip(&state.consumer) && !state.skipped++);
		}
		while (state.pop() == 0)
			;
		RL_ASSERT(state.got[0] == state.sent[0] && state.got[1] == state.sent[1]);
	}
};

int main()
{
	model<sending<1, 0, 3, 6, true>, ALL>("single", MANY);
	model<dying<0, 2, 2, false>, ALL>("claimed_and_gone", MANY);
	model<sending<2, 0, 1, 3>, ALL>("one_cell_for_two", MANY);
	model_more<dying<0, 1, 3, true>, ALL>("published_and_gone", MANY);
	model_more<sending<1, 1, 4, 6>, ALL>("one_producer", MANY);
	model_more<sending<2, 1, 1, 5>, ALL>("two_producers", MANY);
	model_more<sending<2, 0, 2, 6>, RANDOM>("one_cell_at_random", 100000);
	model_more<sending<2, 1, 3, 8>, RANDOM>("two_producers_at_random", 100000);
	return model_end();
}
