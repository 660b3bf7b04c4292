/* SPDX-License-Identifier: MIT */
/*
 * The fuzzer of system calls: what its parts share.
 *
 * A controller (fuzz.c) starts workers: environments of this program, each with a bank of its own
 * and FUZZ_THREADS threads (fuzz_worker.c) that make calls with made-up arguments
 * (fuzz_arguments.c). What a thread calls follows from the seed and from which thread of which
 * worker it is, the how-many-eth, and from nothing that calls have returned: so a seed repeats the
 * calls, but for deadlines, whatever other threads do in between.
 *
 * Which slot has what is fixed, by ranges; whether anything is in it is left to chance. A worker
 * also has capabilities to objects that the others know, and to the next worker's environment. It
 * may well destroy itself: then the controller starts another one in its place.
 */
#ifndef TESTS_USER_FUZZ_H
#define TESTS_USER_FUZZ_H

#include <libexo/exo.h>
#include <stdbool.h>
#include <uapi/exo/info.h>

#define FUZZ_THREADS 2u /* of each worker that make calls */
#define FUZZ_WORKERS_MAX 8u
#define FUZZ_CALLS 32u /* numbers of calls */
#define FUZZ_RING 8u /* calls that are remembered of each thread */
#define FUZZ_FIRST 1000u /* calls after which a thread says what its calls were, as a number */

struct fuzz_call {
	uint64_t number; /* what goes into EAX */
	uint64_t arguments[6];
};

/* A page that a worker and the controller share. */
struct fuzz_shared {
	uint64_t seed;
	uint32_t worker, generation;
	struct fuzz_progress {
		uint64_t calls; /* made, or begun */
		uint64_t first; /* of FUZZ_FIRST calls, but for deadlines; 0: not so many yet */
		struct fuzz_call ring[FUZZ_RING]; /* call number n is at n % FUZZ_RING */
	} threads[FUZZ_THREADS];
	uint32_t succeeded[FUZZ_CALLS]; /* by number */
};

_Static_assert(sizeof(struct fuzz_shared) <= 4096, "one page");

#define FUZZ_SHARED_ADDRESS UINT64_C(0x20000000000)
#define FUZZ_EDGE_ADDRESS UINT64_C(0x28000000000) /* a page with nothing behind it */
#define FUZZ_MAP_ADDRESS UINT64_C(0x30000000000) /* where frames are mapped */

/* Slots of a worker. What a range is for is also what fuzz_pools[] says. */
enum fuzz_slot {
	FUZZ_SHARED = 900,
	/* From the controller: known to all workers. */
	FUZZ_COMMON_BANK = 904,
	FUZZ_COMMON_NTF,
	FUZZ_COMMON_FRAME,
	FUZZ_NEXT_ENV,
	FUZZ_COMMON_EP,
	/* The worker's own. */
	FUZZ_BANKS = 1024,
	FUZZ_NTFS = FUZZ_BANKS + 4,
	FUZZ_THREAD_SLOTS = FUZZ_NTFS + 4,
	FUZZ_ENVS = FUZZ_THREAD_SLOTS + 8,
	FUZZ_FRAMES = FUZZ_ENVS + 2,
	FUZZ_EPS = FUZZ_FRAMES + 40,
	FUZZ_END = FUZZ_EPS + 4,
};

/* A generator of numbers: xorshift*. */
struct fuzz_random {
	uint64_t state;
};

static inline uint64_t fuzz_next(struct fuzz_random *random)
{
	random->state ^= random->state >> 12;
	random->state ^= random->state << 25;
	random->state ^= random->state >> 27;
	return random->state * UINT64_C(0x2545f4914f6cdd1d);
}

/* 0 .. @limit - 1. */
static inline uint64_t fuzz_below(struct fuzz_random *random, uint64_t limit)
{
	return (fuzz_next(random) >> 33) % limit;
}

/* True once in @times. */
static inline bool fuzz_once_in(struct fuzz_random *random, uint64_t times)
{
	return fuzz_below(random, times) == 0;
}

/* What a thread makes up calls with; and what its pointers lead to. */
struct fuzz_maker {
	struct fuzz_random random;
	uint64_t sum; /* of what was made up, but for deadlines */
	bool waited; /* the call before was one that waits for a message */
	uint64_t buffer[512]; /* what calls read and write */
};

/* Makes up a call. */
void fuzz_make(struct fuzz_maker *maker, struct fuzz_call *call);

/* Where threads begin that are made by calls: some calls, then it stops itself; needs no stack. */
void fuzz_thread_code(void);

/* main() of a worker. */
int fuzz_work(void);

#endif
