/* SPDX-License-Identifier: MIT */
/* The scheduler's start, on each CPU. */
#include "sched_cpu.h"

#include <arch/memory.h>
#include <exo/frame.h>
#include <exo/panic.h>
#include <exo/string.h>

struct sched_cpu boot_sched_cpu;
static struct thread main_thread;

static void prepare(struct cpu *cpu, struct sched_cpu *sched)
{
	cpu->queue = &sched->queue;
	timer_prepare(&sched->slice, sched_slice_end);
	sched->slice_over = ~0ull;
	policy_init(&sched->queue, cpu);
}

__boot void sched_init(void)
{
	struct thread *idle;

	prepare(&boot_cpu, &boot_sched_cpu);
	thread_adopt(&main_thread, "main", &boot_cpu);
	policy_admit(&main_thread, &main_thread.parameters);
	main_thread.urgency = main_thread.own_urgency;
	main_thread.started = true;
	boot_cpu.current = &main_thread;
	if (POLICY_KEEPS_RUNNING)
		policy_enqueue(&boot_sched_cpu.queue, &main_thread, ENQUEUE_PREEMPTED);
	if (thread_create(&idle, sched_idle, NULL, &(struct thread_attributes){ .name = "idle" }))
		panic("sched: no memory for the first thread");
	policy_leave(idle); /* no policy ever sees it again */
	idle->started = true;
	boot_cpu.idle = idle;
}

int sched_prepare_cpu(struct cpu *cpu)
{
	const struct frame_where where = { .placement = FRAME_NEAR, .node = cpu->node };
	struct sched_cpu *sched;
	unsigned int order = 0;
	paddr_t base;
	int error;

	while (((size_t)PAGE_SIZE << order) < sizeof(*sched))
		order++;
	error = frame_alloc_where(order, &where, &base);
	if (error)
		return error;
	sched = phys_to_virt(base);
	memset(sched, 0, sizeof(*sched));
	thread_adopt(&sched->idle, "idle", cpu);
	cpu->idle = &sched->idle;
	prepare(cpu, sched);
	return 0;
}

void sched_run_cpu(void)
{
	struct cpu *cpu = cpu_this();

	cpu->current = cpu->idle;
	sched_idle(NULL);
}
