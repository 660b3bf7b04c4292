/* SPDX-License-Identifier: MIT */
/*
 * Revoking while others use it. Three programs with two threads each, so that eight CPUs have
 * something to do, write to a frame, copy it, map it and its copies, and unmap them, while the
 * tester takes it back and gives it out again. Once revoking has returned nobody else may reach the
 * frame: a byte that is written then is a translation that some CPU still had. The same for the
 * frame once it has been given up and is allocated again.
 */
#include "abi.h"

#include "programs/abi-share.h"

#include <exo/string.h>
#include <libexo/process.h>

#define PROGRAMS 3u
#define ROUNDS 60u
#define FRAME abi_slot(1)
#define LOOKS 2000u /* how long a byte that must not change is watched */

static struct exo_process programs[PROGRAMS];
static volatile uint64_t *const page = (volatile uint64_t *)ABI_ADDRESS;

static int spawn(struct exo_process *process)
{
	static const char *const argv[] = { "abi-child", "share" };
	struct exo_program program = {
		.argc = 2, .argv = argv, .frames = 128, .node = EXO_NODE_ANY, .stack_pages = 4
	};

	if (exo_program_find(&program, "abi-child"))
		return -EXO_E_ARG;
	return exo_env_spawn(&program, process, NULL);
}

/* Bytes that are not 0. */
static unsigned int soiled(void)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < EXO_PAGE / sizeof(*page); i++)
		count += page[i] != 0;
	return count;
}

static void clear(void)
{
	for (unsigned int i = 0; i < EXO_PAGE / sizeof(*page); i++)
		page[i] = 0;
}

/* Gives it to all, and waits until somebody has written. */
static bool hand_out(void)
{
	for (unsigned int i = 0; i < PROGRAMS; i++)
		if (exo_cap_copy(FRAME, programs[i].env, SHARE_SLOT, EXO_RIGHTS_ALL, 0).error)
			return false;
	abi_patience();
	while (!soiled())
		if (!abi_patient())
			return false;
	return true;
}

/* Is the page 0, and does it stay so? */
static bool is_ours_alone(void)
{
	for (unsigned int i = 0; i < LOOKS; i++)
		if (soiled())
			return false;
	return true;
}

static int64_t allocate(uint64_t base)
{
	return exo_frame_alloc(ABI_BANK, EXO_WHERE(0, EXO_NODE_ANY), base, FRAME, 1).error;
}

/*
 * The frame at a physical address, or another one if it is not free: another CPU may have it in its
 * cache of free frames.
 */
static bool new_frame(uint64_t base)
{
	if (allocate(base)) {
		abi_patience();
		while (allocate(EXO_HINT_NONE))
			if (!abi_patient())
				return false;
	}
	return !abi_map(EXO_MAP, 1, 1, ABI_ADDRESS, ABI_RW);
}

static void revoke_nobody_reaches_what_was_revoked(struct test *test)
{
	unsigned int stale = 0;
	bool handed = true;

	ABI_NEEDS_ENV(test);
	ABI_BEGIN(test, 16);
	TEST_TRUE(test, new_frame(EXO_HINT_NONE));
	for (unsigned int i = 0; i < PROGRAMS; i++)
		TEST_EQ(test, spawn(&programs[i]), 0);
	for (unsigned int round = 0; round < ROUNDS && handed; round++) {
		const uint64_t base = abi_stat(FRAME).base;

		handed = hand_out();
		stale += abi_revoke(FRAME) != 0;
		if (round % 2) {
			clear();
		} else {
			/* The frame itself goes as well; the very same is allocated. */
			stale += exo_cap_delete(FRAME, 1).error != 0;
			handed = handed && new_frame(base);
		}
		stale += handed && !is_ours_alone();
	}
	for (unsigned int i = 0; i < PROGRAMS; i++)
		exo_env_end(&programs[i]);
	TEST_TRUE(test, handed);
	TEST_EQ(test, stale, 0);
}

static const struct test_case revoke_stress_cases[] = {
	TEST_CASE(revoke_nobody_reaches_what_was_revoked),
};
TEST_SUITE(user_revoke_stress, revoke_stress_cases);
