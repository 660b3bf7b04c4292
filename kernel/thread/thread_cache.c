/* SPDX-License-Identifier: MIT */
/*
 * The stacks of ended threads and their TCBs, kept for new ones: a list for each CPU, touched with
 * interrupts off. Where threads end, interrupts are off, and a stack cannot be unmapped then; so a
 * CPU that has more than CONFIG_THREAD_CACHE frees some as soon as that can be: in its idle thread,
 * which buries threads, and in thread_cache_settle(). Banks count on that (bank_stack_frames()).
 */
#include "thread_internal.h"

#include <exo/smp.h>
#include <exo/string.h>

/* Interrupts off. */
static inline struct thread *pop(struct cpu *cpu)
{
	struct thread *thread = cpu->ended;

	if (thread) {
		cpu->ended = thread->cache_next;
		cpu->nr_ended--;
	}
	return thread;
}

/* So many are made at a time. */
#define MAKE_MAX                                               \
	(CONFIG_THREAD_CACHE / 2 < 1		 ? 1           \
	 : CONFIG_THREAD_CACHE / 2 > STACK_BATCH ? STACK_BATCH \
						 : CONFIG_THREAD_CACHE / 2)

static __noinline struct thread *make_new(void)
{
	uintptr_t stacks[STACK_BATCH];
	const unsigned int count = stack_alloc(stacks, MAKE_MAX);
	struct thread *thread = NULL;

	for (unsigned int i = 0; i < count; i++) {
		if (thread)
			thread_memory_put(thread);
		thread = (struct thread *)(stacks[i] + STACK_SIZE - THREAD_TCB_SIZE);
		thread_construct(thread);
		thread->stack = stacks[i];
	}
	return thread;
}

struct thread *thread_memory_get(void)
{
	const uint64_t flags = irq_save();
	struct thread *thread = pop(cpu_this());

	irq_restore(flags);
	if (unlikely(!thread))
		thread = make_new();
	if (IS_ENABLED(CONFIG_THREAD_STACK_USAGE) && thread)
		memset((void *)thread->stack, STACK_PATTERN, (uintptr_t)thread - thread->stack);
	return thread;
}

void thread_memory_put(struct thread *thread)
{
	const uint64_t flags = irq_save();
	struct cpu *cpu = cpu_this();

	thread->cache_next = cpu->ended;
	cpu->ended = thread;
	cpu->nr_ended++;
	irq_restore(flags);
}

bool thread_cache_shrink(void)
{
	uintptr_t stacks[STACK_BATCH];
	struct cpu *cpu = cpu_this();
	unsigned int count = 0;

	if (cpu->nr_ended <= CONFIG_THREAD_CACHE)
		return false;
	/* Down to half of them, so that it is not for one at a time. */
	while (count < STACK_BATCH && cpu->nr_ended > CONFIG_THREAD_CACHE / 2)
		stacks[count++] = pop(cpu)->stack;
	irq_enable();
	stack_free(stacks, count);
	irq_save();
	return true;
}

void thread_cache_settle(void)
{
	if (likely(cpu_this()->nr_ended <= CONFIG_THREAD_CACHE))
		return;
	/* The caller stays on this CPU: it may be in the middle of something of the CPU's own. */
	preempt_disable();
	while (thread_cache_shrink())
		;
	preempt_enable();
}

/* Moves all of this CPU's threads to the injector at @context. Interrupts off. */
static void move_all(void *context)
{
	struct thread *thread;

	while ((thread = pop(cpu_this())))
		injector_push(context, &thread->inject);
}

void thread_trim(void)
{
	struct injector all = { .newest = NULL };
	uintptr_t stacks[STACK_BATCH];
	struct inject_node *node;
	unsigned int count = 0;
	struct cpu_set set;
	uint64_t flags;

	cpu_set_all(&set);
	smp_call(&set, move_all, &all);
	flags = irq_save();
	move_all(&all);
	irq_restore(flags);
	/* The TCBs go with their stacks: the next is read before. */
	for (node = injector_take(&all); node;) {
		stacks[count++] = container_of(node, struct thread, inject)->stack;
		node = node->next;
		if (count == STACK_BATCH || !node) {
			stack_free(stacks, count);
			count = 0;
		}
	}
}

size_t thread_stack_used(const struct thread *thread)
{
	const unsigned char *byte = (const unsigned char *)thread->stack;

	if (!IS_ENABLED(CONFIG_THREAD_STACK_USAGE) || !thread->stack)
		return 0;
	while (byte < (const unsigned char *)thread && *byte == STACK_PATTERN)
		byte++;
	return thread->stack + STACK_SIZE - (uintptr_t)byte;
}
