/* SPDX-License-Identifier: MIT */
/*
 * Banks against a naive model: what each is charged for is added up from a list of all that was
 * allocated. Random making, moving, charging, frames, objects and ends, some of them with
 * allocations that fail. After each call the bank's counts must be the sums; after an error all
 * counts of all banks must be what they were.
 */
#include <stdio.h>
#include <stdlib.h>

#include <arch/memory.h>
#include <exo/bank.h>
#include <exo/cap.h>
#include <exo/string.h>

#include "bank_model.h"
#include "check.h"

static int count_end(struct object *object)
{
	(void)object;
	return ++ended % 3 ? 0 : -EXO_E_AGAIN;
}

const struct object_type object_types[NR_OBJECT_TYPES] = {
	[EXO_TYPE_BANK] = { .name = "bank", .end = bank_end },
	[EXO_TYPE_EP] = { .name = "ep", .end = count_end },
};

void object_quiesce(void)
{
}

static void check_bank(int bank)
{
	struct bank_node_count all = { 0, 0 };

	for (unsigned int node = 0; node < NODES; node++) {
		const struct bank_node_count *counts = &banks[bank].bank->counts[node];

		CHECK(counts->reserved == banks[bank].reserved[node]);
		CHECK(counts->used == charged(bank, node));
		all.reserved += counts->reserved;
		all.used += counts->used;
	}
	CHECK(bank_audit(banks[bank].bank) == NULL);
	if (random_below(8))
		return;
	if (banks[bank].bank->spare)
		all.used--; /* who asks has it given back */
	CHECK(bank_total(banks[bank].bank).reserved == all.reserved);
	CHECK(bank_total(banks[bank].bank).used == all.used);
	CHECK(!banks[bank].bank->spare);
}

/* All banks; and what is allocated is what they are charged for, mere charges aside. */
static void check_all(void)
{
	uint64_t allocated[NODES] = { 0 };

	for (int bank = 0; bank < BANKS; bank++) {
		if (!banks[bank].bank)
			continue;
		check_bank(bank);
		for (unsigned int node = 0; node < NODES; node++)
			allocated[node] += charged(bank, node);
	}
	for (unsigned int i = 0; i < ITEMS; i++) {
		if (items[i].kind == CHARGE)
			allocated[items[i].node] -= items[i].frames;
		for (unsigned int node = 0; node < NODES; node++)
			if (items[i].kind == OBJECT && items[i].child >= 0)
				allocated[node] -= banks[items[i].child].reserved[node];
	}
	for (unsigned int node = 0; node < NODES; node++)
		CHECK(allocated[node] == object_machine_allocated(node));
}

static void remember(void)
{
	for (int bank = 0; bank < BANKS; bank++) {
		if (!banks[bank].bank)
			continue;
		before_spare[bank] = spare_node(banks[bank].bank);
		counts_without_spare(bank, before[bank]);
	}
}

static void nothing_changed(void)
{
	struct bank_node_count now[NODES];

	for (int bank = 0; bank < BANKS; bank++) {
		if (!banks[bank].bank)
			continue;
		counts_without_spare(bank, now);
		CHECK(!memcmp(before[bank], now, sizeof(now)));
	}
}

static void try_charge(struct item *item)
{
	const int bank = random_bank();
	const unsigned int wanted = random_node();
	const uint64_t frames = random_below(random_below(8) ? 8 : 3000);
	const unsigned int expected = expected_node(bank, frames, wanted);
	unsigned int node = wanted;
	const int error = bank_charge(banks[bank].bank, frames, &node);

	if (wanted != EXO_NODE_ANY && wanted >= NODES)
		CHECK(error == -EXO_E_RANGE);
	else
		CHECK(error == (expected == EXO_NODE_ANY ? -EXO_E_NOMEM : 0));
	if (error) {
		nothing_changed();
		return;
	}
	CHECK(node == expected);
	*item = (struct item){ .kind = CHARGE, .bank = bank, .node = node, .frames = frames };
}

static void try_block(struct item *item)
{
	const int bank = random_bank();
	const unsigned int wanted = random_node(), order = (unsigned)random_below(4) / 2 * 2;
	const bool named = random_below(4) == 0;
	const paddr_t hint = random_below(NODES * OBJECT_MACHINE_FRAMES + 64) * PAGE_SIZE;
	unsigned int node = wanted;
	paddr_t base = named ? hint : EXO_HINT_NONE;
	const int error = bank_frames_get(banks[bank].bank, order, &node, &base);

	if (error) {
		nothing_changed();
		/* Single frames are there for whoever has reserved them. */
		if (!named && !order && !object_machine_failures() &&
		    (wanted == EXO_NODE_ANY || wanted < NODES))
			CHECK(expected_node(bank, 1, wanted) == EXO_NODE_ANY);
		return;
	}
	CHECK(wanted == EXO_NODE_ANY || node == wanted);
	CHECK(base / PAGE_SIZE / OBJECT_MACHINE_FRAMES == node);
	CHECK(!named || base == hint);
	if (!named && !object_machine_failures() && !order)
		CHECK(node == expected_node(bank, 1, wanted));
	memset(phys_to_virt(base), 0xff, PAGE_SIZE << order);
	*item = (struct item){ .kind = BLOCK,
			       .bank = bank,
			       .node = node,
			       .order = order,
			       .base = base,
			       .frames = 1ull << order };
}

static void keep_object(struct item *item, int bank, struct object *object, int child)
{
	struct cap *const slot = &slots[item - items];

	*item = (struct item){ .kind = OBJECT, .bank = bank, .object = object, .child = child };
	atomic_store(&slot->value, CAP_BUSY);
	cap_make(slot, object, EXO_RIGHTS_ALL);
}

static void try_object(struct item *item)
{
	const int bank = random_bank();
	const size_t size = sizeof(struct object) + random_below(BANK_CELL_MAX - 200);
	struct object *object;
	const int error = bank_object_get(banks[bank].bank, EXO_TYPE_EP, size, &object);

	if (error) {
		CHECK(error == -EXO_E_NOMEM);
		CHECK(object_machine_failures() ||
		      expected_node(bank, 1, EXO_NODE_ANY) == EXO_NODE_ANY);
		nothing_changed();
		return;
	}
	for (size_t i = sizeof(*object); i < size; i++)
		CHECK(((uint8_t *)object)[i] == 0);
	memset(object + 1, 0xee, size - sizeof(*object));
	CHECK((uintptr_t)object % OBJECT_ALIGN == 0);
	if (random_below(8) == 0) {
		bank_object_put(object);
		nothing_changed();
		return;
	}
	keep_object(item, bank, object, -1);
}

static void try_make(struct item *item)
{
	const int parent = random_bank();
	const unsigned int wanted = random_node();
	const uint64_t frames = random_below(random_below(4) ? 64 : 4000);
	struct bank *bank;
	uint64_t sum = 0;
	int row = 0, error;

	while (row < BANKS && banks[row].bank)
		row++;
	if (row == BANKS)
		return;
	error = bank_make(banks[parent].bank, frames, wanted, &bank);
	if (error) {
		CHECK(error ==
		      (wanted != EXO_NODE_ANY && wanted >= NODES ? -EXO_E_RANGE : -EXO_E_NOMEM));
		nothing_changed();
		return;
	}
	banks[row] = (struct row){ .bank = bank, .parent = parent };
	for (unsigned int node = 0; node < NODES; node++) {
		banks[row].reserved[node] = bank->counts[node].reserved;
		sum += bank->counts[node].reserved;
		CHECK(wanted == EXO_NODE_ANY || node == wanted || !bank->counts[node].reserved);
	}
	CHECK(sum == frames);
	keep_object(item, parent, &bank->object, row);
	check_bank(row);
}

static void try_move(void)
{
	int from = random_bank(), to = random_bank();
	const unsigned int wanted = random_node();
	const uint64_t frames = random_below(random_below(4) ? 64 : 4000);
	uint64_t sum = 0;
	bool related;
	int error;

	if (random_below(4) && banks[from].parent >= 0)
		to = banks[from].parent;
	if (random_below(2)) {
		const int swap = from;

		from = to;
		to = swap;
	}
	related = banks[from].parent == to || banks[to].parent == from;
	error = bank_move(banks[from].bank, banks[to].bank, frames, wanted);
	for (unsigned int node = 0; node < NODES; node++)
		sum += wanted == EXO_NODE_ANY || wanted == node ? unused(from, node) : 0;
	if (wanted != EXO_NODE_ANY && wanted >= NODES)
		CHECK(error == -EXO_E_RANGE);
	else
		CHECK(error == (!related ? -EXO_E_ARG : sum < frames ? -EXO_E_NOMEM : 0));
	if (error) {
		nothing_changed();
		return;
	}
	for (unsigned int node = 0; node < NODES; node++) {
		const int child = banks[from].parent == to ? from : to;

		banks[child].reserved[node] = banks[child].bank->counts[node].reserved;
	}
	check_bank(from);
	check_bank(to);
}

/* All that was in a bank is gone, and the banks below it. Charges and blocks were dropped before.
 */
static void forget_bank(int bank)
{
	bool doomed[BANKS] = { false };

	doomed[bank] = true;
	for (bool more = true; more;) {
		more = false;
		for (int i = 0; i < BANKS; i++)
			if (banks[i].bank && !doomed[i] && banks[i].parent >= 0 &&
			    doomed[banks[i].parent])
				more = doomed[i] = true;
	}
	for (unsigned int i = 0; i < ITEMS; i++)
		if (items[i].kind != FREE &&
		    (doomed[items[i].bank] ||
		     (items[i].kind == OBJECT && items[i].child >= 0 && doomed[items[i].child]))) {
			CHECK(items[i].kind == OBJECT);
			CHECK(atomic_load(&slots[i].value) == CAP_EMPTY);
			items[i].kind = FREE;
		}
	for (int i = 0; i < BANKS; i++)
		if (doomed[i])
			banks[i].bank = NULL;
}

static void drop(struct item *item)
{
	if (item->kind == CHARGE)
		bank_uncharge(banks[item->bank].bank, item->frames, item->node);
	if (item->kind == BLOCK)
		bank_frames_put(banks[item->bank].bank, item->base, item->order, item->node);
	item->kind = FREE;
}

/* Frees what is charged to @bank and to those below it, so that it can be ended. */
static void empty_bank(int bank)
{
	for (unsigned int i = 0; i < ITEMS; i++) {
		int above = items[i].bank;

		if (items[i].kind != CHARGE && items[i].kind != BLOCK)
			continue;
		while (above >= 0 && above != bank)
			above = banks[above].parent;
		if (above == bank)
			drop(&items[i]);
	}
}

static void try_end(void)
{
	struct item *item = &items[random_below(ITEMS)];
	const int bank = item->kind == OBJECT ? item->child : -1;
	unsigned int rounds = 0;

	if (item->kind == FREE)
		return;
	if (item->kind != OBJECT) {
		drop(item);
		return;
	}
	if (bank >= 0 && random_below(4))
		return;
	if (bank >= 0)
		empty_bank(bank);
	CHECK(cap_delete_one(&slots[item - items], CAP_EMPTY) == 0);
	while (object_end_some())
		CHECK(rounds++ < 1000);
	if (bank >= 0)
		forget_bank(bank);
	else
		item->kind = FREE;
}

static void start(uint64_t seed)
{
	random_state = seed * 0x9e3779b97f4a7c15 + 1;
	object_machine_start();
	memset(items, 0, sizeof(items));
	memset(banks, 0, sizeof(banks));
	memset(slots, 0, sizeof(slots));
	if (bank_root())
		memset(bank_root(), 0, sizeof(struct bank));
	CHECK(!bank_root() && bank_make_root(&banks[0].bank) == 0);
	CHECK(bank_make_root(&banks[0].bank) == -EXO_E_BUSY);
	banks[0].parent = -1;
	for (unsigned int node = 0; node < NODES; node++) {
		total[node] = banks[0].reserved[node] = banks[0].bank->counts[node].reserved;
		CHECK(total[node] <= OBJECT_MACHINE_FRAMES);
		CHECK(total[node] > OBJECT_MACHINE_FRAMES / 2);
	}
}

static void run(uint64_t seed)
{
	start(seed);
	for (unsigned int i = 0; i < OPERATIONS && !failed_line; i++) {
		struct item *const item = free_item();
		const unsigned int what = item ? (unsigned)random_below(24) : 23;

		remember();
		object_machine_fail(random_below(8) ? 0 : 1 + (unsigned)random_below(2));
		if (what < 3)
			try_charge(item);
		else if (what < 7)
			try_block(item);
		else if (what < 12)
			try_object(item);
		else if (what < 14)
			try_make(item);
		else if (what < 17)
			try_move();
		else
			try_end();
		check_bank(random_bank());
		if (i % 16 == 0)
			check_all();
	}
	object_machine_fail(0);
	for (unsigned int i = 0; i < ITEMS && !failed_line; i++) {
		if (items[i].kind == CHARGE || items[i].kind == BLOCK)
			drop(&items[i]);
	}
	for (unsigned int i = 0; i < ITEMS && !failed_line; i++)
		if (items[i].kind == OBJECT)
			cap_delete_one(&slots[i], CAP_EMPTY);
	while (object_end_some())
		;
	CHECK(bank_total(banks[0].bank).used == 0); /* who asks has the spare page given back */
	for (unsigned int node = 0; node < NODES; node++) {
		CHECK(object_machine_allocated(node) == 0);
		CHECK(banks[0].bank->counts[node].used == 0);
		CHECK(banks[0].bank->counts[node].reserved == total[node]);
	}
}

int main(void)
{
	printf("1..%d\n", SEEDS);
	irq_save();
	for (uint64_t seed = 1; seed <= SEEDS && !failed_line; seed++) {
		run(seed);
		printf("%s %llu - bank_model_seed_%llu\n", failed_line ? "not ok" : "ok",
		       (unsigned long long)seed, (unsigned long long)seed);
	}
	if (failed_line)
		printf("# tests/host/bank_hostonly.c:%u\n", failed_line);
	return failed_line ? EXIT_FAILURE : EXIT_SUCCESS;
}
