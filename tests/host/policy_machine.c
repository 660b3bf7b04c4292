/* SPDX-License-Identifier: MIT */
/*
 * The simulated CPU of policy_machine.h. Time stands still while anything but an actor's work
 * happens. The core's part follows kernel/sched/core.c: a slice timer that goes off while somebody
 * waits, a flag that wants a switch, the order of the calls to the policy.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arch/irq_flag.h>
#include <exo/sched.h>

#include "policy_machine.h"

static const struct machine_policy *machine_policy;

static struct {
	uint64_t now, idle, switches, tick_switches;
	struct priority_queue timers;
	struct timer slice;
	struct cpu cpus[NR_CPUS];
	struct thread idle_thread;
	bool slice_over;
} machine;

static uint64_t random_state;

#define MUST(condition)                                                          \
	do {                                                                     \
		if (!(condition)) {                                              \
			printf("# %s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                 \
		}                                                                \
	} while (0)

void machine_seed(uint64_t seed)
{
	random_state = seed * 0x9E3779B97F4A7C15ull + 1;
}

uint64_t machine_random(uint64_t bound)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (random_state >> 11) % bound;
}

uint64_t clock_ns(void)
{
	return machine.now;
}

uint64_t machine_idle_ns(void)
{
	return machine.idle;
}

uint64_t machine_switches(void)
{
	return machine.switches;
}

/* --- timers ------------------------------------------------------------------------------------*/

void timer_arm(struct timer *timer, uint64_t deadline)
{
	MUST(!timer->armed);
	timer->armed = true;
	timer->node.key = deadline;
	pq_insert(&machine.timers, &timer->node);
}

bool timer_cancel(struct timer *timer)
{
	const bool armed = timer->armed;

	if (armed)
		pq_remove(&machine.timers, &timer->node);
	timer->armed = false;
	return armed;
}

static void run_timers(void)
{
	struct pq_node *node;

	while ((node = pq_first(&machine.timers)) && node->key <= machine.now) {
		struct timer *timer = pq_entry(node, struct timer, node);

		timer_cancel(timer);
		timer->expire(timer);
	}
}

/* --- the core ----------------------------------------------------------------------------------*/

static struct cpu *cpu(void)
{
	return &machine.cpus[0];
}

static struct actor *actor_of(struct thread *thread)
{
	return container_of(thread, struct actor, thread);
}

static bool is_idle(void)
{
	return cpu()->current == cpu()->idle;
}

static void want_switch(void)
{
	cpu()->preempt &= ~PREEMPT_UNWANTED;
}

static void slice_end(struct timer *timer)
{
	if (machine_policy->length(cpu()->queue) == 0 || is_idle())
		return;
	if (machine.tick_switches == machine.switches &&
	    machine_policy->slice_end(cpu()->queue, cpu()->current)) {
		machine.slice_over = true;
		want_switch();
	}
	machine.tick_switches = machine.switches;
	timer_arm(timer, machine.now + CONFIG_SCHED_SLICE_US * NS_PER_US);
}

/* Ready, or throttled: alive in any case. */
static void wake(struct thread *thread)
{
	struct actor *actor = actor_of(thread);

	/* Twice for one that the policy itself kept back and now lets go. */
	if (actor->state != ACTOR_READY) {
		MUST(actor->state == ACTOR_BLOCKED || actor->state == ACTOR_NEW);
		actor->state = ACTOR_READY;
		actor->ready_since = machine.now;
	}
	machine_policy->enqueue(cpu()->queue, thread, ENQUEUE_WOKEN);
	if (!is_idle() && machine_policy->preempts(thread, cpu()->current))
		want_switch();
	if (!machine.slice.armed) {
		machine.tick_switches = machine.switches;
		timer_arm(&machine.slice, machine.now + CONFIG_SCHED_SLICE_US * NS_PER_US);
	}
}

void sched_wake(struct thread *thread)
{
	MUST(thread->home == cpu());
	wake(thread);
}

void sched_kick(struct thread *thread)
{
	if (thread == cpu()->current)
		want_switch();
}

static void switch_to(struct thread *next)
{
	struct thread *previous = cpu()->current;

	machine_policy->stopped(cpu()->queue, previous);
	machine_policy->running(cpu()->queue, next);
	cpu()->current = next;
	machine.switches++;
	if (next == cpu()->idle)
		return;
	MUST(actor_of(next)->state == ACTOR_READY);
	actor_of(next)->turns++;
}

/* @thread was picked; NULL: the idle thread. */
static void start_turn(struct thread *thread)
{
	struct thread *next = thread ? thread : cpu()->idle;
	struct actor *actor;

	if (thread) {
		actor = actor_of(thread);
		if (machine.now - actor->ready_since > actor->longest_wait)
			actor->longest_wait = machine.now - actor->ready_since;
		actor->ready_since = machine.now;
	}
	if (next != cpu()->current)
		switch_to(next);
	if (thread)
		actor_of(thread)->state = ACTOR_RUNNING;
}

static void stop_turn(void)
{
	actor_of(cpu()->current)->state = ACTOR_READY;
	actor_of(cpu()->current)->ready_since = machine.now;
}

static void switch_if_wanted(void)
{
	const bool wanted = !(cpu()->preempt & PREEMPT_UNWANTED);

	cpu()->preempt |= PREEMPT_UNWANTED;
	if (is_idle()) {
		struct thread *thread = machine_policy->pick(cpu()->queue);

		if (thread)
			start_turn(thread);
		return;
	}
	if (!wanted)
		return;
	stop_turn();
	machine_policy->enqueue(cpu()->queue, cpu()->current,
				machine.slice_over ? ENQUEUE_SLICE_END : ENQUEUE_PREEMPTED);
	machine.slice_over = false;
	start_turn(machine_policy->pick(cpu()->queue));
}

/* The running actor's work is done. */
static void job_end(struct actor *actor)
{
	actor->state = ACTOR_READY;
	actor->next(actor);
	if (actor->state != ACTOR_READY) {
		machine_policy->remove(cpu()->queue, &actor->thread);
		cpu()->preempt |= PREEMPT_UNWANTED;
		start_turn(machine_policy->pick(cpu()->queue));
	} else if (actor->yields) {
		stop_turn();
		start_turn(machine_policy->yield(cpu()->queue, &actor->thread));
	} else {
		actor->state = ACTOR_RUNNING;
	}
}

int machine_yield_to(struct actor *actor)
{
	struct thread *current = cpu()->current;

	MUST(!is_idle() && current != &actor->thread);
	if (!machine_policy->take(cpu()->queue, &actor->thread))
		return -EXO_E_AGAIN;
	stop_turn();
	machine_policy->enqueue(cpu()->queue, current, ENQUEUE_PREEMPTED);
	start_turn(&actor->thread);
	return 0;
}

static void woken(struct timer *timer)
{
	wake(container_of(timer, struct thread, timeout));
}

void machine_sleep(struct actor *actor, uint64_t until)
{
	MUST(actor->state == ACTOR_READY);
	actor->state = ACTOR_BLOCKED;
	timer_arm(&actor->thread.timeout, until > machine.now ? until : machine.now);
}

void machine_exit(struct actor *actor)
{
	MUST(actor->state == ACTOR_READY);
	actor->state = ACTOR_DEAD;
	machine_policy->leave(&actor->thread);
}

void machine_requeue(struct actor *actor)
{
	if (machine_policy->take(cpu()->queue, &actor->thread)) {
		machine_policy->enqueue(cpu()->queue, &actor->thread, ENQUEUE_WOKEN);
		if (!is_idle() && machine_policy->preempts(&actor->thread, cpu()->current))
			want_switch();
	} else if (&actor->thread == cpu()->current) {
		want_switch();
	}
	switch_if_wanted();
}

int machine_set_parameters(struct actor *actor, const struct sched_parameters *parameters)
{
	const int error = machine_policy->admit(&actor->thread, parameters);

	if (error)
		return error;
	actor->thread.urgency = actor->thread.own_urgency;
	machine_requeue(actor);
	return 0;
}

/* --- from outside ------------------------------------------------------------------------------*/

void machine_start(unsigned int count, const struct machine_policy *policy)
{
	const uint64_t now = machine.now;

	irq_save(); /* from now on: policies are called with interrupts off */
	memset(&machine, 0, sizeof(machine));
	machine.now = now + NS_PER_S;
	machine_policy = policy;
	timer_prepare(&machine.slice, slice_end);
	nr_cpus_online = count;
	for (cpu_t number = 0; number < count; number++) {
		struct cpu *one = &machine.cpus[number];

		cpus[number] = one;
		one->self = one;
		one->number = number;
		one->preempt = PREEMPT_UNWANTED;
		one->idle = one->current = &machine.idle_thread;
		one->queue = policy->queue(number);
		policy->init(one->queue, one);
	}
}

int machine_create(struct actor *actor, const struct sched_parameters *parameters)
{
	int error;

	timer_prepare(&actor->thread.timeout, woken);
	if (!cpu_set_has(&actor->thread.affinity, 0))
		cpu_set_all(&actor->thread.affinity);
	error = machine_policy->admit(&actor->thread, parameters);
	if (error)
		return error;
	if (!actor->thread.home)
		actor->thread.home = cpu();
	actor->thread.urgency = actor->thread.own_urgency;
	return 0;
}

void machine_start_at(struct actor *actor, uint64_t when)
{
	timer_arm(&actor->thread.timeout, when);
}

/* To the next event; actors' work is the only thing that takes time. */
static void step(uint64_t until)
{
	struct actor *actor = is_idle() ? NULL : actor_of(cpu()->current);
	uint64_t next = until, ns;

	if (pq_first(&machine.timers) && pq_first(&machine.timers)->key < next)
		next = pq_first(&machine.timers)->key;
	if (next < machine.now)
		next = machine.now;
	if (actor && actor->work < next - machine.now)
		next = machine.now + actor->work;
	ns = next - machine.now;
	machine.now = next;
	if (actor) {
		MUST(actor->state == ACTOR_RUNNING);
		actor->work -= ns;
		actor->ran += ns;
	} else {
		machine.idle += ns;
	}
	run_timers();
	if (actor && actor->work == 0 && cpu()->current == &actor->thread)
		job_end(actor);
	switch_if_wanted();
	/* Nobody is lost: an idle CPU has nobody ready. */
	if (is_idle())
		MUST(machine_policy->length(cpu()->queue) == 0);
}

void machine_run(uint64_t until)
{
	while (machine.now < until)
		step(until);
}

int machine_main(const struct machine_case *cases, unsigned int count, const char *file,
		 unsigned int *failed_line)
{
	unsigned int failed = 0;

	printf("TAP version 13\n1..%u\n", count);
	machine_seed(1);
	for (unsigned int i = 0; i < count; i++) {
		*failed_line = 0;
		cases[i].run();
		if (*failed_line)
			printf("# %s:%u\n", file, *failed_line);
		printf("%sok %u - %s\n", *failed_line ? "not " : "", i + 1, cases[i].name);
		failed += *failed_line != 0;
	}
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
