/* SPDX-License-Identifier: MIT */
/*
 * Stride scheduling on a simulated CPU (policy_machine.c): what random mixes of threads get after
 * 1,000 slices, whether they run on, yield or sleep.
 */
#include <stdio.h>
#include <string.h>

#include "../../kernel/sched/policy_stride.h"
#include "check.h"
#include "policy_machine.h"

#define US NS_PER_US
#define MS NS_PER_MS
#define ACTORS 16
#define SLICES 1000
#define SLICE SCHED_SLICE_NS
#define MIXES 300

static struct run_queue queues[NR_CPUS];
static struct actor actors[ACTORS];

static struct run_queue *queue_of(cpu_t cpu)
{
	return &queues[cpu];
}

static void start(unsigned int count)
{
	static const struct machine_policy policy = MACHINE_POLICY(queue_of);

	memset(actors, 0, sizeof(actors));
	memset(queues, 0, sizeof(queues));
	machine_start(count, &policy);
}

static struct sched_parameters shares(uint32_t count)
{
	struct sched_parameters parameters = SCHED_PARAMETERS_INIT;

	parameters.shares = count;
	return parameters;
}

/* --- what threads do ---------------------------------------------------------------------------*/

static void greedy(struct actor *actor)
{
	actor->work = NS_PER_S;
}

/* Yields often; @cost: at the latest after so much. */
static void yielding(struct actor *actor)
{
	actor->work = 1 + machine_random(actor->cost);
}

/* Runs up to @cost, sleeps up to @period. */
static void sleeping(struct actor *actor)
{
	actor->work = 1 + machine_random(actor->cost);
	machine_sleep(actor, clock_ns() + machine_random(actor->period));
}

typedef void behaviour(struct actor *actor);

static void add(struct actor *actor, uint32_t count, behaviour *next, uint64_t cost)
{
	const struct sched_parameters parameters = shares(count);

	CHECK(machine_create(actor, &parameters) == 0);
	actor->cost = cost;
	actor->next = next;
	actor->yields = next == yielding;
	actor->work = next == greedy ? NS_PER_S : 1 + machine_random(cost);
	machine_start_at(actor, clock_ns());
}

static uint32_t random_shares(void)
{
	return 1 + (uint32_t)machine_random(STRIDE_SHARES_MAX >> machine_random(12));
}

static uint64_t own_shares(const struct actor *actor)
{
	return actor->thread.sched.stride.wanted;
}

/* --- proportions -------------------------------------------------------------------------------*/

static uint64_t difference(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* Of the first @count, always ready; the worst error in 1/1000 of a per cent of SLICES slices. */
static uint64_t worst_error(unsigned int count)
{
	uint64_t total = 0, sum = 0, worst = 0;

	for (unsigned int i = 0; i < count; i++) {
		total += actors[i].ran;
		sum += own_shares(&actors[i]);
	}
	for (unsigned int i = 0; i < count; i++) {
		const uint64_t fair = total * own_shares(&actors[i]) / sum;
		const uint64_t error = difference(actors[i].ran, fair);

		if (error > worst)
			worst = error;
	}
	return worst * 100000 / (SLICES * SLICE);
}

static void report(uint64_t worst)
{
	printf("# the largest error of %d mixes is %llu.%03llu %% of the time\n", MIXES,
	       (unsigned long long)worst / 1000, (unsigned long long)worst % 1000);
	CHECK(worst <= 1000);
}

static void shares_hold_after_1000_slices(void)
{
	uint64_t worst = 0, error;

	for (unsigned int seed = 1; seed <= MIXES; seed++) {
		unsigned int count = 2 + seed % 9;

		machine_seed(seed);
		start(1);
		for (unsigned int i = 0; i < count; i++)
			add(&actors[i], random_shares(), greedy, 1);
		machine_run(clock_ns() + SLICES * SLICE);
		error = worst_error(count);
		worst = error > worst ? error : worst;
	}
	report(worst);
}

static void shares_hold_for_those_who_yield(void)
{
	uint64_t worst = 0, error;

	for (unsigned int seed = 1; seed <= MIXES; seed++) {
		unsigned int count = 2 + seed % 9;

		machine_seed(seed);
		start(1);
		for (unsigned int i = 0; i < count; i++) {
			if (machine_random(2))
				add(&actors[i], random_shares(), yielding, MS << machine_random(3));
			else
				add(&actors[i], random_shares(), greedy, 1);
		}
		machine_run(clock_ns() + SLICES * SLICE);
		error = worst_error(count);
		worst = error > worst ? error : worst;
	}
	report(worst);
}

/* Those that are always ready share in proportion, and sleepers get no more than their part. */
static void shares_hold_among_sleepers(void)
{
	uint64_t worst = 0, error;

	for (unsigned int seed = 1; seed <= MIXES; seed++) {
		const unsigned int count = 2 + seed % 5, sleepers = 1 + seed % 4;
		const uint64_t time = SLICES * SLICE;
		uint64_t sum = 0, ran = 0;

		machine_seed(seed);
		start(1);
		for (unsigned int i = 0; i < count + sleepers; i++) {
			actors[i].period = MS << machine_random(8);
			add(&actors[i], random_shares(), i < count ? greedy : sleeping,
			    100 * US << machine_random(8));
			if (i < count)
				sum += own_shares(&actors[i]);
		}
		machine_run(clock_ns() + time);
		for (unsigned int i = 0; i < count; i++)
			ran += actors[i].ran;
		error = worst_error(count);
		worst = error > worst ? error : worst;
		for (unsigned int i = count; i < count + sleepers; i++)
			CHECK(actors[i].ran <=
			      (ran + count * SLICE) * own_shares(&actors[i]) / sum + time / 100);
	}
	report(worst);
}

static void many_short_turns_cost_as_much_as_a_long_one(void)
{
	start(1);
	add(&actors[0], STRIDE_SHARES_MAX, yielding, 100);
	add(&actors[1], STRIDE_SHARES_MAX, greedy, 1);
	machine_run(clock_ns() + 200 * MS);
	CHECK(difference(actors[0].ran, actors[1].ran) <= 4 * SLICE);
	CHECK(actors[0].turns < 100000);
}

/* Two that yield at once take turns. */
static void equals_alternate_by_yielding(void)
{
	start(1);
	add(&actors[0], 100, yielding, 10 * US);
	add(&actors[1], 100, yielding, 10 * US);
	machine_run(clock_ns() + 10 * MS);
	CHECK(difference(actors[0].turns, actors[1].turns) <= 1);
	CHECK(actors[0].turns > 500);
}

/* --- sleeping ----------------------------------------------------------------------------------*/

static void sleep_for_a_minute(struct actor *actor)
{
	actor->next = greedy;
	actor->work = NS_PER_S;
	machine_sleep(actor, clock_ns() + 60 * NS_PER_S);
}

/* Who has slept for a minute does not run for a minute. */
static void time_slept_through_is_not_made_up_for(void)
{
	start(1);
	add(&actors[0], 100, greedy, 1);
	add(&actors[1], 100, sleep_for_a_minute, 1);
	machine_run(clock_ns() + 60 * NS_PER_S);
	actors[0].longest_wait = actors[0].ran = 0;
	machine_run(clock_ns() + NS_PER_S);
	CHECK(actors[0].longest_wait <= 3 * SLICE);
	CHECK(difference(actors[0].ran, actors[1].ran) <= 4 * SLICE);
}

/* A thread with few shares that had the CPU to itself has paid for it. */
static void many_shares_come_first_after_a_nap(void)
{
	start(1);
	add(&actors[0], 1, greedy, 1);
	add(&actors[1], STRIDE_SHARES_MAX, sleeping, MS);
	actors[1].period = 200 * US;
	machine_run(clock_ns() + 5 * NS_PER_S);
	CHECK(actors[1].longest_wait <= 2 * SLICE);
	CHECK(actors[1].ran > 4 * NS_PER_S);
}

/* --- bounds ------------------------------------------------------------------------------------*/

static void nobody_waits_longer_than_the_bound(void)
{
	uint64_t worst = 0;

	for (unsigned int seed = 1; seed <= MIXES; seed++) {
		const unsigned int count = 2 + seed % 9;
		uint64_t sum = 0;

		machine_seed(seed);
		start(1);
		for (unsigned int i = 0; i < count; i++) {
			static behaviour *const all[] = { greedy, yielding, sleeping };
			const uint32_t own = 1 + (uint32_t)machine_random(200);

			actors[i].period = MS << machine_random(8);
			add(&actors[i], own, all[machine_random(3)], MS << machine_random(4));
			sum += own;
		}
		machine_run(clock_ns() + 20 * NS_PER_S);
		for (unsigned int i = 0; i < count; i++) {
			const struct actor *actor = &actors[i];
			const uint64_t bound = 2 * SLICE * (sum / own_shares(actor) + 1 + count);
			uint64_t wait = actor->longest_wait;

			if (actor->state == ACTOR_READY && clock_ns() - actor->ready_since > wait)
				wait = clock_ns() - actor->ready_since;
			if (wait * 100 / bound > worst)
				worst = wait * 100 / bound;
		}
	}
	/* The bound is twice that: turns of two slices each. */
	printf("# the longest wait was %llu %% of half the bound\n", (unsigned long long)worst);
	CHECK(worst <= 200);
}

/* --- changes -----------------------------------------------------------------------------------*/

static void shares_can_change(void)
{
	struct sched_parameters parameters = shares(9000);

	start(1);
	add(&actors[0], 1, greedy, 1);
	add(&actors[1], 1000, greedy, 1);
	machine_run(clock_ns() + 100 * MS);
	CHECK(machine_set_parameters(&actors[0], &parameters) == 0);
	actors[0].ran = actors[1].ran = 0;
	machine_run(clock_ns() + SLICES * SLICE);
	CHECK(worst_error(2) <= 1000);
	parameters = shares(0);
	CHECK(machine_set_parameters(&actors[0], &parameters) == 0);
	CHECK(own_shares(&actors[0]) == STRIDE_SHARES_DEFAULT);
	parameters = shares(STRIDE_SHARES_MAX + 1);
	CHECK(machine_set_parameters(&actors[0], &parameters) == -EXO_E_ARG);
}

static void lent_urgency_counts_as_shares(void)
{
	start(1);
	add(&actors[0], 1, greedy, 1);
	add(&actors[1], 1000, greedy, 1);
	add(&actors[2], 3000, greedy, 1);
	machine_run(clock_ns() + 100 * MS);
	CHECK(actors[0].thread.own_urgency < actors[1].thread.own_urgency);
	actors[0].thread.urgency = actors[1].thread.own_urgency;
	machine_requeue(&actors[0]);
	for (unsigned int i = 0; i < 3; i++)
		actors[i].ran = 0;
	machine_run(clock_ns() + SLICES * SLICE);
	CHECK(difference(actors[0].ran, NS_PER_S) < NS_PER_S / 20);
	actors[0].thread.urgency = actors[0].thread.own_urgency;
	machine_requeue(&actors[0]);
	actors[0].ran = 0;
	machine_run(clock_ns() + SLICES * SLICE);
	CHECK(actors[0].ran < 4 * SLICE);
}

/* Two that give each other the CPU do not keep others from it. */
static void directed_yield_is_no_way_round_shares(void)
{
	start(1);
	for (unsigned int i = 0; i < 3; i++)
		add(&actors[i], 100, greedy, 1);
	machine_run(clock_ns() + 10 * MS);
	for (unsigned int i = 0; i < 20000; i++) {
		if (cpus[0]->current == &actors[0].thread)
			machine_yield_to(&actors[1]);
		else if (cpus[0]->current == &actors[1].thread)
			machine_yield_to(&actors[0]);
		machine_run(clock_ns() + 100 * US);
	}
	CHECK(actors[2].longest_wait <= 12 * SLICE);
	CHECK(difference(actors[2].ran, 2 * NS_PER_S / 3) <= 4 * SLICE);
}

/* The lead over the virtual time goes along to another CPU, whose virtual time is another. */
static void a_lead_moves_along(void)
{
	struct thread *thread = &actors[0].thread;

	if (NR_CPUS < 2)
		return;
	start(2);
	queues[1].virtual_time = 12345678;
	add(&actors[0], 10, greedy, 1);
	add(&actors[1], 20, greedy, 1);
	machine_run(clock_ns() + 7 * SLICE);
	if (cpus[0]->current == thread)
		machine_run(clock_ns() + 2 * SLICE);
	CHECK(thread->sched.stride.node.key > queues[0].virtual_time);
	CHECK(policy_take(&queues[0], thread));
	CHECK(queues[0].shares == 20);
	thread->home = cpus[1];
	policy_enqueue(&queues[1], thread, ENQUEUE_WOKEN);
	CHECK(thread->sched.stride.node.key == 12345678 + thread->sched.stride.lead);
	CHECK(thread->sched.stride.lead > 0 && queues[1].shares == 10);
	CHECK(!policy_take(&queues[0], thread));
	CHECK(policy_give(&queues[1], cpus[0]) == thread);
	CHECK(queues[1].shares == 0 && policy_length(&queues[1]) == 0);
}

static const struct machine_case cases[] = {
#define CASE(function)              \
	{                           \
		function, #function \
	}
	CASE(shares_hold_after_1000_slices),
	CASE(shares_hold_for_those_who_yield),
	CASE(shares_hold_among_sleepers),
	CASE(many_short_turns_cost_as_much_as_a_long_one),
	CASE(equals_alternate_by_yielding),
	CASE(time_slept_through_is_not_made_up_for),
	CASE(many_shares_come_first_after_a_nap),
	CASE(nobody_waits_longer_than_the_bound),
	CASE(shares_can_change),
	CASE(lent_urgency_counts_as_shares),
	CASE(directed_yield_is_no_way_round_shares),
	CASE(a_lead_moves_along),
};

int main(void)
{
	return machine_main(cases, ARRAY_SIZE(cases), __FILE__, &failed_line);
}
