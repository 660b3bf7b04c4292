/* SPDX-License-Identifier: MIT */
/*
 * For the audit: is a block that somebody says is theirs allocated, and nobody else's?
 *
 * What was asked about is marked in the state of its first frame, so that nobody else can have it.
 * Two different blocks cannot overlap: each has its own first frame, and no first frame inside.
 */
#include <exo/frame.h>

#include "frame_region.h"

#define MARK 0x80u /* of STATE_ALLOCATED(order) only */

static bool is_marked(uint8_t state)
{
	return state & MARK && state <= (MARK | STATE_ALLOCATED(FRAME_MAX_ORDER));
}

/* frame_audit_block() for a block whose first frame is in @r. */
static int look(struct region *r, uint64_t frame, unsigned int order) __requires(frame_lock)
{
	uint8_t *const state = &r->state[frame - r->first];

	if (is_marked(*state))
		return -EXO_E_BUSY;
	if (*state == STATE_CACHED || frame_pool_is_free(r->pool, frame))
		return -EXO_E_DEAD;
	if (*state == STATE_RESERVED)
		return -EXO_E_PERM;
	if (*state != STATE_ALLOCATED(order))
		return -EXO_E_TYPE;
	for (uint64_t i = 1; i < 1ull << order; i++) {
		if (state[i] == STATE_CACHED || frame_pool_is_free(r->pool, frame + i))
			return -EXO_E_DEAD;
		if (state[i] != STATE_NONE)
			return -EXO_E_TYPE;
	}
	*state |= MARK;
	return 0;
}

int frame_audit_block(paddr_t base, unsigned int order)
{
	struct region *r;
	int error = -EXO_E_RANGE;

	if (order > FRAME_MAX_ORDER)
		return -EXO_E_ARG;
	if (base & ((PAGE_SIZE << order) - 1))
		return -EXO_E_ALIGN;
	r = frame_region_of(base / PAGE_SIZE, 1ull << order);
	spin_lock(&frame_lock);
	if (r)
		error = look(r, base / PAGE_SIZE, order);
	spin_unlock(&frame_lock);
	return error;
}

uint64_t frame_audit_end(unsigned int node)
{
	uint64_t frames = 0;

	for (struct region *r = frame_memory.nodes[node].top; r; r = r->below)
		for (uint64_t i = 0; i < r->count; i++) {
			if (!is_marked(r->state[i]))
				continue;
			r->state[i] ^= MARK;
			frames += 1ull << (r->state[i] - STATE_ALLOCATED(0));
		}
	return frames;
}
