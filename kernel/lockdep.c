/* SPDX-License-Identifier: MIT */
/*
 * Finds misuse of spinlocks (CONFIG_LOCKDEP): each CPU keeps a list of the locks that it holds,
 * with the place where each was taken.
 *
 * A lock is taken only when its rank is above those of all held ones (exo/lock_rank.h); that alone
 * excludes a circle of CPUs that wait for each other. Ranks from LOCK_RANK_FIRST_IRQ on need
 * interrupts off, those below must not be waited for in an interrupt handler: then no handler waits
 * for a lock that the code it interrupted holds. What is wrong ends in a panic at the first time
 * that it is done, whether or not another CPU was there to make it a deadlock.
 *
 * A lock's holder stays on its CPU, so the list is the CPU's own, changed with interrupts off. It
 * is as long as LIMIT: with ever greater ranks more are not needed. During a panic nothing is
 * checked.
 */
#include <exo/backtrace.h>
#include <exo/panic.h>
#include <exo/spinlock.h>

#define LIMIT NR_LOCK_RANKS

/* This many of the caller's: a return address is the first byte after the call. */
#define CALLER ((uintptr_t)__builtin_return_address(0))

static struct held_locks {
	struct held {
		const struct spinlock *lock;
		uintptr_t taken_at;
	} held[LIMIT];
	unsigned int count;
} held_locks[NR_CPUS];

struct place {
	const char *name;
	unsigned long long offset;
};

static struct place place_of(uintptr_t address)
{
	uint64_t offset = 0, size;
	const char *name = symbol_find(address - 1, &offset, &size);

	return name ? (struct place){ name, offset + 1 } : (struct place){ "?", 0 };
}

static struct held_locks *here(void)
{
	return &held_locks[this_cpu_number()];
}

/* Panics about @lock, which was about to be taken (or released …) at @address. */
static _Noreturn void wrong(const struct spinlock *lock, uintptr_t address, const char *what,
			    const char *advice)
{
	const struct place place = place_of(address);
	const char *name = lock->rank < NR_LOCK_RANKS ? lock_rank_names[lock->rank] : "damaged";

	panic("lockdep: lock %p of rank %s %s at 0x%lx %s+0x%llx\n  %s", (const void *)lock, name,
	      what, address, place.name, place.offset, advice);
}

/* The same about two locks. */
static _Noreturn void wrong_order(const struct spinlock *lock, uintptr_t address,
				  const struct held *held)
{
	const struct place now = place_of(address), then = place_of(held->taken_at);

	panic("lockdep: lock order: %s (%p) is being taken at 0x%lx %s+0x%llx\n"
	      "  while %s (%p) is held, taken at 0x%lx %s+0x%llx\n"
	      "  take them in the order of exo/lock_rank.h, or release %s first",
	      lock_rank_names[lock->rank], (const void *)lock, address, now.name, now.offset,
	      lock_rank_names[held->lock->rank], (const void *)held->lock, held->taken_at,
	      then.name, then.offset, lock_rank_names[held->lock->rank]);
}

static void check_context(const struct spinlock *lock, uintptr_t caller)
{
	if (lock->rank == LOCK_RANK_NONE || lock->rank >= NR_LOCK_RANKS)
		wrong(lock, caller, "taken", "it was never initialised, or overwritten");
	if (lock->rank >= LOCK_RANK_FIRST_IRQ && irq_enabled())
		wrong(lock, caller, "taken with interrupts on",
		      "handlers take such locks: use spin_lock_irq()");
	if (lock->rank < LOCK_RANK_FIRST_IRQ && cpu_in_interrupt())
		wrong(lock, caller, "taken in an interrupt handler",
		      "others hold it with interrupts on: give it a rank for spin_lock_irq()");
	if (PREEMPT_COUNTED && preemptible())
		wrong(lock, caller, "taken with preemption on",
		      "use spin_lock(), or turn preemption off before spin_acquire()");
}

void lockdep_check(const struct spinlock *lock)
{
	const uint64_t flags = irq_enabled() ? RFLAGS_IF : 0;
	const struct held_locks *locks;

	if (panic_is_here())
		return;
	check_context(lock, CALLER);
	irq_save();
	locks = here();
	for (unsigned int i = 0; i < locks->count; i++)
		if (locks->held[i].lock == lock || locks->held[i].lock->rank >= lock->rank)
			wrong_order(lock, CALLER, &locks->held[i]);
	irq_restore(flags);
}

void lockdep_taken(const struct spinlock *lock)
{
	const uint64_t flags = irq_save();
	struct held_locks *locks = here();

	if (!panic_is_here()) {
		if (locks->count == LIMIT)
			wrong(lock, CALLER, "taken", "this CPU holds too many already");
		locks->held[locks->count++] = (struct held){ .lock = lock, .taken_at = CALLER };
	}
	irq_restore(flags);
}

void lockdep_released(const struct spinlock *lock)
{
	const uint64_t flags = irq_save();
	struct held_locks *locks = here();
	unsigned int i = locks->count;

	if (!panic_is_here()) {
		while (i > 0 && locks->held[i - 1].lock != lock)
			i--;
		if (i == 0)
			wrong(lock, CALLER, "released", "this CPU does not hold it");
		for (locks->count--; i <= locks->count; i++)
			locks->held[i - 1] = locks->held[i];
	}
	irq_restore(flags);
}

void lockdep_assert_held(const struct spinlock *lock)
{
	const uint64_t flags = irq_save();
	const struct held_locks *locks = here();
	unsigned int i = 0;

	while (i < locks->count && locks->held[i].lock != lock)
		i++;
	if (i == locks->count && !panic_is_here())
		wrong(lock, CALLER, "needed", "the caller must hold it");
	irq_restore(flags);
}

void lockdep_assert_none(const char *what)
{
	const uint64_t flags = irq_save();
	const struct held_locks *locks = here();

	if (locks->count && !panic_is_here()) {
		const struct held *held = &locks->held[locks->count - 1];
		const struct place now = place_of(CALLER), then = place_of(held->taken_at);

		panic("lockdep: %s at 0x%lx %s+0x%llx\n"
		      "  while %s (%p) is held, taken at 0x%lx %s+0x%llx\n"
		      "  release it first: others spin for as long as this takes",
		      what, CALLER, now.name, now.offset, lock_rank_names[held->lock->rank],
		      (const void *)held->lock, held->taken_at, then.name, then.offset);
	}
	irq_restore(flags);
}

void lockdep_for_each(void (*visit)(const struct spinlock *lock, uintptr_t taken_at))
{
	struct held_locks copy;
	const uint64_t flags = irq_save();

	copy = *here();
	irq_restore(flags);
	for (unsigned int i = 0; i < copy.count; i++)
		visit(copy.held[i].lock, copy.held[i].taken_at);
}
