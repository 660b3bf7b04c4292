/* SPDX-License-Identifier: MIT */
/* What smp_call() is made of (smp_call.c), for whoever waits in another way. */
#ifndef SMP_CALLS_H
#define SMP_CALLS_H

#include <exo/smp.h>

struct smp_call {
	void (*function)(void *argument);
	void *argument;
	_Atomic unsigned int pending; /* nodes that are not done */
};

struct call_node {
	struct inject_node node;
	struct smp_call *call;
};

/* Runs what others have queued here. Interrupts off. */
void smp_call_serve(void);

/* Puts a node, whose call and its count are set, into the queue of another CPU. */
void smp_call_send(struct call_node *node, cpu_t cpu);

/* Waits until all nodes are done; serves this CPU's calls meanwhile. Preemption off. */
void smp_call_wait(struct smp_call *call);

#endif
