/* SPDX-License-Identifier: MIT */
/*
 * Audit of memory: each block that a bank is charged for is allocated in the frame allocator, as
 * such a block, and is nobody else's: pages of cells, FRAMEs, tables of capabilities, page tables.
 * What banks may still take is free, all nodes together.
 * Kernel stacks are not looked at: they may be in a cache of the kernel's.
 */
#include <arch/memory.h>
#include <exo/audit.h>
#include <exo/env.h>

#include "bank_internal.h"

/* Of whom, for those who are called with each table. */
struct tables {
	struct audit *audit;
	const struct env *env;
};

static bool check_block(struct audit *audit, const void *where, paddr_t base, unsigned int order)
{
	const char *wrong;

	switch (frame_audit_block(base, order)) {
	case 0:
		return true;
	case -EXO_E_DEAD:
		wrong = "memory that is in use is free";
		break;
	case -EXO_E_BUSY:
		wrong = "memory is in use twice";
		break;
	case -EXO_E_PERM:
		wrong = "memory that is in use is out of circulation";
		break;
	default:
		wrong = "memory that is in use is not allocated as such a block";
	}
	return audit_fail(audit, wrong, where, base, order);
}

static void check_table(paddr_t table, void *context)
{
	const struct tables *tables = context;

	check_block(tables->audit, tables->env, table, 0);
}

static bool check_env(struct audit *audit, const struct env *env)
{
	struct tables tables = { .audit = audit, .env = env };
	const uint64_t nr_pages = env->table.nr_slots / CAPS_PER_PAGE;
	const uint64_t pointers = nr_pages * sizeof(struct cap *) / PAGE_SIZE;

	/* What has been torn down has no table any more. */
	if (!env->table.pages)
		return true;
	if (!check_block(audit, env, virt_to_phys(env->table.pages),
			 (unsigned int)__builtin_ctzll(pointers)))
		return false;
	for (uint64_t i = 0; i < nr_pages; i++)
		if (env->table.pages[i] &&
		    !check_block(audit, env, virt_to_phys(env->table.pages[i]), 0))
			return false;
	page_table_for_each(&env->space, check_table, &tables);
	return !audit->wrong;
}

bool audit_bank_frames(struct audit *audit, struct bank *bank)
{
	bool right = true;

	for (unsigned int node = 0; node < CONFIG_NUMA_NODES; node++)
		audit->unused += bank->counts[node].reserved - bank->counts[node].used;
	for (const struct bank_page *page = NULL; right && (page = bank_next_page(bank, page));)
		right = check_block(audit, bank, page->base, 0);
	for (const struct object *object = NULL;
	     right && (object = bank_next_object(bank, object));) {
		if (object->type == EXO_TYPE_FRAME)
			right = check_block(audit, object,
					    container_of(object, const struct frame, object)->base,
					    object->order);
		if (object->type == EXO_TYPE_ENV)
			right = check_env(audit, container_of(object, const struct env, object));
	}
	return right;
}

void audit_frames_end(struct audit *audit)
{
	uint64_t free = 0;

	for (unsigned int node = 0; node < numa_nodes(); node++) {
		struct frame_stats stats;

		frame_audit_end(node);
		frame_stats(node, &stats);
		free += stats.free;
	}
	if (audit->unused > free)
		audit_fail(audit, "banks may take more memory than is free", NULL, free,
			   audit->unused);
}
