/* SPDX-License-Identifier: MIT */
/*
 * Environments from their making to their end.
 *
 * The end: its threads are killed, which takes as long as they need to leave the kernel; its slots
 * are emptied, 32 at a time, which also unmaps all there is; then no CPU may keep its page tables
 * loaded, and the rest is given back.
 */
#include <arch/mmu.h>
#include <exo/env.h>
#include <exo/panic.h>

#define END_THREADS 32u /* a guess: of a step, as interrupts are off */

/* The page tables' memory: machine is the environment's own. */
static int table_alloc(struct page_machine *machine, paddr_t *table)
{
	struct env *env = container_of(machine, struct env, machine);
	unsigned int node = EXO_NODE_ANY;

	return bank_page_get(env->object.bank, &node, table);
}

static void table_free(struct page_machine *machine, paddr_t table)
{
	struct env *env = container_of(machine, struct env, machine);
	uint64_t length;

	bank_frames_put(env->object.bank, table, 0, numa_node_of(table, &length));
}

int env_make(struct bank *bank, unsigned int order, struct env **result)
{
	struct object *object;
	struct env *env;
	int error;

	if (order > CAP_TABLE_ORDER_MAX)
		return -EXO_E_ARG;
	error = bank_object_get(bank, EXO_TYPE_ENV, sizeof(*env), &object);
	if (error)
		return error;
	env = container_of(object, struct env, object);
	spin_lock_init(&env->space_lock, LOCK_RANK_USER_SPACE);
	spin_lock_init(&env->threads_lock, LOCK_RANK_ENV_THREADS);
	list_init(&env->threads);
	env->machine.alloc = table_alloc;
	env->machine.free = table_free;
	error = cap_table_init(&env->table, env, bank, order);
	if (error)
		goto out;
	error = mmu_space_init(&env->space, &env->machine);
	if (!error) {
		*result = env;
		return 0;
	}
	while (!cap_table_free_some(&env->table))
		;
out:
	bank_object_put(object);
	return error;
}

/*
 * Has some threads end. Those that have been told so go to the end of the list. Returns 0 once none
 * is left, -EXO_E_AGAIN, -EXO_E_BUSY if only their leaving is waited for.
 */
static int end_threads(struct env *env)
{
	const uint64_t flags = spin_lock_irq(&env->threads_lock);
	int result = -EXO_E_AGAIN;

	for (unsigned int i = 0; i < END_THREADS; i++) {
		struct list_node *const node = env->threads.next;
		struct user_thread *const thread = list_entry(node, struct user_thread, env_node);

		result = list_empty(&env->threads) ? 0 : -EXO_E_BUSY;
		if (!result || thread->killed)
			break;
		result = -EXO_E_AGAIN;
		list_remove(node);
		list_add_last(&env->threads, node);
		user_thread_kill(thread);
	}
	spin_unlock_irq(&env->threads_lock, flags);
	return result;
}

/* Empties some slots; true once all are empty. */
static bool empty_some(struct env *env)
{
	struct cap *caps[CAP_BATCH];
	unsigned int count = 0;

	while (count < CAP_BATCH) {
		env->next_slot = cap_table_next(&env->table, env->next_slot);
		if (env->next_slot == env->table.nr_slots)
			break;
		caps[count++] = cap_slot(&env->table, env->next_slot++);
	}
	/* Those that somebody else is just taking away will be empty next time. */
	if (!count || cap_delete_some(caps, count) < count)
		env->next_slot = 0;
	return !count && cap_table_next(&env->table, 0) == env->table.nr_slots;
}

int env_end(struct object *object)
{
	struct env *env = container_of(object, struct env, object);
	const int error = end_threads(env);

	/* Each of them says when it has gone. */
	if (error)
		return error;
	if (!env->left) {
		/* All CPUs come by, so whoever had found it live has filled its last slot by now.
		 */
		mmu_leave(&env->space);
		env->left = true;
	}
	if (!empty_some(env))
		return -EXO_E_AGAIN;
	if (!cap_table_free_some(&env->table))
		return -EXO_E_AGAIN;
	/* The last of what was mapped has taken all tables but the first with it. */
	page_table_destroy(&env->space);
	return 0;
}
