/* SPDX-License-Identifier: MIT */
/*
 * Threads from their creation to their burial.
 *
 * A thread's TCB lies at the top of its stack. Two references keep it: the creator's, given up by
 * thread_join() or thread_detach(), and its own, given up when it has left its stack for the last
 * time: thread_exit() switches to the CPU's idle thread, which calls thread_bury(). Who gives up
 * the last one puts the memory into the CPU's cache.
 *
 * threads.lock protects the list of all threads and their affinities.
 */
#include "thread_internal.h"

#include <exo/fpu.h>
#include <exo/panic.h>
#include <exo/string.h>
#include <exo/user.h>

static struct {
	struct spinlock lock;
	struct list_node all;
	uint64_t next_id;
} threads = {
	.lock = SPINLOCK_INIT(LOCK_RANK_THREADS),
	.all = LIST_INIT(threads.all),
	.next_id = 1,
};

/* --- making ------------------------------------------------------------------------------------*/

static void join_list(struct thread *thread)
{
	const uint64_t flags = spin_lock_irq(&threads.lock);

	thread->id = threads.next_id++;
	list_add_last(&threads.all, &thread->all_node);
	spin_unlock_irq(&threads.lock, flags);
}

void thread_construct(struct thread *thread)
{
	memset(thread, 0, sizeof(*thread));
	timer_prepare(&thread->timeout, wait_timeout);
	wait_queue_init(&thread->exit_waiters);
	list_init(&thread->mutexes);
}

/*
 * What thread_construct() has set up, an ended thread leaves so for the next: no timer armed,
 * nobody waiting, no mutex held, no wish but a last THREAD_SUSPEND. Here is the rest, except for
 * thread->sched, which is policy_admit()'s, and what is written before it is read.
 */
static inline void set_up(struct thread *thread, const char *name)
{
	atomic_store_explicit(&thread->attention, 0, memory_order_relaxed);
	atomic_store_explicit(&thread->state, THREAD_SUSPENDED, memory_order_relaxed);
	atomic_store_explicit(&thread->home, NULL, memory_order_relaxed);
	thread->started = thread->buried = false;
	if (IS_ENABLED(CONFIG_OBJECTS))
		thread->user = NULL;
	thread->name = name ? name : "thread";
	atomic_store_explicit(&thread->references, 2, memory_order_relaxed);
	thread->result = NULL;
	thread->switches = thread->migrations = 0;
}

void thread_adopt(struct thread *thread, const char *name, struct cpu *cpu)
{
	thread_construct(thread);
	set_up(thread, name);
	cpu_set_all(&thread->affinity);
	thread->parameters = SCHED_PARAMETERS_DEFAULT;
	atomic_store(&thread->state, THREAD_READY);
	sched_set_home(thread, cpu);
	join_list(thread);
}

/* What context_switch() pops (context_switch.asm). */
struct first_frame {
	uint64_t r15, r14, r13, r12, rbx, rbp, rip;
	uint64_t end; /* 0: where thread_begin would return to */
};

extern const char thread_begin[];

static void push_first_frame(struct thread *thread, void (*entry)(void *argument), void *argument)
{
	struct first_frame *frame = (struct first_frame *)((uintptr_t)thread - sizeof(*frame));

	frame->rbx = (uintptr_t)entry;
	frame->r12 = (uintptr_t)argument;
	frame->rbp = frame->end = 0;
	frame->rip = (uintptr_t)thread_begin;
	atomic_store_explicit(&thread->stack_pointer, (uintptr_t)frame, memory_order_relaxed);
}

static bool has_online(const struct cpu_set *set)
{
	return cpu_set_next(set, 0) < nr_cpus_online;
}

/*
 * Has a new thread start where it may run. Left to THREAD_MOVE it would go there only once its
 * creator's CPU has chosen it, for which that CPU's threads may let it wait for ever. After
 * policy_admit(), which knows by its home whether a thread is new, and may choose one.
 */
static __noinline void place(struct thread *thread)
{
	atomic_store_explicit(&thread->attention, THREAD_MOVE, memory_order_relaxed);
	if (!atomic_load_explicit(&thread->home, memory_order_relaxed) &&
	    !cpu_set_has(&thread->affinity, this_cpu_number()))
		sched_set_home(thread, sched_place(thread));
}

int thread_create(struct thread **result, void (*entry)(void *argument), void *argument,
		  const struct thread_attributes *attributes)
{
	static const struct thread_attributes defaults = { .parameters = SCHED_PARAMETERS_INIT };
	const struct thread_attributes *wanted = attributes ? attributes : &defaults;
	struct thread *thread;
	int error;

	if (wanted->affinity && !has_online(wanted->affinity))
		return -EXO_E_ARG;
	thread = thread_memory_get();
	if (!thread)
		return -EXO_E_NOMEM;
	set_up(thread, wanted->name);
	if (unlikely(wanted->affinity != NULL))
		thread->affinity = *wanted->affinity;
	else
		cpu_set_all(&thread->affinity);
	error = policy_admit(thread, &wanted->parameters);
	if (error) {
		thread_memory_put(thread);
		return error;
	}
	if (unlikely(wanted->affinity != NULL))
		place(thread);
	thread->parameters = wanted->parameters;
	thread->urgency = thread->own_urgency;
	push_first_frame(thread, entry, argument);
	join_list(thread);
	*result = thread;
	return 0;
}

void thread_start(struct thread *thread)
{
	const uint64_t flags = irq_save();

	/* Before anybody can take it for a suspended one to be woken. */
	atomic_store_explicit(&thread->state, THREAD_READY, memory_order_release);
	thread->started = true;
	/* If the creator has moved to where it may not run, it has THREAD_MOVE. */
	if (!atomic_load_explicit(&thread->home, memory_order_relaxed))
		sched_set_home(thread, cpu_this());
	sched_wake_restore(thread, flags);
}

/* --- ending ------------------------------------------------------------------------------------*/

static void release(struct thread *thread)
{
	uint64_t flags;

	if (atomic_fetch_sub_explicit(&thread->references, 1, memory_order_acq_rel) > 1)
		return;
	flags = spin_lock_irq(&threads.lock);
	list_remove(&thread->all_node);
	spin_unlock_irq(&threads.lock, flags);
	/* A request that is still on its way must arrive before the TCB goes. */
	while (IS_ENABLED(CONFIG_SMP) && atomic_load(&thread->attention) & THREAD_REQUEUE)
		sched_flush_requests();
	policy_leave(thread);
	fpu_release(thread);
	thread_memory_put(thread);
}

void thread_exit(void *result)
{
	struct thread *thread = thread_current();

	assert_may_sleep();
	ASSERT(list_empty(&thread->mutexes));
	thread->result = result;
	irq_save();
	sched_leave();
}

/* Tells who waits for its end, and gives up its own reference. */
static void bury(struct thread *thread)
{
	struct thread *joiner;
	uint64_t flags;

	flags = spin_lock_irq(&thread->exit_waiters.lock);
	joiner = wait_take(&thread->exit_waiters); /* who has the one reference */
	thread->buried = true;
	spin_unlock_irq(&thread->exit_waiters.lock, flags);
	if (joiner)
		sched_wake(joiner);
	release(thread);
}

void thread_bury(struct thread *thread)
{
	if (IS_ENABLED(CONFIG_OBJECTS) && thread->user && thread->user->gone)
		thread->user->gone(thread);
	bury(thread);
}

void thread_end_stopped(struct thread *thread)
{
	atomic_store_explicit(&thread->state, THREAD_DEAD, memory_order_relaxed);
	bury(thread);
}

int thread_join(struct thread *thread, uint64_t deadline, void **result)
{
	struct wait_queue *queue = &thread->exit_waiters;
	int error = 0;
	uint64_t flags;

	assert_may_sleep();
	flags = spin_lock_irq(&queue->lock);
	if (thread->buried) {
		spin_unlock_irq(&queue->lock, flags);
	} else {
		error = wait_block(queue, deadline);
		irq_restore(flags);
	}
	if (error)
		return error;
	if (result)
		*result = thread->result;
	release(thread);
	return 0;
}

void thread_detach(struct thread *thread)
{
	/* One that was never started has nobody else to give up its own reference. */
	if (!thread->started)
		release(thread);
	release(thread);
}

/* --- changing ----------------------------------------------------------------------------------*/

static void wish(struct thread *thread, enum thread_attention bit)
{
	atomic_fetch_or(&thread->attention, bit);
	sched_kick(thread);
	sched_point();
}

void thread_suspend(struct thread *thread)
{
	wish(thread, THREAD_SUSPEND);
	if (thread == thread_current())
		thread_yield(); /* without CONFIG_PREEMPT nothing else looks */
}

void thread_resume(struct thread *thread)
{
	unsigned int suspended = THREAD_SUSPENDED;
	const unsigned int before =
		atomic_fetch_and(&thread->attention, ~(unsigned int)THREAD_SUSPEND);

	if (before & THREAD_SUSPEND && thread->started &&
	    atomic_compare_exchange_strong(&thread->state, &suspended, THREAD_READY)) {
		sched_wake(thread);
		sched_point();
	}
}

int thread_set_affinity(struct thread *thread, const struct cpu_set *affinity)
{
	uint64_t flags;

	if (!has_online(affinity))
		return -EXO_E_ARG;
	flags = spin_lock_irq(&threads.lock);
	thread->affinity = *affinity;
	spin_unlock_irq(&threads.lock, flags);
	wish(thread, THREAD_MOVE);
	if (thread == thread_current())
		thread_yield();
	return 0;
}

int thread_set_parameters(struct thread *thread, const struct sched_parameters *parameters)
{
	const int error = policy_admit(thread, parameters);

	if (error)
		return error;
	thread->parameters = *parameters;
	mutex_own_urgency_changed(thread);
	return 0;
}

void thread_for_each(void (*visit)(struct thread *thread, void *context), void *context)
{
	const uint64_t flags = spin_lock_irq(&threads.lock);

	list_for_each(node, &threads.all) visit(list_entry(node, struct thread, all_node), context);
	spin_unlock_irq(&threads.lock, flags);
}
