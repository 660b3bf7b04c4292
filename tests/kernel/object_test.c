/* SPDX-License-Identifier: MIT */
/*
 * Objects in the kernel: what is allocated from a bank comes back, a quiescence waits for CPUs that
 * are in a call, and all CPUs may work on one bank and one tree of capabilities at once. Everything
 * is done with interrupts off, as in a system call. The types of the objects are of numbers that
 * have no row: nothing but their memory is to be torn down.
 */
#include "thread_support.h"

#include <arch/pause.h>
#include <exo/bank.h>
#include <exo/cap.h>
#include <exo/console.h>
#include <exo/test.h>

#define INERT ((enum exo_type)(NR_OBJECT_TYPES - 1))
#define FRAMES 256 /* of the bank that is worked on */
#define SLOTS 40 /* of each table that are used */
#define ROUNDS 600 /* of each CPU; a quiescence takes a turn of all where they share the host's */
#define NEED_ROOT(test)                                                                           \
	do {                                                                                      \
		struct bank *all_of;                                                              \
                                                                                                  \
		if (!bank_root() && bank_make_root(&all_of))                                      \
			TEST_SKIP(test, "there is no memory for a bank");                         \
		if (bank_total(bank_root()).reserved - bank_total(bank_root()).used < 2 * FRAMES) \
			TEST_SKIP(test, "all memory is in other banks");                          \
	} while (0)

static struct cap_table tables[NR_CPUS];
static struct cap bank_slot __aligned(64);
static struct bank *bank;
static _Atomic unsigned int made, copied, taken;
static const char *_Atomic wrong;

static void note(const char *what)
{
	if (what)
		atomic_store(&wrong, what);
}

/* A bank of its own for the case, known by one capability. */
static int begin(void)
{
	const uint64_t flags = irq_save();
	int error;

	atomic_store(&wrong, NULL);
	error = bank_make(bank_root(), FRAMES, EXO_NODE_ANY, &bank);
	if (!error) {
		atomic_store(&bank_slot.value, CAP_BUSY);
		cap_make(&bank_slot, &bank->object, EXO_RIGHTS_ALL);
	}
	irq_restore(flags);
	return error;
}

/* Ends it with all that is in it. Returns what was wrong. */
static const char *finish(void)
{
	const uint64_t flags = irq_save();
	const uintptr_t value = atomic_load(&bank_slot.value);
	unsigned int budget = 100000, rounds = 0;
	const char *problem = bank_audit(bank);

	object_revoke_some(&bank_slot, value, &budget);
	cap_delete_one(&bank_slot, value);
	while (object_end_some())
		if (++rounds == 1000)
			problem = "objects do not end";
	if (!problem)
		problem = bank_audit(bank_root());
	irq_restore(flags);
	return problem ? problem : atomic_load(&wrong);
}

static uint64_t root_used(void)
{
	return bank_total(bank_root()).used;
}

static void object_memory_comes_back(struct test *test)
{
	struct bank_node_count total;
	struct object *object;
	struct memory_mark mark;
	uint64_t used, flags;

	NEED_ROOT(test);
	memory_mark(&mark);
	used = root_used();
	TEST_EQ(test, begin(), 0);
	TEST_EQ(test, bank_total(bank).reserved, FRAMES);
	flags = irq_save();
	for (unsigned int i = 0; i < 100; i++) {
		const int error =
			bank_object_get(bank, INERT, sizeof(struct object) + i * 16, &object);

		note(error ? "an object cannot be allocated" : bank_audit(bank));
		if (!error)
			bank_object_put(object);
	}
	irq_restore(flags);
	total = bank_total(bank);
	TEST_EQ(test, total.used, 0);
	TEST_TRUE(test, !finish());
	TEST_EQ(test, root_used(), used);
	TEST_TRUE(test, memory_is_back(&mark));
}

static void object_bank_ends_with_all_in_it(struct test *test)
{
	struct memory_mark mark;
	struct cap_table table;
	uint64_t used, flags;
	struct bank *child, *parent;

	NEED_ROOT(test);
	memory_mark(&mark);
	used = root_used();
	TEST_EQ(test, begin(), 0);
	flags = irq_save();
	note(cap_table_init(&table, NULL, bank_root(), 0) ? "no table" : NULL);
	parent = bank;
	/* Each in the one before. */
	for (exo_cap_t slot = 1; slot <= 80 && !atomic_load(&wrong); slot++) {
		struct cap *claimed;

		note(cap_claim(&table, slot, &claimed) ? "no slot" : NULL);
		note(bank_make(parent, FRAMES - 1 - 2 * slot, EXO_NODE_ANY, &child) ? "no bank"
										    : NULL);
		if (!atomic_load(&wrong))
			cap_make(claimed, &child->object, EXO_RIGHTS_ALL);
		parent = child;
	}
	irq_restore(flags);
	TEST_TRUE(test, !finish());
	flags = irq_save();
	note(cap_table_next(&table, 0) == table.nr_slots ? NULL : "a slot is not empty");
	while (!cap_table_free_some(&table))
		;
	irq_restore(flags);
	TEST_TRUE(test, !atomic_load(&wrong));
	TEST_EQ(test, root_used(), used);
	TEST_TRUE(test, memory_is_back(&mark));
}

/* --- quiescence --------------------------------------------------------------------------------*/

static _Atomic unsigned int in_call, left_call;

static void stay_in_call(void *unused)
{
	const uint64_t flags = irq_save();

	(void)unused;
	atomic_store(&in_call, 1);
	burn(20 * NS_PER_MS);
	atomic_store(&left_call, 1);
	irq_restore(flags);
}

static void object_quiesce_waits_for_calls(struct test *test)
{
	const struct cpu_set here = only_cpu(0), there = only_cpu(last_cpu());
	struct thread *thread;
	uint64_t flags;
	bool left;

	if (nr_cpus_online == 1)
		TEST_SKIP(test, "there is only one CPU");
	atomic_store(&in_call, 0);
	atomic_store(&left_call, 0);
	thread_set_affinity(thread_current(), &here);
	thread_yield();
	thread = spawn(stay_in_call, NULL, PRIORITY_DEFAULT, &there);
	TEST_TRUE(test, thread);
	TEST_TRUE(test, UNTIL(atomic_load(&in_call)));
	flags = irq_save();
	object_quiesce();
	left = atomic_load(&left_call);
	irq_restore(flags);
	thread_join(thread, DEADLINE_NEVER, NULL);
	TEST_TRUE(test, left);
}

/* --- all at once -------------------------------------------------------------------------------*/

static struct cap *any_slot(uint64_t *random)
{
	return cap_slot(&tables[next_random(random) % nr_cpus_online],
			1 + next_random(random) % SLOTS);
}

static void copy(struct cap_table *table, struct cap *parent, uintptr_t value, uint64_t *random)
{
	struct cap *claimed;

	if (cap_claim(table, 1 + next_random(random) % SLOTS, &claimed))
		return;
	if (cap_derive(parent, value, claimed, EXO_RIGHTS_ALL, 0, 0))
		cap_unclaim(claimed);
	else
		atomic_fetch_add(&copied, 1);
}

static void make(struct cap_table *table, uint64_t *random)
{
	struct object *object;
	struct bank *child;
	struct cap *claimed;
	int error;

	if (cap_claim(table, 1 + next_random(random) % SLOTS, &claimed))
		return;
	if (next_random(random) % 4) {
		error = bank_object_get(bank, INERT, 2 * sizeof(struct object), &object);
	} else {
		error = bank_make(bank, next_random(random) % 4, EXO_NODE_ANY, &child);
		object = &child->object;
	}
	if (error) {
		cap_unclaim(claimed);
		return;
	}
	cap_make(claimed, object, EXO_RIGHTS_ALL);
	atomic_fetch_add(&made, 1);
}

static void take_away(struct cap *cap, uintptr_t value, uint64_t *random)
{
	unsigned int budget = next_random(random) % 20, before = budget;

	if (next_random(random) % 2)
		object_revoke_some(cap, value, &budget);
	else
		budget -= budget && !cap_delete_one(cap, value);
	atomic_fetch_add(&taken, before - budget);
	object_end_some();
}

/* Something with @cap, as one system call would. */
static void act(struct cap_table *table, uint64_t *random)
{
	const unsigned int what = next_random(random) % 16;
	struct cap *const cap = any_slot(random);
	const uintptr_t value = cap ? atomic_load(&cap->value) : CAP_EMPTY;

	if (what < 6)
		make(table, random);
	else if (value < OBJECT_ALIGN)
		return;
	else if (what < 12)
		copy(table, cap, value, random);
	else if (what < 15)
		take_away(cap, value, random);
	else if (object_pin(cap_object(value))) {
		object_quiesce();
		note(object_audit(cap_object(value)));
		object_unpin(cap_object(value));
	}
}

static void hammer(void *number)
{
	struct cap_table *const table = &tables[(uintptr_t)number];
	uint64_t random = 88172645463325252ull + (uintptr_t)number;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		const uint64_t flags = irq_save();

		act(table, &random);
		if (i % 64 == 0)
			note(bank_audit(bank));
		irq_restore(flags);
	}
}

static bool make_tables(void)
{
	const uint64_t flags = irq_save();
	bool good = true;

	for (cpu_t cpu = 0; cpu < nr_cpus_online; cpu++)
		good &= cap_table_init(&tables[cpu], NULL, bank_root(), 0) == 0;
	irq_restore(flags);
	return good;
}

/* What is left in them; 0, if all has been found and given back. */
static unsigned int free_tables(void)
{
	const uint64_t flags = irq_save();
	unsigned int left = 0;

	for (cpu_t cpu = 0; cpu < nr_cpus_online; cpu++) {
		left += cap_table_next(&tables[cpu], 0) != tables[cpu].nr_slots;
		while (!cap_table_free_some(&tables[cpu]))
			;
	}
	irq_restore(flags);
	return left;
}

static void object_all_cpus_at_once(struct test *test)
{
	static struct thread *threads[NR_CPUS];
	struct memory_mark mark;
	uint64_t used;

	NEED_ROOT(test);
	memory_mark(&mark);
	used = root_used();
	atomic_store(&made, 0);
	atomic_store(&copied, 0);
	atomic_store(&taken, 0);
	TEST_EQ(test, begin(), 0);
	TEST_TRUE(test, make_tables());
	for (cpu_t cpu = 0; cpu < nr_cpus_online; cpu++) {
		const struct cpu_set one = only_cpu(cpu);

		threads[cpu] = spawn(hammer, (void *)(uintptr_t)cpu, PRIORITY_DEFAULT, &one);
	}
	for (cpu_t cpu = 0; cpu < nr_cpus_online; cpu++)
		if (threads[cpu])
			thread_join(threads[cpu], DEADLINE_NEVER, NULL);
	console_printf("# %u objects, %u copies, %u taken\n", made, copied, taken);
	TEST_STREQ(test, finish() ?: "", "");
	TEST_EQ(test, free_tables(), 0);
	TEST_TRUE(test, made && copied && taken);
	TEST_EQ(test, root_used(), used);
	TEST_TRUE(test, memory_is_back(&mark));
}

static const struct test_case object_cases[] = {
	TEST_CASE(object_memory_comes_back),
	TEST_CASE(object_bank_ends_with_all_in_it),
	TEST_CASE(object_quiesce_waits_for_calls),
	TEST_CASE(object_all_cpus_at_once),
};
TEST_SUITE(object, object_cases);
