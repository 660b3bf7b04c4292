/* SPDX-License-Identifier: MIT */
/*
 * Audit of an environment: its slots, its page tables and its threads.
 *
 * Each FRAME capability that says it is mapped is mapped there, with those rights, which it has;
 * and all pages together are as many as these capabilities have. So each page is some capability's,
 * because no two pages are in one place. Only where the numbers differ is it looked for.
 */
#include <exo/audit.h>
#include <exo/env.h>

/* Called with each slot of a table that has a capability; false ends it. */
typedef bool slot_visitor(struct audit *audit, struct env *env, struct cap *cap, uintptr_t value);

static bool for_each_slot(struct audit *audit, struct env *env, slot_visitor *visit)
{
	for (exo_cap_t slot = 0; (slot = cap_table_next(&env->table, slot)) < env->table.nr_slots;
	     slot++) {
		struct cap *cap = cap_slot(&env->table, slot);
		uintptr_t value;

		if (!cap)
			return audit_fail(audit, "a table has lost a page", env, slot, 0);
		value = atomic_load(&cap->value);
		if (!audit_equal(audit, "a slot has another number", cap, slot, cap->slot))
			return false;
		if (cap->owner != env)
			return audit_fail(audit, "a slot has another owner", cap, (uintptr_t)env,
					  (uintptr_t)cap->owner);
		if (value >= OBJECT_ALIGN && !visit(audit, env, cap, value))
			return false;
	}
	return true;
}

/* --- mappings ----------------------------------------------------------------------------------*/

static unsigned int rights_of(const struct env *env, unsigned int rights)
{
	return PAGE_PROGRAM | (rights & EXO_RIGHT_W ? PAGE_WRITE : 0) |
	       (rights & EXO_RIGHT_X || !env->machine.no_execute ? PAGE_EXECUTE : 0);
}

/* Is all that @cap says it is mapped at mapped there, to its own frames? */
static bool check_mapping(struct audit *audit, struct env *env, struct cap *cap, uintptr_t value)
{
	const struct frame *frame = container_of(cap_object(value), struct frame, object);
	const unsigned int rights = (unsigned int)(cap->place & EXO_RIGHTS_ALL);
	const uint64_t address = cap->place & ~(uint64_t)(PAGE_SIZE - 1);
	const paddr_t base = frame->base + (uint64_t)cap->first * PAGE_SIZE;
	struct page_mapping mapping;

	if (rights & ~value)
		return audit_fail(audit, "a mapping has more rights than its capability", cap,
				  value & CAP_RIGHTS, rights);
	for (uint64_t at = 0; at < frame_cap_size(cap); at += mapping.size) {
		if (address + at >= user_end() ||
		    page_table_query(&env->space, address + at, &mapping) || !mapping.present)
			return audit_fail(audit, "a capability is not mapped where it says", cap,
					  base + at, 0);
		if (!audit_equal(audit, "a capability is mapped to other frames", cap, base + at,
				 mapping.base) ||
		    !audit_equal(audit, "a mapping has other rights than its capability says", cap,
				 rights_of(env, rights), mapping.rights))
			return false;
	}
	audit->pages += cap->count;
	return true;
}

static bool covers(const struct cap *cap, uint64_t address)
{
	const uintptr_t value = cap ? atomic_load(&cap->value) : CAP_EMPTY;

	return value >= OBJECT_ALIGN && cap_object(value)->type == EXO_TYPE_FRAME && cap->place &&
	       address - (cap->place & ~(uint64_t)(PAGE_SIZE - 1)) < frame_cap_size(cap);
}

/* The first page that no capability says is mapped there. */
static uint64_t find_orphan(const struct env *env)
{
	struct page_mapping mapping;

	for (uint64_t at = 0; at < user_end() && !page_table_query(&env->space, at, &mapping);
	     at += mapping.present ? PAGE_SIZE : mapping.size) {
		exo_cap_t slot = 0;

		if (!mapping.present)
			continue;
		while ((slot = cap_table_next(&env->table, slot)) < env->table.nr_slots &&
		       !covers(cap_slot(&env->table, slot), at))
			slot++;
		if (slot >= env->table.nr_slots)
			return at;
	}
	return 0;
}

/* @pages: that capabilities say are mapped. */
static bool check_space(struct audit *audit, const struct env *env, uint64_t pages)
{
	struct page_mapping mapping;
	uint64_t mapped = 0;

	for (uint64_t at = 0; at < user_end(); at += mapping.size) {
		if (page_table_query(&env->space, at, &mapping))
			return audit_fail(audit, "page tables cannot be looked at", env, 0, at);
		if (mapping.present)
			mapped += mapping.size / PAGE_SIZE;
	}
	if (mapped == pages)
		return true;
	return audit_fail(audit, "an environment has a page that no capability says is mapped", env,
			  0, find_orphan(env));
}

/* --- capabilities ------------------------------------------------------------------------------*/

/* Counts the capabilities to @object, each of which must be where its table has that slot. */
static bool count_tree(struct audit *audit, struct object *object)
{
	const struct cap *cap = NULL;

	spin_lock(&object->lock);
	for (cap = object->caps; cap; cap = cap_next(object, cap, NULL)) {
		if (!cap->owner || cap_slot(&cap->owner->table, cap->slot) != cap)
			break;
		audit->in_trees++;
	}
	spin_unlock(&object->lock);
	return !cap || audit_fail(audit, "a capability is in no table", cap, 1, 0);
}

bool audit_object(struct audit *audit, struct object *object)
{
	const char *wrong = object_audit(object);

	audit->objects++;
	if (wrong)
		return audit_fail(audit, wrong, object, 0, 0);
	return audit_equal(audit, "capabilities are being taken by nobody", object, 0,
			   object->taken) &&
	       count_tree(audit, object);
}

static bool check_cap(struct audit *audit, struct env *env, struct cap *cap, uintptr_t value)
{
	struct object *object = cap_object(value);

	audit->slots++;
	if (!object->type || object->type >= NR_OBJECT_TYPES || !object_types[object->type].name)
		return audit_fail(audit, "a capability is to something without type", cap, 0,
				  object->type);
	if (object->state != OBJECT_LIVE && object->state != OBJECT_ENDING)
		return audit_fail(audit, "a capability is to an object that is not live", cap,
				  OBJECT_LIVE, object->state);
	/* The kernel's own objects are in no bank's list: they are looked at with their first. */
	if (!object->bank && object->caps == cap && !audit_object(audit, object))
		return false;
	if (object->type != EXO_TYPE_FRAME)
		return true;
	if (object->bank && ((uint64_t)cap->first + cap->count > 1ull << object->order))
		return audit_fail(audit, "a capability is to more than its block", cap,
				  1ull << object->order, (uint64_t)cap->first + cap->count);
	return !cap->place || check_mapping(audit, env, cap, value);
}

/* --- threads -----------------------------------------------------------------------------------*/

static bool check_threads(struct audit *audit, const struct env *env)
{
	uint64_t nr = 0;

	list_for_each(node, &env->threads)
	{
		const struct user_thread *thread = list_entry(node, struct user_thread, env_node);

		if (node->next->previous != node)
			return audit_fail(audit, "the list of an environment's threads is broken",
					  env, 0, 0);
		if (thread->env != env || !thread->listed)
			return audit_fail(audit, "a thread is in another environment's list",
					  thread, (uintptr_t)env, (uintptr_t)thread->env);
		nr++;
	}
	return audit_equal(audit, "an environment's number of threads is wrong", env, nr,
			   env->nr_threads);
}

bool audit_env(struct audit *audit, struct env *env)
{
	const uint64_t before = audit->pages;

	audit->envs++;
	/* What has been torn down has neither. */
	if (!env->table.pages)
		return true;
	return for_each_slot(audit, env, check_cap) &&
	       check_space(audit, env, audit->pages - before) && check_threads(audit, env);
}
