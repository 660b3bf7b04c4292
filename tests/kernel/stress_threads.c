/* SPDX-License-Identifier: MIT */
/*
 * The threads of the stress command (stress.c): each does one random operation after the other, to
 * itself and to the threads of other slots, until its life is over.
 *
 * Operations on another slot's thread are done under that slot's lock; those that may stop the
 * running thread itself are not.
 */
#include "stress.h"

#include <arch/pause.h>
#include <exo/console.h>
#include <exo/frame.h>
#include <exo/heap.h>
#include <exo/string.h>

#define SEMAPHORE_ENOUGH 8 /* given no further than about this */
#define SHORT (200 * NS_PER_US)

struct stress stress;

static bool stopping(void)
{
	return atomic_load_explicit(&stress.stop, memory_order_relaxed);
}

void stress_mistake(const char *what)
{
	if (atomic_fetch_add(&stress.mistakes, 1) < 10)
		console_printf("stress: %s\n", what);
}

static uint64_t soon(struct stress_slot *slot)
{
	return clock_ns() + next_random(&slot->seed) % SHORT;
}

static struct stress_slot *any_slot(struct stress_slot *slot)
{
	return &stress.slots[next_random(&slot->seed) % stress.nr_slots];
}

/* --- making and joining threads --- */

static void run_slot(void *argument);

void stress_make_thread(struct stress_slot *slot, uint64_t seed)
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

void stress_join_thread(struct stress_slot *slot, uint64_t deadline)
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

bool stress_has_ended(struct stress_slot *slot)
{
	bool ended;

	spin_lock(&slot->lock);
	ended = slot->thread && state_of(slot->thread) == THREAD_DEAD;
	spin_unlock(&slot->lock);
	return ended;
}

/* --- operations --- */

static void act_yield(struct stress_slot *slot)
{
	(void)slot;
	thread_yield();
}

static void act_sleep(struct stress_slot *slot)
{
	thread_sleep_until(soon(slot));
}

static void act_compute(struct stress_slot *slot)
{
	for (uint32_t n = next_random(&slot->seed) % 1000; n; n--)
		cpu_pause();
}

static void act_take(struct stress_slot *slot)
{
	semaphore_take(&stress.semaphores[next_random(&slot->seed) % STRESS_SEMAPHORES],
		       soon(slot));
}

static void act_give(struct stress_slot *slot)
{
	struct semaphore *semaphore =
		&stress.semaphores[next_random(&slot->seed) % STRESS_SEMAPHORES];

	if (atomic_load_explicit(&semaphore->count, memory_order_relaxed) < SEMAPHORE_ENOUGH)
		semaphore_give(semaphore);
}

/* What an owner does while he is alone. */
static void own(struct stress_slot *slot, unsigned int index)
{
	const uint32_t what = next_random(&slot->seed) % 16;

	if (atomic_exchange(&stress.owners[index], (uintptr_t)slot))
		stress_mistake("a mutex has two owners");
	if (what == 0)
		act_sleep(slot);
	else if (what < 4)
		thread_yield();
	if (atomic_exchange(&stress.owners[index], 0) != (uintptr_t)slot)
		stress_mistake("a mutex's owner was not alone");
}

static bool lock(struct stress_slot *slot, unsigned int index)
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
static void act_lock(struct stress_slot *slot)
{
	const unsigned int low = next_random(&slot->seed) % STRESS_MUTEXES;
	const unsigned int high = low + 1 + next_random(&slot->seed) % (2 * STRESS_MUTEXES);

	if (!lock(slot, low))
		return;
	if (high < STRESS_MUTEXES && lock(slot, high)) {
		own(slot, high);
		mutex_unlock(&stress.mutexes[high]);
	}
	own(slot, low);
	mutex_unlock(&stress.mutexes[low]);
}

static void act_join_crowd(struct stress_slot *slot)
{
	const uint64_t deadline = soon(slot);
	const uint64_t flags = spin_lock_irq(&stress.crowd.lock);

	wait_block(&stress.crowd, deadline);
	irq_restore(flags);
}

static void act_wake_crowd(struct stress_slot *slot)
{
	if (next_random(&slot->seed) % 4)
		wait_wake_one(&stress.crowd);
	else
		wait_wake_all(&stress.crowd);
}

static void act_suspend(struct stress_slot *slot)
{
	struct stress_slot *other = any_slot(slot);

	if (other == slot) { /* stops at once: not under a lock */
		thread_suspend(thread_current());
		return;
	}
	spin_lock(&other->lock);
	if (other->thread && !stopping())
		thread_suspend(other->thread);
	spin_unlock(&other->lock);
}

void stress_resume(struct stress_slot *slot)
{
	spin_lock(&slot->lock);
	if (slot->thread)
		thread_resume(slot->thread);
	spin_unlock(&slot->lock);
}

static void act_resume(struct stress_slot *slot)
{
	stress_resume(any_slot(slot));
}

static void move(struct thread *thread, const struct cpu_set *set)
{
	if (thread_set_affinity(thread, set))
		stress_mistake("an affinity was refused");
}

static void act_move(struct stress_slot *slot)
{
	struct stress_slot *other = any_slot(slot);
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

static void act_change(struct stress_slot *slot)
{
	struct sched_parameters parameters = SCHED_PARAMETERS_DEFAULT;
	struct stress_slot *other = any_slot(slot);

	parameters.priority = (uint8_t)(PRIORITY_DEFAULT - 8 + next_random(&slot->seed) % 16);
	parameters.shares = 1 + next_random(&slot->seed) % 1000;
	spin_lock(&other->lock);
	if (other->thread && thread_set_parameters(other->thread, &parameters))
		stress_mistake("parameters were refused");
	spin_unlock(&other->lock);
}

static void act_use_memory(struct stress_slot *slot)
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
		stress_mistake("memory has changed");
	heap_free(block);
}

static void act_make(struct stress_slot *slot)
{
	stress_make_thread(any_slot(slot), slot->seed * 0x9e3779b97f4a7c15ull);
}

static void act_join(struct stress_slot *slot)
{
	struct stress_slot *other = any_slot(slot);

	if (other != slot && stress_has_ended(other))
		stress_join_thread(other, soon(slot));
}

/* How often each is done, in proportion. Bump never frees, so there is no using its memory up. */
static const struct {
	void (*act)(struct stress_slot *slot);
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

static void act_at_random(struct stress_slot *slot)
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
	struct stress_slot *slot = argument;
	const uint32_t life = 1 + next_random(&slot->seed) % 2000;

	for (uint32_t i = 0; i < life && !stopping(); i++) {
		if (atomic_exchange(&slot->inside, true))
			stress_mistake("two CPUs run one thread");
		cpu_pause();
		atomic_store(&slot->inside, false);
		act_at_random(slot);
		atomic_fetch_add_explicit(&stress.operations, 1, memory_order_relaxed);
	}
	atomic_fetch_sub(&stress.live, 1);
}
