/* SPDX-License-Identifier: MIT */
/* What smp_call() is made of (smp_call.c), for whoever waits in another way. */
#ifndef SMP_CALLS_H
#define SMP_CALLS_H

#include <exo/smp.h>
#include <uapi/exo/channel.h>

#define CALL_CELLS 4 /* log2, a guess: whoever finds no room waits */
#define CALL_BYTES 4 /* log2: a pointer */

struct smp_call {
	void (*function)(void *argument);
	void *argument;
	_Atomic unsigned int pending; /* CPUs that have not done it */
};

/* What other CPUs ask a CPU to run: a channel of struct smp_call *, asleep when it is empty. */
struct call_queue {
	uint64_t memory[EXO_CHANNEL_SIZE(CALL_CELLS, CALL_BYTES) / sizeof(uint64_t)] __aligned(64);
	struct exo_consumer consumer; /* that CPU's */
};

/* Of a CPU that nobody knows yet; @queue is zeroed. */
void smp_call_init(struct cpu *cpu, struct call_queue *queue);

/* Runs what others have queued here. Interrupts off. */
void smp_call_serve(void);

/*
 * Has another CPU run @call, which is set, this CPU counted in, and lives until it is done. Waits
 * for room if need be, and serves this CPU's calls meanwhile. Preemption off.
 */
void smp_call_send(struct smp_call *call, cpu_t cpu);

/* Waits until all have done it; serves this CPU's calls meanwhile. Preemption off. */
void smp_call_wait(struct smp_call *call);

#endif
