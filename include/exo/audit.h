/* SPDX-License-Identifier: MIT */
/*
 * The audit: everything that must hold of objects, capabilities, mappings, banks and threads,
 * looked at in full while all CPUs stand still (CONFIG_AUDIT).
 *
 * What is in the middle of a system call then is at an open that is not a wait for other CPUs:
 * frames being zeroed, or a kernel stack being mapped. Such a call has pinned its bank and claimed
 * its slots, and knows of charges of which nothing can be seen yet.
 */
#ifndef EXO_AUDIT_H
#define EXO_AUDIT_H

#include <exo/compiler.h>
#include <exo/config.h>
#include <stdbool.h>

struct audit {
	/* The first contradiction. */
	const char *wrong; /* NULL: there is none */
	const void *where; /* the object, capability or thread that it is about */
	uint64_t expected, found;
	/* What was looked at. */
	uint64_t banks, objects, envs, slots, pages, threads; /* slots: that have a capability */
	/* Between the parts: sums that must agree. */
	uint64_t in_trees; /* capabilities */
	uint64_t waiting, waiters; /* threads for notifications */
	uint64_t queued, in_queues; /* threads at endpoints */
	uint64_t lines; /* of interrupts, that notifications know of */
	uint64_t states, pins; /* state pages; pins of FRAMEs */
	uint64_t unused; /* frames that banks may still take */
};

/* Notes what is wrong, unless something was before. Returns false. */
static inline bool audit_fail(struct audit *audit, const char *wrong, const void *where,
			      uint64_t expected, uint64_t found)
{
	if (!audit->wrong) {
		audit->wrong = wrong;
		audit->where = where;
		audit->expected = expected;
		audit->found = found;
	}
	return false;
}

/* The same if the two differ: are they equal? */
static inline bool audit_equal(struct audit *audit, const char *wrong, const void *where,
			       uint64_t expected, uint64_t found)
{
	return expected == found || audit_fail(audit, wrong, where, expected, found);
}

/**
 * audit_run() - look at everything
 * Returns 0: see @audit; -EXO_E_BUSY if another CPU is at it, -EXO_E_AGAIN if some CPU was busy all
 * the time; -EXO_E_CALL without CONFIG_AUDIT. A contradiction is also logged. No lock held; time is
 * linear in all there is, during which nothing else happens on any CPU.
 */
#if IS_ENABLED(CONFIG_AUDIT)
int audit_run(struct audit *audit);

/* The same without the log: for those who have done the damage. */
int audit_look(struct audit *audit);
#else
#include <exo/errno.h>

static inline int audit_run(struct audit *audit)
{
	(void)audit;
	return -EXO_E_CALL;
}
#endif

/* Its parts; each returns whether all is right. All other CPUs stand still, interrupts are off. */
struct bank;
struct object;
struct env;

bool audit_bank_sums(struct audit *audit, struct bank *bank); /* kernel/object/audit_bank.c */
bool audit_bank_frames(struct audit *audit, struct bank *bank); /* kernel/object/audit_frames.c */
void audit_frames_end(struct audit *audit); /* after the last bank, whatever was found */
bool audit_env(struct audit *audit, struct env *env); /* kernel/object/audit_env.c */
bool audit_object(struct audit *audit, struct object *object);
bool audit_threads(struct audit *audit); /* kernel/sched/audit.c */

#endif
