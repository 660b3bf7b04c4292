/* SPDX-License-Identifier: MIT */
/*
 * The stacks of threads.
 *
 * Where there are guard pages, a stack is a block of frames, mapped in a slot of the stack area
 * (arch/layout.h): first a page that stays unmapped, then the stack. Which slots are taken is a
 * bitmap, the lowest free one is next, so that page tables stay few. Else a stack is just a block
 * of frames in the direct map, and a counter keeps the limit.
 *
 * Lock: stacks.lock for the bitmap and the counter. A slot that is taken is its owner's.
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

/* Takes up to @count slots; returns how many there were. */
static unsigned int take_slots(uintptr_t *found, unsigned int count)
{
	unsigned int taken = 0;

	spin_lock(&stacks.lock);
	for (; taken < count && stacks.count < CONFIG_THREADS_MAX; taken++, stacks.count++)
		if (GUARDED)
			found[taken] = slot_stack(slot_take());
	spin_unlock(&stacks.lock);
	return taken;
}

static void give_slots(const uintptr_t *given, unsigned int count)
{
	spin_lock(&stacks.lock);
	stacks.count -= count;
	for (unsigned int i = 0; GUARDED && i < count; i++)
		slot_give((unsigned int)((given[i] - STACK_AREA_BASE) / SLOT_SIZE));
	spin_unlock(&stacks.lock);
}

/* Gives each slot its frames, in the order of the arrays; returns for how many there were tables.
 */
static unsigned int map(const uintptr_t *slots, const paddr_t *frames, unsigned int count)
{
	unsigned int mapped = 0;
	struct page_batch batch;

	page_batch_begin(&batch, &kernel_space);
	while (mapped < count &&
	       !page_table_map(&batch, slots[mapped], frames[mapped], STACK_SIZE, PAGE_WRITE))
		mapped++;
	page_batch_end(&batch);
	return mapped;
}

/* The frames of mapped slots; they are mapped no longer. */
static void unmap(const uintptr_t *slots, paddr_t *frames, unsigned int count)
{
	struct page_mapping found;
	struct page_batch batch;

	page_batch_begin(&batch, &kernel_space);
	for (unsigned int i = 0; i < count; i++) {
		page_table_query(&kernel_space, slots[i], &found);
		ASSERT(found.present);
		frames[i] = found.base;
		page_table_unmap(&batch, slots[i], STACK_SIZE);
	}
	page_batch_end(&batch);
}

static void free_frames(const paddr_t *frames, unsigned int count)
{
	int error = 0;

	for (unsigned int i = 0; i < count; i++)
		error |= frame_free(frames[i], STACK_ORDER);
	ASSERT(error == 0);
	(void)error;
}

unsigned int stack_alloc(uintptr_t *found, unsigned int count)
{
	paddr_t frames[STACK_BATCH];
	unsigned int slots = take_slots(found, count), got = 0, good;

	while (got < slots && !frame_alloc(STACK_ORDER, &frames[got]))
		got++;
	good = GUARDED && got ? map(found, frames, got) : got;
	free_frames(frames + good, got - good);
	give_slots(found + good, slots - good);
	for (unsigned int i = 0; !GUARDED && i < good; i++)
		found[i] = (uintptr_t)phys_to_virt(frames[i]);
	return good;
}

void stack_free(const uintptr_t *given, unsigned int count)
{
	paddr_t frames[STACK_BATCH];

	if (GUARDED)
		unmap(given, frames, count);
	for (unsigned int i = 0; !GUARDED && i < count; i++)
		frames[i] = given[i] - DIRECT_MAP_BASE;
	give_slots(given, count);
	free_frames(frames, count);
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
