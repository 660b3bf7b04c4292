/* SPDX-License-Identifier: MIT */
/*
 * Earliest deadline first on a simulated CPU (policy_machine.c): random sets of threads up to the
 * limit of what is admitted, with threads among them that try to get more than they were promised.
 */
#include <stdio.h>
#include <string.h>

#include "../../kernel/sched/policy_edf.h"
#include "check.h"
#include "policy_machine.h"

#define US NS_PER_US
#define MS NS_PER_MS
#define ACTORS 32
#define CPUS (NR_CPUS < 4 ? NR_CPUS : 4)

static struct run_queue queues[NR_CPUS];
static struct actor actors[ACTORS];
static uint64_t jobs, misses; /* of threads that keep to their contracts */

static struct run_queue *queue_of(cpu_t cpu)
{
	return &queues[cpu];
}

static void start(unsigned int count)
{
	static const struct machine_policy policy = MACHINE_POLICY(queue_of);

	for (unsigned int i = 0; i < ACTORS; i++)
		if (actors[i].state != ACTOR_DEAD)
			policy_leave(&actors[i].thread);
	memset(actors, 0, sizeof(actors));
	memset(queues, 0, sizeof(queues));
	machine_start(count, &policy);
	/* What actors of the last machine had reserved is free once their deadlines have passed. */
	machine_run(clock_ns() + 2 * EDF_PERIOD_MAX);
}

static struct sched_parameters contract(uint64_t budget, uint64_t deadline, uint64_t period)
{
	struct sched_parameters parameters = SCHED_PARAMETERS_INIT;

	parameters.budget = budget;
	parameters.deadline = deadline;
	parameters.period = period;
	return parameters;
}

static int create(struct actor *actor, uint64_t budget, uint64_t deadline, uint64_t period)
{
	const struct sched_parameters parameters = contract(budget, deadline, period);

	return machine_create(actor, &parameters);
}

/* --- what threads do ---------------------------------------------------------------------------*/

static void finish_job(struct actor *actor)
{
	jobs++;
	actor->jobs++;
	if (clock_ns() > actor->release + actor->deadline) {
		actor->misses++;
		misses++;
	}
}

/* Each job begins a period after the last, and takes all of the budget. */
static void periodic(struct actor *actor)
{
	finish_job(actor);
	actor->release += actor->period;
	actor->work = actor->cost;
	machine_sleep(actor, actor->release);
}

/* The same by thread_yield(), which gives up what the job has left over. */
static void yielding(struct actor *actor)
{
	CHECK(clock_ns() > actor->release);
	finish_job(actor);
	actor->release += actor->period;
	actor->work = machine_random(2) ? actor->cost : 1 + machine_random(actor->cost);
}

/* A period at least, and any part of the budget. */
static void sporadic(struct actor *actor)
{
	finish_job(actor);
	actor->release += actor->period;
	if (actor->release < clock_ns())
		actor->release = clock_ns();
	if (machine_random(2))
		actor->release += machine_random(actor->period);
	actor->work = 1 + machine_random(actor->cost);
	machine_sleep(actor, actor->release);
}

static void greedy(struct actor *actor)
{
	actor->work = NS_PER_S;
}

/* Sleeps and runs so as to come by more than its part if it can. */
static void nasty(struct actor *actor)
{
	const int64_t left = actor->thread.sched.edf.left;

	actor->work = 1 + machine_random(2 * actor->cost);
	if (left > 1 && machine_random(2))
		actor->work = (uint64_t)left - 1;
	if (machine_random(4))
		machine_sleep(actor, actor->thread.sched.edf.due - machine_random(actor->cost));
	actor->yields = machine_random(8) == 0;
}

typedef void behaviour(struct actor *actor);

static void behave(struct actor *actor, behaviour *next, uint64_t when)
{
	actor->next = next;
	actor->yields = next == yielding;
	actor->work = next == greedy ? NS_PER_S : actor->cost;
	actor->release = when;
	machine_start_at(actor, when);
}

/* --- random sets -------------------------------------------------------------------------------*/

static uint64_t unreserved(void)
{
	return EDF_WHOLE / 100 * CONFIG_SCHED_EDF_LIMIT - edf_ledger_reserved(0);
}

/* A thread with a random contract; the last of the set takes what is left. */
static bool add_random(struct actor *actor, bool last)
{
	uint64_t room;

	actor->period = (100 * US << machine_random(9)) + machine_random(100 * US);
	actor->deadline = actor->period;
	if (machine_random(3) == 0)
		actor->deadline = 100 * US + machine_random(actor->period - 100 * US + 1);
	room = (unsigned __int128)unreserved() * actor->deadline / EDF_WHOLE;
	if (!room)
		return false;
	actor->cost = last ? room : 1 + machine_random(room / 2 + 1);
	CHECK(create(actor, actor->cost, actor->deadline, actor->period) == 0);
	return true;
}

/* @bad: every third thread does not keep to its contract. */
static void run_set(unsigned int seed, bool bad)
{
	static behaviour *const good_ones[] = { periodic, yielding, sporadic };
	static behaviour *const bad_ones[] = { greedy, nasty };
	const uint64_t begin = clock_ns() + MS;
	const unsigned int count = 1 + (unsigned)machine_random(10);
	unsigned int hogs = (unsigned)machine_random(4), i;
	const uint64_t before = jobs;

	for (i = 0; i < count; i++) {
		struct actor *actor = &actors[i];

		if (!add_random(actor, i == count - 1))
			break;
		if (bad && i % 3 == seed % 3)
			behave(actor, bad_ones[machine_random(2)],
			       begin + machine_random(actor->period));
		else
			behave(actor, good_ones[machine_random(3)],
			       begin + machine_random(actor->period));
	}
	for (; hogs; hogs--, i++) {
		CHECK(create(&actors[i], 0, 0, 0) == 0);
		behave(&actors[i], greedy, begin);
	}
	for (uint64_t end = begin; jobs - before < 2500 && end < begin + 20 * NS_PER_S;) {
		end += 10 * MS;
		machine_run(end);
	}
}

static void no_deadline_is_missed(void)
{
	jobs = misses = 0;
	for (unsigned int seed = 1; seed <= 60; seed++) {
		start(1);
		machine_seed(seed);
		run_set(seed, false);
		CHECK(misses == 0);
	}
	printf("# %llu jobs, %llu deadlines missed\n", (unsigned long long)jobs,
	       (unsigned long long)misses);
	CHECK(jobs >= 100000);
}

static void overrun_makes_nobody_late(void)
{
	jobs = misses = 0;
	for (unsigned int seed = 1; seed <= 120; seed++) {
		start(1);
		machine_seed(seed);
		run_set(seed, true);
		CHECK(misses == 0);
	}
	printf("# %llu jobs, %llu deadlines missed\n", (unsigned long long)jobs,
	       (unsigned long long)misses);
	CHECK(jobs >= 100000);
}

/* --- shares of time ----------------------------------------------------------------------------*/

static void a_throttled_thread_gets_its_budget_and_no_more(void)
{
	uint64_t begin;

	start(1);
	begin = clock_ns() + MS;
	CHECK(create(&actors[0], 2 * MS, 10 * MS, 10 * MS) == 0);
	CHECK(create(&actors[1], 3 * MS, 5 * MS, 20 * MS) == 0);
	CHECK(create(&actors[2], 0, 0, 0) == 0);
	for (unsigned int i = 0; i < 3; i++)
		behave(&actors[i], greedy, begin);
	machine_run(begin + 2 * NS_PER_S);
	CHECK(actors[0].ran == 200 * 2 * MS);
	CHECK(actors[1].ran == 100 * 3 * MS);
	CHECK(actors[2].ran == 2 * NS_PER_S - 700 * MS);
}

static void the_background_takes_turns_within_its_bound(void)
{
	const uint64_t slice = SCHED_SLICE_NS;
	uint64_t begin, bound, shares;

	start(1);
	begin = clock_ns();
	CHECK(create(&actors[0], 30 * MS, 100 * MS, 100 * MS) == 0);
	CHECK(create(&actors[1], 1 * MS, 3 * MS, 3 * MS) == 0);
	CHECK(create(&actors[2], 200 * US, 1 * MS, 1 * MS) == 0);
	for (unsigned int i = 3; i < 9; i++)
		CHECK(create(&actors[i], 0, 0, 0) == 0);
	for (unsigned int i = 0; i < 9; i++)
		behave(&actors[i], greedy, begin);
	machine_run(begin + 20 * NS_PER_S);
	/* A utilisation of 5/6, and budgets of 31.2 ms together. */
	bound = (5 * slice + 2 * 31200 * US) * 6;
	shares = 20 * NS_PER_S / 6 / 6;
	for (unsigned int i = 3; i < 9; i++) {
		CHECK(actors[i].longest_wait <= bound);
		CHECK(actors[i].ran + 2 * slice > shares && actors[i].ran < shares + 2 * slice);
	}
}

/* --- admission ---------------------------------------------------------------------------------*/

static void contracts_that_make_no_sense_are_refused(void)
{
	start(1);
	CHECK(create(&actors[0], 0, 10 * MS, 10 * MS) == -EXO_E_ARG);
	CHECK(create(&actors[0], 1, 0, 0) == -EXO_E_ARG);
	CHECK(create(&actors[0], 0, 1, 0) == -EXO_E_ARG);
	CHECK(create(&actors[0], 11 * MS, 10 * MS, 20 * MS) == -EXO_E_ARG);
	CHECK(create(&actors[0], 1 * MS, 20 * MS, 10 * MS) == -EXO_E_ARG);
	CHECK(create(&actors[0], 1 * US, 50 * US, 1 * MS) == -EXO_E_ARG);
	CHECK(create(&actors[0], 1 * US, 0, EDF_PERIOD_MAX) == -EXO_E_ARG);
	CHECK(create(&actors[0], UINT64_MAX, UINT64_MAX, UINT64_MAX) == -EXO_E_ARG);
	CHECK(edf_ledger_reserved(0) == 0);
	CHECK(create(&actors[0], 1, 100 * US, EDF_PERIOD_MAX - 1) == 0);
	CHECK(create(&actors[1], 1 * MS, 0, 10 * MS) == 0); /* deadline: the period */
	CHECK(actors[1].thread.own_urgency < actors[0].thread.own_urgency);
}

static void densities_are_exact(void)
{
	for (unsigned int i = 0; i < 100000; i++) {
		const uint64_t deadline = 100 * US + machine_random(EDF_PERIOD_MAX - 100 * US);
		const struct edf_contract some = { deadline, 1 + machine_random(deadline),
						   deadline };
		const unsigned __int128 exact = (unsigned __int128)some.budget << 48;

		CHECK(edf_density(&some) == (uint64_t)((exact + deadline - 1) / deadline));
	}
}

static void more_than_the_limit_is_refused(void)
{
	const uint64_t limit = CONFIG_SCHED_EDF_LIMIT;

	start(1);
	CHECK(create(&actors[0], limit * 100 * US + 1, 0, 10 * MS) == -EXO_E_BUSY);
	CHECK(create(&actors[0], limit * 50 * US, 0, 10 * MS) == 0);
	CHECK(create(&actors[1], limit * 50 * US + 1, 0, 10 * MS) == -EXO_E_BUSY);
	/* By the deadline, not by the period. */
	CHECK(create(&actors[1], limit * 50 * US, 9 * MS, 10 * MS) == -EXO_E_BUSY);
	/* Each is rounded up: two halves of the limit may be a little too much. */
	CHECK(create(&actors[1], limit * 50 * US - 1, 0, 10 * MS) == 0);
	CHECK(create(&actors[2], 2, 0, 10 * MS) == -EXO_E_BUSY);
	CHECK(create(&actors[2], 0, 0, 0) == 0);
}

static void the_emptiest_allowed_cpu_is_chosen(void)
{
	if (CPUS < 4)
		return;
	start(4);
	for (unsigned int i = 0; i < 6; i++)
		cpu_set_all(&actors[i].thread.affinity);
	CHECK(create(&actors[0], 5 * MS, 0, 10 * MS) == 0);
	CHECK(create(&actors[1], 4 * MS, 0, 10 * MS) == 0);
	CHECK(create(&actors[2], 3 * MS, 0, 10 * MS) == 0);
	CHECK(create(&actors[3], 2 * MS, 0, 10 * MS) == 0);
	CHECK(create(&actors[4], 1 * MS, 0, 10 * MS) == 0);
	CHECK(actors[0].thread.home != actors[1].thread.home);
	CHECK(actors[4].thread.home == actors[3].thread.home);
	cpu_set_clear(&actors[5].thread.affinity);
	cpu_set_add(&actors[5].thread.affinity, 0);
	CHECK(create(&actors[5], 9 * MS, 0, 10 * MS) == -EXO_E_BUSY);
	CHECK(create(&actors[5], 1 * MS, 0, 10 * MS) == 0);
	CHECK(actors[5].thread.home == cpus[0]);
}

/* What an ended thread had reserved is free from its deadline on. */
static void what_is_given_back_comes_back_at_the_deadline(void)
{
	uint64_t begin;

	start(1);
	begin = clock_ns();
	CHECK(create(&actors[0], 8 * MS, 0, 10 * MS) == 0);
	actors[0].cost = 8 * MS;
	behave(&actors[0], machine_exit, begin);
	machine_run(begin + 9 * MS);
	CHECK(actors[0].state == ACTOR_DEAD);
	CHECK(create(&actors[1], 8 * MS, 0, 10 * MS) == -EXO_E_BUSY);
	machine_run(begin + 10 * MS);
	CHECK(create(&actors[1], 8 * MS, 0, 10 * MS) == 0);
}

static void new_parameters_come_with_the_next_period(void)
{
	struct sched_parameters parameters;
	struct actor *actor = &actors[0];
	uint64_t begin;

	start(1);
	begin = clock_ns();
	CHECK(create(actor, 4 * MS, 0, 10 * MS) == 0);
	behave(actor, greedy, begin);
	machine_run(begin + MS);
	parameters = contract(20 * MS, 0, 20 * MS);
	CHECK(machine_set_parameters(actor, &parameters) == -EXO_E_BUSY);
	parameters = contract(16 * MS, 0, 20 * MS);
	CHECK(machine_set_parameters(actor, &parameters) == 0);
	CHECK(edf_ledger_reserved(0) > EDF_WHOLE / 10 * 7);
	machine_run(begin + 10 * MS);
	CHECK(actor->ran == 4 * MS);
	machine_run(begin + 50 * MS);
	CHECK(actor->ran == 4 * MS + 2 * 16 * MS);
	/* Less: what was reserved is kept until then. */
	parameters = contract(2 * MS, 0, 20 * MS);
	CHECK(machine_set_parameters(actor, &parameters) == 0);
	CHECK(edf_ledger_reserved(0) > EDF_WHOLE / 10 * 7);
	machine_run(begin + 71 * MS);
	CHECK(edf_ledger_reserved(0) < EDF_WHOLE / 10 * 2);
	/* None, and one again. */
	parameters = contract(0, 0, 0);
	CHECK(machine_set_parameters(actor, &parameters) == 0);
	machine_run(begin + 91 * MS);
	CHECK(edf_ledger_reserved(0) == 0 && actor->thread.own_urgency == 0);
	parameters = contract(2 * MS, 0, 20 * MS);
	CHECK(machine_set_parameters(actor, &parameters) == 0);
	actor->ran = 0;
	begin = clock_ns();
	machine_run(begin + 200 * MS);
	CHECK(actor->ran == 20 * MS);
}

/* A thread whose affinity sends it to another CPU takes its contract along, or loses it. */
static void a_contract_moves_if_there_is_room(void)
{
	struct thread *thread = &actors[0].thread;

	if (CPUS < 2)
		return;
	start(2);
	CHECK(create(&actors[0], 6 * MS, 0, 10 * MS) == 0 && thread->home == cpus[0]);
	CHECK(create(&actors[1], 5 * MS, 0, 10 * MS) == 0);
	CHECK(actors[1].thread.home == cpus[1]);
	thread->home = cpus[1];
	policy_enqueue(&queues[1], thread, ENQUEUE_WOKEN);
	CHECK(thread->sched.edf.place == EDF_BACKGROUND && thread->own_urgency == 0);
	CHECK(edf_ledger_reserved(0) == 0 && policy_take(&queues[1], thread));
	thread->home = cpus[0];
	policy_enqueue(&queues[0], &actors[1].thread, ENQUEUE_WOKEN);
	CHECK(actors[1].thread.sched.edf.place == EDF_READY);
	CHECK(edf_ledger_reserved(0) == EDF_WHOLE / 2 && edf_ledger_reserved(1) == 0);
}

/* --- lending -----------------------------------------------------------------------------------*/

static void lent_urgency_runs_first_and_is_paid_for(void)
{
	uint64_t begin;

	start(1);
	begin = clock_ns();
	CHECK(create(&actors[0], 2 * MS, 0, 10 * MS) == 0);
	CHECK(create(&actors[1], 5 * MS, 0, 100 * MS) == 0);
	CHECK(create(&actors[2], 0, 0, 0) == 0);
	for (unsigned int i = 0; i < 3; i++)
		behave(&actors[i], greedy, begin);
	machine_run(begin + 20 * MS);
	CHECK(actors[1].ran == 5 * MS);
	/* Throttled until 100 ms; with the urgency of a shorter deadline it runs at once. */
	CHECK(!policy_take(&queues[0], &actors[1].thread));
	actors[1].thread.urgency = actors[0].thread.own_urgency;
	machine_requeue(&actors[1]);
	machine_run(begin + 30 * MS);
	CHECK(actors[1].ran == 15 * MS && actors[0].ran == 4 * MS);
	actors[1].thread.urgency = actors[1].thread.own_urgency;
	machine_requeue(&actors[1]);
	/* 10 ms are owed: two periods' budgets. */
	machine_run(begin + 300 * MS);
	CHECK(actors[1].ran == 15 * MS);
	machine_run(begin + 350 * MS);
	CHECK(actors[1].ran == 20 * MS);
	/* A thread without a deadline. */
	actors[2].thread.urgency = 100;
	machine_requeue(&actors[2]);
	actors[2].ran = 0;
	machine_run(begin + 360 * MS);
	CHECK(actors[2].ran == 10 * MS);
}

static void directed_yield_is_no_way_round_a_deadline(void)
{
	uint64_t begin;

	start(1);
	begin = clock_ns();
	CHECK(create(&actors[0], 2 * MS, 0, 10 * MS) == 0);
	CHECK(create(&actors[1], 2 * MS, 0, 20 * MS) == 0);
	for (unsigned int i = 2; i < 5; i++)
		CHECK(create(&actors[i], 0, 0, 0) == 0);
	for (unsigned int i = 0; i < 5; i++)
		behave(&actors[i], greedy, begin);
	machine_run(begin + MS);
	CHECK(machine_yield_to(&actors[2]) == -EXO_E_AGAIN);
	CHECK(machine_yield_to(&actors[1]) == 0);
	machine_run(begin + 9 * MS);
	CHECK(actors[0].ran == 2 * MS && actors[1].ran == 2 * MS);
	CHECK(machine_yield_to(&actors[0]) == -EXO_E_AGAIN);
	/* Two that give each other the CPU do not keep the others from it. */
	for (unsigned int i = 0; i < 20000; i++) {
		if (cpus[0]->current == &actors[2].thread)
			machine_yield_to(&actors[3]);
		else if (cpus[0]->current == &actors[3].thread)
			machine_yield_to(&actors[2]);
		machine_run(clock_ns() + 100 * US);
	}
	CHECK(actors[4].longest_wait < 100 * MS);
	CHECK(actors[4].ran > 300 * MS);
}

static const struct machine_case cases[] = {
#define CASE(function)              \
	{                           \
		function, #function \
	}
	CASE(no_deadline_is_missed),
	CASE(overrun_makes_nobody_late),
	CASE(a_throttled_thread_gets_its_budget_and_no_more),
	CASE(the_background_takes_turns_within_its_bound),
	CASE(contracts_that_make_no_sense_are_refused),
	CASE(densities_are_exact),
	CASE(more_than_the_limit_is_refused),
	CASE(the_emptiest_allowed_cpu_is_chosen),
	CASE(what_is_given_back_comes_back_at_the_deadline),
	CASE(new_parameters_come_with_the_next_period),
	CASE(a_contract_moves_if_there_is_room),
	CASE(lent_urgency_runs_first_and_is_paid_for),
	CASE(directed_yield_is_no_way_round_a_deadline),
};

int main(void)
{
	return machine_main(cases, ARRAY_SIZE(cases), __FILE__, &failed_line);
}
