/* SPDX-License-Identifier: MIT */
/*
 * Programs for Linux, as they are, under the library OS user/programs/linux.c: what they print and
 * their exit codes are those of Linux, where the build has run the same files (user/linux.mk).
 */
#include "abi.h"

#include <exo/cpio.h>
#include <exo/string.h>
#include <libexo/print.h>
#include <libexo/process.h>

#define EXIT abi_slot(1)
#define ENDED 1u
#define FAILED 2u
#define FRAMES 2048u

static struct exo_output *output;

static int find(const char *name, struct cpio_file *file)
{
	return cpio_find(exo_program_info.archive, exo_program_info.archive_size, name, file);
}

/* Runs `linux NAME WHAT MORE`; how it ended, as the bits say, or 0 if it did not. */
static uint64_t run(const char *name, const char *what, const char *more, uint64_t frames)
{
	const char *const argv[] = { "linux", name, what, more };
	struct exo_program program = { .argc = more   ? 4
					       : what ? 3
						      : 2,
				       .argv = argv,
				       .frames = frames,
				       .node = EXO_NODE_ANY,
				       .stack_pages = 4,
				       .exit = EXIT,
				       .exit_bits = ENDED,
				       .failure_bits = FAILED,
				       .output = exo_pages_slot(output),
				       .archive = true };
	struct exo_process process;
	struct cpio_file file;
	uint64_t how;

	memset(output, 0, sizeof(*output));
	if (find("linux", &file))
		return 99;
	program.image = file.data;
	program.size = file.size;
	if (exo_env_spawn(&program, &process, NULL))
		return 98;
	how = exo_ntf_wait(EXIT, ENDED | FAILED, abi_now() + ABI_PATIENCE).value;
	exo_env_end(&process);
	return how;
}

static bool begin(void)
{
	void *page = NULL;

	if (!output && !exo_pages_take(EXO_FIRST_BANK, 1, &page))
		output = page;
	return output && !abi_begin(64) && !abi_make(EXO_TYPE_NTF, 1);
}

/* Has the last program written this and nothing else? If not, it is shown. */
static bool has_written(const char *text, size_t length)
{
	const bool good = output->length == length && length < sizeof(output->text) &&
			  memcmp(output->text, text, length) == 0;

	output->text[sizeof(output->text) - 1] = '\0';
	if (!good)
		exo_printf("# status %d, %u bytes:\n%s\n", output->status,
			   (unsigned int)output->length, output->text);
	return good;
}

static void check_program(struct test *test, const char *name)
{
	struct cpio_file program, expected;

	if (IS_ENABLED(CONFIG_FPU_NONE))
		TEST_SKIP(test, "CONFIG_FPU_NONE=y: programs for Linux use vector registers");
	if (find(name, &program))
		TEST_SKIP(test, "it was not built: make says what it wants (user/linux.mk)");
	TEST_TRUE(test, begin());
	TEST_EQ(test, find("hello.expected", &expected), CPIO_OK);
	TEST_EQ(test, run(name, "one", "two words", FRAMES), FAILED);
	TEST_TRUE(test, has_written(expected.data, expected.size));
	TEST_EQ(test, output->status, 42);
	/* Who ends by a signal is told as by a shell. */
	TEST_EQ(test, run(name, "abort", NULL, FRAMES), FAILED);
	TEST_TRUE(test, has_written("", 0));
	TEST_EQ(test, output->status, 128 + 6);
	TEST_EQ(test, run(name, "fault", NULL, FRAMES), FAILED);
	TEST_EQ(test, strncmp(output->text, "linux: exception 14 ", 20), 0);
	TEST_EQ(test, output->status, 128 + 11);
}

static void linux_musl(struct test *test)
{
	check_program(test, "linux-musl");
}

static void linux_musl_static_pie(struct test *test)
{
	check_program(test, "linux-musl-pie");
}

static void linux_glibc(struct test *test)
{
	check_program(test, "linux-glibc");
}

static void linux_glibc_static_pie(struct test *test)
{
	check_program(test, "linux-glibc-pie");
}

#define MISSING "linux: no-such-program: the archive has no such file\n"
#define NO_ELF "linux: hello.expected: this is no ELF file\n"
#define NO_MEMORY "linux: abi-test: the bank is exhausted\n"

static void linux_says_what_it_cannot_run(struct test *test)
{
	ABI_NEEDS_ENV(test);
	TEST_TRUE(test, begin());
	TEST_EQ(test, run("no-such-program", NULL, NULL, FRAMES), FAILED);
	TEST_TRUE(test, has_written(MISSING, sizeof(MISSING) - 1));
	TEST_EQ(test, output->status, 1);
	TEST_EQ(test, run("hello.expected", NULL, NULL, FRAMES), FAILED);
	TEST_TRUE(test, has_written(NO_ELF, sizeof(NO_ELF) - 1));
	/* Any program that is large, as it is not entered. */
	TEST_EQ(test, run("abi-test", NULL, NULL, 64), FAILED);
	TEST_TRUE(test, has_written(NO_MEMORY, sizeof(NO_MEMORY) - 1));
}

static const struct test_case linux_cases[] = {
	TEST_CASE(linux_musl),
	TEST_CASE(linux_musl_static_pie),
	TEST_CASE(linux_glibc),
	TEST_CASE(linux_glibc_static_pie),
	TEST_CASE(linux_says_what_it_cannot_run),
};
TEST_SUITE(user_linux, linux_cases);
