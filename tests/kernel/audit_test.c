/* SPDX-License-Identifier: MIT */
/*
 * The audit finds what is wrong with objects: a small world is made, in which all is right; then
 * one thing after the other is broken by hand, looked for, and mended, with interrupts off.
 */
#include "thread_support.h"

#include <arch/memory.h>
#include <exo/audit.h>
#include <exo/env.h>
#include <exo/log.h>
#include <exo/panic.h>
#include <exo/string.h>
#include <exo/test.h>
#include <uapi/exo/map.h>

#define FRAMES 128u
#define ADDRESS UINT64_C(0x400000)
#define PLACE (ADDRESS | EXO_RIGHT_R)

/* What is in which slot. */
enum { ENV = 1, BANK, NTF, FRAME, COPY, OTHER, BELOW, THREAD, SPARE };

static struct bank *bank;
static struct env *env;
static struct ntf *ntf;
static struct user_thread *thread;
static struct audit audit;
static bool made; /* all of it */

#define NEED_WORLD(test)                                              \
	do {                                                          \
		if (!made)                                            \
			TEST_SKIP(test, "there is nothing to break"); \
	} while (0)

static struct cap *at(exo_cap_t slot)
{
	struct cap *cap = cap_slot(&env->table, slot);

	ASSERT(cap);
	return cap;
}

static struct object *object_at(exo_cap_t slot)
{
	return cap_object(atomic_load(&at(slot)->value));
}

static int put(exo_cap_t slot, struct object *object)
{
	struct cap *cap;
	const int error = cap_claim(&env->table, slot, &cap);

	if (!error)
		cap_make(cap, object, EXO_RIGHTS_ALL);
	return error;
}

static int copy(exo_cap_t from, exo_cap_t to, unsigned int rights, uint32_t first, uint32_t count)
{
	struct cap *cap;
	const int error = cap_claim(&env->table, to, &cap);

	return error ? error
		     : cap_derive(at(from), atomic_load(&at(from)->value), cap, rights, first,
				  count);
}

/* Two frames of four, mapped for reading by the copy of a copy. */
static int make_frames(void)
{
	const struct exo_map_op op = {
		.address = ADDRESS, .slot = BELOW, .count = 1, .act = EXO_MAP, .rights = EXO_RIGHT_R
	};
	unsigned int node = EXO_NODE_ANY;
	paddr_t base = EXO_HINT_NONE;
	struct frame *frame;
	uint64_t done;
	int error = bank_frames_get(bank, 2, &node, &base);

	if (!error)
		error = frame_make(bank, base, 2, node, &frame);
	if (!error)
		error = put(FRAME, &frame->object);
	if (!error)
		error = copy(FRAME, COPY, EXO_RIGHTS_ALL & ~EXO_RIGHT_X, 1, 3);
	if (!error)
		error = copy(FRAME, OTHER, EXO_RIGHT_R, 0, 0);
	if (!error)
		error = copy(COPY, BELOW, EXO_RIGHT_R | EXO_RIGHT_D, 1, 2);
	return error ? error : env_map(env, &op, 1, &done);
}

static int make_world(void)
{
	struct bank *root;
	int error = bank_root() ? 0 : bank_make_root(&root);

	if (!error)
		error = env_make(bank_root(), 0, &env);
	if (!error)
		error = put(ENV, &env->object);
	if (!error)
		error = bank_make(bank_root(), FRAMES, EXO_NODE_ANY, &bank);
	if (!error)
		error = put(BANK, &bank->object);
	if (!error)
		error = ntf_make(bank, &ntf);
	if (!error)
		error = put(NTF, &ntf->object);
	if (!error)
		error = make_frames();
	if (!error)
		error = user_thread_make(bank, &thread);
	return error ? error : put(THREAD, &thread->object);
}

static void end_world(void)
{
	for (exo_cap_t slot = THREAD; slot >= ENV; slot--)
		cap_delete_one(at(slot), CAP_EMPTY);
	while (object_end_some())
		;
}

/* What the audit says; "" if all is right. */
static const char *look(void)
{
	int error;

	do
		error = audit_look(&audit);
	while (error == -EXO_E_AGAIN);
	if (error)
		return "the audit does not run";
	return audit.wrong ? audit.wrong : "";
}

/* Is @text what it says while @field is @value, or @other, where that is found first? */
#define FINDS_EITHER(test, field, value, text, other)                \
	do {                                                         \
		const uint64_t finds_flags = irq_save();             \
		const __typeof__(field) finds_before = (field);      \
		const char *finds_said;                              \
                                                                     \
		(field) = (value);                                   \
		finds_said = look();                                 \
		if (strcmp(finds_said, (other)) == 0)                \
			finds_said = (text);                         \
		(field) = finds_before;                              \
		irq_restore(finds_flags);                            \
		if (strcmp(finds_said, (text)) != 0)                 \
			log_error("the audit says: %s", finds_said); \
		TEST_STREQ(test, finds_said, text);                  \
	} while (0)
#define FINDS(test, field, value, text) FINDS_EITHER(test, field, value, text, text)

static void audit_finds_nothing_where_all_is_right(struct test *test)
{
	uint64_t flags;
	int error;

	TEST_STREQ(test, look(), "");
	flags = irq_save();
	error = make_world();
	irq_restore(flags);
	made = !error;
	TEST_EQ(test, error, 0);
	TEST_STREQ(test, look(), "");
	TEST_EQ(test, audit.banks, 2);
	TEST_EQ(test, audit.envs, 1);
	TEST_EQ(test, audit.slots, THREAD);
	TEST_EQ(test, audit.pages, 2);
	TEST_TRUE(test, audit.threads > 1);
}

static void audit_finds_broken_slots_and_trees(struct test *test)
{
	uintptr_t frame;

	NEED_WORLD(test);
	frame = (uintptr_t)object_at(FRAME);
	FINDS_EITHER(test, at(BELOW)->slot, 99, "a slot has another number",
		     "a capability is in no table");
	FINDS_EITHER(test, at(BELOW)->owner, NULL, "a slot has another owner",
		     "a capability is in no table");
	FINDS(test, at(NTF)->value, CAP_EMPTY, "a capability in the tree is to something else");
	FINDS(test, at(COPY)->value, frame | EXO_RIGHTS_ALL, "");
	FINDS(test, at(BELOW)->value, frame | EXO_RIGHTS_ALL,
	      "a copy has more rights than its original");
	FINDS(test, at(COPY)->first, 0, "a copy is of more than its original");
	FINDS(test, at(COPY)->count, 2, "a copy is of more than its original");
	FINDS(test, at(COPY)->previous, at(BELOW), "siblings disagree who is next");
	FINDS(test, at(OTHER)->previous, at(BELOW),
	      "what is before a first sibling is not the last one");
	FINDS(test, at(COPY)->next, at(BELOW)->next,
	      "the last of siblings leads to another parent");
	FINDS(test, at(BELOW)->next, NULL, "a capability in the tree has no neighbours");
	FINDS(test, at(BELOW)->previous, NULL, "a capability in the tree has no neighbours");
	FINDS(test, at(COPY)->child, NULL, "tables have more or fewer capabilities than trees");
	FINDS(test, at(BELOW)->watch, 1, "nothing is derived from a capability that is watched");
	FINDS(test, at(FRAME)->count, 5, "a capability is to more than its block");
	FINDS(test, object_at(NTF)->taken, 1, "capabilities are being taken by nobody");
	FINDS_EITHER(test, object_at(NTF)->state, OBJECT_ENDED,
		     "a capability is to an object that is not live",
		     "an ended object has capabilities");
}

/* In the tree, but in no environment's reach. */
static void audit_finds_a_capability_in_no_table(struct test *test)
{
	static struct cap stray;
	struct object *object;
	uint64_t flags;
	const char *said;
	int error;

	NEED_WORLD(test);
	flags = irq_save();
	atomic_store(&stray.value, CAP_BUSY);
	error = cap_derive(at(NTF), atomic_load(&at(NTF)->value), &stray, EXO_RIGHT_R, 0, 0);
	said = look();
	if (!error && !cap_take(&stray, CAP_EMPTY, &object))
		cap_finish(&stray, object);
	irq_restore(flags);
	TEST_EQ(test, error, 0);
	TEST_STREQ(test, said, "a capability is in no table");
}

static void audit_finds_broken_mappings(struct test *test)
{
	struct frame *frame;

	NEED_WORLD(test);
	frame = container_of(object_at(FRAME), struct frame, object);
	FINDS(test, at(BELOW)->place, 0,
	      "an environment has a page that no capability says is mapped");
	TEST_EQ(test, audit.found, ADDRESS);
	FINDS(test, at(BELOW)->place, PLACE + PAGE_SIZE, "a capability is mapped to other frames");
	FINDS(test, at(OTHER)->place, PLACE, "a capability is mapped to other frames");
	FINDS(test, at(BELOW)->place, PLACE | EXO_RIGHT_W,
	      "a mapping has more rights than its capability");
	FINDS(test, at(BELOW)->place, PLACE + 8 * PAGE_SIZE,
	      "a capability is not mapped where it says");
	FINDS(test, frame->base, frame->base + PAGE_SIZE, "a capability is mapped to other frames");
	FINDS(test, frame->object.pins, 1,
	      "frames are pinned for more or fewer threads than there are");
}

/* A mapping that can be written where the capability says it cannot. */
static void audit_finds_a_mapping_with_other_rights(struct test *test)
{
	uint64_t flags;
	const char *said;
	struct page_batch batch;

	NEED_WORLD(test);
	flags = irq_save();
	spin_lock(&env->space_lock);
	page_batch_begin(&batch, &env->space);
	page_table_protect(&batch, ADDRESS + PAGE_SIZE, PAGE_SIZE, PAGE_PROGRAM | PAGE_WRITE);
	page_batch_close(&batch);
	spin_unlock(&env->space_lock);
	page_batch_finish(&batch);
	said = look();
	spin_lock(&env->space_lock);
	page_batch_begin(&batch, &env->space);
	page_table_protect(&batch, ADDRESS + PAGE_SIZE, PAGE_SIZE, PAGE_PROGRAM);
	page_batch_close(&batch);
	spin_unlock(&env->space_lock);
	page_batch_finish(&batch);
	irq_restore(flags);
	TEST_STREQ(test, said, "a mapping has other rights than its capability says");
}

static void audit_finds_banks_that_do_not_add_up(struct test *test)
{
	struct bank_node_count *count;

	NEED_WORLD(test);
	count = &bank->counts[0];
	/* Where the bank's frames are of another node, that node's are looked at. */
	while (!count->reserved)
		count++;
	FINDS(test, count->used, count->used + 1, "a bank is charged for more or less than it has");
	FINDS(test, count->used, count->used - 1, "a bank is charged for more or less than it has");
	FINDS(test, count->reserved, count->reserved + 1,
	      "a bank is charged for more or less than it has");
	FINDS(test, count->reserved, count->reserved - 1,
	      "a bank is charged for more or less than it has");
	FINDS(test, count->used, count->reserved + 1, "a bank uses more than it has reserved");
	FINDS(test, bank->nr_objects, bank->nr_objects + 1, "a bank's number of objects is wrong");
	FINDS(test, object_at(FRAME)->order, 3, "a bank is charged for more or less than it has");
	/* A call that is allocating has pinned the bank: it may have been charged already. */
	bank->object.pins++;
	FINDS(test, count->used, count->used + 1, "");
	FINDS(test, count->used, count->used - 1, "a bank is charged for more or less than it has");
	bank->object.pins--;
}

static uint64_t all_free(void)
{
	uint64_t frames = 0;

	for (unsigned int node = 0; node < numa_nodes(); node++) {
		struct frame_stats stats;

		frame_stats(node, &stats);
		frames += stats.free;
	}
	return frames;
}

/* A page of the bank's that is mapped nowhere, in the slot behind the others. */
static int make_spare(struct frame **frame)
{
	unsigned int node = EXO_NODE_ANY;
	paddr_t base = EXO_HINT_NONE;
	int error = bank_frames_get(bank, 0, &node, &base);

	if (!error)
		error = frame_make(bank, base, 0, node, frame);
	return error ? error : put(SPARE, &(*frame)->object);
}

/* What is wrong with it only the frame allocator knows. */
static void audit_finds_memory_that_is_not_allocated(struct test *test)
{
	const struct frame *block;
	struct frame *spare;
	uint64_t flags, *reserved;
	paddr_t other;
	int error;

	NEED_WORLD(test);
	block = container_of(object_at(FRAME), struct frame, object);
	flags = irq_save();
	error = make_spare(&spare);
	irq_restore(flags);
	TEST_EQ(test, error, 0);
	TEST_STREQ(test, look(), "");
	FINDS(test, spare->base, block->base + PAGE_SIZE,
	      "memory that is in use is not allocated as such a block");
	FINDS_EITHER(test, spare->base, block->base, "memory is in use twice",
		     "memory that is in use is not allocated as such a block");
	FINDS(test, spare->base, spare->base + 1,
	      "memory that is in use is not allocated as such a block");
	FINDS(test, spare->base, virt_to_phys(env->table.pages[0]), "memory is in use twice");
	FINDS(test, spare->base, env->space.root, "memory is in use twice");
	TEST_EQ(test, frame_alloc_one(&other), 0);
	FINDS(test, spare->base, other, "");
	TEST_EQ(test, frame_free_one(other), 0);
	FINDS(test, spare->base, other, "memory that is in use is free");
	frame_cache_drain();
	FINDS(test, spare->base, other, "memory that is in use is free");
	TEST_EQ(test, frame_reserve(other, PAGE_SIZE), 0);
	FINDS(test, spare->base, other, "memory that is in use is out of circulation");
	TEST_EQ(test, frame_release(other, PAGE_SIZE), 0);
	/* As if frames had been lost, or the banks had more than there is. */
	reserved = &bank_root()->counts[0].reserved;
	FINDS(test, *reserved, *reserved + all_free() + 1,
	      "banks may take more memory than is free");
	flags = irq_save();
	error = cap_delete_one(at(SPARE), CAP_EMPTY);
	while (object_end_some())
		;
	irq_restore(flags);
	TEST_EQ(test, error, 0);
	TEST_STREQ(test, look(), "");
}

static void audit_finds_threads_and_notifications_that_disagree(struct test *test)
{
	NEED_WORLD(test);
	FINDS(test, env->nr_threads, 1, "an environment's number of threads is wrong");
	FINDS(test, thread->waiting_on, ntf,
	      "more or fewer threads wait than notifications know of");
	FINDS(test, ntf->bound, thread, "a notification and the thread it is bound to disagree");
	if (IS_ENABLED(CONFIG_IRQ_OBJECTS))
		FINDS(test, ntf->nr_lines, 1,
		      "more or fewer lines are bound than notifications know of");
	FINDS(test, thread->state_frame, container_of(object_at(FRAME), struct frame, object),
	      "frames are pinned for more or fewer threads than there are");
	FINDS(test, thread->thread->user, NULL, "a thread and its object disagree");
}

static void audit_finds_nothing_when_all_has_ended(struct test *test)
{
	uint64_t flags;

	NEED_WORLD(test);
	flags = irq_save();
	end_world();
	irq_restore(flags);
	TEST_STREQ(test, look(), "");
	TEST_EQ(test, audit.banks, 1);
	TEST_EQ(test, audit.objects, 0);
	TEST_EQ(test, audit.slots, 0);
}

static const struct test_case audit_cases[] = {
	TEST_CASE(audit_finds_nothing_where_all_is_right),
	TEST_CASE(audit_finds_broken_slots_and_trees),
	TEST_CASE(audit_finds_a_capability_in_no_table),
	TEST_CASE(audit_finds_broken_mappings),
	TEST_CASE(audit_finds_a_mapping_with_other_rights),
	TEST_CASE(audit_finds_banks_that_do_not_add_up),
	TEST_CASE(audit_finds_memory_that_is_not_allocated),
	TEST_CASE(audit_finds_threads_and_notifications_that_disagree),
	TEST_CASE(audit_finds_nothing_when_all_has_ended),
};
TEST_SUITE(audit, audit_cases);
