/* SPDX-License-Identifier: MIT */
/* The clock as several CPUs see it: what one has read, none reads less of afterwards. */
#include <exo/clock.h>
#include <exo/smp.h>
#include <exo/test.h>
#include <stdatomic.h>

#define CALLS 200
#define READINGS 500

static uint64_t last; /* for CPUs in turn */
static _Atomic uint64_t newest; /* for CPUs at once */
static _Atomic unsigned int back, readings;

static void read_in_turn(void *argument)
{
	const uint64_t now = clock_ns();

	(void)argument;
	if (now < last)
		atomic_fetch_add_explicit(&back, 1, memory_order_relaxed);
	last = now;
	atomic_fetch_add_explicit(&readings, 1, memory_order_relaxed);
}

/* What any CPU has published is not later than what is read after it was seen. */
static void read_at_once(void *argument)
{
	(void)argument;
	for (unsigned int i = 0; i < READINGS; i++) {
		uint64_t seen = atomic_load_explicit(&newest, memory_order_acquire);
		const uint64_t now = clock_ns();

		if (now < seen)
			atomic_fetch_add_explicit(&back, 1, memory_order_relaxed);
		while (seen < now && !atomic_compare_exchange_weak_explicit(&newest, &seen, now,
									    memory_order_acq_rel,
									    memory_order_acquire))
			;
	}
	atomic_fetch_add_explicit(&readings, READINGS, memory_order_relaxed);
}

static void reset(void)
{
	last = 0;
	atomic_store_explicit(&newest, 0, memory_order_relaxed);
	atomic_store_explicit(&back, 0, memory_order_relaxed);
	atomic_store_explicit(&readings, 0, memory_order_relaxed);
}

/* This CPU, another, this one, the next ... */
static void clock_read_in_turn(struct test *test)
{
	struct cpu_set one;

	if (nr_cpus_online < 2)
		TEST_SKIP(test, "one CPU");
	reset();
	for (unsigned int i = 0; i < CALLS; i++) {
		cpu_set_clear(&one);
		cpu_set_add(&one, i % nr_cpus_online);
		smp_call(&one, read_in_turn, NULL); /* not if it is this one */
		read_in_turn(NULL);
		TEST_EQ(test, back, 0);
	}
	TEST_TRUE(test, readings > CALLS);
}

static void clock_read_at_once(struct test *test)
{
	struct cpu_set all;

	if (nr_cpus_online < 2)
		TEST_SKIP(test, "one CPU");
	reset();
	cpu_set_all(&all);
	for (unsigned int i = 0; i < CALLS / 10; i++) {
		smp_call(&all, read_at_once, NULL);
		TEST_EQ(test, back, 0);
	}
	TEST_TRUE(test, readings >= READINGS);
}

static const struct test_case clock_smp_cases[] = {
	TEST_CASE(clock_read_in_turn),
	TEST_CASE(clock_read_at_once),
};
TEST_SUITE(clock_smp, clock_smp_cases);
