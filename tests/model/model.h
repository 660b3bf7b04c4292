/* SPDX-License-Identifier: MIT */
/*
 * Checking the lock-free headers with Relacy, against the memory model of C11: every load may give
 * any value that the model allows, not only what x86 would give.
 *
 * A program has a few cases, each a class with threads. A small one is searched in full, every
 * interleaving; a larger one with a bound on the number of switches, and then at random. What was
 * done is printed before each case's result. A program with BROKEN has a mistake in it (port.py, or
 * a macro), and succeeds if one of the cases finds it.
 */
#ifndef TESTS_MODEL_MODEL_H
#define TESTS_MODEL_MODEL_H

#include <relacy/relacy.hpp>

#include <cstdint>
#include <cstdio>
#include <sstream>

/* <exo/compiler.h> */
#define likely(x) (x)
#define unlikely(x) (x)

/* <stdatomic.h> */
#define memory_order_relaxed rl::mo_relaxed
#define memory_order_acquire rl::mo_acquire
#define memory_order_release rl::mo_release
#define memory_order_acq_rel rl::mo_acq_rel
#define memory_order_seq_cst rl::mo_seq_cst
#define atomic_load_explicit(object, order) (object)->load(order, $)
#define atomic_store_explicit(object, value, order) (object)->store(value, order, $)
#define atomic_exchange_explicit(object, value, order) (object)->exchange(value, order, $)
#define atomic_fetch_or_explicit(object, value, order) (object)->fetch_or(value, order, $)
#define atomic_fetch_and_explicit(object, value, order) (object)->fetch_and(value, order, $)
/* A failure without cause goes the same way as any other, but there would be no end of them. */
#define atomic_compare_exchange_weak_explicit atomic_compare_exchange_strong_explicit
#define atomic_compare_exchange_strong_explicit(object, expected, value, order, failure) \
	(object)->compare_exchange_strong(*(expected), value, order, $, failure, $)

/* What headers use that programs written in C++ include, too. */
#undef __ATOMIC_RELAXED
#undef __ATOMIC_ACQUIRE
#undef __ATOMIC_RELEASE
#undef __ATOMIC_ACQ_REL
#define __ATOMIC_RELAXED rl::mo_relaxed
#define __ATOMIC_ACQUIRE rl::mo_acquire
#define __ATOMIC_RELEASE rl::mo_release
#define __ATOMIC_ACQ_REL rl::mo_acq_rel
#define __atomic_load_n(object, order) (object)->load(order, $)
#define __atomic_store_n(object, value, order) (object)->store(value, order, $)
#define __atomic_exchange_n(object, value, order) (object)->exchange(value, order, $)
#define __atomic_fetch_or(object, value, order) (object)->fetch_or(value, order, $)
#define __atomic_compare_exchange_n(object, expected, value, weak, order, failure) \
	(object)->compare_exchange_strong(*(expected), value, order, $, failure, $)

#define FULL 0 /* a bound: none */
#define RANDOM UINT32_MAX
#define MANY 2000000000 /* a full search ends by itself */

static unsigned int model_cases;
static bool model_found;

/* How a case with such a bound is searched. */
template <unsigned int bound, int threads> struct model_scheduler {
	typedef rl::context_bound_scheduler<threads> type;
};
template <int threads> struct model_scheduler<FULL, threads> {
	typedef rl::full_search_scheduler<threads> type;
};
template <int threads> struct model_scheduler<RANDOM, threads> {
	typedef rl::random_scheduler<threads> type;
};

/*
 * rl::simulate() with one scheduler. That one chooses among three when it runs, so that each case
 * is compiled three times, which takes longer than all else here.
 */
template <typename T, typename scheduler> static bool model_simulate(rl::test_params &parameters)
{
	rl::ostringstream state, again;

	if (rl::run_test<T, scheduler>(parameters, state, false) == rl::test_result_success)
		return true;
	/* The same once more, for the history of it. */
	parameters.initial_state = state.str();
	parameters.collect_history = true;
	rl::run_test<T, scheduler>(parameters, again, true);
	return false;
}

/* Runs a case; what is wrong with it, if anything, goes to stdout. */
template <typename T, unsigned int bound>
static void model(const char *name, unsigned int iterations)
{
	std::ostringstream report, nowhere;
	rl::test_params parameters;

	if (model_found)
		return;
	parameters.test_name = name;
	parameters.search_type = bound == FULL	   ? rl::sched_full
				 : bound == RANDOM ? rl::sched_random
						   : rl::sched_bound;
	parameters.context_bound = bound;
	parameters.iteration_count = iterations;
	parameters.output_stream = &report;
	parameters.progress_stream = &nowhere;
	typedef typename model_scheduler<bound, T::params::thread_count>::type scheduler;
	model_found = !model_simulate<T, scheduler>(parameters);
#ifdef BROKEN
	if (model_found)
		printf("1..1\n# by %s, after %llu: %s\nok 1 - is_caught\n", name,
		       (unsigned long long)parameters.stop_iteration,
		       rl::test_result_str(parameters.test_result));
#else
	printf("# %s: %llu ", name, (unsigned long long)parameters.stop_iteration);
	if (bound == FULL)
		printf("interleavings, all there are\n");
	else if (bound == RANDOM)
		printf("at random\n");
	else
		printf("with up to %u switches\n", bound);
	if (model_found)
		printf("# %s\n%s", rl::test_result_str(parameters.test_result),
		       report.str().c_str());
	printf("%sok %u - %s\n", model_found ? "not " : "", ++model_cases, name);
#endif
	fflush(stdout);
}

/* A case that is not needed to find a mistake: to compile one takes seconds. */
template <typename T, unsigned int bound>
static void model_more(const char *name, unsigned int iterations)
{
#ifndef BROKEN
	model<T, bound>(name, iterations);
#endif
}

/* The end of main(). */
static inline int model_end(void)
{
#ifdef BROKEN
	if (!model_found)
		printf("1..1\n# no case finds the mistake\nnot ok 1 - is_caught\n");
	return !model_found;
#else
	printf("1..%u\n", model_cases);
	return model_found;
#endif
}

#endif
