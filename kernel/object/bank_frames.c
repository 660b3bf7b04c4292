/* SPDX-License-Identifier: MIT */
/*
 * Frames for what a bank is charged for. The charge comes first, and names the node that the frames
 * must be from; so the frames of a node are never given to more than have reserved them.
 */
#include <arch/memory.h>
#include <arch/mmu.h>
#include <exo/panic.h>

#include "bank_internal.h"

static unsigned int node_of(paddr_t base)
{
	uint64_t length;

	return numa_node_of(base, &length);
}

/* A single frame from those at hand, which are of this CPU's node unless that has no more. */
static bool get_near(unsigned int node, paddr_t *base)
{
	if (node != bank_near_node() || frame_alloc(0, base))
		return false;
	if (numa_nodes() == 1 || node_of(*base) == node)
		return true;
	frame_free(*base, 0);
	return false;
}

static int get_from(unsigned int node, unsigned int order, paddr_t *base)
{
	const struct frame_where where = { .placement = FRAME_BIND, .node = node };

	if (order == 0 && get_near(node, base))
		return 0;
	return frame_alloc_where(order, &where, base);
}

/* From where there are both a charge and a block; a charge alone is no use. */
static int get_anywhere(struct bank *bank, unsigned int order, unsigned int *node, paddr_t *base)
{
	for (unsigned int i = 0; i < bank_nr_tries(*node); i++) {
		unsigned int from = bank_try_node(*node, i);

		if (bank_try_charge(bank, 1ull << order, &from))
			continue;
		if (!get_from(from, order, base)) {
			*node = from;
			return 0;
		}
		bank_uncharge(bank, 1ull << order, from);
	}
	return -EXO_E_NOMEM;
}

static int get_at(struct bank *bank, unsigned int order, unsigned int *node, paddr_t base)
{
	unsigned int from;
	int error;

	if (base & ((PAGE_SIZE << order) - 1))
		return -EXO_E_ALIGN;
	if (base >= NUMA_MEMORY_END)
		return -EXO_E_RANGE;
	from = node_of(base);
	if (*node != EXO_NODE_ANY && *node != from)
		return -EXO_E_RANGE;
	error = bank_try_charge(bank, 1ull << order, &from);
	if (error)
		return error;
	error = frame_alloc_at(base, order);
	if (error)
		bank_uncharge(bank, 1ull << order, from);
	else
		*node = from;
	return error;
}

int bank_frames_get(struct bank *bank, unsigned int order, unsigned int *node, paddr_t *base)
{
	int error;

	if (order > FRAME_MAX_ORDER)
		return -EXO_E_ARG;
	if (*node != EXO_NODE_ANY && *node >= numa_nodes())
		return -EXO_E_RANGE;
	do
		error = *base == EXO_HINT_NONE ? get_anywhere(bank, order, node, base)
					       : get_at(bank, order, node, *base);
	while (unlikely(error) && bank_drop_spare(bank));
	return error;
}

void bank_frames_put(struct bank *bank, paddr_t base, unsigned int order, unsigned int node)
{
	const int error = frame_free(base, order);

	if (error)
		panic("bank: a block of order %u at 0x%llx cannot be freed: error %d", order,
		      (unsigned long long)base, error);
	bank_uncharge(bank, 1ull << order, node);
}

void bank_block_put(struct bank *bank, paddr_t base, unsigned int order)
{
	bank_frames_put(bank, base, order, node_of(base));
}

int bank_page_get(struct bank *bank, unsigned int *node, paddr_t *base)
{
	int error;

	*base = EXO_HINT_NONE;
	error = bank_frames_get(bank, 0, node, base);
	if (!error)
		page_zero(phys_to_virt(*base));
	return error;
}
