/* SPDX-License-Identifier: MIT */
/* The other threads of a benchmark, on the same CPU as its own. */
#ifndef THREAD_BENCH_PARTNER_H
#define THREAD_BENCH_PARTNER_H

#include <exo/bench.h>
#include <exo/thread.h>

#define PRIORITY_URGENT 200

/*
 * Between these two the benchmark's own thread stays on its CPU, and both attributes belong there;
 * unless there is only this CPU: then nothing is restricted, which is what policies are fastest at.
 */
void bench_stay_here(void);
void bench_go_anywhere(void);

extern struct thread_attributes bench_equal; /* as urgent as the benchmark's own thread */
extern struct thread_attributes bench_urgent; /* more urgent, if the policy knows urgency */

/* Makes a thread and starts it; without memory for it the benchmark cannot go on. */
struct thread *bench_partner(void (*entry)(void *argument), struct thread_attributes *attributes);

/* Ticks of one thread_yield() from one thread to the next, whatever the number of threads. */
uint64_t bench_yield(void);

#endif
