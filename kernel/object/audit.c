/* SPDX-License-Identifier: MIT */
/*
 * The audit of everything (exo/audit.h): all objects, found by the cells of banks and not by the
 * lists that are being looked at; then what can only be said of all together.
 *
 * Every object's tree is gone through from the object, and every table from its first slot to its
 * last. A tree's capabilities must each be where their table has that slot; so if both ways come
 * across the same number, each capability is in its object's tree, and once.
 *
 * Tests may have objects with capabilities in no environment, and threads without objects: none of
 * them may be left when an audit runs.
 */
#include <exo/audit.h>
#include <exo/console.h>
#include <exo/env.h>
#include <exo/log.h>
#include <exo/monitor.h>
#include <exo/smp.h>

#include "bank_internal.h"

/* All objects of the root bank and of banks that came from it, parents first; NULL at the end. */
static struct object *next_object(struct object *object)
{
	struct object *next = NULL;

	if (object->type == EXO_TYPE_BANK)
		next = bank_next_object(container_of(object, struct bank, object), NULL);
	for (; !next && object->bank; object = &object->bank->object)
		next = bank_next_object(object->bank, object);
	return next;
}

static bool check_bank(struct audit *audit, struct bank *bank)
{
	const char *wrong = bank_audit(bank);

	audit->banks++;
	if (wrong)
		return audit_fail(audit, wrong, bank, 0, 0);
	return audit_bank_sums(audit, bank);
}

/* Who waits for a reply, and who is to give it, are linked both ways. */
static bool check_ipc(struct audit *audit, struct user_thread *thread)
{
	const struct user_thread *server = atomic_load(&thread->ipc.server);
	const struct user_thread *caller = atomic_load(&thread->ipc.caller);

	audit->queued += atomic_load(&thread->ipc.queued) != NULL;
	if (server && atomic_load(&server->ipc.caller) != thread)
		return audit_fail(audit,
				  "a thread waits for the reply of one that has not its call",
				  thread, (uintptr_t)thread,
				  (uintptr_t)atomic_load(&server->ipc.caller));
	if (caller && atomic_load(&caller->ipc.server) != thread)
		return audit_fail(audit, "a thread has the call of one that does not wait for it",
				  thread, (uintptr_t)thread,
				  (uintptr_t)atomic_load(&caller->ipc.server));
	if (server && atomic_load(&thread->ipc.queued))
		return audit_fail(audit, "a thread waits at an endpoint and for a reply", thread, 0,
				  0);
	return true;
}

static bool check_endpoint(struct audit *audit, struct endpoint *endpoint)
{
	const char *wrong = endpoint_audit(endpoint, &audit->in_queues);

	return !wrong || audit_fail(audit, wrong, endpoint, 0, 0);
}

static bool check_thread(struct audit *audit, struct user_thread *thread)
{
	audit->waiting += thread->waiting_on != NULL;
	audit->states += thread->state_frame != NULL;
	if (IS_ENABLED(CONFIG_IPC) && !check_ipc(audit, thread))
		return false;
	if (thread->state_frame && thread->state_frame->object.type != EXO_TYPE_FRAME)
		return audit_fail(audit, "a state page is no frame", thread, EXO_TYPE_FRAME,
				  thread->state_frame->object.type);
	if (thread->thread && thread->thread->user != &thread->context)
		return audit_fail(audit, "a thread and its object disagree", thread,
				  (uintptr_t)&thread->context, (uintptr_t)thread->thread->user);
	return true;
}

static bool check_ntf(struct audit *audit, struct ntf *ntf)
{
	list_for_each(node, &ntf->waiters)
	{
		const struct user_thread *thread = list_entry(node, struct user_thread, wait_node);

		if (node->next->previous != node)
			return audit_fail(audit, "the list of who waits for bits is broken", ntf, 0,
					  0);
		if (thread->waiting_on != ntf)
			return audit_fail(audit,
					  "a thread is in the list of a notification that "
					  "it does not wait for",
					  thread, (uintptr_t)ntf, (uintptr_t)thread->waiting_on);
		audit->waiters++;
	}
	audit->lines += ntf->nr_lines;
	if (ntf->bound && ntf->bound->bound != ntf)
		return audit_fail(audit, "a notification and the thread it is bound to disagree",
				  ntf, (uintptr_t)ntf, (uintptr_t)ntf->bound->bound);
	return true;
}

/* One object of a bank. */
static bool check_object(struct audit *audit, struct object *object)
{
	if (!audit_object(audit, object))
		return false;
	switch (object->type) {
	case EXO_TYPE_BANK:
		return check_bank(audit, container_of(object, struct bank, object));
	case EXO_TYPE_FRAME:
		audit->pins += object->pins;
		return true;
	case EXO_TYPE_ENV:
		return audit_env(audit, container_of(object, struct env, object));
	case EXO_TYPE_THREAD:
		return check_thread(audit, container_of(object, struct user_thread, object));
	case EXO_TYPE_NTF:
		return check_ntf(audit, container_of(object, struct ntf, object));
	case EXO_TYPE_EP:
		return check_endpoint(audit, container_of(object, struct endpoint, object));
	default:
		return true;
	}
}

static void check_sums(struct audit *audit)
{
	audit_equal(audit, "tables have more or fewer capabilities than trees", NULL,
		    audit->in_trees, audit->slots);
	audit_equal(audit, "more or fewer threads wait than notifications know of", NULL,
		    audit->waiters, audit->waiting);
	audit_equal(audit, "more or fewer threads are queued than endpoints know of", NULL,
		    audit->in_queues, audit->queued);
	/* Whoever else pins one gives it up before other CPUs are served. */
	audit_equal(audit, "frames are pinned for more or fewer threads than there are", NULL,
		    audit->states, audit->pins);
}

/* Interrupt lines, after all notifications. */
static void check_lines(struct audit *audit)
{
	unsigned int lines = 0, line = 0;
	const char *wrong = irq_object_audit(&lines, &line);

	if (wrong)
		audit_fail(audit, wrong, NULL, 0, line);
	audit_equal(audit, "more or fewer lines are bound than notifications know of", NULL,
		    audit->lines, lines);
}

/* Of banks that are whole, so that their cells can be followed. */
static void check_frames(struct audit *audit, struct bank *root)
{
	bool right = audit_bank_frames(audit, root);

	for (struct object *object = &root->object; right && (object = next_object(object));)
		if (object->type == EXO_TYPE_BANK)
			right = audit_bank_frames(audit, container_of(object, struct bank, object));
	audit_frames_end(audit);
}

static void audit_all(void *context)
{
	struct audit *audit = context;
	struct bank *root = bank_root();
	struct object *object = root ? &root->object : NULL;

	if (root && !check_bank(audit, root))
		return;
	while (object && (object = next_object(object)))
		if (!check_object(audit, object))
			return;
	check_sums(audit);
	if (IS_ENABLED(CONFIG_IRQ_OBJECTS))
		check_lines(audit);
	if (root && !audit->wrong)
		check_frames(audit, root);
	if (!audit->wrong)
		audit_threads(audit);
}

int audit_look(struct audit *audit)
{
	const uint64_t flags = irq_save();
	int error;

	*audit = (struct audit){ .wrong = NULL };
	error = smp_alone(audit_all, audit);
	irq_restore(flags);
	return error;
}

int audit_run(struct audit *audit)
{
	const int error = audit_look(audit);

	if (!error && audit->wrong)
		log_error("audit: %s: 0x%lx: %llu expected, %llu found (0x%llx, 0x%llx)",
			  audit->wrong, (uintptr_t)audit->where,
			  (unsigned long long)audit->expected, (unsigned long long)audit->found,
			  (unsigned long long)audit->expected, (unsigned long long)audit->found);
	return error;
}

static int audit_command(int argc, char **argv)
{
	struct audit audit;
	int error;

	(void)argv;
	if (argc > 1) {
		console_printf("audit: takes no argument\n");
		return 1;
	}
	error = audit_run(&audit);
	if (error) {
		console_printf("audit: a CPU is busy: try again\n");
		return 1;
	}
	console_printf("audit: %llu banks, %llu objects, %llu environments, %llu capabilities, "
		       "%llu mapped pages, %llu threads: %s\n",
		       (unsigned long long)audit.banks, (unsigned long long)audit.objects,
		       (unsigned long long)audit.envs, (unsigned long long)audit.slots,
		       (unsigned long long)audit.pages, (unsigned long long)audit.threads,
		       audit.wrong ? audit.wrong : "all is right");
	return audit.wrong != NULL;
}
MONITOR_COMMAND(audit, "", "look for contradictions in all of the kernel's state", audit_command);
