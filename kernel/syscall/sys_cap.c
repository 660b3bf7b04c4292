/* SPDX-License-Identifier: MIT */
/* System calls on capabilities: copy, delete, revoke, look at. */
#include <exo/env.h>
#include <exo/sched.h>
#include <exo/syscall.h>

/* A table by its ENV capability, or the caller's own. */
static int table_of(exo_cap_t slot, unsigned int rights, struct cap_table **table)
{
	struct object *object;
	int error;

	if (slot == EXO_SELF) {
		*table = &env_current()->table;
		return 0;
	}
	error = cap_get(&env_current()->table, slot, EXO_TYPE_ENV, rights, &object);
	if (!error)
		*table = &container_of(object, struct env, object)->table;
	return error;
}

static int copy_one(exo_cap_t source, struct cap_table *to, exo_cap_t slot, unsigned int rights,
		    uint64_t argument)
{
	struct cap_table *own = &env_current()->table;
	unsigned int needed = EXO_RIGHT_D;
	struct cap *parent, *copy;
	uintptr_t value;
	int error;

	if (to != own)
		needed |= EXO_RIGHT_G;
	error = cap_look(own, source, needed, &parent, &value);
	if (!error)
		error = cap_claim(to, slot, &copy);
	if (error)
		return error;
	error = cap_derive(parent, value, copy, rights, (uint32_t)argument,
			   (uint32_t)(argument >> 32));
	if (error)
		cap_unclaim(copy);
	return error;
}

struct exo_result sys_cap_copy(uint64_t source, uint64_t env, uint64_t slot, uint64_t how,
			       uint64_t argument)
{
	const unsigned int rights = (unsigned int)how;
	uint64_t count = how >> 32 ? how >> 32 : 1, done;
	struct cap_table *to = NULL;
	int error;

	if (rights & ~EXO_RIGHTS_ALL || (argument && count > 1))
		return result_error(-EXO_E_ARG);
	error = table_of(env, EXO_RIGHT_C, &to);
	for (done = 0; !error && done < count; done++) {
		if (done == EXO_RANGE_MAX)
			return result_of_range(-EXO_E_AGAIN, done);
		error = copy_one(source + done, to, slot + done, rights, argument);
		if (error)
			break;
	}
	return result_of_range(error, done);
}

/* Empties slots, up to CAP_BATCH and no further than the first that is empty; returns how many. */
static unsigned int delete_batch(exo_cap_t slot, uint64_t count)
{
	struct cap *caps[CAP_BATCH];
	unsigned int found = 0;

	while (found < CAP_BATCH && found < count &&
	       (caps[found] = cap_slot(&env_current()->table, slot + found)))
		found++;
	return cap_delete_some(caps, found);
}

struct exo_result sys_cap_delete(uint64_t slot, uint64_t count)
{
	const uint64_t limit = count < EXO_RANGE_MAX ? count : EXO_RANGE_MAX;
	uint64_t done = 0;
	int error = count ? 0 : -EXO_E_ARG;

	while (!error && done < limit) {
		const unsigned int batch = delete_batch(slot + done, limit - done);

		done += batch;
		if (batch < CAP_BATCH && done < limit)
			error = -EXO_E_CAP;
	}
	if (!error && done < count)
		error = -EXO_E_AGAIN;
	object_end_some();
	sched_interrupt_end(); /* who watched one of them may be more urgent */
	return result_of_range(error, done);
}

/* A bank: all that came from it goes, and the bank is empty. */
static int revoke_bank(uintptr_t value)
{
	struct object *object = cap_object(value);
	int error;

	if (!object_pin(object))
		return -EXO_E_DEAD;
	error = bank_end_some(container_of(object, struct bank, object));
	object_unpin(object);
	return error;
}

/* Who is told when nothing is derived from a capability any more: as ntf_signal(), but one bit. */
static int find_watcher(uint64_t slot, uint64_t bits, uint32_t *watch)
{
	struct ntf *ntf;
	uint64_t badge;
	int error;

	*watch = 0;
	if (slot == EXO_SELF)
		return bits ? -EXO_E_ARG : 0;
	error = ntf_find(&env_current()->table, slot, &ntf, &badge);
	if (error)
		return error;
	if (!bits || bits & (bits - 1))
		return -EXO_E_ARG;
	*watch = CAP_WATCH(slot, __builtin_ctzll(bits));
	return bits & ~badge ? -EXO_E_PERM : 0;
}

/* To be the last thing that is done with @cap: it opens. If the capability has gone that is all. */
static void watch(struct cap *cap, uintptr_t value, uint32_t watcher)
{
	bool none, others;

	if (!watcher || cap_watch(cap, value, watcher, &none, &others) || !none)
		return;
	if (others)
		frame_wait_unmapped();
	env_tell_gone(env_current(), watcher);
}

/* What the call is about; *taken: how many were taken, or asked for. */
static int revoke(struct cap *cap, uintptr_t value, uint64_t mode, uint64_t deadline,
		  uint64_t *taken)
{
	unsigned int budget = EXO_RANGE_MAX;
	int error;

	if (mode == EXO_REVOKE_ASK) {
		*taken = env_ask(cap, value, deadline);
		return 0;
	}
	error = object_revoke_some(cap, value, &budget);
	if (!error && cap_object(value)->type == EXO_TYPE_BANK)
		error = revoke_bank(value);
	*taken = EXO_RANGE_MAX - budget;
	return error;
}

struct exo_result sys_cap_revoke(uint64_t slot, uint64_t mode, uint64_t deadline, uint64_t ntf,
				 uint64_t bits)
{
	bool none, others;
	uint32_t watcher = 0;
	uint64_t taken = 0;
	struct cap *cap;
	uintptr_t value;
	int error = cap_look(&env_current()->table, slot, EXO_RIGHT_C, &cap, &value);

	if (!error && mode > EXO_REVOKE_ASK)
		error = -EXO_E_ARG;
	if (!error)
		error = find_watcher(ntf, bits, &watcher);
	if (error)
		return result_error(error);
	/* Whoever was to be told before is not told of this call. */
	if (cap_is_watched(cap))
		error = cap_watch(cap, value, 0, &none, &others);
	if (!error)
		error = revoke(cap, value, mode, deadline, &taken);
	watch(cap, value, watcher);
	object_end_some();
	sched_interrupt_end();
	return (struct exo_result){ error, taken };
}

/* What the slot itself says of it: under the object's lock, as long as it is still there. */
static int describe_cap(const struct cap *cap, uintptr_t value, struct exo_cap_info *info)
{
	struct object *object = cap_object(value);
	int error = 0;

	spin_acquire(&object->lock);
	if (atomic_load_explicit(&cap->value, memory_order_relaxed) != value) {
		error = -EXO_E_CAP;
	} else if (object->type == EXO_TYPE_FRAME) {
		info->base = frame_cap_base(cap, object);
		info->size = frame_cap_size(cap);
		info->address = cap->place & ~(uint64_t)(PAGE_SIZE - 1);
	} else if (object->type == EXO_TYPE_EP) {
		info->used = cap_badge(cap);
	} else if (IS_ENABLED(CONFIG_IRQ_OBJECTS) && object->type == EXO_TYPE_IRQ) {
		info->base = cap->first;
		info->size = cap->count;
	}
	spin_release(&object->lock);
	return error;
}

static void describe_object(struct object *object, uintptr_t value, struct exo_cap_info *info)
{
	struct bank_node_count total;

	info->type = object->type;
	info->rights = (uint32_t)(value & CAP_RIGHTS);
	info->node = object->node;
	switch (object->type) {
	case EXO_TYPE_BANK:
		total = bank_total(container_of(object, struct bank, object));
		info->size = total.reserved;
		info->used = total.used;
		break;
	case EXO_TYPE_ENV:
		info->size = container_of(object, struct env, object)->table.nr_slots;
		info->used = container_of(object, struct env, object)->nr_threads;
		break;
	case EXO_TYPE_THREAD:
		info->used = user_thread_now(container_of(object, struct user_thread, object));
		break;
	case EXO_TYPE_NTF:
		/* Who may not wait for bits may not see them. */
		if (value & EXO_RIGHT_R)
			info->used = container_of(object, struct ntf, object)->word;
		break;
	default:
		break;
	}
}

struct exo_result sys_cap_stat(uint64_t slot, uint64_t address)
{
	struct exo_cap_info info = { 0 };
	struct cap *cap;
	uintptr_t value;
	int error = cap_look(&env_current()->table, slot, 0, &cap, &value);

	if (!error)
		error = describe_cap(cap, value, &info);
	if (!error)
		describe_object(cap_object(value), value, &info);
	/* An empty slot is no error: that is what can be said of it. */
	if (error == -EXO_E_CAP && slot < env_current()->table.nr_slots)
		error = 0;
	if (!error)
		error = user_copy_to(address, &info, sizeof(info));
	return result_error(error);
}
