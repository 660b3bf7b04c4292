/* SPDX-License-Identifier: MIT */
/*
 * What all policies have in common; policy.h says what they must do. The files of a policy include
 * this through their own header and not policy.h, so that each also compiles on the host, whatever
 * is configured.
 */
#ifndef POLICY_COMMON_H
#define POLICY_COMMON_H

#include <exo/thread.h>

/* For host tests with a configuration without threads. */
#ifndef CONFIG_SCHED_SLICE_US
#define CONFIG_SCHED_SLICE_US 5000
#endif
#define SCHED_SLICE_NS (CONFIG_SCHED_SLICE_US * NS_PER_US)

struct run_queue;

enum enqueue_reason {
	ENQUEUE_WOKEN, /* new, woken, or come from another CPU */
	ENQUEUE_PREEMPTED, /* was running, and did not want to stop */
	ENQUEUE_SLICE_END, /* has used up its slice */
};

typedef void policy_visitor(struct thread *thread, void *context);

extern const char policy_name[];

/* The others are declared, or defined inline, by the policy's header. */
void policy_init(struct run_queue *queue, struct cpu *cpu);
int policy_admit(struct thread *thread, const struct sched_parameters *parameters);
void policy_leave(struct thread *thread);
bool policy_take(struct run_queue *queue, struct thread *thread);
struct thread *policy_give(struct run_queue *queue, const struct cpu *to);

#endif
