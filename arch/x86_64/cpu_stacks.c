/* SPDX-License-Identifier: MIT */
/*
 * The stacks of all CPUs but the first: one to start on, which becomes its idle thread's, and with
 * CONFIG_IST one for each exception that may strike when the current stack is unusable.
 *
 * They lie in an area of the kernel's address space, a slot for each CPU that is sent for, so where
 * an address belongs is found by arithmetic, without a lock, from any context:
 *
 *	guard, start stack, guard, NMI, guard, double fault, guard, machine check
 *
 * The guards (CONFIG_STACK_GUARD) are pages that are never mapped. Slots are mapped by the boot CPU
 * alone and stay.
 */
#include <arch/memory.h>
#include <arch/mmu.h>
#include <arch/stack.h>
#include <exo/cpu.h>
#include <exo/frame.h>
#include <exo/panic.h>
#include <stdatomic.h>

#define NR_STACKS (IS_ENABLED(CONFIG_IST) ? 1 + NR_IST : 1)
#define GUARD_SIZE (IS_ENABLED(CONFIG_STACK_GUARD) ? (uint64_t)PAGE_SIZE : 0)
#define WHOLE_PAGES(size) (((size) + PAGE_SIZE - 1ull) & ~(PAGE_SIZE - 1ull))
#define START_SIZE WHOLE_PAGES(CONFIG_KERNEL_STACK_SIZE)
#define IST_SIZE WHOLE_PAGES(CONFIG_IST_STACK_SIZE)
#define SLOT_SIZE (NR_STACKS * GUARD_SIZE + START_SIZE + (NR_STACKS - 1) * IST_SIZE)

/* How many slots, from the first, are mapped. */
static _Atomic unsigned int slots;

/* The lowest byte of stack @index, above its guard, and its size. */
static uint64_t stack_base(unsigned int slot, unsigned int index, uint64_t *size)
{
	const uint64_t base = CPU_STACKS_BASE + slot * SLOT_SIZE + GUARD_SIZE;

	*size = index ? IST_SIZE : START_SIZE;
	return index ? base + START_SIZE + index * GUARD_SIZE + (index - 1) * IST_SIZE : base;
}

static int map_pages(struct page_batch *batch, uint64_t address, uint64_t size, unsigned int node)
{
	const struct frame_where where = { .placement = FRAME_NEAR, .node = node };
	paddr_t frame;
	int error;

	for (; size; address += PAGE_SIZE, size -= PAGE_SIZE) {
		error = frame_alloc_where(0, &where, &frame);
		if (error)
			return error;
		error = page_table_map(batch, address, frame, PAGE_SIZE, PAGE_WRITE);
		if (error) {
			frame_free(frame, 0);
			return error;
		}
	}
	return 0;
}

/* Never used yet, so no TLB has any of it, and the frames may go before the flush. */
static void unmap_slot(struct page_batch *batch, uint64_t base)
{
	struct page_mapping found;

	for (uint64_t at = base; at < base + SLOT_SIZE; at += PAGE_SIZE)
		if (page_table_query(&kernel_space, at, &found) == 0 && found.present)
			frame_free(found.base, 0);
	page_table_unmap(batch, base, SLOT_SIZE);
}

int cpu_stacks_map(unsigned int slot, unsigned int node, struct cpu_stacks *stacks)
{
	struct page_batch batch;
	int error = 0;

	ASSERT(slot == atomic_load_explicit(&slots, memory_order_relaxed));
	page_batch_begin(&batch, &kernel_space);
	for (unsigned int i = 0; i < NR_STACKS && !error; i++) {
		uint64_t size;
		const uint64_t base = stack_base(slot, i, &size);

		error = map_pages(&batch, base, size, node);
		if (i)
			stacks->ist[i - 1] = base + size;
		else
			stacks->start = base + size;
	}
	if (error)
		unmap_slot(&batch, CPU_STACKS_BASE + slot * SLOT_SIZE);
	page_batch_end(&batch);
	if (!error)
		atomic_store_explicit(&slots, slot + 1, memory_order_release);
	return error;
}

/* Which stack of which CPU; NR_STACKS for none. @guard: is it that stack's guard? */
static unsigned int find(uint64_t address, uint64_t bytes, bool *guard)
{
	const uint64_t offset = address - CPU_STACKS_BASE, slot = offset / SLOT_SIZE;
	uint64_t size;

	if (slot >= atomic_load_explicit(&slots, memory_order_acquire))
		return NR_STACKS;
	for (unsigned int i = 0; i < NR_STACKS; i++) {
		const uint64_t base = stack_base((unsigned int)slot, i, &size);

		*guard = address < base;
		if (address < base || (address < base + size && base + size - address >= bytes))
			return i;
	}
	return NR_STACKS;
}

bool cpu_stacks_hold(uint64_t address)
{
	bool guard;

	return find(address, 16, &guard) < NR_STACKS && !guard;
}

const char *cpu_stacks_guard_name(uint64_t address)
{
	bool guard;
	const unsigned int index = find(address, 1, &guard);

	if (index == NR_STACKS || !guard)
		return NULL;
	return index ? ist_names[index - 1] : "idle";
}
