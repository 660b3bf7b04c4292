/* SPDX-License-Identifier: MIT */
/*
 * Many threads at once on the host: for programs that count whether each item comes out just once
 * and in order, and that run under ThreadSanitizer as well (tsan.* of scripts/test).
 */
#ifndef TESTS_HOST_STRESS_H
#define TESTS_HOST_STRESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* After <setjmp.h>, <stdarg.h>, <stddef.h> and <stdint.h>, which it needs. */
#include <cmocka.h>

#include <exo/compiler.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

#define STRESS_THREADS 8
#define STRESS_SEED 88172645463325252ull

struct stress_thread {
	void (*run)(unsigned int number);
	unsigned int number;
	pthread_barrier_t *start;
	pthread_t thread;
};

static inline void *stress_start(void *argument)
{
	const struct stress_thread *thread = argument;

	pthread_barrier_wait(thread->start);
	thread->run(thread->number);
	return NULL;
}

/* Runs @first for thread 0 .. @nr_first - 1 and @second for as many as it says, all together. */
static inline void stress_run(unsigned int nr_first, void (*first)(unsigned int number),
			      unsigned int nr_second, void (*second)(unsigned int number))
{
	struct stress_thread threads[STRESS_THREADS];
	pthread_barrier_t start;

	assert_true(nr_first + nr_second <= STRESS_THREADS);
	assert_int_equal(pthread_barrier_init(&start, NULL, nr_first + nr_second), 0);
	for (unsigned int i = 0; i < nr_first + nr_second; i++) {
		threads[i] = (struct stress_thread){ .run = i < nr_first ? first : second,
						     .number = i < nr_first ? i : i - nr_first,
						     .start = &start };
		assert_int_equal(
			pthread_create(&threads[i].thread, NULL, stress_start, &threads[i]), 0);
	}
	for (unsigned int i = 0; i < nr_first + nr_second; i++)
		assert_int_equal(pthread_join(threads[i].thread, NULL), 0);
	pthread_barrier_destroy(&start);
}

/* Now and then lets another thread run here: there are more threads than CPUs. */
static inline void stress_pause(uint64_t *random)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	if (*random % 64 == 0)
		sched_yield();
}

/* A mistake that any thread may find; the first one is kept. */
static const char *_Atomic stress_mistake;

static inline void stress_wrong(const char *what)
{
	const char *none = NULL;

	atomic_compare_exchange_strong(&stress_mistake, &none, what);
}

/* At the end of a case. */
static inline void stress_check(void)
{
	const char *const mistake = atomic_exchange(&stress_mistake, NULL);

	if (mistake)
		fail_msg("%s", mistake);
}

static inline int stress_main(const struct CMUnitTest *tests, size_t count, const char *name)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return _cmocka_run_group_tests(name, tests, count, NULL, NULL);
}

#endif
