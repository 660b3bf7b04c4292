/* SPDX-License-Identifier: MIT */
/*
 * The stacks of ended threads and their TCBs, kept for new ones: a list for each CPU, touched with
 * interrupts off. A CPU that has more than CONFIG_THREAD_CACHE frees
 * the rest, one at a time, while it is idle: where threads end, interrupts are off, and a stack can
 * not be unmapped then.
 */
#include "thread_internal.h"

#include <exo/smp.h>
#include <exo/string.h>

static struct {
	struct thread *first; /* linked by cache_next */
	unsigned int count;
} caches[NR_CPUS];

/* Interrupts off. */
static inline struct thread *pop(cpu_t cpu)
{
	struct thread *thread = caches[cpu].first;

	if (thread) {
		caches[cpu].first = thread->cache_next;
		caches[cpu].count--;
	}
	return thread;
}

static __noinline struct thread *make_new(void)
{
	struct thread *thread;
	uintptr_t stack;

	if (stack_alloc(&stack))
		return NULL;
	thread = (struct thread *)(stack + STACK_SIZE - THREAD_TCB_SIZE);
	thread_construct(thread);
	thread->stack = stack;
	return thread;
}

struct thread *thread_memory_get(void)
{
	const uint64_t flags = irq_save();
	struct thread *thread = pop(cpu_current());

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
	const cpu_t cpu = cpu_current();

	thread->cache_next = caches[cpu].first;
	caches[cpu].first = thread;
	caches[cpu].count++;
	irq_restore(flags);
}

bool thread_cache_shrink(void)
{
	struct thread *thread = NULL;

	if (caches[cpu_current()].count > CONFIG_THREAD_CACHE)
		thread = pop(cpu_current());
	if (!thread)
		return false;
	irq_enable();
	stack_free(thread->stack);
	irq_save();
	return true;
}

/* Moves all of this CPU's threads to the injector at @context. Interrupts off. */
static void move_all(void *context)
{
	struct thread *thread;

	while ((thread = pop(cpu_current())))
		injector_push(context, &thread->inject);
}

void thread_trim(void)
{
	struct injector all = { .newest = NULL };
	struct inject_node *node, *next;
	struct cpu_set set;
	uint64_t flags;

	cpu_set_all(&set);
	smp_call(&set, move_all, &all);
	flags = irq_save();
	move_all(&all);
	irq_restore(flags);
	for (node = injector_take(&all); node; node = next) {
		next = node->next;
		stack_free(container_of(node, struct thread, inject)->stack);
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
