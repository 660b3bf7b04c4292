/* SPDX-License-Identifier: MIT */
/*
 * The ledger of EDF: which part of each CPU is promised to threads with deadlines.
 *
 * A thread needs budget / deadline of its CPU (its density; with deadline = period its
 * utilisation). If the sum is at most 1, earliest deadline first misses no deadline (Liu and
 * Layland, 1973), and a sum of at most SCHED_EDF_LIMIT per cent leaves the rest to threads
 * without. Each density is rounded up and the limit down, by less than 2^-48, so that no sum is
 * admitted that is too large.
 *
 * A new thread is placed on the CPU, of those it may run on, that has the most room (worst fit):
 * that spreads the load, and leaves each CPU time for threads without deadlines. An existing
 * thread is admitted by its own CPU or not at all. When an affinity has made it leave its CPU, it
 * is admitted anew where it arrives; without room there it goes on as a thread without a deadline
 * until thread_set_parameters() succeeds.
 *
 * What a thread has consumed in advance of its deadline has been taken from the time up to that
 * deadline, so what it gives back can be promised again only from then on. Returned parts of a
 * CPU are collected together, at the latest of their deadlines.
 *
 * New parameters of an existing thread come into force when its next period begins; until then
 * the larger of both densities is reserved. The ledger, and the fields of a thread that say so,
 * are under ledger_lock. Calls of policy_admit() for one thread come one at a time.
 */
#include <exo/errno.h>
#include <exo/spinlock.h>
#include <exo/string.h>

#include "policy_edf.h"

#define LIMIT (EDF_WHOLE / 100 * CONFIG_SCHED_EDF_LIMIT)

struct account {
	uint64_t reserved; /* units of 1 / EDF_WHOLE; at most LIMIT */
	uint64_t returned; /* part of @reserved that is free from @returned_at on */
	uint64_t returned_at; /* ns */
};

static struct spinlock ledger_lock = SPINLOCK_INIT(LOCK_RANK_SCHED);
static struct account accounts[NR_CPUS];

/*
 * budget * 2^48 / deadline, rounded up: 24 bits at a time, as budget <= deadline < 2^40.
 */
uint64_t edf_density(const struct edf_contract *contract)
{
	uint64_t high, low;

	if (!contract->period)
		return 0;
	high = (contract->budget << 24) / contract->deadline;
	low = (contract->budget << 24) % contract->deadline << 24;
	return (high << 24) + (low + contract->deadline - 1) / contract->deadline;
}

/* The thread's own urgency: 64 .. 251, more for a shorter deadline; eight steps an octave. */
static uint8_t urgency_of(const struct edf_contract *contract)
{
	unsigned int octave;

	if (!contract->period)
		return 0;
	octave = 63 - (unsigned int)__builtin_clzll(contract->deadline);
	return (uint8_t)(255 - 8 * (octave - 16) - (contract->deadline >> (octave - 3) & 7));
}

static int contract_of(const struct sched_parameters *parameters, struct edf_contract *contract)
{
	*contract = (struct edf_contract){ parameters->period, parameters->budget,
					   parameters->deadline };
	if (!contract->period)
		return contract->budget || contract->deadline ? -EXO_E_ARG : 0;
	if (!contract->deadline)
		contract->deadline = contract->period;
	if (contract->deadline < EDF_PERIOD_MIN || contract->period >= EDF_PERIOD_MAX ||
	    contract->deadline > contract->period || !contract->budget ||
	    contract->budget > contract->deadline)
		return -EXO_E_ARG;
	return 0;
}

/* What is not promised of @cpu at this time. */
static uint64_t room(cpu_t cpu)
{
	struct account *account = &accounts[cpu];

	assert_held(&ledger_lock);
	if (account->returned && clock_ns() >= account->returned_at) {
		account->reserved -= account->returned;
		account->returned = 0;
	}
	return LIMIT - account->reserved;
}

/* @thread needs that much less of its CPU, but its current period still counts. */
static void give_back(struct thread *thread, uint64_t amount)
{
	struct account *account = &accounts[thread->sched.edf.reserved_on];

	room(thread->sched.edf.reserved_on); /* collects what is free already */
	if (account->returned_at < thread->sched.edf.due)
		account->returned_at = thread->sched.edf.due;
	account->returned += amount;
	thread->sched.edf.reserved -= amount;
}

static bool reserve(struct thread *thread, cpu_t cpu, uint64_t amount)
{
	if (amount > room(cpu))
		return false;
	accounts[cpu].reserved += amount;
	thread->sched.edf.reserved += amount;
	thread->sched.edf.reserved_on = cpu;
	return true;
}

/* The allowed CPU with the most room; NR_CPUS if none is online. */
static cpu_t most_room(const struct cpu_set *allowed)
{
	cpu_t best = NR_CPUS;

	for (cpu_t cpu = cpu_set_next(allowed, 0); cpu < nr_cpus_online;
	     cpu = cpu_set_next(allowed, cpu + 1)) {
		if (cpus[cpu] && (best == NR_CPUS || room(cpu) > room(best)))
			best = cpu;
	}
	return best;
}

static int admit_new(struct thread *thread, const struct edf_contract *contract)
{
	const uint64_t density = edf_density(contract);
	cpu_t cpu;

	memset(&thread->sched.edf, 0, sizeof(thread->sched.edf));
	if (density) {
		cpu = most_room(&thread->affinity);
		if (cpu == NR_CPUS || !reserve(thread, cpu, density))
			return -EXO_E_BUSY;
		atomic_store_explicit(&thread->home, cpus[cpu], memory_order_relaxed);
	}
	thread->sched.edf.now = *contract;
	return 0;
}

static int admit_again(struct thread *thread, const struct edf_contract *contract)
{
	struct cpu *home = atomic_load_explicit(&thread->home, memory_order_relaxed);
	const cpu_t cpu = thread->sched.edf.reserved ? thread->sched.edf.reserved_on : home->number;
	const uint64_t old = edf_density(&thread->sched.edf.now), new = edf_density(contract);
	const uint64_t both = old > new ? old : new;
	const uint64_t reserved = thread->sched.edf.reserved;

	if (both > reserved && !reserve(thread, cpu, both - reserved))
		return -EXO_E_BUSY;
	/* Of a wish that never came into force nothing was used. */
	if (both < reserved) {
		accounts[cpu].reserved -= reserved - both;
		thread->sched.edf.reserved = both;
	}
	thread->sched.edf.wanted = *contract;
	atomic_store_explicit(&thread->sched.edf.changed, true, memory_order_relaxed);
	return 0;
}

int policy_admit(struct thread *thread, const struct sched_parameters *parameters)
{
	struct edf_contract contract;
	uint64_t flags;
	int error = contract_of(parameters, &contract);

	if (error)
		return error;
	flags = spin_lock_irq(&ledger_lock);
	if (atomic_load_explicit(&thread->home, memory_order_relaxed))
		error = admit_again(thread, &contract);
	else
		error = admit_new(thread, &contract);
	if (!error)
		thread->own_urgency = urgency_of(&contract);
	spin_unlock_irq(&ledger_lock, flags);
	return error;
}

void policy_leave(struct thread *thread)
{
	const uint64_t flags = spin_lock_irq(&ledger_lock);

	if (thread->sched.edf.reserved)
		give_back(thread, thread->sched.edf.reserved);
	spin_unlock_irq(&ledger_lock, flags);
}

void edf_ledger_take_over(struct thread *thread)
{
	uint64_t density;

	spin_acquire(&ledger_lock);
	atomic_store_explicit(&thread->sched.edf.changed, false, memory_order_relaxed);
	thread->sched.edf.now = thread->sched.edf.wanted;
	density = edf_density(&thread->sched.edf.now);
	if (density < thread->sched.edf.reserved)
		give_back(thread, thread->sched.edf.reserved - density);
	spin_release(&ledger_lock);
}

void edf_ledger_move(struct thread *thread, cpu_t cpu)
{
	uint64_t reserved;

	spin_acquire(&ledger_lock);
	reserved = thread->sched.edf.reserved;
	give_back(thread, reserved);
	if (!reserve(thread, cpu, reserved)) {
		thread->sched.edf.now = thread->sched.edf.wanted = (struct edf_contract){ 0 };
		atomic_store_explicit(&thread->sched.edf.changed, false, memory_order_relaxed);
		if (!edf_is_lent(thread))
			thread->urgency = 0;
		thread->own_urgency = 0;
		thread->sched.edf.left = 0;
	}
	spin_release(&ledger_lock);
}

uint64_t edf_ledger_reserved(cpu_t cpu)
{
	const uint64_t flags = spin_lock_irq(&ledger_lock);
	const uint64_t left = room(cpu);

	spin_unlock_irq(&ledger_lock, flags);
	return LIMIT - left;
}
