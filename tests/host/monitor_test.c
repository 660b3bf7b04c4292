/* SPDX-License-Identifier: MIT */
/* The pure parts of the monitor: cutting lines into words, and decoding CPUID. */
#include "../../kernel/monitor/cpu_features.h"
#include "../../kernel/monitor/split.h"

#include <exo/string.h>
#include <exo/test.h>

#define MAX 4
#define SENTINEL ((char *)1)

static char line[128];
static char *rest, *argv[MAX + 1];

static int split(const char *text)
{
	string_copy(line, sizeof(line), text);
	rest = line;
	argv[MAX] = SENTINEL;
	return monitor_split(&rest, argv, MAX);
}

static void monitor_splits_words(struct test *test)
{
	TEST_EQ(test, split("  log\t level  5 "), 3);
	TEST_STREQ(test, argv[0], "log");
	TEST_STREQ(test, argv[1], "level");
	TEST_STREQ(test, argv[2], "5");
	TEST_STREQ(test, rest, "");
	TEST_EQ(test, split(""), 0);
	TEST_EQ(test, split("   "), 0);
	TEST_STREQ(test, rest, "");
}

static void monitor_splits_commands(struct test *test)
{
	TEST_EQ(test, split("a b;c ;;d"), 2);
	TEST_STREQ(test, argv[1], "b");
	TEST_STREQ(test, rest, "c ;;d");
	TEST_EQ(test, monitor_split(&rest, argv, MAX), 1);
	TEST_STREQ(test, argv[0], "c");
	TEST_EQ(test, monitor_split(&rest, argv, MAX), 0);
	TEST_EQ(test, monitor_split(&rest, argv, MAX), 1);
	TEST_STREQ(test, argv[0], "d");
	TEST_STREQ(test, rest, "");
}

static void monitor_honours_quotes(struct test *test)
{
	TEST_EQ(test, split("a \"b ; c\" d\"e\"f \"\""), 4);
	TEST_STREQ(test, argv[1], "b ; c");
	TEST_STREQ(test, argv[2], "def");
	TEST_STREQ(test, argv[3], "");
	TEST_EQ(test, split("a \"b"), -EXO_E_ARG);
	TEST_EQ(test, split("\""), -EXO_E_ARG);
	TEST_EQ(test, split("\"a\"; b"), 1);
	TEST_STREQ(test, rest, " b");
}

static void monitor_bounds_words(struct test *test)
{
	TEST_EQ(test, split("1 2 3 4 ; 5"), 4);
	TEST_EQ(test, split("1 2 3 4 5"), -EXO_E_RANGE);
	TEST_TRUE(test, argv[MAX] == SENTINEL);
}

/* --- CPUID --- */

static uint32_t highest_basic, highest_extended, version;
static const char brand[49] = "     A Processor";

/* A CPU whose every feature bit is set, and which answers unknown leaves with all ones. */
static struct cpuid_regs fake_cpuid(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid_regs regs = { ~0u, ~0u, ~0u, ~0u };

	(void)subleaf;
	if (leaf == 0) {
		regs.eax = highest_basic;
		memcpy(&regs.ebx, "Fake", 4);
		memcpy(&regs.edx, "Make", 4);
		memcpy(&regs.ecx, "rInc", 4);
	} else if (leaf == 1) {
		regs.eax = version;
	} else if (leaf == 0x80000000) {
		regs.eax = highest_extended;
	} else if (leaf >= 0x80000002 && leaf <= 0x80000004) {
		memcpy(&regs, brand + 16 * (leaf - 0x80000002), 16);
	}
	return regs;
}

static void monitor_identifies_cpu(struct test *test)
{
	struct cpu_identity identity;

	highest_basic = 1;
	highest_extended = 0x80000004;
	version = 0x00a20f12;
	cpu_identify(&identity, fake_cpuid);
	TEST_STREQ(test, identity.vendor, "FakeMakerInc");
	TEST_STREQ(test, identity.brand, "A Processor");
	TEST_EQ(test, identity.family, 25);
	TEST_EQ(test, identity.model, 0x21);
	TEST_EQ(test, identity.stepping, 2);
	/* The extended family counts only with family 15, the extended model also with 6. */
	version = 0x002506e3;
	cpu_identify(&identity, fake_cpuid);
	TEST_EQ(test, identity.family, 6);
	TEST_EQ(test, identity.model, 0x5e);
	version = 0x00210521;
	cpu_identify(&identity, fake_cpuid);
	TEST_EQ(test, identity.family, 5);
	TEST_EQ(test, identity.model, 2);
	highest_extended = 0x80000003;
	cpu_identify(&identity, fake_cpuid);
	TEST_STREQ(test, identity.brand, "");
}

static unsigned int count_features(uint32_t basic, uint32_t extended)
{
	unsigned int count = 0;

	highest_basic = basic;
	highest_extended = extended;
	for (unsigned int i = 0; i < nr_cpu_features; i++)
		count += cpu_feature_present(&cpu_features[i], fake_cpuid);
	return count;
}

static void monitor_ignores_missing_leaves(struct test *test)
{
	TEST_EQ(test, count_features(7, 0x80000007), nr_cpu_features);
	TEST_TRUE(test, count_features(6, 0x80000007) < nr_cpu_features);
	TEST_TRUE(test, count_features(7, 0x80000006) < nr_cpu_features);
	/* No extended leaves at all: the CPU answers with the last basic leaf's data. */
	TEST_EQ(test, count_features(0, 0), 0);
	TEST_EQ(test, count_features(0, 7), 0);
}

static const struct test_case monitor_cases[] = {
	TEST_CASE(monitor_splits_words),   TEST_CASE(monitor_splits_commands),
	TEST_CASE(monitor_honours_quotes), TEST_CASE(monitor_bounds_words),
	TEST_CASE(monitor_identifies_cpu), TEST_CASE(monitor_ignores_missing_leaves),
};
TEST_SUITE(monitor, monitor_cases);
