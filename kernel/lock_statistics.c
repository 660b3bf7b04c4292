/* SPDX-License-Identifier: MIT */
/*
 * Counts the use of spinlocks, by rank (CONFIG_LOCK_STATISTICS). Each CPU has its own counts, which
 * only it changes, with preemption or interrupts off; whoever reads them adds them up.
 */
#include <arch/cpu.h>
#include <exo/spinlock.h>

struct counts {
	_Atomic uint64_t taken, waited, longest;
	_Atomic uintptr_t longest_at;
};

static struct counts counts[NR_CPUS][NR_LOCK_RANKS];

static uint64_t get(const _Atomic uint64_t *count)
{
	return atomic_load_explicit(count, memory_order_relaxed);
}

static void set(_Atomic uint64_t *count, uint64_t value)
{
	atomic_store_explicit(count, value, memory_order_relaxed);
}

void lock_statistics_taken(struct spinlock *lock, bool waited)
{
	struct counts *own = &counts[this_cpu_number()][lock->rank];

	set(&own->taken, get(&own->taken) + 1);
	set(&own->waited, get(&own->waited) + waited);
	lock->taken_at = (uintptr_t)__builtin_return_address(0);
	lock->since = cpu_tsc();
}

void lock_statistics_released(const struct spinlock *lock)
{
	const uint64_t ticks = cpu_tsc() - lock->since;
	struct counts *own = &counts[this_cpu_number()][lock->rank];

	if (ticks <= get(&own->longest))
		return;
	set(&own->longest, ticks);
	atomic_store_explicit(&own->longest_at, lock->taken_at, memory_order_relaxed);
}

void lock_statistics_read(enum lock_rank rank, struct lock_statistics *statistics)
{
	*statistics = (struct lock_statistics){ 0 };
	for (cpu_t cpu = 0; cpu < NR_CPUS; cpu++) {
		const struct counts *c = &counts[cpu][rank];

		statistics->taken += get(&c->taken);
		statistics->waited += get(&c->waited);
		if (get(&c->longest) <= statistics->longest)
			continue;
		statistics->longest = get(&c->longest);
		statistics->longest_at = atomic_load_explicit(&c->longest_at, memory_order_relaxed);
	}
}
