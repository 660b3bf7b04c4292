/* SPDX-License-Identifier: MIT */
/*
 * The monitor's stress command: thousands of threads that do to each other all that threads can do,
 * at random, for as long as is asked for (CONFIG_STRESS).
 *
 * There are as many slots as threads. A thread of a slot repeats one random operation after the
 * other: it yields, sleeps, computes, uses semaphores, mutexes and a wait queue, takes and gives
 * back memory; it suspends, resumes and moves the threads of other slots and changes their
 * parameters; it ends, joins those that have ended and starts new ones. The monitor's own thread
 * keeps the number up, sees to it that nobody stays suspended, and watches that operations are
 * done at all.
 *
 * What is checked: a thread is not run by two CPUs at once, owners of mutexes are alone, what
 * registers and memory hold stays; at the end all threads can be joined, nothing is held or waited
 * for, and frames and heap are as at the start. One seed gives every thread the same decisions each
 * time; on several CPUs they still meet in another order.
 */
#include "stress.h"

#include <exo/console.h>
#include <exo/heap.h>
#include <exo/monitor.h>
#include <exo/string.h>

#define REPORT (5 * NS_PER_S)
#define TEND (10 * NS_PER_MS) /* a guess: between two rounds over all slots */
#define STUCK (30 * NS_PER_S) /* a guess: without a single operation */
#define MAX_THREADS 100000
#define MAX_SECONDS 86400

static void begin(unsigned int nr_slots, uint64_t seed)
{
	struct stress_slot *slots = stress.slots;

	memset(&stress, 0, sizeof(stress));
	stress.slots = slots;
	stress.nr_slots = nr_slots;
	stress.seed = seed * 0x9e3779b97f4a7c15ull + 1;
	for (unsigned int i = 0; i < STRESS_MUTEXES; i++)
		mutex_init(&stress.mutexes[i]);
	for (unsigned int i = 0; i < STRESS_SEMAPHORES; i++)
		semaphore_init(&stress.semaphores[i], 1);
	wait_queue_init(&stress.crowd);
	memset(slots, 0, nr_slots * sizeof(*slots));
	for (unsigned int i = 0; i < nr_slots; i++)
		spin_lock_init(&slots[i].lock, LOCK_RANK_TEST);
}

/* One round over all slots: fills empty ones, resumes, joins. */
static void tend(void)
{
	for (unsigned int i = 0; i < stress.nr_slots; i++) {
		struct stress_slot *slot = &stress.slots[i];

		if (stress_has_ended(slot))
			stress_join_thread(slot, 0);
		if (!atomic_load_explicit(&slot->taken, memory_order_relaxed))
			stress_make_thread(slot, stress.seed + i * 2);
		stress_resume(slot);
	}
}

/* False if nothing happens any more. */
static bool run(unsigned int seconds)
{
	const uint64_t start = clock_ns(), end = start + seconds * NS_PER_S;
	uint64_t next_report = start + REPORT, last = 0, last_progress = start, now;

	while ((now = clock_ns()) < end) {
		const uint64_t operations = atomic_load(&stress.operations);

		if (operations != last)
			last_progress = now;
		else if (now - last_progress > STUCK)
			return false;
		last = operations;
		tend();
		next_random(&stress.seed);
		if (now >= next_report) {
			console_printf("stress: %llu s, %llu operations, %u threads\n",
				       (unsigned long long)((now - start) / NS_PER_S),
				       (unsigned long long)operations, atomic_load(&stress.live));
			next_report += REPORT;
		}
		thread_sleep_until(clock_ns() + TEND);
	}
	return true;
}

/* Joins all as they end; returns how many do not, though nothing has ended for so long. */
static unsigned int end(void)
{
	uint64_t deadline = clock_ns() + STUCK;
	unsigned int left, least = UINT32_MAX;

	atomic_store(&stress.stop, true);
	for (;;) {
		left = 0;
		for (unsigned int i = 0; i < stress.nr_slots; i++) {
			stress_resume(&stress.slots[i]);
			if (stress_has_ended(&stress.slots[i]))
				stress_join_thread(&stress.slots[i], 0);
			left += atomic_load(&stress.slots[i].taken);
		}
		if (left < least) {
			least = left;
			deadline = clock_ns() + STUCK;
		}
		if (!left || clock_ns() >= deadline)
			return left;
		thread_sleep_until(clock_ns() + TEND);
	}
}

static void check_end(void)
{
	for (unsigned int i = 0; i < STRESS_MUTEXES; i++)
		if (atomic_load(&stress.mutexes[i].owner) ||
		    pq_first(&stress.mutexes[i].waiters.waiters))
			stress_mistake("a mutex is still held or waited for");
	for (unsigned int i = 0; i < STRESS_SEMAPHORES; i++)
		if (atomic_load(&stress.semaphores[i].count) < 0 ||
		    pq_first(&stress.semaphores[i].waiters.waiters))
			stress_mistake("a semaphore is still waited for");
	if (pq_first(&stress.crowd.waiters))
		stress_mistake("a wait queue is not empty");
	if (atomic_load(&stress.live))
		stress_mistake("threads are missing");
}

static int stress_run(unsigned int seconds, unsigned int nr_threads, uint64_t seed)
{
	const struct sched_parameters usual = thread_current()->parameters;
	struct sched_parameters urgent = usual;
	struct memory_mark mark;
	unsigned int left;
	bool moves, good;

	urgent.priority = PRIORITY_LEVELS - 1; /* strict priorities would leave this one out */
	thread_set_parameters(thread_current(), &urgent);
	memory_mark(&mark);
	stress.slots = heap_alloc(nr_threads * sizeof(*stress.slots), 0);
	if (!stress.slots) {
		console_printf("stress: no memory for %u threads\n", nr_threads);
		return 1;
	}
	begin(nr_threads, seed);
	moves = run(seconds);
	if (!moves)
		stress_mistake("nothing happens any more");
	left = end();
	if (left)
		stress_mistake("not all threads end");
	check_end();
	if (!left) {
		heap_free(stress.slots);
		if (!IS_ENABLED(CONFIG_HEAP_BUMP) && !memory_is_back(&mark))
			stress_mistake("memory is missing, or there is too much");
	}
	thread_set_parameters(thread_current(), &usual);
	good = !atomic_load(&stress.mistakes);
	console_printf("STRESS %s seed=%llu seconds=%u threads=%u operations=%llu created=%llu "
		       "refused=%llu left=%u mistakes=%u\n",
		       good ? "ok" : "FAILED", (unsigned long long)seed, seconds, nr_threads,
		       (unsigned long long)atomic_load(&stress.operations),
		       (unsigned long long)atomic_load(&stress.created),
		       (unsigned long long)atomic_load(&stress.refused), left,
		       atomic_load(&stress.mistakes));
	return !good;
}

/* A decimal number of 1 .. @most; 0 if it is none. */
static uint64_t number(const char *text, uint64_t most)
{
	uint64_t value = 0;

	for (; *text; text++) {
		if (*text < '0' || *text > '9' || value > most / 10)
			return 0;
		value = value * 10 + (uint64_t)(*text - '0');
	}
	return value <= most ? value : 0;
}

static int stress_command(int argc, char **argv)
{
	const uint64_t seconds = argc > 1 ? number(argv[1], MAX_SECONDS) : 0;
	const uint64_t threads = argc > 2 ? number(argv[2], MAX_THREADS) : 0;
	const uint64_t seed = argc > 3 ? number(argv[3], UINT32_MAX) : 1;

	if (!seconds || !threads || !seed || argc > 4) {
		console_printf("stress: use: stress SECONDS THREADS [SEED]\n");
		return 1;
	}
	return stress_run((unsigned int)seconds, (unsigned int)threads, seed);
}
MONITOR_COMMAND(stress, "SECONDS THREADS [SEED]", "threads that do all at random", stress_command);
