/* SPDX-License-Identifier: MIT */
/*
 * FRAME objects: blocks of memory that capabilities are to.
 *
 * The frames are free for others only when no capability is left, no pin, and no TLB of any CPU can
 * reach them: capabilities are unmapped between cap_take() and cap_finish(), and whoever unmaps
 * without deleting pins the object until the TLBs are flushed (map.c). A thread pins its state
 * page. Ending the bank waits for these pins, too: so frames go back in bury(), not in end().
 */
#include <exo/env.h>
#include <exo/panic.h>

int frame_make(struct bank *bank, paddr_t base, unsigned int order, unsigned int node,
	       struct frame **result)
{
	struct object *object;
	struct frame *frame;
	const int error = bank_object_get(bank, EXO_TYPE_FRAME, sizeof(*frame), &object);

	if (error)
		return error;
	object->order = (uint8_t)order;
	object->node = (uint8_t)node;
	frame = container_of(object, struct frame, object);
	frame->base = base;
	*result = frame;
	return 0;
}

void frame_bury(struct object *object)
{
	struct frame *frame = container_of(object, struct frame, object);

	bank_frames_put(object->bank, frame->base, object->order, object->node);
}

/* By CPU: odd while it unmaps capabilities that it has taken. It alone writes it. */
static _Atomic uint32_t unmapping[NR_CPUS];

/* Unmaps those of @caps that are mapped in @env. */
static void unmap_from(struct env *env, struct cap **caps, unsigned int count)
{
	struct page_batch batch;

	spin_lock(&env->space_lock);
	page_batch_begin(&batch, &env->space);
	for (unsigned int i = 0; i < count; i++) {
		if (caps[i]->owner != env || !caps[i]->place)
			continue;
		/* It was mapped as a whole, so no large page needs to be split: it cannot fail. */
		if (page_table_unmap(&batch, caps[i]->place & ~(uint64_t)(PAGE_SIZE - 1),
				     frame_cap_size(caps[i])))
			panic("frame: a mapping cannot be undone");
		caps[i]->place = 0;
	}
	page_batch_close(&batch);
	spin_unlock(&env->space_lock);
	page_batch_finish(&batch);
}

void frame_unmap(struct cap **caps, unsigned int count)
{
	_Atomic uint32_t *const turn = &unmapping[cpu_current()];
	uint32_t now;

	for (unsigned int i = 0; i < count; i++) {
		if (!caps[i]->place)
			continue;
		now = atomic_load_explicit(turn, memory_order_relaxed);
		/* Odd: from the first to the last of them. */
		atomic_store_explicit(turn, now | 1, memory_order_relaxed);
		unmap_from(caps[i]->owner, caps + i, count - i);
	}
	now = atomic_load_explicit(turn, memory_order_relaxed);
	if (now & 1)
		atomic_store_explicit(turn, now + 1, memory_order_release);
}

void frame_wait_unmapped(void)
{
	/* From here on, who had taken a capability before has unmapped it, or is just at that. */
	object_quiesce();
	for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++) {
		const uint32_t turn = atomic_load_explicit(&unmapping[cpu], memory_order_acquire);

		while (turn & 1 &&
		       atomic_load_explicit(&unmapping[cpu], memory_order_acquire) == turn)
			object_quiesce();
	}
}

void frame_taken(struct object *object, struct cap **caps, unsigned int count)
{
	frame_unmap(caps, count);
	env_tell_taken(object, caps, count);
}
