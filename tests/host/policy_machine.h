/* SPDX-License-Identifier: MIT */
/*
 * One simulated CPU for tests of scheduling policies on the host: a clock that goes from event to
 * event, timers, and a small core that calls the policy as the real one does. It checks on the way
 * that nothing runs that is not ready and that the CPU does not idle while somebody is ready.
 */
#ifndef POLICY_MACHINE_H
#define POLICY_MACHINE_H

#include "../../kernel/sched/policy_common.h"

#include <exo/thread.h>

enum actor_state { ACTOR_NEW, ACTOR_BLOCKED, ACTOR_READY, ACTOR_RUNNING, ACTOR_DEAD };

/* A thread and what it does. All zero but for what the test sets. */
struct actor {
	struct thread thread;
	enum actor_state state;
	uint64_t work; /* ns to run until next() is called */
	/* Gives it work, or has it sleep (and gives it work for later) or exit. */
	void (*next)(struct actor *actor);
	bool yields; /* calls thread_yield() when its work is done */
	uint64_t ran; /* ns, in all */
	uint64_t turns; /* times it was switched to */
	uint64_t ready_since, longest_wait; /* ns without running while it wanted to */
	/* The test's own. */
	uint64_t period, cost, deadline, release, jobs, misses;
};

/* The policy: its headers' functions are inline, so the test hands them over. */
struct machine_policy {
	struct run_queue *(*queue)(cpu_t cpu); /* all zero */
	void (*init)(struct run_queue *queue, struct cpu *cpu);
	int (*admit)(struct thread *thread, const struct sched_parameters *parameters);
	void (*leave)(struct thread *thread);
	void (*enqueue)(struct run_queue *queue, struct thread *thread, enum enqueue_reason why);
	void (*remove)(struct run_queue *queue, struct thread *thread);
	struct thread *(*pick)(struct run_queue *queue);
	struct thread *(*yield)(struct run_queue *queue, struct thread *current);
	bool (*take)(struct run_queue *queue, struct thread *thread);
	bool (*preempts)(const struct thread *ready, const struct thread *current);
	bool (*slice_end)(struct run_queue *queue, struct thread *current);
	unsigned int (*length)(const struct run_queue *queue);
	void (*running)(struct run_queue *queue, struct thread *next);
	void (*stopped)(struct run_queue *queue, struct thread *previous);
};

/* clang-format off */
#define MACHINE_POLICY(queue_function)                                                      \
	{ .queue = (queue_function), .init = policy_init, .admit = policy_admit,            \
	  .leave = policy_leave, .enqueue = policy_enqueue, .remove = policy_remove,        \
	  .pick = policy_pick,                                                              \
	  .yield = policy_yield, .take = policy_take, .preempts = policy_preempts,          \
	  .slice_end = policy_slice_end, .length = policy_length, .running = policy_running, \
	  .stopped = policy_stopped }
/* clang-format on */

/* Forgets everything and starts a machine with @count CPUs, of which the first runs. */
void machine_start(unsigned int count, const struct machine_policy *policy);

/* Makes an actor as thread_create() would: returns what policy_admit() says. */
int machine_create(struct actor *actor, const struct sched_parameters *parameters);

/* Lets a new actor start at a time. */
void machine_start_at(struct actor *actor, uint64_t when);

/* Runs up to a time. */
void machine_run(uint64_t until);

/* From actor->next(): */
void machine_sleep(struct actor *actor, uint64_t until);
void machine_exit(struct actor *actor);

/* Between two runs. By the running actor: -EXO_E_AGAIN if the policy refuses. */
int machine_yield_to(struct actor *actor);

/* Between two runs: the urgency of @actor has changed. */
void machine_requeue(struct actor *actor);

/* Between two runs: what thread_set_parameters() does, nothing being lent. */
int machine_set_parameters(struct actor *actor, const struct sched_parameters *parameters);

uint64_t machine_idle_ns(void);
uint64_t machine_switches(void);

struct machine_case {
	void (*run)(void);
	const char *name;
};

/* Runs the cases; @failed_line: set by one that fails. Prints TAP; returns main()'s status. */
int machine_main(const struct machine_case *cases, unsigned int count, const char *file,
		 unsigned int *failed_line);

/* Xorshift. */
void machine_seed(uint64_t seed);
uint64_t machine_random(uint64_t bound);

#endif
