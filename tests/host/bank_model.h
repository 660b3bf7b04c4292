/* SPDX-License-Identifier: MIT */
/* The naive model of bank_hostonly.c: what there is, and what follows from it. */
#ifndef BANK_MODEL_H
#define BANK_MODEL_H

#include <exo/bank.h>
#include <exo/cap.h>
#include <exo/string.h>

#include "../../kernel/object/bank_internal.h"
#include "object_machine.h"

#define NODES OBJECT_MACHINE_NODES
#define BANKS 24
#define ITEMS 300
#define SEEDS 4
#define OPERATIONS 12000

/* Something that a bank is charged for: frames, a mere charge, or an object with a capability. */
struct item {
	enum { FREE, CHARGE, BLOCK, OBJECT } kind;
	int bank; /* that is charged; rows of banks[] */
	unsigned int node, order;
	uint64_t frames;
	paddr_t base;
	struct object *object;
	int child; /* OBJECT: the bank that it is; -1: none */
};

static struct row {
	struct bank *bank; /* NULL: no such bank */
	int parent;
	uint64_t reserved[NODES];
} banks[BANKS];
static struct item items[ITEMS];
static struct cap slots[ITEMS] __aligned(64);
static struct bank_node_count before[BANKS][NODES]; /* as if there were no spare pages */
static unsigned int before_spare[BANKS]; /* the node of its spare page; NODES: none */
static uint64_t random_state, ended, total[NODES];

static uint64_t random_below(uint64_t bound)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (random_state >> 11) % bound;
}

static int random_bank(void)
{
	int bank = (int)random_below(BANKS);

	while (!banks[bank].bank)
		bank = (bank + 1) % BANKS;
	return bank;
}

static unsigned int random_node(void)
{
	return random_below(2) ? EXO_NODE_ANY : (unsigned)random_below(NODES + 1);
}

static struct item *free_item(void)
{
	const unsigned int first = (unsigned)random_below(ITEMS);

	for (unsigned int i = 0; i < ITEMS; i++)
		if (items[(first + i) % ITEMS].kind == FREE)
			return &items[(first + i) % ITEMS];
	return NULL;
}

static uint64_t page_of(const struct item *item)
{
	return (uintptr_t)item->object / PAGE_SIZE;
}

/* The node of the bank's page without objects; NODES: there is none. */
static unsigned int spare_node(const struct bank *bank)
{
	return bank->spare ? bank->spare->numa : NODES;
}

/* What @bank is charged for on @node: blocks, children, and each page of cells once. */
static uint64_t charged(int bank, unsigned int node)
{
	uint64_t sum = spare_node(banks[bank].bank) == node;

	for (unsigned int i = 0; i < ITEMS; i++) {
		const struct item *item = &items[i];
		bool first = true;

		if (item->kind == FREE || item->bank != bank)
			continue;
		if (item->kind != OBJECT && item->node == node)
			sum += item->frames;
		if (item->kind != OBJECT)
			continue;
		for (unsigned int j = 0; j < i; j++)
			first &= items[j].kind != OBJECT || page_of(&items[j]) != page_of(item);
		sum += first && item->object->node == node;
		if (item->child >= 0)
			sum += banks[item->child].reserved[node];
	}
	return sum;
}

static void counts_without_spare(int bank, struct bank_node_count *counts)
{
	const unsigned int spare = spare_node(banks[bank].bank);

	memcpy(counts, banks[bank].bank->counts, NODES * sizeof(*counts));
	if (spare < NODES)
		counts[spare].used--;
}

static uint64_t unused(int bank, unsigned int node)
{
	return before[bank][node].reserved - before[bank][node].used;
}

/* From which node @frames should come: EXO_NODE_ANY if from none. */
static unsigned int expected_node(int bank, uint64_t frames, unsigned int node)
{
	static const unsigned int near[NODES] = { 0, 2, 1, 3 };

	/* A spare page goes only where there is nothing else. */
	for (unsigned int with_spare = 0; with_spare < 2; with_spare++)
		for (unsigned int i = 0; i < NODES; i++) {
			const uint64_t kept = !with_spare && before_spare[bank] == near[i];

			if ((node == EXO_NODE_ANY || node == near[i]) &&
			    unused(bank, near[i]) >= frames + kept)
				return near[i];
		}
	return EXO_NODE_ANY;
}

#endif
