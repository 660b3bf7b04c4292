/* SPDX-License-Identifier: MIT */
/*
 * The stacks of threads.
 *
 * Where there are guard pages, a stack is a block of frames, mapped in a slot of the stack area
 * (arch/layout.h): first a page that stays unmapped, then the stack. Which slots are taken is a
 * bitmap, the lowest free one is next, so that page tables stay few. Else a stack is just a block
 * of frames in the direct map, and a counter keeps the limit.
 *
 * Lock: stacks.lock, taken before the kernel's page tables and the frames.
 */
#include <arch/memory.h>
#include <arch/mmu.h>
#include <exo/bitmap_tree.h>
#include <exo/frame.h>
#include <exo/page_table.h>
#include <exo/panic.h>
#include <exo/spinlock.h>
#include <exo/stack.h>
#include <exo/thread.h>

#define GUARDED (IS_ENABLED(CONFIG_STACK_GUARD) && IS_ENABLED(CONFIG_PAGE_TABLE))
#define SLOT_SIZE (STACK_SIZE + PAGE_SIZE)
#define SLOT_WORDS ((CONFIG_THREADS_MAX + 63) / 64)

_Static_assert(CONFIG_THREADS_MAX *SLOT_SIZE <= STACK_AREA_SIZE, "the stack area holds all slots");

static struct {
	struct spinlock lock;
	unsigned int count;
	unsigned int lowest; /* all words before this one are full */
	uint64_t taken[SLOT_WORDS];
} stacks = { .lock = SPINLOCK_INIT(LOCK_RANK_STACKS) };

/* Under the lock, and with one free. */
static unsigned int slot_take(void)
{
	unsigned int word = stacks.lowest, bit;

	while (!~stacks.taken[word])
		word++;
	stacks.lowest = word;
	bit = (unsigned int)__builtin_ctzll(~stacks.taken[word]);
	stacks.taken[word] |= 1ull << bit;
	return word * 64 + bit;
}

static void slot_give(unsigned int slot)
{
	stacks.taken[slot / 64] &= ~(1ull << slot % 64);
	if (slot / 64 < stacks.lowest)
		stacks.lowest = slot / 64;
}

static uintptr_t slot_stack(unsigned int slot)
{
	return STACK_AREA_BASE + slot * SLOT_SIZE + PAGE_SIZE;
}

static int map(uintptr_t stack, paddr_t frames)
{
	struct page_batch batch;
	int error;

	page_batch_begin(&batch, &kernel_space);
	error = page_table_map(&batch, stack, frames, STACK_SIZE, PAGE_WRITE);
	page_batch_end(&batch);
	return error;
}

/* Under the lock. */
static int alloc_guarded(paddr_t frames, uintptr_t *stack)
{
	const unsigned int slot = slot_take();
	const int error = map(slot_stack(slot), frames);

	if (error)
		slot_give(slot);
	else
		*stack = slot_stack(slot);
	return error;
}

int stack_alloc(uintptr_t *stack)
{
	paddr_t frames;
	int error = frame_alloc(STACK_ORDER, &frames);

	if (error)
		return error;
	spin_lock(&stacks.lock);
	if (stacks.count == CONFIG_THREADS_MAX)
		error = -EXO_E_NOMEM;
	else if (GUARDED)
		error = alloc_guarded(frames, stack);
	else
		*stack = (uintptr_t)phys_to_virt(frames);
	if (!error)
		stacks.count++;
	spin_unlock(&stacks.lock);
	if (error)
		frame_free(frames, STACK_ORDER);
	return error;
}

/* Under the lock: replaces each address by that of its frames. */
static void free_guarded(uintptr_t *stacks_to_free, unsigned int count)
{
	struct page_mapping found;
	struct page_batch batch;

	page_batch_begin(&batch, &kernel_space);
	for (unsigned int i = 0; i < count; i++) {
		const uintptr_t stack = stacks_to_free[i];

		page_table_query(&kernel_space, stack, &found);
		ASSERT(found.present);
		page_table_unmap(&batch, stack, STACK_SIZE);
		slot_give((unsigned int)((stack - STACK_AREA_BASE) / SLOT_SIZE));
		stacks_to_free[i] = (uintptr_t)phys_to_virt(found.base);
	}
	page_batch_end(&batch);
}

void stack_free(uintptr_t *stacks_to_free, unsigned int count)
{
	int error = 0;

	spin_lock(&stacks.lock);
	if (GUARDED)
		free_guarded(stacks_to_free, count);
	stacks.count -= count;
	spin_unlock(&stacks.lock);
	for (unsigned int i = 0; i < count; i++)
		error |= frame_free(stacks_to_free[i] - DIRECT_MAP_BASE, STACK_ORDER);
	ASSERT(error == 0);
	(void)error;
}

bool stack_guards(uintptr_t address)
{
	const uintptr_t offset = address - STACK_AREA_BASE;

	return GUARDED && offset < CONFIG_THREADS_MAX * SLOT_SIZE && offset % SLOT_SIZE < PAGE_SIZE;
}

/* Without the lock: whoever asks about a stack that is just coming or going cannot be helped. */
bool stack_has(uintptr_t address, size_t size)
{
	const uintptr_t offset = address - STACK_AREA_BASE, slot = offset / SLOT_SIZE;
	const struct thread *thread = thread_current();

	if (!GUARDED)
		return thread && thread->stack && address - thread->stack <= STACK_SIZE - size;
	return offset < CONFIG_THREADS_MAX * SLOT_SIZE && offset % SLOT_SIZE >= PAGE_SIZE &&
	       offset % SLOT_SIZE <= SLOT_SIZE - size && stacks.taken[slot / 64] >> slot % 64 & 1;
}
