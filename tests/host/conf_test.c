/* SPDX-License-Identifier: MIT */
/* The parser of init.conf (user/libexo/conf.c): good lines, and what is said of bad ones. */
#include <exo/string.h>
#include <exo/test.h>
#include <libexo/conf.h>

static struct exo_conf conf;
static struct exo_conf_program program;

static bool read(const char *text)
{
	exo_conf_open(&conf, text, strlen(text));
	return exo_conf_next(&conf, &program);
}

static void conf_reads_a_program(struct test *test)
{
	TEST_TRUE(test, read("# comment\n\n program\tshell  frames=100 stack=7 node=2 sys archive "
			     "irqs=16-23 cpus=0,2-3,64 -- a b=c -- # not this\n"));
	TEST_EQ(test, conf.line_number, 3);
	TEST_EQ(test, program.argc, 4);
	TEST_STREQ(test, program.argv[0], "shell");
	TEST_STREQ(test, program.argv[1], "a");
	TEST_STREQ(test, program.argv[2], "b=c");
	TEST_STREQ(test, program.argv[3], "--");
	TEST_EQ(test, program.frames, 100);
	TEST_EQ(test, program.stack, 7);
	TEST_EQ(test, program.node, 2);
	TEST_TRUE(test, program.sys && program.archive && program.has_cpus);
	TEST_EQ(test, program.cpus[0], 0xd);
	TEST_EQ(test, program.cpus[1], 1);
	TEST_TRUE(test, program.has_irqs);
	TEST_EQ(test, program.first_irq, 16);
	TEST_EQ(test, program.nr_irqs, 8);
	TEST_TRUE(test, !exo_conf_next(&conf, &program));
	TEST_TRUE(test, conf.error == NULL);
}

static void conf_has_defaults(struct test *test)
{
	TEST_TRUE(test, read("program a frames=1")); /* no end of line */
	TEST_EQ(test, program.stack, 4);
	TEST_EQ(test, program.node, UINT64_MAX);
	TEST_TRUE(test, !program.sys && !program.archive && !program.has_cpus);
	TEST_TRUE(test, read("program a frames=1 cpus=all\r\n"));
	TEST_TRUE(test, program.has_cpus && program.cpus[0] == 0);
	TEST_TRUE(test, !program.has_irqs);
	TEST_TRUE(test, read("program a frames=1 irqs=all"));
	TEST_TRUE(test, program.has_irqs && program.first_irq == 0 && program.nr_irqs == 0);
	TEST_TRUE(test, read("program a frames=1 irqs=4"));
	TEST_TRUE(test, program.first_irq == 4 && program.nr_irqs == 1);
	TEST_TRUE(test, !read("") && conf.error == NULL);
	TEST_TRUE(test, !read("\n# nothing\n   \n") && conf.error == NULL);
}

static void conf_says_what_is_wrong(struct test *test)
{
	static const struct {
		const char *line, *error, *word;
	} mistakes[] = {
		{ "start a", "a line begins with the word program", "start" },
		{ "program", "program wants a name first", "" },
		{ "program frames=3", "program wants a name first", "frames=3" },
		{ "program a", "frames= is missing: how much memory may it have?", "a" },
		{ "program a -- b", "frames= is missing: how much memory may it have?", "a" },
		{ "program a frames=", "frames= wants a number from 1 on", "frames=" },
		{ "program a frames=0", "frames= wants a number from 1 on", "frames=0" },
		{ "program a frames=1k", "frames= wants a number from 1 on", "frames=1k" },
		{ "program a frames=-1", "frames= wants a number from 1 on", "frames=-1" },
		{ "program a frames=18446744073709551617", "frames= wants a number from 1 on",
		  "frames=18446744073709551617" },
		{ "program a stack=0", "stack= wants a number of pages, 1 to 65536", "stack=0" },
		{ "program a node=256", "node= wants a number, 0 to 255", "node=256" },
		{ "program a cpus=",
		  "cpus= wants all, or numbers and ranges up to 255 such as 0,2-3", "cpus=" },
		{ "program a cpus=3-1",
		  "cpus= wants all, or numbers and ranges up to 255 such as 0,2-3", "cpus=3-1" },
		{ "program a cpus=0,256",
		  "cpus= wants all, or numbers and ranges up to 255 such as 0,2-3", "cpus=0,256" },
		{ "program a cpus=1,",
		  "cpus= wants all, or numbers and ranges up to 255 such as 0,2-3", "cpus=1," },
		{ "program a irqs=",
		  "irqs= wants all, a number or a range up to 255 such as 4 or 16-23", "irqs=" },
		{ "program a irqs=5-4",
		  "irqs= wants all, a number or a range up to 255 such as 4 or 16-23", "irqs=5-4" },
		{ "program a irqs=3,5",
		  "irqs= wants all, a number or a range up to 255 such as 4 or 16-23", "irqs=3,5" },
		{ "program a irqs=256",
		  "irqs= wants all, a number or a range up to 255 such as 4 or 16-23", "irqs=256" },
		{ "program a root", "no such setting", "root" },
		{ "program a frames=1 -- 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17",
		  "too many arguments", "17" },
		{ "program a averyveryverylongwordthatiscutwhenitisshown", "no such setting",
		  "averyveryverylongwordthatiscutw" },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(mistakes); i++) {
		TEST_TRUE(test, !read(mistakes[i].line));
		TEST_TRUE(test, conf.error != NULL);
		TEST_STREQ(test, conf.error, mistakes[i].error);
		TEST_STREQ(test, conf.word, mistakes[i].word);
		TEST_EQ(test, conf.line_number, 1);
	}
}

static void conf_goes_on_after_an_error(struct test *test)
{
	static char text[600];

	memset(text, 'x', 300);
	memcpy(text + 300, "\nnonsense\nprogram a frames=1\n", 30);
	TEST_TRUE(test, !read(text));
	TEST_STREQ(test, conf.error, "the line is too long");
	TEST_TRUE(test, !exo_conf_next(&conf, &program));
	TEST_EQ(test, conf.line_number, 2);
	TEST_TRUE(test, exo_conf_next(&conf, &program));
	TEST_EQ(test, conf.line_number, 3);
	TEST_TRUE(test, !exo_conf_next(&conf, &program) && conf.error == NULL);
}

static const struct test_case conf_cases[] = {
	TEST_CASE(conf_reads_a_program),
	TEST_CASE(conf_has_defaults),
	TEST_CASE(conf_says_what_is_wrong),
	TEST_CASE(conf_goes_on_after_an_error),
};
TEST_SUITE(conf, conf_cases);
