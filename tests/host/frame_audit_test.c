/* SPDX-License-Identifier: MIT */
/* What the frame allocator says of blocks to the audit. In the kernel, of blocks of this test. */
#include <exo/frame.h>
#include <exo/test.h>

#include "../../mm/frame_region.h"

/* Frames that are noted, of all nodes; none is afterwards. */
static uint64_t forget(void)
{
	uint64_t frames = 0;

	for (unsigned int node = 0; node < numa_nodes(); node++)
		frames += frame_audit_end(node);
	return frames;
}

static void frame_audit_knows_what_is_allocated(struct test *test)
{
	paddr_t base;

	TEST_EQ(test, forget(), 0);
	for (unsigned int order = 0; order < 8; order++) {
		TEST_EQ(test, frame_alloc_block(order, &base), 0);
		TEST_EQ(test, frame_audit_block(base, order), 0);
		TEST_EQ(test, frame_audit_block(base, order), -EXO_E_BUSY);
		TEST_EQ(test, forget(), 1u << order);
		TEST_EQ(test, frame_audit_block(base, order), 0);
		TEST_EQ(test, forget(), 1u << order);
		TEST_EQ(test, frame_free_block(base, order), 0);
	}
	TEST_EQ(test, forget(), 0);
}

static void frame_audit_knows_what_is_not(struct test *test)
{
	paddr_t base;

	TEST_EQ(test, frame_alloc_block(3, &base), 0);
	TEST_EQ(test, frame_audit_block(base, 2), -EXO_E_TYPE);
	TEST_EQ(test, frame_audit_block(base + PAGE_SIZE, 0), -EXO_E_TYPE);
	TEST_EQ(test, frame_audit_block(base + PAGE_SIZE, 3), -EXO_E_ALIGN);
	TEST_EQ(test, frame_audit_block(base, FRAME_ORDERS), -EXO_E_ARG);
	TEST_EQ(test, frame_audit_block(~(paddr_t)0 & ~(PAGE_SIZE - 1ull), 0), -EXO_E_RANGE);
	TEST_EQ(test, forget(), 0);
	TEST_EQ(test, frame_free_block(base, 3), 0);
}

/* In this CPU's cache, in the pool, and out of circulation. */
static void frame_audit_knows_what_is_free(struct test *test)
{
	paddr_t base;

	TEST_EQ(test, frame_alloc_one(&base), 0);
	TEST_EQ(test, frame_free_one(base), 0);
	TEST_EQ(test, frame_audit_block(base, 0), -EXO_E_DEAD);
	frame_cache_drain();
	TEST_EQ(test, frame_audit_block(base, 0), -EXO_E_DEAD);
	TEST_EQ(test, frame_reserve(base, PAGE_SIZE), 0);
	TEST_EQ(test, frame_audit_block(base, 0), -EXO_E_PERM);
	TEST_EQ(test, frame_release(base, PAGE_SIZE), 0);
	TEST_EQ(test, frame_audit_block(base, 0), -EXO_E_DEAD);
	TEST_EQ(test, forget(), 0);
}

/* Parts of an allocated block that the allocator has given to somebody else, or holds for free. */
static void frame_audit_looks_inside_of_blocks(struct test *test)
{
	struct region *r;
	uint64_t frame;
	paddr_t base;
	bool taken;

	TEST_EQ(test, frame_alloc_block(3, &base), 0);
	frame = base / PAGE_SIZE + 5;
	r = frame_region_of(frame, 1);
	TEST_TRUE(test, r != NULL);
	r->state[frame - r->first] = STATE_ALLOCATED(1);
	TEST_EQ(test, frame_audit_block(base, 3), -EXO_E_TYPE);
	r->state[frame - r->first] = STATE_CACHED;
	TEST_EQ(test, frame_audit_block(base, 3), -EXO_E_DEAD);
	r->state[frame - r->first] = STATE_NONE;
	spin_lock(&frame_lock);
	frame_pool_put(r->pool, frame, 0);
	spin_unlock(&frame_lock);
	TEST_EQ(test, frame_audit_block(base, 3), -EXO_E_DEAD);
	spin_lock(&frame_lock);
	taken = frame_pool_take_run(r->pool, frame, 1);
	spin_unlock(&frame_lock);
	TEST_TRUE(test, taken);
	TEST_EQ(test, frame_audit_block(base, 3), 0);
	TEST_EQ(test, forget(), 8);
	TEST_EQ(test, frame_free_block(base, 3), 0);
}

static const struct test_case frame_audit_cases[] = {
	TEST_CASE(frame_audit_knows_what_is_allocated),
	TEST_CASE(frame_audit_knows_what_is_not),
	TEST_CASE(frame_audit_knows_what_is_free),
	TEST_CASE(frame_audit_looks_inside_of_blocks),
};
TEST_SUITE(frame_audit, frame_audit_cases);
