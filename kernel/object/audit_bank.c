/* SPDX-License-Identifier: MIT */
/*
 * Audit of sums: what each bank is charged for is counted anew, node by node, from what there is:
 * pages of cells, blocks of frames, tables of capabilities, page tables, threads, and what child
 * banks have reserved.
 *
 * A call at an open may have been accepted a charge of which nothing can be seen yet; it has pinned
 * the bank. Then the bank must not have been charged for less than there is.
 */
#include <arch/memory.h>
#include <exo/audit.h>
#include <exo/env.h>
#include <exo/stack.h>

#include "bank_internal.h"

struct tally {
	uint64_t frames[CONFIG_NUMA_NODES];
	uint64_t objects;
};

static void add(struct tally *tally, unsigned int node, uint64_t frames)
{
	if (node < CONFIG_NUMA_NODES)
		tally->frames[node] += frames;
}

static void add_at(struct tally *tally, paddr_t base, uint64_t frames)
{
	uint64_t length;

	add(tally, numa_node_of(base, &length), frames);
}

static void add_table(paddr_t table, void *tally)
{
	add_at(tally, table, 1);
}

static void add_env(struct tally *tally, const struct env *env)
{
	const uint64_t nr_pages = env->table.nr_slots / CAPS_PER_PAGE;

	/* What has been torn down has no table any more. */
	if (!env->table.pages)
		return;
	add_at(tally, virt_to_phys(env->table.pages), nr_pages * sizeof(struct cap *) / PAGE_SIZE);
	for (uint64_t i = 0; i < nr_pages; i++)
		if (env->table.pages[i])
			add_at(tally, virt_to_phys(env->table.pages[i]), 1);
	page_table_for_each(&env->space, add_table, tally);
}

static void add_object(struct tally *tally, const struct object *object)
{
	const struct bank *bank = container_of(object, const struct bank, object);

	tally->objects++;
	switch (object->type) {
	case EXO_TYPE_BANK:
		for (unsigned int node = 0; node < CONFIG_NUMA_NODES; node++)
			add(tally, node, bank->counts[node].reserved);
		break;
	case EXO_TYPE_FRAME:
		add(tally, object->node, 1ull << object->order);
		break;
	case EXO_TYPE_ENV:
		add_env(tally, container_of(object, const struct env, object));
		break;
	case EXO_TYPE_THREAD:
		add(tally, container_of(object, const struct user_thread, object)->charged_node,
		    user_thread_price);
		break;
	default:
		break;
	}
}

bool audit_bank_sums(struct audit *audit, struct bank *bank)
{
	struct tally tally = { .objects = 0 };
	bool right;

	for (const struct bank_page *page = NULL; (page = bank_next_page(bank, page));)
		add(&tally, page->numa, 1);
	for (const struct object *object = NULL; (object = bank_next_object(bank, object));)
		add_object(&tally, object);
	right = audit_equal(audit, "a bank's number of objects is wrong", bank, tally.objects,
			    bank->nr_objects);
	for (unsigned int node = 0; right && node < CONFIG_NUMA_NODES; node++) {
		const uint64_t used = bank->counts[node].used;

		if (used < tally.frames[node] || !bank->object.pins)
			right = audit_equal(audit, "a bank is charged for more or less than it has",
					    bank, tally.frames[node], used);
	}
	return right;
}
