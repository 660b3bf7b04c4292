/* SPDX-License-Identifier: MIT */
/*
 * Several CPUs at the tree of one object and at one bank: deriving, deleting, revoking, making and
 * ending objects and banks, the last capability gone while others look. Each thread is a CPU.
 *
 * The kernel's sources are part of this file, as for several CPUs whatever the configuration of the
 * other host tests is: so spinlocks are real and ThreadSanitizer knows them.
 */
#include <exo/config.h>
#undef CONFIG_LOCKDEP
#undef CONFIG_DEBUG_PREEMPT
#undef CONFIG_LOCK_STATISTICS
#undef CONFIG_SPIN_MCS
#undef CONFIG_SPIN_TICKET
#undef CONFIG_SMP
#undef CONFIG_NR_CPUS
#define CONFIG_SPIN_TICKET 1
#define CONFIG_SMP 1
#define CONFIG_NR_CPUS 8
#define spin_ticket_wait test_ticket_wait /* beside that of the configuration */

#include "stress.h"

#include "../../kernel/object/bank.c"
#include "../../kernel/object/bank_audit.c"
#include "../../kernel/object/cap.c"
#include "../../kernel/object/cap_revoke.c"
#include "../../kernel/object/cap_tree.c"
#include "../../kernel/object/object.c"
#include "../../kernel/object/object_audit.c"
#include "../../kernel/spin_ticket.c"

/* Where a file has names that another one has, too. */
#define page_of cells_page_of
#include "../../kernel/object/bank_cells.c"
#undef page_of
#define page_of table_page_of
#include "../../kernel/object/cap_table.c"
#undef page_of
#include "../../kernel/object/bank_frames.c"

#include "object_machine.h"

#define THREADS 4
#define SLOTS 128 /* of each thread */
#define ROUNDS 200000
#define IN_OPEN UINT64_MAX

static struct cpu cpus_of_test[THREADS];
static _Atomic uint64_t epoch = 1,
			seen[THREADS]; /* seen: IN_OPEN, or the epoch when last outside */
static _Atomic unsigned int ends, taken_caps, made, derived;
static struct bank *root_bank, *shared;
static struct cap_table tables[THREADS];
static struct cap root_slots[2] __aligned(64);

static int count_end(struct object *object)
{
	if (object->caps || object->taken || object->state != OBJECT_ENDING)
		stress_wrong("an object ends that still has capabilities");
	atomic_fetch_add(&ends, 1);
	return atomic_load(&ends) % 4 ? 0 : -EXO_E_AGAIN;
}

static void note_taken(struct object *object, struct cap **caps, unsigned int count)
{
	bool taken;

	spin_lock(&object->lock);
	taken = object->taken >= count;
	spin_unlock(&object->lock);
	if (!taken || atomic_load(&caps[0]->value) != CAP_BUSY)
		stress_wrong("a capability that is taken is not busy");
	atomic_fetch_add(&taken_caps, count);
	object_quiesce();
}

const struct object_type object_types[NR_OBJECT_TYPES] = {
	[EXO_TYPE_BANK] = { .name = "bank", .end = bank_end },
	[EXO_TYPE_EP] = { .name = "ep", .end = count_end },
	[EXO_TYPE_FRAME] = { .name = "frame", .taken = note_taken },
};

/* Outside of any call: this CPU knows no object. */
static void pass(unsigned int self)
{
	atomic_exchange(&seen[self], atomic_load(&epoch));
}

void object_quiesce(void)
{
	const unsigned int self = host_cpu->number;
	uint64_t now;

	atomic_exchange(&seen[self], IN_OPEN);
	now = atomic_fetch_add(&epoch, 1) + 1;
	for (unsigned int i = 0; i < THREADS; i++)
		while (i != self && atomic_load(&seen[i]) < now)
			sched_yield();
	pass(self);
}

static unsigned int random_below(uint64_t *random, unsigned int bound)
{
	stress_pause(random);
	return (unsigned int)((*random >> 11) % bound);
}

/* A slot of any thread's table, with or without a capability. */
static struct cap *any_slot(uint64_t *random)
{
	return cap_slot(&tables[random_below(random, THREADS)], 1 + random_below(random, SLOTS));
}

static void derive(unsigned int self, uint64_t *random)
{
	struct cap *parent = any_slot(random), *claimed;
	uintptr_t value = parent ? atomic_load(&parent->value) : CAP_EMPTY;

	if (value < OBJECT_ALIGN)
		return;
	if (cap_claim(&tables[self], 1 + random_below(random, SLOTS), &claimed))
		return;
	if (cap_derive(parent, value, claimed, EXO_RIGHTS_ALL, 0, 0))
		cap_unclaim(claimed);
	else
		atomic_fetch_add(&derived, 1);
}

static void make(unsigned int self, uint64_t *random)
{
	static const enum exo_type types[] = { EXO_TYPE_EP, EXO_TYPE_FRAME, EXO_TYPE_NTF };
	struct bank *from = shared;
	struct object *object;
	struct cap *claimed, *parent = any_slot(random);
	uintptr_t value = parent ? atomic_load(&parent->value) : CAP_EMPTY;
	struct bank *bank;

	if (value >= OBJECT_ALIGN && cap_object(value)->type == EXO_TYPE_BANK)
		from = container_of(cap_object(value), struct bank, object);
	if (cap_claim(&tables[self], 1 + random_below(random, SLOTS), &claimed))
		return;
	if (random_below(random, 4) == 0) {
		if (bank_make(from, random_below(random, 8), EXO_NODE_ANY, &bank))
			cap_unclaim(claimed);
		else
			cap_make(claimed, &bank->object, EXO_RIGHTS_ALL);
	} else if (bank_object_get(from, types[random_below(random, 3)], 100, &object)) {
		cap_unclaim(claimed);
	} else if (random_below(random, 8) == 0) {
		cap_unclaim(claimed);
		bank_object_put(object);
	} else {
		cap_make(claimed, object, EXO_RIGHTS_ALL);
		atomic_fetch_add(&made, 1);
	}
}

static void take_away(uint64_t *random)
{
	struct cap *cap = any_slot(random);
	uintptr_t value = cap ? atomic_load(&cap->value) : CAP_EMPTY;
	unsigned int budget = random_below(random, 100);

	if (value < OBJECT_ALIGN)
		return;
	if (random_below(random, 2))
		object_revoke_some(cap, value, &budget);
	else
		cap_delete_one(cap, random_below(random, 2) ? value : CAP_EMPTY);
	object_end_some();
}

/* Pins what it finds over an open. */
static void pin(uint64_t *random)
{
	struct cap *cap = any_slot(random);
	uintptr_t value = cap ? atomic_load(&cap->value) : CAP_EMPTY;
	struct object *object = cap_object(value);

	if (value < OBJECT_ALIGN || !object_pin(object))
		return;
	object_quiesce();
	if (object_audit(object))
		stress_wrong(object_audit(object));
	object_unpin(object);
}

static void hammer(unsigned int self)
{
	uint64_t random = STRESS_SEED + self;
	unsigned int budget;

	host_cpu = &cpus_of_test[self];
	irq_save();
	for (unsigned int i = 0; i < ROUNDS; i++) {
		const unsigned int what = random_below(&random, 16);

		pass(self);
		if (what < 7)
			derive(self, &random);
		else if (what < 10)
			make(self, &random);
		else if (what < 14)
			take_away(&random);
		else
			pin(&random);
		pass(self);
		if (i % 512 == 0 && bank_audit(shared))
			stress_wrong(bank_audit(shared));
		budget = 40;
		if (i % 4096 == 0)
			object_revoke_some(&root_slots[0], atomic_load(&root_slots[0].value),
					   &budget);
	}
	atomic_store(&seen[self], IN_OPEN);
}

static void start(void)
{
	object_machine_start();
	for (unsigned int i = 0; i < THREADS; i++) {
		cpus_of_test[i] = (struct cpu){ .self = &cpus_of_test[i],
						.preempt = PREEMPT_UNWANTED,
						.number = i };
		atomic_store(&seen[i], IN_OPEN);
	}
	host_cpu = &cpus_of_test[0];
	assert_int_equal(bank_make_root(&root_bank), 0);
	atomic_store(&root_slots[0].value, CAP_BUSY);
	cap_make(&root_slots[0], &root_bank->object, EXO_RIGHTS_ALL);
	assert_int_equal(bank_make(root_bank, 1000, EXO_NODE_ANY, &shared), 0);
	atomic_store(&root_slots[1].value, CAP_BUSY);
	cap_make(&root_slots[1], &shared->object, EXO_RIGHTS_ALL);
	for (unsigned int i = 0; i < THREADS; i++)
		assert_int_equal(cap_table_init(&tables[i], NULL, root_bank, 0), 0);
}

static void nobody_sees_what_is_gone(void **state)
{
	unsigned int budget;

	(void)state;
	start();
	stress_run(THREADS, hammer, 0, NULL);
	/* The bank goes with all that is in it; the copies of its capability, too. */
	irq_save();
	host_cpu = &cpus_of_test[0];
	assert_true(object_doom(&shared->object));
	budget = 1000000;
	object_take_caps(&shared->object, &budget);
	object_unpin(&shared->object);
	while (object_end_some())
		;
	budget = 1000000;
	assert_int_equal(
		object_revoke_some(&root_slots[0], atomic_load(&root_slots[0].value), &budget), 0);
	for (unsigned int i = 0; i < THREADS; i++) {
		const exo_cap_t left = cap_table_next(&tables[i], 0);

		assert_int_equal(left, tables[i].nr_slots);
		while (!cap_table_free_some(&tables[i]))
			;
	}
	assert_null(bank_audit(root_bank));
	assert_int_equal(bank_total(root_bank).used, 0);
	for (unsigned int node = 0; node < OBJECT_MACHINE_NODES; node++)
		assert_int_equal(object_machine_allocated(node), 0);
	assert_true(atomic_load(&ends) > 0 && atomic_load(&taken_caps) > 0);
	printf("# %u objects, %u copies, %u ends, %u taken\n", made, derived, ends, taken_caps);
	stress_check();
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(nobody_sees_what_is_gone) };

	return stress_main(tests, ARRAY_SIZE(tests), "object_threads");
}
