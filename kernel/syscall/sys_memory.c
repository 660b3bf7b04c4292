/* SPDX-License-Identifier: MIT */
/*
 * System calls on memory: banks, frames, maps.
 *
 * Frames are zeroed before they are given out. Up to OPEN_ORDER this is done at once, larger blocks
 * let interrupts and other threads in after each OPEN_SIZE.
 */
#include <arch/memory.h>
#include <arch/mmu.h>
#include <exo/env.h>
#include <exo/preempt.h>
#include <exo/syscall.h>
#include <uapi/exo/map.h>

#define OPEN_ORDER 4 /* a guess: 64 KiB are some microseconds */
#define OPEN_PAGES (1u << OPEN_ORDER)
#define CALL_PAGES 256u /* pages that are zeroed in one call, if it is for several blocks */

/* A bank by its capability, pinned. */
static int pin_bank(exo_cap_t slot, unsigned int rights, struct bank **bank)
{
	struct object *object;
	const int error = cap_get(&env_current()->table, slot, EXO_TYPE_BANK, rights, &object);

	if (error)
		return error;
	if (!object_pin(object))
		return -EXO_E_DEAD;
	*bank = container_of(object, struct bank, object);
	return 0;
}

struct exo_result sys_bank_create(uint64_t from, uint64_t frames, uint64_t node, uint64_t slot)
{
	struct bank *parent, *bank;
	struct object *object;
	struct cap *cap;
	int error = cap_get(&env_current()->table, from, EXO_TYPE_BANK, EXO_RIGHT_W, &object);

	if (error)
		return result_error(error);
	parent = container_of(object, struct bank, object);
	error = cap_claim(&env_current()->table, slot, &cap);
	if (error)
		return result_error(error);
	if (node > EXO_NODE_ANY)
		error = -EXO_E_RANGE;
	else
		error = bank_make(parent, frames, (unsigned int)node, &bank);
	if (error)
		cap_unclaim(cap);
	else
		cap_make(cap, &bank->object, EXO_RIGHTS_ALL);
	return result_error(error);
}

struct exo_result sys_bank_move(uint64_t from, uint64_t to, uint64_t frames, uint64_t node)
{
	struct object *source, *target;
	int error = cap_get(&env_current()->table, from, EXO_TYPE_BANK, EXO_RIGHT_C, &source);

	if (!error)
		error = cap_get(&env_current()->table, to, EXO_TYPE_BANK, EXO_RIGHT_C, &target);
	if (!error && node > EXO_NODE_ANY)
		error = -EXO_E_RANGE;
	if (!error)
		error = bank_move(container_of(source, struct bank, object),
				  container_of(target, struct bank, object), frames,
				  (unsigned int)node);
	return result_error(error);
}

/* Zeroes a block that nobody knows yet. Opens if it is a large one. */
static void zero(paddr_t base, unsigned int order)
{
	for (uint64_t page = 0; page < 1ull << order; page++) {
		page_zero(phys_to_virt(base + page * PAGE_SIZE));
		if (order <= OPEN_ORDER || (page + 1) % OPEN_PAGES)
			continue;
		irq_enable();
		irq_save();
	}
}

/* One block into one slot; the bank is pinned. */
static int alloc_one(struct bank *bank, unsigned int order, unsigned int node, paddr_t hint,
		     exo_cap_t slot)
{
	struct frame *frame;
	struct cap *cap;
	int error = cap_claim(&env_current()->table, slot, &cap);

	if (error)
		return error;
	error = bank_frames_get(bank, order, &node, &hint);
	if (error)
		goto out;
	zero(hint, order);
	error = frame_make(bank, hint, order, node, &frame);
	if (!error) {
		cap_make(cap, &frame->object, EXO_RIGHTS_ALL);
		return 0;
	}
	bank_frames_put(bank, hint, order, node);
out:
	cap_unclaim(cap);
	return error;
}

struct exo_result sys_frame_alloc(uint64_t from, uint64_t where, uint64_t hint, uint64_t slot,
				  uint64_t count)
{
	const unsigned int order = where & 0xffff, node = where >> 16 & 0xffff;
	struct bank *bank;
	uint64_t done;
	int error;

	if (where >> 32 || !count || order > FRAME_MAX_ORDER ||
	    (hint != EXO_HINT_NONE && count > 1))
		return result_error(-EXO_E_ARG);
	error = pin_bank(from, EXO_RIGHT_W, &bank);
	if (error)
		return result_error(error);
	for (done = 0; !error && done < count; done++) {
		if (done == EXO_RANGE_MAX || (done && (done + 1) << order > CALL_PAGES))
			error = -EXO_E_AGAIN;
		else
			error = alloc_one(bank, order, node, hint, slot + done);
		if (error)
			break;
	}
	object_unpin(&bank->object);
	return result_of_range(error, done);
}

struct exo_result sys_map(uint64_t slot, uint64_t address, uint64_t count)
{
	struct exo_map_op ops[EXO_MAP_MAX];
	struct env *env = env_current();
	struct object *object;
	uint64_t done = 0;
	int error = 0;

	if (count > EXO_MAP_MAX)
		return result_error(-EXO_E_RANGE);
	if (slot != EXO_SELF) {
		error = cap_get(&env->table, slot, EXO_TYPE_ENV, EXO_RIGHT_W, &object);
		if (!error && !object_pin(object))
			error = -EXO_E_DEAD;
		if (error)
			return result_error(error);
		env = container_of(object, struct env, object);
	}
	error = user_copy_from(ops, address, count * sizeof(ops[0]));
	if (!error)
		error = env_map(env, ops, (unsigned int)count, &done);
	if (slot != EXO_SELF)
		object_unpin(&env->object);
	return result_of_range(error, done);
}
