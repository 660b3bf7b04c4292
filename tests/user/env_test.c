/* SPDX-License-Identifier: MIT */
/* Environments: programs that are loaded into one, what they are told, and how they end. */
#include "abi.h"

#include <exo/string.h>
#include <libexo/process.h>

#define EXIT abi_slot(1)
#define ENDED 1u
#define FAILED 2u
#define FRAMES 256u

static struct exo_process child;
static exo_cap_t output; /* that the child gets; 0: none */
static struct exo_grant grants[2]; /* and as many of these */
static uint32_t nr_grants;

/* Starts abi-child with an argument; the error and why. */
static int spawn(const char *what, uint64_t frames)
{
	const char *const argv[] = { "abi-child", what, "", "last" };
	struct exo_program program = { .argc = 4,
				       .argv = argv,
				       .frames = frames,
				       .node = EXO_NODE_ANY,
				       .stack_pages = 4,
				       .exit = EXIT,
				       .exit_bits = ENDED,
				       .failure_bits = FAILED,
				       .output = output,
				       .grants = grants,
				       .nr_grants = nr_grants };

	if (exo_program_find(&program, "abi-child"))
		return -EXO_E_ARG;
	return exo_env_spawn(&program, &child, NULL);
}

static uint64_t wait_exit(void)
{
	return exo_ntf_wait(EXIT, ENDED | FAILED, abi_now() + ABI_PATIENCE).value;
}

/* How it ends, or 0 if it does not. */
static uint64_t run(const char *what)
{
	uint64_t how;

	if (abi_begin(64) || abi_make(EXO_TYPE_NTF, 1) || spawn(what, FRAMES))
		return 99;
	how = wait_exit();
	exo_env_end(&child);
	return how;
}

static void env_a_program_runs_and_ends(struct test *test)
{
	ABI_NEEDS_ENV(test);
	TEST_EQ(test, run("succeed"), ENDED);
	TEST_EQ(test, run("fail"), FAILED);
}

static void env_a_program_is_told_its_arguments(struct test *test)
{
	ABI_NEEDS_ENV(test);
	TEST_EQ(test, run("arguments"), ENDED);
}

static void env_a_program_has_what_it_was_given(struct test *test)
{
	ABI_NEEDS_ENV(test);
	TEST_EQ(test, run("trespass"), ENDED);
}

/* Its text is here and not on the consoles, cut where the page ends, and so is its exact status. */
static void env_its_text_and_status_can_be_had(struct test *test)
{
	struct exo_output *page;
	void *memory;
	uint64_t how;

	ABI_NEEDS_ENV(test);
	TEST_EQ(test, exo_pages_take(EXO_FIRST_BANK, 1, &memory), 0);
	page = memory;
	output = exo_pages_slot(memory);
	how = run("speak");
	output = 0;
	TEST_EQ(test, how, FAILED);
	TEST_EQ(test, page->status, 77);
	TEST_EQ(test, page->length, 10 * 7 + 90 * 8 + 900 * 9);
	TEST_EQ(test, strncmp(page->text, "line 0\nline 1\n", 14), 0);
	TEST_EQ(test, strncmp(page->text + 790, "line 100\n", 9), 0);
	TEST_EQ(test, strncmp(page->text + sizeof(page->text) - 5, "line ", 5), 0);
	exo_pages_give(memory, 1);
}

/* Capabilities by order, with as few rights as was said. One that is not there is an error. */
static void env_a_program_is_granted_capabilities(struct test *test)
{
	const struct exo_grant given[] = { { abi_slot(2), EXO_RIGHT_R, 0 },
					   { EXIT, EXO_RIGHT_W, 4 } };
	uint64_t before;

	ABI_NEEDS_ENV(test);
	ABI_BEGIN(test, 64);
	TEST_EQ(test, abi_make(EXO_TYPE_NTF, 1), 0);
	TEST_EQ(test, abi_frames(2, 1), 0);
	memcpy(grants, given, sizeof(given));
	for (unsigned int round = 0; round < 2; round++) {
		nr_grants = 2;
		TEST_EQ(test, spawn("granted", FRAMES), 0);
		nr_grants = 0;
		TEST_EQ(test, exo_ntf_wait(EXIT, 7, abi_now() + ABI_PATIENCE).value, 4);
		TEST_EQ(test, wait_exit(), ENDED);
		exo_env_end(&child);
	}
	before = abi_used(EXO_FIRST_BANK);
	grants[0].cap = abi_slot(3);
	nr_grants = 2;
	TEST_EQ(test, spawn("granted", FRAMES), -EXO_E_CAP);
	nr_grants = 0;
	TEST_EQ(test, abi_used(EXO_FIRST_BANK), before);
}

static void env_a_program_may_use_all_its_memory(struct test *test)
{
	ABI_NEEDS_ENV(test);
	TEST_EQ(test, run("exhaust"), ENDED);
}

static void env_a_fault_ends_the_program_alone(struct test *test)
{
	ABI_NEEDS_ENV(test);
	TEST_EQ(test, run("fault"), FAILED);
}

/* Time and again, in any state: all that it had comes back. */
static void env_its_end_gives_everything_back(struct test *test)
{
	static const char *const ways[] = { "succeed", "spin", "fault", "exhaust", "leave" };
	uint64_t before = 0;

	ABI_NEEDS_ENV(test);
	ABI_BEGIN(test, 64);
	TEST_EQ(test, abi_make(EXO_TYPE_NTF, 1), 0);
	for (unsigned int round = 0; round < 3; round++) {
		for (unsigned int way = 0; way < ARRAY_SIZE(ways); way++) {
			TEST_EQ(test, spawn(ways[way], FRAMES), 0);
			abi_sleep(10 * MS);
			exo_env_end(&child);
			TEST_EQ(test, abi_stat(child.env).type, EXO_TYPE_NONE);
			TEST_EQ(test, abi_stat(child.thread).type, EXO_TYPE_NONE);
		}
		/* The first round may have needed pages for slots. */
		if (round)
			TEST_EQ(test, abi_used(EXO_FIRST_BANK), before);
		before = abi_used(EXO_FIRST_BANK);
	}
}

/* A bank that is too small for it: an error, and nothing is left, however far it got. */
static void env_too_little_memory_is_an_error(struct test *test)
{
	uint64_t before;
	unsigned int failed = 0;

	ABI_NEEDS_ENV(test);
	ABI_BEGIN(test, 64);
	TEST_EQ(test, abi_make(EXO_TYPE_NTF, 1), 0);
	TEST_EQ(test, spawn("succeed", FRAMES), 0);
	TEST_EQ(test, wait_exit(), ENDED);
	exo_env_end(&child);
	before = abi_used(EXO_FIRST_BANK);
	for (uint64_t frames = 0; frames < FRAMES; frames += frames < 48 ? 1 : 16) {
		const int error = spawn("succeed", frames);

		TEST_TRUE(test, error == 0 || error == -EXO_E_NOMEM);
		failed += error != 0;
		if (!error) {
			TEST_EQ(test, wait_exit(), ENDED);
			exo_env_end(&child);
		}
		TEST_EQ(test, abi_used(EXO_FIRST_BANK), before);
	}
	TEST_TRUE(test, failed > 10);
}

static void env_what_is_no_program_is_refused(struct test *test)
{
	static const char text[] =
		"this is no program, but it is long enough for an ELF header ....";
	const char *const argv[] = { "text" };
	const struct exo_program program = { .image = text,
					     .size = sizeof(text),
					     .argc = 1,
					     .argv = argv,
					     .frames = FRAMES,
					     .node = EXO_NODE_ANY,
					     .stack_pages = 1 };
	const char *why = NULL;

	ABI_BEGIN(test, 64);
	TEST_EQ(test, exo_env_spawn(&program, &child, &why), -EXO_E_ARG);
	TEST_TRUE(test, why != NULL);
}

/* When the last capability to an environment goes, it ends, even if that was its own to give up. */
static void env_its_own_last_capability(struct test *test)
{
	uint64_t full;

	ABI_NEEDS_ENV(test);
	ABI_BEGIN(test, 64);
	TEST_EQ(test, abi_make(EXO_TYPE_NTF, 1), 0);
	TEST_EQ(test, spawn("leave", FRAMES), 0);
	full = abi_used(child.bank);
	TEST_EQ(test, exo_cap_delete(child.env, 1).error, 0);
	/* Its thread goes, then its slots, and with them most of what the bank is charged for. */
	ABI_UNTIL(test, abi_used(child.bank) < full / 2);
	exo_env_end(&child);
}

static void env_is_made_by_hand(struct test *test)
{
	ABI_NEEDS_ENV(test);
	ABI_BEGIN(test, 200);
	TEST_EQ(test, abi_make(EXO_TYPE_ENV, 1), 0);
	TEST_EQ(test, abi_stat(abi_slot(1)).size, 32768);
	TEST_EQ(test, abi_stat(abi_slot(1)).used, 0);
	TEST_EQ(test, exo_object_create(ABI_BANK, EXO_TYPE_ENV, abi_slot(2), 3).error, 0);
	TEST_EQ(test, abi_stat(abi_slot(2)).size, 8 * 32768);
	TEST_EQ(test, abi_make(EXO_TYPE_THREAD, 3), 0);
	TEST_EQ(test, exo_thread_config(abi_slot(3), abi_slot(1), 0x400000, 0, 0, 0).error, 0);
	TEST_EQ(test, abi_stat(abi_slot(1)).used, 1);
	/* It runs into nothing, faults and stops: of no account to anybody else. */
	TEST_EQ(test, exo_thread_state(abi_slot(3), EXO_THREAD_RUN, NULL).error, 0);
	ABI_UNTIL(test, abi_stat(abi_slot(3)).used == EXO_THREAD_STOPPED);
	TEST_EQ(test, exo_cap_delete(abi_slot(1), 1).error, 0);
	ABI_UNTIL(test, exo_thread_state(abi_slot(3), EXO_THREAD_RUN, NULL).error == -EXO_E_DEAD);
	TEST_EQ(test, abi_stat(abi_slot(3)).used, EXO_THREAD_ENDED);
}

static const struct test_case env_cases[] = {
	TEST_CASE(env_a_program_runs_and_ends),
	TEST_CASE(env_a_program_is_told_its_arguments),
	TEST_CASE(env_a_program_has_what_it_was_given),
	TEST_CASE(env_its_text_and_status_can_be_had),
	TEST_CASE(env_a_program_is_granted_capabilities),
	TEST_CASE(env_a_program_may_use_all_its_memory),
	TEST_CASE(env_a_fault_ends_the_program_alone),
	TEST_CASE(env_its_end_gives_everything_back),
	TEST_CASE(env_too_little_memory_is_an_error),
	TEST_CASE(env_what_is_no_program_is_refused),
	TEST_CASE(env_its_own_last_capability),
	TEST_CASE(env_is_made_by_hand),
};
TEST_SUITE(user_env, env_cases);
