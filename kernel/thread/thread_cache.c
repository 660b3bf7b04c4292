/* SPDX-License-Identifier: MIT */
/*
 * The stacks of ended threads, kept for new ones: a list for each CPU, linked through the stacks'
 * first words and touched with interrupts off. A CPU that has more than CONFIG_THREAD_CACHE frees
 * the rest, one at a time, while it is idle: where threads end, interrupts are off, and a stack can
 * not be unmapped then.
 */
#include "thread_internal.h"

#include <exo/smp.h>
#include <exo/string.h>

static struct {
	struct inject_node *first;
	unsigned int count;
} caches[NR_CPUS];

/* Interrupts off. */
static struct inject_node *pop(cpu_t cpu)
{
	struct inject_node *node = caches[cpu].first;

	if (node) {
		caches[cpu].first = node->next;
		caches[cpu].count--;
	}
	return node;
}

int thread_stack_get(uintptr_t *stack)
{
	const uint64_t flags = irq_save();
	struct inject_node *node = pop(cpu_current());
	int error = 0;

	irq_restore(flags);
	*stack = (uintptr_t)node;
	if (unlikely(!node))
		error = stack_alloc(stack);
	if (IS_ENABLED(CONFIG_THREAD_STACK_USAGE) && !error)
		memset((void *)*stack, STACK_PATTERN, STACK_SIZE);
	return error;
}

void thread_stack_put(uintptr_t stack)
{
	const uint64_t flags = irq_save();
	struct inject_node *node = (struct inject_node *)stack;
	const cpu_t cpu = cpu_current();

	node->next = caches[cpu].first;
	caches[cpu].first = node;
	caches[cpu].count++;
	irq_restore(flags);
}

bool thread_cache_shrink(void)
{
	const uint64_t flags = irq_save();
	struct inject_node *node = NULL;

	if (caches[cpu_current()].count > CONFIG_THREAD_CACHE)
		node = pop(cpu_current());
	irq_enable();
	if (node)
		stack_free((uintptr_t)node);
	irq_save();
	irq_restore(flags);
	return node != NULL;
}

/* Moves all of this CPU's stacks to the injector at @context. Interrupts off. */
static void move_all(void *context)
{
	struct inject_node *node;

	while ((node = pop(cpu_current())))
		injector_push(context, node);
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
		stack_free((uintptr_t)node);
	}
}

size_t thread_stack_used(const struct thread *thread)
{
	const unsigned char *byte = (const unsigned char *)thread->stack;

	if (!IS_ENABLED(CONFIG_THREAD_STACK_USAGE) || !thread->stack)
		return 0;
	while (*byte == STACK_PATTERN)
		byte++;
	return thread->stack + STACK_SIZE - (uintptr_t)byte;
}
