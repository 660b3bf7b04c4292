/* SPDX-License-Identifier: MIT */
/*
 * The examples (user/examples): each is run as a program, as a person would, checks itself, and
 * says so by its status; and says what docs/examples.md shows.
 */
#include "abi.h"

#include <exo/string.h>
#include <libexo/print.h>
#include <libexo/process.h>

#define EXIT abi_slot(1)
#define ENDED 1u
#define FAILED 2u
#define FRAMES 1024u /* as exosh gives */

static struct exo_output *output;

/* Runs an example; how it ended, as the bits say, or 0 if it did not. */
static uint64_t run(const char *name)
{
	const char *const argv[] = { name };
	struct exo_program program = { .argc = 1,
				       .argv = argv,
				       .frames = FRAMES,
				       .node = EXO_NODE_ANY,
				       .stack_pages = 4,
				       .exit = EXIT,
				       .exit_bits = ENDED,
				       .failure_bits = FAILED,
				       .output = exo_pages_slot(output),
				       .archive = true };
	struct exo_process process;
	uint64_t how;

	memset(output, 0, sizeof(*output));
	if (exo_program_find(&program, name))
		return 99;
	if (exo_env_spawn(&program, &process, NULL))
		return 98;
	how = exo_ntf_wait(EXIT, ENDED | FAILED, abi_now() + ABI_PATIENCE).value;
	exo_env_end(&process);
	return how;
}

/* Is @line one that the last program has written? If not, all that it has written is shown. */
static bool has_written(const char *line)
{
	const size_t length = strlen(line);

	output->text[sizeof(output->text) - 1] = '\0';
	for (const char *at = output->text; *at; at++)
		if (strncmp(at, line, length) == 0 && (at == output->text || at[-1] == '\n') &&
		    (at[length] == '\n' || line[length - 1] == ' '))
			return true;
	exo_printf("# status %d:\n%s", output->status, output->text);
	return false;
}

/* @line: one that it writes; one with a blank at its end is the beginning of one. */
static void check(struct test *test, const char *name, const char *line)
{
	uint64_t before = 0, how;
	void *page = NULL;

	ABI_NEEDS_ENV(test);
	if (!IS_ENABLED(CONFIG_EXAMPLES))
		TEST_SKIP(test, "CONFIG_EXAMPLES=n: they were not built");
	if (!output && !exo_pages_take(EXO_FIRST_BANK, 1, &page))
		output = page;
	TEST_TRUE(test, output != NULL);
	ABI_BEGIN(test, 64);
	TEST_EQ(test, abi_make(EXO_TYPE_NTF, 1), 0);
	/* The second time all memory must be back. */
	for (unsigned int round = 0; round < 2; round++) {
		before = abi_used(EXO_FIRST_BANK);
		how = run(name);
		TEST_TRUE(test, has_written(line));
		TEST_EQ(test, how, ENDED);
		TEST_EQ(test, output->status, 0);
	}
	TEST_EQ(test, abi_used(EXO_FIRST_BANK), before);
}

#define NEEDS_IPC(test)                                  \
	do {                                             \
		if (!IS_ENABLED(CONFIG_IPC))             \
			TEST_SKIP(test, "CONFIG_IPC=n"); \
	} while (0)

static void example_echo(struct test *test)
{
	NEEDS_IPC(test);
	check(test, "echo", "echo: 100, 100 and 15 messages, ");
}

static void example_ramfs(struct test *test)
{
	NEEDS_IPC(test);
	check(test, "ramfs", "ramfs: 27 requests; the log: client 1 client 2 client 3");
}

static void example_pipeline(struct test *test)
{
	check(test, "pipeline",
	      "pipeline: 5001 squares of odd numbers up to 10001, their sum is 166766685001");
}

static void example_paging(struct test *test)
{
	check(test, "paging", "paging: 10 of 64 pages touched: 10 faults, 10 frames");
	TEST_TRUE(test, !output || has_written("paging: shared with a child, then written to: "
					       "5 faults, 5 frames copied"));
}

static void example_uthreads(struct test *test)
{
	check(test, "uthreads", "uthreads: 3 threads, ");
}

static const struct test_case examples_cases[] = {
	TEST_CASE(example_echo),   TEST_CASE(example_ramfs),	TEST_CASE(example_pipeline),
	TEST_CASE(example_paging), TEST_CASE(example_uthreads),
};
TEST_SUITE(user_examples, examples_cases);
