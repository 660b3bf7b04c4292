/* SPDX-License-Identifier: MIT */
/*
 * CONFIG_HEAP_DEBUG finds every kind of misuse, and says of the right block what happened and who
 * it was. Each case does the damage, sees it reported (heap_model_catch), repairs it and goes on
 * with the same heap, which must not have changed.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
/* After <setjmp.h>, <stdarg.h>, <stddef.h> and <stdint.h>, which it needs. */
#include "heap_model.h"
#include <cmocka.h>

#include <exo/string.h>

#include "heap_blocks.h"

/* A variable, because comparing with the constant 0 is a warning. */
static const unsigned int quarantine = CONFIG_HEAP_QUARANTINE;

/* Calls are made from functions of their own, to be found by their addresses. */
#define FUNCTION_SIZE 512 /* a guess: longer than any of these three */

static __noinline uint8_t *call_alloc(size_t size, size_t align)
{
	uint8_t *const block = heap_debug_alloc(size, align);

	assert_non_null(block);
	return block;
}

static __noinline void call_free(void *block)
{
	heap_debug_free(block);
	barrier();
}

static __noinline void *call_resize(void *block, size_t size)
{
	void *const moved = heap_debug_resize(block, size);

	barrier();
	return moved;
}

static void call_check(void *block)
{
	(void)block;
	assert_true(heap_debug_check());
}

static void call_size(void *block)
{
	heap_debug_size(block);
}

static void call_resize_to_10(void *block)
{
	call_resize(block, 10);
}

static void call_trim(void *block)
{
	(void)block;
	heap_debug_trim();
}

static bool is_in(uintptr_t address, uintptr_t function)
{
	return address > function && address - function < FUNCTION_SIZE;
}

/* Runs @act, which must report @what about @block with the damage at @at. */
static void expect(void (*act)(void *block), void *block, const char *what, const void *at)
{
	struct heap_stats before, after;
	jmp_buf jump;

	heap_debug_stats(&before);
	memset(&heap_model_found, 0, sizeof(heap_model_found));
	heap_model_catch = &jump;
	if (setjmp(jump) == 0) {
		act(block);
		heap_model_catch = NULL;
		fail_msg("'%s' was not found", what);
	}
	heap_model_catch = NULL;
	assert_string_equal(heap_model_found.what, what);
	assert_ptr_equal(heap_model_found.block, block);
	assert_ptr_equal(heap_model_found.at, at);
	heap_debug_stats(&after);
	assert_memory_equal(&before, &after, sizeof(before));
}

static void expect_history(size_t size, bool freed)
{
	assert_int_equal(heap_model_found.size, size);
	assert_true(is_in(heap_model_found.allocated_by, (uintptr_t)call_alloc));
	if (freed)
		assert_true(is_in(heap_model_found.freed_by, (uintptr_t)call_free));
	else
		assert_int_equal(heap_model_found.freed_by, 0);
}

#define BEHIND "something was written behind its end"
#define IN_FRONT "something was written in front of it"
#define AFTER_FREE "it was written to after it was freed"
#define NO_BLOCK "this is no block, or what lies in front of it was overwritten"

static const size_t sizes[] = { 1, 15, 16, 17, 100, 4096, 70000 };

static void a_byte_behind_the_end(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++)
		for (size_t beyond = 0; beyond < 16; beyond++)
			for (size_t align = 16; align <= 4096; align *= 16) {
				uint8_t *const block = call_alloc(sizes[i], align);
				uint8_t *const at = block + sizes[i] + beyond;

				*at ^= 1;
				expect(call_free, block, BEHIND, at);
				expect_history(sizes[i], false);
				assert_true(is_in(heap_model_found.found_by, (uintptr_t)call_free));
				expect(call_check, block, BEHIND, at);
				expect(call_size, block, BEHIND, at);
				*at ^= 1;
				call_free(block);
			}
	heap_debug_trim();
}

static void a_byte_in_front(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++)
		for (size_t before = 1; before <= 16; before++) {
			uint8_t *const block = call_alloc(sizes[i], 64);

			*(block - before) ^= 0x80;
			expect(call_free, block, IN_FRONT, block - before);
			expect_history(sizes[i], false);
			expect(call_check, block, IN_FRONT, block - before);
			expect(call_resize_to_10, block, IN_FRONT, block - before);
			*(block - before) ^= 0x80;
			call_free(block);
		}
	heap_debug_trim();
}

static uint8_t *next_to_free;

static void free_next(void *block)
{
	(void)block;
	call_free(next_to_free);
}

/* So much that not even the header is left. */
static void much_in_front(void **state)
{
	uint8_t saved[48], *neighbour = call_alloc(5, 0), *block = call_alloc(100, 0);

	(void)state;
	memcpy(saved, block - sizeof(saved), sizeof(saved));
	memset(block - 32, 0x41, 32);
	expect(call_free, block, NO_BLOCK, NULL);
	assert_int_equal(heap_model_found.size, 0);
	expect(call_check, block, NO_BLOCK, NULL);
	memcpy(block - sizeof(saved), saved, sizeof(saved));
	for (size_t i = 17; i <= sizeof(saved); i++) {
		*(block - i) ^= 4;
		expect(call_free, block, NO_BLOCK, NULL);
		*(block - i) ^= 4;
	}
	/* Found too when it must be changed because its neighbour is freed. */
	block[-20] ^= 1;
	next_to_free = neighbour;
	expect(free_next, block, NO_BLOCK, NULL);
	block[-20] ^= 1;
	neighbour[-20] ^= 1;
	next_to_free = block;
	expect(free_next, neighbour, NO_BLOCK, NULL);
	neighbour[-20] ^= 1;
	call_free(block);
	call_free(neighbour);
	heap_debug_trim();
}

static void writing_after_free(void **state)
{
	(void)state;
	if (quarantine == 0)
		return;
	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		const size_t places[] = { 0, sizes[i] / 2, sizes[i] - 1 };

		for (unsigned int j = 0; j < ARRAY_SIZE(places); j++) {
			uint8_t *const block = call_alloc(sizes[i], 0), *const at =
										block + places[j];

			call_free(block);
			*at ^= 0x10;
			expect(call_check, block, AFTER_FREE, at);
			expect_history(sizes[i], true);
			expect(call_trim, block, AFTER_FREE, at);
			*at ^= 0x10;
			block[sizes[i]] ^= 1;
			expect(call_trim, block, BEHIND, block + sizes[i]);
			expect_history(sizes[i], true);
			block[sizes[i]] ^= 1;
			block[-20] ^= 1;
			expect(call_trim, block,
			       "what lies in front of it was overwritten after it was freed", NULL);
			block[-20] ^= 1;
			heap_debug_trim();
		}
	}
}

/* The block that comes into the quarantine is in it by then, so statistics have changed. */
static void expect_at_release(const uint8_t *block)
{
	jmp_buf jump;

	heap_model_catch = &jump;
	if (setjmp(jump) == 0) {
		free_next(NULL);
		heap_model_catch = NULL;
		fail_msg("the quarantine did not look");
	}
	heap_model_catch = NULL;
	assert_string_equal(heap_model_found.what, AFTER_FREE);
	assert_ptr_equal(heap_model_found.block, block);
}

/* A late write is found when the quarantine has no more room for the block. */
static void writing_after_free_is_found_in_the_end(void **state)
{
	static uint8_t *others[CONFIG_HEAP_QUARANTINE + 1], *block;

	(void)state;
	if (quarantine == 0)
		return;
	block = call_alloc(40, 0);
	for (unsigned int i = 0; i < quarantine; i++)
		others[i] = call_alloc(24, 0);
	call_free(block);
	block[3] = 0;
	for (unsigned int i = 0; i + 1 < quarantine; i++)
		call_free(others[i]);
	next_to_free = others[quarantine - 1];
	expect_at_release(block);
	block[3] = block[2];
	heap_debug_trim();
	assert_true(heap_debug_check());
}

static void freeing_twice(void **state)
{
	uint8_t *const neighbour = call_alloc(40, 0); /* keeps the pages */

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		uint8_t *const block = call_alloc(sizes[i], i ? 0 : 256);

		call_free(block);
		expect(call_free, block, "it was freed twice", NULL);
		if (quarantine > 0)
			expect_history(sizes[i], true);
		expect(call_size, block, "its size was asked for after it was freed", NULL);
		expect(call_resize_to_10, block, "it was resized after it was freed", NULL);
	}
	call_free(neighbour);
	heap_debug_trim();
}

/*
 * When the quarantine has given it to the variant, that one may have overwritten what is known of
 * it, but it is no block in use.
 */
static void freeing_twice_much_later(void **state)
{
	uint8_t *const block = call_alloc(100, 0), *const neighbour = call_alloc(100, 0);
	jmp_buf jump;

	(void)state;
	call_free(block);
	heap_debug_trim();
	if (heap_model_owns(block, 100)) {
		heap_model_catch = &jump;
		if (setjmp(jump) == 0) {
			call_free(block);
			heap_model_catch = NULL;
			fail_msg("a late second free was not found");
		}
		heap_model_catch = NULL;
		assert_ptr_equal(heap_model_found.block, block);
	}
	call_free(neighbour);
	heap_debug_trim();
}

static void pointers_that_are_no_blocks(void **state)
{
	static uint8_t elsewhere[256] __aligned(16);
	uint8_t *const block = call_alloc(300, 0);

	(void)state;
	expect(call_free, block + 16, NO_BLOCK, NULL);
	expect(call_free, block + 160, NO_BLOCK, NULL);
	expect(call_free, block + 8, NO_BLOCK, NULL);
	expect(call_free, block + 1, NO_BLOCK, NULL);
	expect(call_size, elsewhere + 128, NO_BLOCK, NULL);
	expect(call_resize_to_10, elsewhere + 64, NO_BLOCK, NULL);
	call_free(block);
	heap_debug_trim();
}

static bool all_bytes_are(const uint8_t *at, uint8_t byte, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (at[i] != byte)
			return false;
	return true;
}

static void fresh_and_freed_memory_is_poison(void **state)
{
	uint8_t *const block = call_alloc(1000, 0), *moved;
	const uint8_t fresh = block[0];

	(void)state;
	assert_true(fresh >> 7); /* as an address: in no canonical half */
	assert_true(all_bytes_are(block, fresh, 1000));
	memset(block, 'x', 1000);
	moved = call_resize(block, 1500);
	assert_ptr_not_equal(moved, block);
	assert_true(all_bytes_are(moved, 'x', 1000));
	assert_true(all_bytes_are(moved + 1000, fresh, 500));
	if (quarantine > 0) {
		assert_int_not_equal(block[0], fresh);
		assert_true(block[0] >> 7);
		assert_true(all_bytes_are(block, block[0], 1000));
	}
	call_free(moved);
	heap_debug_trim();
}

static void freed_memory_is_not_used_soon(void **state)
{
	uint8_t *const first = call_alloc(64, 0);

	(void)state;
	call_free(first);
	for (unsigned int i = 0; i + 1 < quarantine; i++) {
		uint8_t *const block = call_alloc(64, 0);

		assert_ptr_not_equal(block, first);
		call_free(block);
	}
	heap_debug_trim();
}

/* With memory for little more than the quarantine, everything can be had again and again. */
static void the_quarantine_makes_room(void **state)
{
	const size_t size = 3000u << HEAP_MODEL_SCALE;
	struct heap_stats before, after;
	unsigned int count = 0;
	uint8_t *kept[256];

	(void)state;
	if (!heap_core_traits.frees)
		return;
	heap_debug_stats(&before);
	heap_model.limit = 64u << HEAP_MODEL_SCALE;
	while (count < ARRAY_SIZE(kept) && (kept[count] = heap_debug_alloc(size, 0)))
		count++;
	assert_in_range(count, 8, ARRAY_SIZE(kept) - 1);
	for (unsigned int i = 0; i < 1000; i++) {
		call_free(kept[i % count]);
		kept[i % count] = call_alloc(size, 0);
	}
	heap_debug_stats(&after);
	assert_int_equal(after.failures, before.failures + 1);
	while (count)
		call_free(kept[--count]);
	assert_true(heap_debug_check());
	heap_debug_trim();
	assert_int_equal(heap_model.pages, 0);
	heap_model.limit = HEAP_MODEL_PAGES;
}

static void pages_that_fail(void **state)
{
	static void *blocks[64];
	struct heap_random chance = { .state = 77 };

	(void)state;
	heap_model.fail_one_in = 3;
	for (unsigned int i = 0; i < 20000; i++) {
		const unsigned int index = heap_random(&chance, ARRAY_SIZE(blocks));
		const size_t size = heap_random_size(&chance, heap_core_traits.frees ? 14 : 7);

		if (!blocks[index]) {
			blocks[index] = heap_debug_alloc(size, 1u << heap_random(&chance, 8));
		} else if (heap_random(&chance, 2)) {
			void *const moved = heap_debug_resize(blocks[index], size);

			blocks[index] = moved ? moved : blocks[index];
		} else {
			heap_debug_free(blocks[index]);
			blocks[index] = NULL;
		}
		if (i % 64 == 0)
			assert_true(heap_debug_check());
	}
	heap_model.fail_one_in = 0;
	for (unsigned int i = 0; i < ARRAY_SIZE(blocks); i++)
		heap_debug_free(blocks[i]);
	heap_debug_trim();
	assert_true(heap_debug_check());
	if (heap_core_traits.frees)
		assert_int_equal(heap_model.pages, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_byte_behind_the_end),
		cmocka_unit_test(a_byte_in_front),
		cmocka_unit_test(much_in_front),
		cmocka_unit_test(writing_after_free),
		cmocka_unit_test(writing_after_free_is_found_in_the_end),
		cmocka_unit_test(freeing_twice),
		cmocka_unit_test(freeing_twice_much_later),
		cmocka_unit_test(pointers_that_are_no_blocks),
		cmocka_unit_test(fresh_and_freed_memory_is_poison),
		cmocka_unit_test(freed_memory_is_not_used_soon),
		cmocka_unit_test(the_quarantine_makes_room),
		cmocka_unit_test(pages_that_fail),
	};
	char name[64];

	setvbuf(stdout, NULL, _IOLBF, 0);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	snprintf(name, sizeof(name), "misuse of the %s heap", heap_core_traits.name);
	return _cmocka_run_group_tests(name, tests, ARRAY_SIZE(tests), NULL, NULL);
}
