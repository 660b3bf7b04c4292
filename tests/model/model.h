/* SPDX-License-Identifier: MIT */
/*
 * Checking the lock-free headers with Relacy, against the memory model of C11: every load may give
 * any value that the model allows, not only what x86 would give. (Relacy keeps of each object the
 * newest value and two before it. A compare-and-exchange that fails has always seen the newest.)
 *
 * A program has a few cases, each a class of struct model_case. A small one is searched in all
 * orders (search.h), a larger one at random, and one whose threads wait for each other in a loop,
 * for which there is no end of orders, with a bound on the number of switches. What was done is
 * printed before each case's result. A program with BROKEN has a mistake in it (port.py, or a
 * macro), and succeeds if one of the cases finds it. It has #defined MODEL_THREADS, the most
 * threads of a case; with fewer the others do nothing.
 */
#ifndef TESTS_MODEL_MODEL_H
#define TESTS_MODEL_MODEL_H

#include <relacy/relacy.hpp>

#include <cstdint>
#include <cstdio>
#include <sstream>

#include <search.h>

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

/* What each thread is about to do, for search.h. */
static struct model_search::access model_accesses[model_search::THREADS];
static bool model_told[model_search::THREADS];

static inline void model_tell(const void *object, bool writes)
{
	const unsigned int self = rl::ctx().threadx_->index_;

	model_accesses[self] = { object, writes };
	model_told[self] = true;
}

/* An atomic object; each access to one is told. */
template <typename T> struct model_atomic : rl::atomic<T> {
	typedef rl::atomic<T> base;
	typedef rl::debug_info_param place;

	T load(rl::memory_order order, place info) const
	{
		model_tell(this, false);
		return base::load(order, info);
	}

	void store(T value, rl::memory_order order, place info)
	{
		model_tell(this, true);
		base::store(value, order, info);
	}

	T exchange(T value, rl::memory_order order, place info)
	{
		model_tell(this, true);
		return base::exchange(value, order, info);
	}

	T fetch_add(T value, rl::memory_order order, place info)
	{
		model_tell(this, true);
		return base::fetch_add(value, order, info);
	}

	T fetch_or(T value, rl::memory_order order, place info)
	{
		model_tell(this, true);
		return base::fetch_or(value, order, info);
	}

	T fetch_and(T value, rl::memory_order order, place info)
	{
		model_tell(this, true);
		return base::fetch_and(value, order, info);
	}

	bool compare_exchange_strong(T &expected, T value, rl::memory_order order, place info,
				     rl::memory_order failure, place again)
	{
		model_tell(this, true);
		return base::compare_exchange_strong(expected, value, order, info, failure, again);
	}
};

/* A fence: one step among those of all threads. */
static inline void model_fence(rl::debug_info_param info)
{
	static const char fences = 0;

	model_tell(&fences, true);
	rl::atomic_thread_fence(rl::mo_seq_cst, info);
}

/* Relacy's side of search.h. */
template <int threads>
class model_all_orders
    : public rl::scheduler<model_all_orders<threads>, rl::scheduler_thread_info, threads>
{
      public:
	typedef rl::scheduler<model_all_orders, rl::scheduler_thread_info, threads> base;
	typedef typename base::shared_context_t shared_context_t;
	struct task_t {
	};

	model_all_orders(rl::test_params &parameters, shared_context_t &context,
			 rl::thread_id_t dynamic)
	    : base(parameters, context, dynamic)
	{
		static_assert(threads <= model_search::THREADS, "search.h: THREADS");
	}

	/* All begin with what they do before they access anything. */
	rl::thread_id_t iteration_begin_impl()
	{
		search.begin();
		for (unsigned int i = 0; i < threads; i++)
			model_accesses[i] = { NULL, false };
		return pick();
	}

	bool iteration_end_impl()
	{
		return !search.next();
	}

	rl::thread_id_t schedule_impl(rl::unpark_reason &reason, unsigned int yields)
	{
		const unsigned int self = this->thread_->index_;

		assert(!yields);
		assert(this->thread_->state_ == rl::thread_state_finished || model_told[self]);
		reason = rl::unpark_reason_normal;
		return pick();
	}

	unsigned int rand_impl(unsigned int limit, rl::sched_type type)
	{
		return type == rl::sched_type_atomic_load ? search.choose_older()
							  : search.choose(limit);
	}

	void get_state_impl(std::ostream &stream)
	{
		search.save(stream);
	}

	void set_state_impl(std::istream &stream)
	{
		search.restore(stream);
	}

	rl::iteration_t iteration_count_impl()
	{
		return 1; /* of how many, for a progress that nobody sees */
	}

	void on_thread_block(rl::thread_id_t, bool)
	{
	}
	void purge_blocked_threads()
	{
	}
	void thread_finished_impl()
	{
	}

      private:
	model_search search;

	rl::thread_id_t pick()
	{
		unsigned int ready = 0;

		for (unsigned int i = 0; i < this->running_threads_count; i++)
			ready |= 1u << this->running_threads[i];

		const unsigned int picked = search.pick(ready, model_accesses);

		model_told[picked] = false;
		return picked;
	}
};

/* A case, made anew for each run: what its threads do, and what is checked at the end. */
struct model_case {
	virtual ~model_case()
	{
	}
	virtual void before() = 0;
	virtual void thread(unsigned int number) = 0;
	virtual void after() = 0;
};

static char model_memory[1 << 16] __attribute__((__aligned__(64)));
static struct model_case *(*model_make)(void);

template <typename T> static struct model_case *model_make_of(void)
{
	static_assert(sizeof(T) <= sizeof(model_memory), "model_memory");
	return new (model_memory) T;
}

/* Relacy's side of a case. It is what takes long to compile, so it is one for all of a program. */
struct model_suite : rl::test_suite<model_suite, MODEL_THREADS> {
	struct model_case *const running = model_make();

	~model_suite()
	{
		running->~model_case();
	}

	void before()
	{
		running->before();
	}

	void thread(unsigned int number)
	{
		running->thread(number);
	}

	void after()
	{
		running->after();
	}
};

#define ALL 0 /* a bound: none */
#define RANDOM UINT32_MAX
#define MANY 2000000000 /* such a search ends by itself */

static unsigned int model_cases;
static bool model_found;

/* How a case with such a bound is searched. */
template <unsigned int bound> struct model_scheduler {
	typedef rl::context_bound_scheduler<MODEL_THREADS> type;
};
template <> struct model_scheduler<ALL> {
	typedef model_all_orders<MODEL_THREADS> type;
};
template <> struct model_scheduler<RANDOM> {
	typedef rl::random_scheduler<MODEL_THREADS> type;
};

/*
 * rl::simulate() with one scheduler. That one chooses among three when it runs, so that each case
 * is compiled three times.
 */
template <typename scheduler> static bool model_simulate(rl::test_params &parameters)
{
	rl::ostringstream state, again;

	if (rl::run_test<model_suite, scheduler>(parameters, state, false) ==
	    rl::test_result_success)
		return true;
	/* The same once more, for the history of it. */
	parameters.initial_state = state.str();
	parameters.collect_history = true;
	rl::run_test<model_suite, scheduler>(parameters, again, true);
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
	/* Else a load gives the newest value or the one before, but none that is still older. */
	parameters.search_type = rl::sched_random;
	parameters.context_bound = bound;
	parameters.iteration_count = iterations - 1; /* the last one's number */
	parameters.output_stream = &report;
	parameters.progress_stream = &nowhere;
	model_make = model_make_of<T>;
	model_found = !model_simulate<typename model_scheduler<bound>::type>(parameters);
#ifdef BROKEN
	if (model_found)
		printf("1..1\n# by %s, after %llu: %s\nok 1 - is_caught\n", name,
		       (unsigned long long)parameters.stop_iteration,
		       rl::test_result_str(parameters.test_result));
#else
	const unsigned long long runs = parameters.stop_iteration + 1;

	if (bound == ALL)
		printf("# %s: all orders, in %llu runs\n", name, runs);
	else if (bound == RANDOM)
		printf("# %s: %llu runs at random\n", name, runs);
	else
		printf("# %s: all orders with up to %u switches, %llu runs\n", name, bound, runs);
	if (model_found)
		printf("# %s\n%s", rl::test_result_str(parameters.test_result),
		       report.str().c_str());
	printf("%sok %u - %s\n", model_found ? "not " : "", ++model_cases, name);
#endif
	fflush(stdout);
}

/* A case that is not needed to find a mistake. */
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
