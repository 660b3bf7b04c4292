/* SPDX-License-Identifier: MIT */
/*
 * The routine that copies between the kernel and the memory of programs, at every boundary. What
 * else keeps them apart is in user_hardening_test.c.
 */
#include "thread_support.h"
#include "user_support.h"

#include <arch/mmu.h>
#include <arch/user.h>
#include <exo/errno.h>
#include <exo/string.h>
#include <exo/test.h>

#define CR4_SMAP (1ull << 21)

bool user_copy(void *to, const void *from, size_t size);

static struct user_space space;
static struct program program;
static uint8_t buffer[PAGE_SIZE];
static unsigned int wrong; /* copies that did not do what they should */

/* Runs @before in a thread with the space, in the kernel. */
static bool run_in_space(void (*before)(struct program *program))
{
	bool ended;

	if (!user_space_make(&space))
		return false;
	wrong = 0;
	program_make(&program, &space, BLOB(blob_ud));
	program.before = before;
	ended = program_start(&program, NULL) && program_wait(&program) && program_end(&program);
	user_space_free(&space);
	return ended;
}

/* Without STAC the very same copy faults. */
static void copy_without_leave(struct program *unused)
{
	const uint64_t flags = irq_save();
	const bool smap = user_smap;

	(void)unused;
	user_smap = false;
	wrong = user_copy(buffer, (const void *)USER_DATA, 8);
	user_smap = smap;
	irq_restore(flags);
}

static void user_memory_smap_stops_copies(struct test *test)
{
	TEST_TRUE(test, run_in_space(copy_without_leave));
	TEST_EQ(test, wrong, !(cpu_read_cr4() & CR4_SMAP));
}

/* Both ways. */
static void try_copy(uint64_t address, size_t size, bool readable, bool writable)
{
	wrong += user_copy_from(buffer, address, size) != (readable ? 0 : -EXO_E_FAULT);
	wrong += user_copy_to(address, buffer, size) != (writable ? 0 : -EXO_E_FAULT);
}

static void copy_at_boundaries(struct program *unused)
{
	const uint64_t end = USER_DATA + PAGE_SIZE;

	(void)unused;
	for (size_t size = 1; size < 40; size++) {
		for (unsigned int offset = 0; offset < 17; offset++) {
			try_copy(USER_DATA + offset, size, true, true);
			try_copy(USER_DATA - 1 - offset, size + offset + 1, false, false);
			try_copy(end - size - offset, size, true, true);
			try_copy(end - size + 1 + offset, size + offset, false, false);
			try_copy(USER_CODE + offset, size, true, false);
		}
		try_copy(USER_NOTHING + size, size, false, false);
		try_copy(user_end() - size, size, false, false);
		try_copy(user_end() - size + 1, size, false, false);
		try_copy(~0ull - size, size, false, false);
		try_copy(~0ull, size, false, false);
		try_copy(0x800000000000 - size, size, false, false);
		try_copy(0xffff800000000000, size, false, false);
		try_copy((uintptr_t)buffer, size, false, false);
	}
	try_copy(USER_DATA, PAGE_SIZE, true, true);
	try_copy(USER_DATA, PAGE_SIZE + 1, false, false);
	try_copy(USER_DATA, SIZE_MAX, false, false);
	try_copy(USER_DATA, SIZE_MAX - USER_DATA + 1, false, false);
	try_copy(user_end(), 0, false, false);
	try_copy(USER_NOTHING, 0, true, true);
}

static void user_memory_copies_fault_safely(struct test *test)
{
	TEST_TRUE(test, run_in_space(copy_at_boundaries));
	TEST_EQ(test, wrong, 0);
}

/* What is copied is what was there, and nothing beside it. */
static void copy_exactly(struct program *unused)
{
	uint8_t *page = user_page_of(&space, USER_DATA);

	(void)unused;
	for (size_t size = 0; size < 64; size++) {
		for (unsigned int i = 0; i < 128; i++) {
			page[i] = (uint8_t)(i ^ size);
			buffer[i] = 0xee;
		}
		wrong += user_copy_from(buffer + 3, USER_DATA + 5, size) != 0;
		for (unsigned int i = 0; i < 128; i++) {
			const bool in = i >= 3 && i < 3 + size;

			wrong += buffer[i] != (in ? page[i + 2] : 0xee);
		}
		wrong += user_copy_to(USER_DATA + 64, buffer + 3, size) != 0;
		wrong += memcmp(page + 64, buffer + 3, size) != 0 ||
			 page[64 + size] != (uint8_t)((64 + size) ^ size);
	}
}

static void user_memory_copies_exactly(struct test *test)
{
	TEST_TRUE(test, run_in_space(copy_exactly));
	TEST_EQ(test, wrong, 0);
}

/* A thread of the kernel that still has the space of a program, and one that has left it. */
static void user_memory_spaces_are_left(struct test *test)
{
	TEST_TRUE(test, run_in_space(NULL));
	for (cpu_t cpu = 0; cpu < nr_cpus_online; cpu++)
		TEST_TRUE(test, cpus[cpu]->space != &space.table);
}

static const struct test_case user_memory_cases[] = {
	TEST_CASE(user_memory_smap_stops_copies),
	TEST_CASE(user_memory_copies_fault_safely),
	TEST_CASE(user_memory_copies_exactly),
	TEST_CASE(user_memory_spaces_are_left),
};
TEST_SUITE(user_memory, user_memory_cases);
