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
 * slot->thread is valid under slot->lock, and NULL while nobody may act on the thread: whoever
 * joins it has taken it out. A spinlock, so that its holder cannot be suspended, which could leave
 * all waiting for each other.
 *
 * What is checked: a thread is not run by two CPUs at once, owners of mutexes are alone, what
 * registers and memory hold stays; at the end all threads can be joined, nothing is held or waited
 * for, and frames and heap are as at the start. One seed gives every thread the same decisions each
 * time; on several CPUs they still meet in another order.
 */
#include "thread_support.h"

#include <exo/console.h>
#include <exo/frame.h>
#include <exo/heap.h>
#include <exo/monitor.h>
#include <exo/mutex.h>
#include <exo/semaphore.h>
#include <exo/string.h>

#define NR_MUTEXES 16
#define NR_SEMAPHORES 16
#define SEMAPHORE_ENOUGH 8 /* given no further than about this */
#define SHORT (200 * NS_PER_US)
#define REPORT (5 * NS_PER_S)
#define TEND (10 * NS_PER_MS) /* a guess: between two rounds over all slots */
#define STUCK (30 * NS_PER_S) /* a guess: without a single operation */
#define MAX_THREADS 100000
#define MAX_SECONDS 86400

struct slot {
	struct spinlock lock;
	struct thread *thread;
	_Atomic bool taken; /* by a thread, or by one who makes or joins it */
	_Atomic bool inside;
	uint64_t seed;
	uint64_t operations; /* its thread's own */
};

static struct {
	struct slot *slots;
	unsigned int nr_slots;
	uint64_t seed;
	_Atomic uint64_t operations, created, refused;
	_Atomic unsigned int mistakes, live;
	_Atomic bool stop;
	struct mutex mutexes[NR_MUTEXES];
	_Atomic(uintptr_t) owners[NR_MUTEXES];
	struct semaphore semaphores[NR_SEMAPHORES];
	struct wait_queue crowd;
} stress;

static bool stopping(void)
{
	return atomic_load_explicit(&stress.stop, memory_order_relaxed);
}

static void mistake(const char *what)
{
	if (atomic_fetch_add(&stress.mistakes, 1) < 10)
		console_printf("stress: %s\n", what);
}

static uint64_t soon(struct slot *slot)
{
	return clock_ns() + next_random(&slot->seed) % SHORT;
}

static struct slot *any_slot(struct slot *slot)
{
	return &stress.slots[next_random(&slot->seed) % stress.nr_slots];
}

/* --- making and joining threads --- */

static void run_slot(void *argument);

static void make_thread(struct slot *slot, uint64_t seed)
{
	struct thread *thread;

	if (stopping() || atomic_exchange(&slot->taken, true))
		return;
	slot->seed = seed | 1;
	thread = NULL;
	atomic_fetch_add(&stress.live, 1);
	{
		const struct thread_attributes attributes = { .name = "stress",
							      .parameters =
								      SCHED_PARAMETERS_DEFAULT };

		if (thread_create(&thread, run_slot, slot, &attributes)) {
			atomic_fetch_sub(&stress.live, 1);
			atomic_fetch_add(&stress.refused, 1);
			atomic_store(&slot->taken, false);
			return;
		}
	}
	atomic_fetch_add(&stress.created, 1);
	spin_lock(&slot->lock);
	slot->thread = thread;
	thread_start(thread);
	spin_unlock(&slot->lock);
}

/* Joins the slot's thread if it has ended, or ends soon; then the slot is free. */
static void join_thread(struct slot *slot, uint64_t deadline)
{
	struct thread *thread;

	spin_lock(&slot->lock);
	thread = slot->thread;
	slot->thread = NULL;
	if (thread)
		thread_resume(thread); /* or it might never end */
	spin_unlock(&slot->lock);
	if (!thread)
		return;
	if (thread_join(thread, deadline, NULL) == 0) {
		atomic_store(&slot->taken, false);
		return;
	}
	spin_lock(&slot->lock);
	slot->thread = thread;
	spin_unlock(&slot->lock);
}

static bool has_ended(struct slot *slot)
{
	bool ended;

	spin_lock(&slot->lock);
	ended = slot->thread && state_of(slot->thread) == THREAD_DEAD;
	spin_unlock(&slot->lock);
	return ended;
}

/* --- operations --- */

static void act_yield(struct slot *slot)
{
	(void)slot;
	thread_yield();
}

static void act_sleep(struct slot *slot)
{
	thread_sleep_until(soon(slot));
}

static void act_compute(struct slot *slot)
{
	for (uint32_t n = next_random(&slot->seed) % 1000; n; n--)
		cpu_pause();
}

static void act_take(struct slot *slot)
{
	semaphore_take(&stress.semaphores[next_random(&slot->seed) % NR_SEMAPHORES], soon(slot));
}

static void act_give(struct slot *slot)
{
	struct semaphore *semaphore = &stress.semaphores[next_random(&slot->seed) % NR_SEMAPHORES];

	if (atomic_load_explicit(&semaphore->count, memory_order_relaxed) < SEMAPHORE_ENOUGH)
		semaphore_give(semaphore);
}

/* What an owner does while he is alone. */
static void own(struct slot *slot, unsigned int index)
{
	const uint32_t what = next_random(&slot->seed) % 16;

	if (atomic_exchange(&stress.owners[index], (uintptr_t)slot))
		mistake("a mutex has two owners");
	if (what == 0)
		act_sleep(slot);
	else if (what < 4)
		thread_yield();
	if (atomic_exchange(&stress.owners[index], 0) != (uintptr_t)slot)
		mistake("a mutex's owner was not alone");
}

static bool lock(struct slot *slot, unsigned int index)
{
	struct mutex *mutex = &stress.mutexes[index];

	switch (next_random(&slot->seed) % 4) {
	case 0:
		return mutex_try_lock(mutex);
	case 1:
		mutex_lock(mutex);
		return true;
	default:
		return mutex_lock_until(mutex, soon(slot)) == 0;
	}
}

/* One or two, in the order of their numbers. */
static void act_lock(struct slot *slot)
{
	const unsigned int low = next_random(&slot->seed) % NR_MUTEXES;
	const unsigned int high = low + 1 + next_random(&slot->seed) % (2 * NR_MUTEXES);

	if (!lock(slot, low))
		return;
	if (high < NR_MUTEXES && lock(slot, high)) {
		own(slot, high);
		mutex_unlock(&stress.mutexes[high]);
	}
	own(slot, low);
	mutex_unlock(&stress.mutexes[low]);
}

static void act_join_crowd(struct slot *slot)
{
	const uint64_t deadline = soon(slot);
	const uint64_t flags = spin_lock_irq(&stress.crowd.lock);

	wait_block(&stress.crowd, deadline);
	irq_restore(flags);
}

static void act_wake_crowd(struct slot *slot)
{
	if (next_random(&slot->seed) % 4)
		wait_wake_one(&stress.crowd);
	else
		wait_wake_all(&stress.crowd);
}

static void act_suspend(struct slot *slot)
{
	struct slot *other = any_slot(slot);

	if (other == slot) { /* stops at once: not under a lock */
		thread_suspend(thread_current());
		return;
	}
	spin_lock(&other->lock);
	if (other->thread && !stopping())
		thread_suspend(other->thread);
	spin_unlock(&other->lock);
}

static void resume_slot(struct slot *slot)
{
	spin_lock(&slot->lock);
	if (slot->thread)
		thread_resume(slot->thread);
	spin_unlock(&slot->lock);
}

static void act_resume(struct slot *slot)
{
	resume_slot(any_slot(slot));
}

static void move(struct thread *thread, const struct cpu_set *set)
{
	if (thread_set_affinity(thread, set))
		mistake("an affinity was refused");
}

static void act_move(struct slot *slot)
{
	struct slot *other = any_slot(slot);
	struct cpu_set set;

	if (next_random(&slot->seed) % 2) {
		cpu_set_all(&set);
	} else {
		set = only_cpu(next_random(&slot->seed) % nr_cpus_online);
		cpu_set_add(&set, next_random(&slot->seed) % nr_cpus_online);
	}
	if (other == slot) { /* may have to move at once: not under a lock */
		move(thread_current(), &set);
		return;
	}
	spin_lock(&other->lock);
	if (other->thread)
		move(other->thread, &set);
	spin_unlock(&other->lock);
}

static void act_change(struct slot *slot)
{
	struct sched_parameters parameters = SCHED_PARAMETERS_DEFAULT;
	struct slot *other = any_slot(slot);

	parameters.priority = (uint8_t)(PRIORITY_DEFAULT - 8 + next_random(&slot->seed) % 16);
	parameters.shares = 1 + next_random(&slot->seed) % 1000;
	spin_lock(&other->lock);
	if (other->thread && thread_set_parameters(other->thread, &parameters))
		mistake("parameters were refused");
	spin_unlock(&other->lock);
}

static void act_use_memory(struct slot *slot)
{
	const size_t size = 1 + next_random(&slot->seed) % 3000;
	const uint8_t value = (uint8_t)slot->seed;
	uint8_t *block = heap_alloc(size, 0);
	paddr_t frame;

	if (frame_alloc(0, &frame) == 0) {
		thread_yield();
		frame_free(frame, 0);
	}
	if (!block)
		return;
	memset(block, value, size);
	thread_yield();
	if (block[0] != value || block[size / 2] != value || block[size - 1] != value)
		mistake("memory has changed");
	heap_free(block);
}

static void act_make(struct slot *slot)
{
	make_thread(any_slot(slot), slot->seed * 0x9e3779b97f4a7c15ull);
}

static void act_join(struct slot *slot)
{
	struct slot *other = any_slot(slot);

	if (other != slot && has_ended(other))
		join_thread(other, soon(slot));
}

/* How often each is done, in proportion. Bump never frees, so there is no using its memory up. */
static const struct {
	void (*act)(struct slot *slot);
	unsigned int weight;
} acts[] = {
	{ act_yield, 20 },
	{ act_sleep, 10 },
	{ act_compute, 10 },
	{ act_take, 8 },
	{ act_give, 10 },
	{ act_lock, 12 },
	{ act_join_crowd, 4 },
	{ act_wake_crowd, 3 },
	{ act_suspend, 3 },
	{ act_resume, 6 },
	{ act_move, 4 },
	{ act_change, 4 },
	{ act_use_memory, IS_ENABLED(CONFIG_HEAP_BUMP) ? 0 : 4 },
	{ act_make, 4 },
	{ act_join, 4 },
};

static void act_at_random(struct slot *slot)
{
	unsigned int all = 0, at = 0;
	uint32_t n;

	for (unsigned int i = 0; i < ARRAY_SIZE(acts); i++)
		all += acts[i].weight;
	for (n = next_random(&slot->seed) % all; n >= acts[at].weight; at++)
		n -= acts[at].weight;
	acts[at].act(slot);
}

static void run_slot(void *argument)
{
	struct slot *slot = argument;
	const uint32_t life = 1 + next_random(&slot->seed) % 2000;

	for (uint32_t i = 0; i < life && !stopping(); i++) {
		if (atomic_exchange(&slot->inside, true))
			mistake("two CPUs run one thread");
		cpu_pause();
		atomic_store(&slot->inside, false);
		act_at_random(slot);
		atomic_fetch_add_explicit(&stress.operations, 1, memory_order_relaxed);
	}
	atomic_fetch_sub(&stress.live, 1);
}

/* --- the command --- */

static void begin(unsigned int nr_slots, uint64_t seed)
{
	struct slot *slots = stress.slots;

	memset(&stress, 0, sizeof(stress));
	stress.slots = slots;
	stress.nr_slots = nr_slots;
	stress.seed = seed * 0x9e3779b97f4a7c15ull + 1;
	for (unsigned int i = 0; i < NR_MUTEXES; i++)
		mutex_init(&stress.mutexes[i]);
	for (unsigned int i = 0; i < NR_SEMAPHORES; i++)
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
		struct slot *slot = &stress.slots[i];

		if (has_ended(slot))
			join_thread(slot, 0);
		if (!atomic_load_explicit(&slot->taken, memory_order_relaxed))
			make_thread(slot, stress.seed + i * 2);
		resume_slot(slot);
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

/* Joins all; returns how many do not end. */
static unsigned int end(void)
{
	const uint64_t deadline = clock_ns() + STUCK;
	unsigned int left;

	atomic_store(&stress.stop, true);
	do {
		left = 0;
		for (unsigned int i = 0; i < stress.nr_slots; i++) {
			join_thread(&stress.slots[i], clock_ns() + NS_PER_MS);
			left += atomic_load(&stress.slots[i].taken);
		}
	} while (left && clock_ns() < deadline);
	return left;
}

static void check_end(void)
{
	for (unsigned int i = 0; i < NR_MUTEXES; i++)
		if (atomic_load(&stress.mutexes[i].owner) ||
		    pq_first(&stress.mutexes[i].waiters.waiters))
			mistake("a mutex is still held or waited for");
	for (unsigned int i = 0; i < NR_SEMAPHORES; i++)
		if (atomic_load(&stress.semaphores[i].count) < 0 ||
		    pq_first(&stress.semaphores[i].waiters.waiters))
			mistake("a semaphore is still waited for");
	if (pq_first(&stress.crowd.waiters))
		mistake("a wait queue is not empty");
	if (atomic_load(&stress.live))
		mistake("threads are missing");
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
		mistake("nothing happens any more");
	left = end();
	if (left)
		mistake("not all threads end");
	check_end();
	if (!left) {
		heap_free(stress.slots);
		if (!IS_ENABLED(CONFIG_HEAP_BUMP) && !memory_is_back(&mark))
			mistake("memory is missing, or there is too much");
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
