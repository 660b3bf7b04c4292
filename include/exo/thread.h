/* SPDX-License-Identifier: MIT */
/*
 * Threads: a stack, what is saved when it does not run, and how it is scheduled.
 *
 * A thread is created suspended, started, and ends in thread_exit(), also by returning from its
 * function. Its creator holds a reference, given up by thread_join() or thread_detach(); after that
 * the pointer must not be used. Stack and TCB are one piece of memory above a guard page
 * (kernel/thread/stack.c).
 */
#ifndef EXO_THREAD_H
#define EXO_THREAD_H

#include <exo/cpu_set.h>
#include <exo/errno.h>
#include <exo/list.h>
#include <exo/overflow_queue.h>
#include <exo/timer.h>
#include <exo/wait_queue.h>
#include <uapi/exo/thread.h>

#define PRIORITY_LEVELS 256
#define PRIORITY_DEFAULT EXO_PRIORITY_DEFAULT /* 255 is the most urgent */

struct fpu_state;
struct mutex;
struct user_context;

/* What a policy wants to know of a thread. Each uses its own fields and ignores the others. */
struct sched_parameters {
	uint8_t priority; /* fixed priority: 0 .. 255, 255 first */
	uint32_t shares; /* stride: 1 .. 10000, in proportion */
	uint64_t period, budget, deadline; /* EDF: ns; budget <= deadline <= period; 0: none */
};

#define SCHED_PARAMETERS_INIT                                              \
	{                                                                  \
		.priority = PRIORITY_DEFAULT, .shares = EXO_SHARES_DEFAULT \
	}
#define SCHED_PARAMETERS_DEFAULT ((struct sched_parameters)SCHED_PARAMETERS_INIT)

enum thread_state {
	THREAD_SUSPENDED, /* new, or stopped by thread_suspend() when it was about to run */
	THREAD_READY, /* runs, or would if it had a CPU */
	THREAD_BLOCKED, /* waits or sleeps */
	THREAD_DEAD,
};

/* Wishes of others: thread->attention. */
enum thread_attention {
	THREAD_SUSPEND = 1,
	THREAD_MOVE = 2, /* the affinity has changed */
	THREAD_REQUEUE = 4, /* @request is on its way */
	/* Looked at on the way to user mode only (exo/user.h). */
	THREAD_EVENT = 8,
	THREAD_STOP = 16,
	THREAD_KILL = 32,
	THREAD_LOOK = 64, /* of THREAD_REQUEUE: something has changed since it was last served */
};

/* ns; 0 < budget <= deadline <= period, or all 0. */
struct edf_contract {
	uint64_t period, budget, deadline;
};

/* What a policy keeps of a thread. */
union sched_entity {
	struct {
		struct list_node node; /* next is NULL while it is in no list */
		unsigned int level;
		uint32_t seen_at; /* fixed priority: the last tick that saw it first; 0: none */
		uint64_t seen; /* its switches then */
	} list; /* round robin, fixed priority */
	struct {
		struct overflow_node node; /* in an overflow queue */
		struct list_node
			pinned; /* in its CPU's list of threads that may not run everywhere */
		bool is_pinned;
	} stealing;
	struct {
		struct pq_node node; /* key: pass */
		uint64_t lead; /* how far pass was ahead of its queue when it left that */
		struct run_queue *queue; /* whose virtual time pass goes with */
		uint64_t inverse; /* 2^32 / shares */
		uint32_t fraction; /* of pass, below its unit */
		uint32_t shares; /* that it is charged for: its own, or lent */
		_Atomic uint32_t wanted; /* its own; any CPU */
		bool queued;
	} stride;
	struct {
		union {
			struct pq_node node; /* key: absolute deadline, or the next period */
			struct list_node background;
		};
		int64_t left; /* ns of the budget, or of the slice; negative: overrun, is owed */
		uint64_t due; /* absolute deadline */
		uint64_t next_period; /* absolute */
		struct edf_contract now, wanted; /* wanted: under the ledger's lock */
		uint64_t reserved; /* of reserved_on; under the ledger's lock */
		cpu_t reserved_on;
		_Atomic bool changed; /* wanted is to become now */
		uint8_t place; /* enum edf_place */
	} edf;
};

struct thread {
	/* While it does not run (context_switch.asm); with CONFIG_SCHED_STEALING 0 while it does.
	 */
	_Atomic uint64_t stack_pointer;
	_Atomic unsigned int attention; /* enum thread_attention; set by anyone */
	cpu_t home_number; /* of @home; next to attention, to be looked at together */
	_Atomic unsigned int state; /* enum thread_state */
	struct cpu *_Atomic home; /* the CPU that it belongs to */
	struct inject_node inject; /* on its way to a run queue of another CPU */
	struct inject_node request; /* on its way to its home with THREAD_REQUEUE */
	bool fpu_live; /* it has FPU state, to be saved and restored at its switches */
	uint8_t urgency; /* 0 .. 255: its own, or lent by those who wait for its mutexes */
	uint8_t own_urgency; /* set by policy_admit() */
	uint8_t lent; /* by sched_lend() */
	const struct thread *lender; /* whose that is; a name only */
	union sched_entity sched;
	struct user_context *user; /* NULL: a thread of the kernel; set before thread_start() */

	/* Waiting (kernel/thread/wait.c). */
	struct wait_queue
		*_Atomic waiting_on; /* under its lock; read without by those who end waits */
	struct pq_node wait_node;
	int wait_result;
	bool cancellable; /* wait_cancel() may end the wait in @waiting_on; under its lock */
	_Atomic bool asleep; /* waits for @timeout alone; whoever clears it wakes */
	struct timer timeout; /* armed on the home CPU */

	/* Set by the creator, or by those who have a reference. */
	const char *name;
	struct sched_parameters parameters;
	struct cpu_set affinity; /* changed under threads_lock, then THREAD_MOVE */
	uint64_t id; /* 1 … since boot, never used twice */
	struct list_node all_node; /* under threads_lock */
	_Atomic unsigned int references;
	void *result; /* of thread_exit() */
	bool started;
	bool buried; /* has left its stack for the last time; under exit_waiters.lock */
	uint8_t places; /* the audit's own (kernel/sched/audit.c): how many queues have it */
	struct wait_queue exit_waiters;

	/* Kept by the home CPU. */
	uint64_t switches; /* times it was switched to */
	uint64_t migrations; /* times it changed its home */

	/* Priority inheritance, under the lock of kernel/thread/mutex.c. */
	struct list_node mutexes; /* held, with waiters */
	struct mutex *blocked_on;

	struct fpu_state *fpu; /* NULL until it uses the FPU */
	uintptr_t stack; /* its lowest byte; the TCB is at its top */
	struct thread *cache_next; /* of those that have ended (thread_cache.c) */
};

struct thread_attributes {
	const char *name; /* static; NULL: "thread" */
	struct sched_parameters parameters; /* SCHED_PARAMETERS_INIT, and what differs from it */
	const struct cpu_set *affinity; /* NULL: all CPUs */
};

/**
 * thread_create() - make a thread that does not run yet
 * @entry, @argument: what it calls; the result of thread_join() is NULL if @entry returns
 * @attributes: NULL for defaults
 * Returns 0, -EXO_E_NOMEM, -EXO_E_ARG for parameters the policy does not know or an empty affinity,
 * -EXO_E_BUSY if the policy does not admit it. May take locks; not in an interrupt.
 */
int thread_create(struct thread **thread, void (*entry)(void *argument), void *argument,
		  const struct thread_attributes *attributes);

/* Lets a new thread run. Once, by the creator. */
void thread_start(struct thread *thread);

/* Ends the calling thread. */
_Noreturn void thread_exit(void *result);

/**
 * thread_join() - wait until a thread has ended, take its result, give up the reference
 * @deadline: ns; DEADLINE_NEVER to wait for as long as it takes
 * @result: may be NULL
 * Returns 0, or -EXO_E_TIMEOUT: the reference is then kept.
 */
int thread_join(struct thread *thread, uint64_t deadline, void **result);

/* Gives up the reference without waiting. A thread that was never started is gone. */
void thread_detach(struct thread *thread);

/* Lets other runnable threads have a turn, as the policy says. */
void thread_yield(void);

/**
 * thread_yield_to() - give the rest of the turn to one thread
 * Returns 0, or -EXO_E_AGAIN if it is not ready on this CPU: then nothing has happened.
 */
int thread_yield_to(struct thread *thread);

/* Sleeps until clock_ns() >= @deadline. */
void thread_sleep_until(uint64_t deadline);

/* Stops a thread, at the latest when it is next about to run, until thread_resume(). */
void thread_suspend(struct thread *thread);
void thread_resume(struct thread *thread);

/* Changes where it may run. -EXO_E_ARG if no CPU of @affinity is online. */
int thread_set_affinity(struct thread *thread, const struct cpu_set *affinity);

/* Changes what the policy goes by. Errors of thread_create(). */
int thread_set_parameters(struct thread *thread, const struct sched_parameters *parameters);

/* Gives back the memory of ended threads that is kept for new ones. */
void thread_trim(void);

/*
 * Gives back what this CPU keeps of ended threads beyond CONFIG_THREAD_CACHE. For who has ended
 * some. Interrupts off, no lock held; interrupts are on for a while if there is something.
 */
void thread_cache_settle(void);

/* How many bytes of its stack a thread has used at most; 0 without CONFIG_THREAD_STACK_USAGE. */
size_t thread_stack_used(const struct thread *thread);

/* Calls @visit for every thread, under threads_lock. */
void thread_for_each(void (*visit)(struct thread *thread, void *context), void *context);

/* The running thread; NULL before sched_init(). It does not change under its own feet. */
static inline struct thread *thread_current(void)
{
	return this_cpu_read_stable(current);
}

#endif
