/* SPDX-License-Identifier: MIT */
/*
 * Capability tables: an array of pointers to pages of slots. A page comes when the first of its
 * slots is claimed, all empty, and stays until the table goes; so a slot is looked up by two loads
 * without a lock, and its address never changes.
 */
#include <arch/memory.h>
#include <arch/mmu.h>
#include <exo/bank.h>
#include <exo/cap.h>
#include <exo/panic.h>

#define POINTERS_PER_PAGE (PAGE_SIZE / sizeof(struct cap *))
#define FREE_PAGES 32u /* a guess: of a step, as interrupts are off */

static uint64_t nr_pages(const struct cap_table *table)
{
	return table->nr_slots / CAPS_PER_PAGE;
}

static struct cap *page_of(const struct cap_table *table, uint64_t index)
{
	return __atomic_load_n(&table->pages[index], __ATOMIC_ACQUIRE);
}

int cap_table_init(struct cap_table *table, struct env *owner, struct bank *bank,
		   unsigned int order)
{
	unsigned int node = EXO_NODE_ANY;
	paddr_t base = EXO_HINT_NONE;
	int error;

	if (order > CAP_TABLE_ORDER_MAX)
		return -EXO_E_ARG;
	error = bank_frames_get(bank, order, &node, &base);
	if (error)
		return -EXO_E_NOMEM;
	for (unsigned int i = 0; i < 1u << order; i++)
		page_zero(phys_to_virt(base + i * (paddr_t)PAGE_SIZE));
	*table = (struct cap_table){
		.pages = phys_to_virt(base),
		.nr_slots = (POINTERS_PER_PAGE << order) * CAPS_PER_PAGE,
		.owner = owner,
		.bank = bank,
		.lock = SPINLOCK_INIT(LOCK_RANK_CAP_TABLE),
	};
	return 0;
}

bool cap_table_free_some(struct cap_table *table)
{
	const uint64_t pointer_pages = nr_pages(table) / POINTERS_PER_PAGE;
	unsigned int pages = 0;

	ASSERT(table->freed || cap_table_next(table, 0) == table->nr_slots);
	for (unsigned int i = 0; i < POINTERS_PER_PAGE && pages < FREE_PAGES; i++) {
		struct cap *page;

		if (table->freed == table->made) {
			bank_block_put(table->bank, virt_to_phys(table->pages),
				       (unsigned int)__builtin_ctzll(pointer_pages));
			table->pages = NULL;
			table->nr_slots = 0;
			return true;
		}
		page = table->pages[table->freed];
		__atomic_store_n(&table->pages[table->freed++], NULL, __ATOMIC_RELEASE);
		if (page) {
			bank_block_put(table->bank, virt_to_phys(page), 0);
			pages++;
		}
	}
	return false;
}

exo_cap_t cap_table_next(const struct cap_table *table, exo_cap_t slot)
{
	const exo_cap_t end = __atomic_load_n(&table->made, __ATOMIC_ACQUIRE) * CAPS_PER_PAGE;

	while (slot < end) {
		const struct cap *page = page_of(table, slot / CAPS_PER_PAGE);

		if (!page) {
			slot = (slot / CAPS_PER_PAGE + 1) * CAPS_PER_PAGE;
			continue;
		}
		if (atomic_load_explicit(&page[slot % CAPS_PER_PAGE].value, memory_order_acquire) !=
		    CAP_EMPTY)
			return slot;
		slot++;
	}
	return table->nr_slots;
}

/* Makes the page number @index, under the table's lock. */
static int make_page(struct cap_table *table, uint64_t index) __requires(table->lock)
{
	unsigned int node = EXO_NODE_ANY;
	struct cap *page;
	paddr_t base;
	const int error = bank_page_get(table->bank, &node, &base);

	if (error)
		return error;
	page = phys_to_virt(base);
	for (unsigned int i = 0; i < CAPS_PER_PAGE; i++) {
		page[i].owner = table->owner;
		page[i].slot = index * CAPS_PER_PAGE + i;
	}
	__atomic_store_n(&table->pages[index], page, __ATOMIC_RELEASE);
	if (index >= table->made)
		__atomic_store_n(&table->made, index + 1, __ATOMIC_RELEASE);
	return 0;
}

/* Has the page number @index come, whoever is first. */
static int have_page(struct cap_table *table, uint64_t index)
{
	int error = 0;

	spin_lock(&table->lock);
	if (!page_of(table, index))
		error = make_page(table, index);
	spin_unlock(&table->lock);
	return error;
}

int cap_claim(struct cap_table *table, exo_cap_t slot, struct cap **claimed)
{
	uintptr_t empty = CAP_EMPTY;
	struct cap *cap;

	if (slot == EXO_SELF || slot >= table->nr_slots)
		return -EXO_E_RANGE;
	cap = cap_slot(table, slot);
	if (unlikely(!cap)) {
		const int error = have_page(table, slot / CAPS_PER_PAGE);

		if (error)
			return error;
		cap = cap_slot(table, slot);
	}
	if (!atomic_compare_exchange_strong_explicit(&cap->value, &empty, CAP_BUSY,
						     memory_order_acquire, memory_order_relaxed))
		return -EXO_E_SLOT;
	*claimed = cap;
	return 0;
}
