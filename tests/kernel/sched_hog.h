/* SPDX-License-Identifier: MIT */
/* Threads that want all of a CPU, and know how much of it they have got: for tests of policies. */
#ifndef SCHED_HOG_H
#define SCHED_HOG_H

#include "../../kernel/sched/policy_common.h"

#include <exo/thread.h>

/* The time between two readings of the clock this far apart somebody else has had; a guess. */
#define HOG_GAP (SCHED_SLICE_NS < 4 * NS_PER_MS ? SCHED_SLICE_NS / 2 : 2 * NS_PER_MS)

struct hog {
	struct thread *thread;
	_Atomic bool stop;
	bool yields; /* calls thread_yield() all the time */
	_Atomic uint64_t ran; /* ns */
};

static inline void hog_run(void *argument)
{
	struct hog *hog = argument;
	uint64_t last = clock_ns(), ran = 0;

	while (!atomic_load_explicit(&hog->stop, memory_order_relaxed)) {
		uint64_t now;

		if (hog->yields || !IS_ENABLED(CONFIG_PREEMPT))
			thread_yield();
		now = clock_ns();
		if (now - last < HOG_GAP)
			ran += now - last;
		last = now;
		atomic_store_explicit(&hog->ran, ran, memory_order_relaxed);
	}
}

/* All on the first CPU, as what they share is one CPU's time. Errors of thread_create(). */
static inline int hog_start(struct hog *hog, const struct sched_parameters *parameters)
{
	struct thread_attributes attributes = { .name = "hog", .parameters = *parameters };
	struct cpu_set first;
	int error;

	cpu_set_clear(&first);
	cpu_set_add(&first, 0);
	attributes.affinity = &first;
	atomic_store(&hog->stop, false);
	error = thread_create(&hog->thread, hog_run, hog, &attributes);
	if (!error)
		thread_start(hog->thread);
	return error;
}

static inline void hog_stop(struct hog *hog)
{
	atomic_store(&hog->stop, true);
	thread_join(hog->thread, DEADLINE_NEVER, NULL);
}

#endif
