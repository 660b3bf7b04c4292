/* SPDX-License-Identifier: MIT */
/*
 * Audit of threads: each is in exactly one place. A ready one runs, or is in one run queue, that of
 * its home; or in its home's injector. One that is blocked is in the queue of what it waits for,
 * or sleeps, or has been stopped at the border of user mode; or it has been woken and is in its
 * home's injector. All others are nowhere.
 *
 * A thread that runs is also in its CPU's queue if the policy keeps it there. How often a thread
 * was come across in queues and injectors is counted in the thread itself.
 */
#include <exo/audit.h>
#include <exo/ipc.h>
#include <exo/user.h>
#include <exo/wait.h>

#include "sched_cpu.h"

#define MANY 100 /* of a thread's places: it does not matter how many more */

/* Where threads are being looked for. */
struct visit {
	struct audit *audit;
	const struct cpu *cpu;
};

static void found(struct visit *visit, struct thread *thread, const char *elsewhere)
{
	const struct cpu *home = atomic_load(&thread->home);

	if (thread->places < MANY)
		thread->places++;
	if (home != visit->cpu)
		audit_fail(visit->audit, elsewhere, thread, visit->cpu->number,
			   home ? home->number : NR_CPUS);
}

/* The overflow queue of a node has threads of any of its CPUs. */
static void visit_ready(struct thread *thread, void *context)
{
	const struct visit *visit = context;
	const struct cpu *home = atomic_load(&thread->home);
	const bool shared = POLICY_STEALS && home && home->node == visit->cpu->node;
	struct visit here = { visit->audit, shared ? home : visit->cpu };

	audit_equal(visit->audit, "a thread in a run queue is not ready", thread, THREAD_READY,
		    atomic_load(&thread->state));
	found(&here, thread, "a thread is in the run queue of another CPU than its home");
}

static void visit_cpu(struct audit *audit, struct cpu *cpu)
{
	struct visit visit = { audit, cpu };
	const struct inject_node *node = atomic_load(&cpu->injector.newest);

	for (; node; node = node->next)
		found(&visit, container_of(node, struct thread, inject),
		      "a thread is on its way to another CPU than its home");
	policy_visit(cpu_queue(cpu), visit_ready, &visit);
}

static bool is_idle_thread(const struct thread *thread)
{
	for (cpu_t cpu = 0; cpu < nr_cpus_online; cpu++)
		if (cpus[cpu]->idle == thread)
			return true;
	return false;
}

/* On how many CPUs does it run? */
static unsigned int running(const struct thread *thread)
{
	unsigned int nr = 0;

	for (cpu_t cpu = 0; cpu < nr_cpus_online; cpu++)
		nr += cpus[cpu]->current == thread;
	return nr;
}

/* How many things does it wait for? */
static unsigned int waits(struct audit *audit, struct thread *thread)
{
	const struct wait_queue *queue = atomic_load(&thread->waiting_on);
	const struct pq_node *node = NULL;

	if (queue) {
		while ((node = pq_walk(&queue->waiters, (struct pq_node *)node)))
			if (node == &thread->wait_node)
				break;
		if (!node)
			audit_fail(audit, "a thread is not in the queue that it waits in", thread,
				   1, 0);
	}
	return (queue != NULL) + atomic_load(&thread->asleep) +
	       (IS_ENABLED(CONFIG_OBJECTS) && thread->user && atomic_load(&thread->user->stopped)) +
	       (IS_ENABLED(CONFIG_IPC) && thread->user && thread->user->ipc
			? thread->user->ipc->places(thread)
			: 0);
}

static void check_ready(struct audit *audit, const struct thread *thread, unsigned int runs,
			unsigned int waits_for)
{
	audit_equal(audit, "a ready thread waits", thread, 0, waits_for);
	if (runs)
		audit_equal(audit, "a running thread is in the wrong number of queues", thread,
			    POLICY_KEEPS_RUNNING, thread->places);
	else
		audit_equal(audit, "a ready thread is in the wrong number of queues", thread, 1,
			    thread->places);
}

static void clear(struct thread *thread, void *unused)
{
	(void)unused;
	thread->places = 0;
}

static void check(struct thread *thread, void *context)
{
	struct audit *audit = context;
	const unsigned int state = atomic_load(&thread->state), runs = running(thread);
	const unsigned int waits_for = waits(audit, thread);

	audit->threads++;
	if (runs > 1)
		audit_fail(audit, "a thread runs on several CPUs", thread, 1, runs);
	if (is_idle_thread(thread))
		audit_equal(audit, "an idle thread is in a queue", thread, 0, thread->places);
	else if (state == THREAD_READY)
		check_ready(audit, thread, runs, waits_for);
	else if (runs)
		audit_fail(audit, "a running thread is not ready", thread, THREAD_READY, state);
	else if (state == THREAD_BLOCKED)
		audit_equal(audit, "a blocked thread waits in the wrong number of places", thread,
			    1, waits_for + thread->places);
	else
		audit_equal(audit, "a thread that is suspended or dead is in a queue", thread, 0,
			    waits_for + thread->places);
}

bool audit_threads(struct audit *audit)
{
	thread_for_each(clear, NULL);
	for (cpu_t cpu = 0; cpu < nr_cpus_online; cpu++)
		visit_cpu(audit, cpus[cpu]);
	thread_for_each(check, audit);
	return !audit->wrong;
}
