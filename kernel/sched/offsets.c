/* SPDX-License-Identifier: MIT */
/* What hand.inc knows of the policy's run queue. */
#include "sched_cpu.h"

#include <exo/offsets.h>

void sched_offsets(void);

void sched_offsets(void)
{
	DEFINE(ASM_QUEUE_TURNS, POLICY_TURNS);
	DEFINE(ASM_THREAD_NODE, offsetof(struct thread, sched.list.node));
	DEFINE(ASM_THREAD_SEEN_AT, offsetof(struct thread, sched.list.seen_at));
	DEFINE(ASM_THREAD_SEEN, offsetof(struct thread, sched.list.seen));
	DEFINE(ASM_THREAD_LEVEL, offsetof(struct thread, sched.list.level));
	DEFINE(ASM_NODE_NEXT, offsetof(struct list_node, next));
	DEFINE(ASM_NODE_PREVIOUS, offsetof(struct list_node, previous));
}
