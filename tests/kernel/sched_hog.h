/* SPDX-License-Identifier: MIT */
/*
 * Threads that want all of a CPU, and know how much of it they have got: for tests of policies.
 *
 * They note the time all the while. From one note to the next, somebody else's perhaps, it was the
 * first one's turn, also if the host stopped the CPU meanwhile: that is how policies count, too.
 */
#ifndef SCHED_HOG_H
#define SCHED_HOG_H

#include "../../kernel/sched/policy_common.h"

#include <exo/sched.h>
#include <exo/thread.h>

#define HOG_PATIENCE (20 * NS_PER_S) /* a guess: what the host upset is even again by then */

/* When no hog has run, but others have, the time between two notes this far apart is theirs. */
#define HOG_GAP (SCHED_SLICE_NS < 4 * NS_PER_MS ? SCHED_SLICE_NS / 2 : 2 * NS_PER_MS)

struct hog {
	struct thread *thread;
	_Atomic bool stop;
	bool yields; /* calls thread_yield() all the time */
	_Atomic uint64_t ran; /* ns */
};

/* The last note; the hogs' CPU alone uses it, interrupts off. */
static struct hog_note {
	struct hog *hog; /* NULL: it has ended */
	uint64_t time, switches;
} hog_last;

static inline void hog_note(struct hog *hog)
{
	const uint64_t flags = irq_save();
	const struct hog_note last = hog_last;

	hog_last = (struct hog_note){ hog, clock_ns(), thread_current()->switches };
	if (last.hog && (last.hog != hog || last.switches == hog_last.switches ||
			 hog_last.time - last.time < HOG_GAP))
		atomic_fetch_add_explicit(&last.hog->ran, hog_last.time - last.time,
					  memory_order_relaxed);
	irq_restore(flags);
}

static inline void hog_run(void *argument)
{
	struct hog *hog = argument;

	while (!atomic_load_explicit(&hog->stop, memory_order_relaxed)) {
		hog_note(hog);
		if (hog->yields || !IS_ENABLED(CONFIG_PREEMPT))
			thread_yield();
	}
	hog_note(hog);
	hog_last.hog = NULL;
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
