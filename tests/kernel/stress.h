/* SPDX-License-Identifier: MIT */
/*
 * What the stress command (stress.c) and its threads (stress_threads.c) share.
 *
 * There are as many slots as threads. slot->thread is valid under slot->lock, and NULL while nobody
 * may act on the thread: whoever joins it has taken it out. A spinlock, so that its holder cannot
 * be suspended, which could leave all waiting for each other.
 */
#ifndef TESTS_KERNEL_STRESS_H
#define TESTS_KERNEL_STRESS_H

#include "thread_support.h"

#include <exo/mutex.h>
#include <exo/semaphore.h>

#define STRESS_MUTEXES 16
#define STRESS_SEMAPHORES 16

struct stress_slot {
	struct spinlock lock;
	struct thread *thread;
	_Atomic bool taken; /* by a thread, or by one who makes or joins it */
	_Atomic bool inside;
	uint64_t seed;
};

struct stress {
	struct stress_slot *slots;
	unsigned int nr_slots;
	uint64_t seed;
	_Atomic uint64_t operations, created, refused;
	_Atomic unsigned int mistakes, live;
	_Atomic bool stop;
	struct mutex mutexes[STRESS_MUTEXES];
	_Atomic(uintptr_t) owners[STRESS_MUTEXES];
	struct semaphore semaphores[STRESS_SEMAPHORES];
	struct wait_queue crowd;
};

extern struct stress stress;

/* Counts a mistake; says what the first ones are. */
void stress_mistake(const char *what);

/* Starts a thread of the slot, unless there is one, or the end has come. */
void stress_make_thread(struct stress_slot *slot, uint64_t seed);

/* Joins the slot's thread if it ends before the deadline (ns); then the slot is free. */
void stress_join_thread(struct stress_slot *slot, uint64_t deadline);

/* Has it a thread that has ended and that nobody has joined? */
bool stress_has_ended(struct stress_slot *slot);

/* Resumes the slot's thread if there is one. */
void stress_resume(struct stress_slot *slot);

#endif
