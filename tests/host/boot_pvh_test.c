/* SPDX-License-Identifier: MIT */
/* boot_info_parse(): PVH, valid and malformed. */
#include "boot_image.h"

#include <exo/errno.h>

/* Where the table behind the start info and @entries entries of its memory map lies. */
static paddr_t behind(uint32_t entries)
{
	return IMAGE_BASE + sizeof(struct pvh_start_info) + sizeof(struct pvh_start_info_memory) +
	       entries * sizeof(struct pvh_map_entry);
}

static void pvh_valid(struct test *test)
{
	struct pvh_start_info header = pvh_header(1);
	struct pvh_module module = { .base = IMAGE_BASE, .size = 16 };
	static const uint8_t rsdp[20];

	NEED(test, CONFIG_BOOT_PVH);
	header.command_line = behind(2);
	header.modules = behind(2) + 8;
	header.nr_modules = 1;
	header.rsdp = behind(2) + 8 + sizeof(module);
	module.command_line = behind(2);
	pvh_start(header, 2);
	put_range(0x100000, 0x300000, 1);
	put_range(0xfd00000000, 0x300000000, 2);
	put("a=1 b\0\0", 8);
	put(&module, sizeof(module));
	put(rsdp, sizeof(rsdp));
	TEST_EQ(test, pvh_parse(), 0);
	TEST_EQ(test, info.problems, 0);
	TEST_STREQ(test, info.protocol, "pvh");
	TEST_STREQ(test, info.loader, "");
	TEST_STREQ(test, info.command_line, "a=1 b");
	TEST_EQ(test, info.nr_modules, 1);
	TEST_EQ(test, info.modules[0].size, 16);
	TEST_STREQ(test, info.modules[0].name, "a=1 b");
	TEST_EQ(test, info.acpi_rsdp, header.rsdp);
	TEST_EQ(test, info.nr_memory, 2);
	TEST_EQ(test, boot_info_memory(&info, MEMORY_RESERVED), 0x300000000);

	image.used--; /* the RSDP's last byte */
	TEST_EQ(test, pvh_parse(), 0);
	TEST_EQ(test, info.problems, BOOT_PROBLEM_UNREACHABLE);
	TEST_EQ(test, info.acpi_rsdp, 0);
}

static void pvh_version_0_has_no_memory(struct test *test)
{
	NEED(test, CONFIG_BOOT_PVH);
	pvh_start(pvh_header(0), 1);
	put_range(0, 0x1000, 1);
	TEST_EQ(test, pvh_parse(), 0);
	TEST_EQ(test, info.problems, BOOT_PROBLEM_NO_MEMORY);
	TEST_EQ(test, info.nr_memory, 0);
}

static void pvh_unusable_header(struct test *test)
{
	NEED(test, CONFIG_BOOT_PVH);
	pvh_start(pvh_header(1), 1);
	put_range(0, 0x1000, 1);
	patch32(0, PVH_MAGIC ^ 1);
	TEST_EQ(test, pvh_parse(), -EXO_E_ARG);
	TEST_EQ(test, info.problems, BOOT_PROBLEM_MALFORMED | BOOT_PROBLEM_NO_MEMORY);
	TEST_EQ(test, info.nr_memory, 0);
	image.used = sizeof(struct pvh_start_info) - 1;
	TEST_EQ(test, pvh_parse(), -EXO_E_ARG);
	TEST_EQ(test, info.problems, BOOT_PROBLEM_UNREACHABLE | BOOT_PROBLEM_NO_MEMORY);
}

static void pvh_lies(struct test *test)
{
	struct pvh_start_info header = pvh_header(7);
	struct pvh_module wrapping = { .base = UINT64_MAX - 4, .size = 16 };

	NEED(test, CONFIG_BOOT_PVH);
	header.nr_modules = UINT32_MAX;
	header.modules = UINT64_MAX - 40;
	header.command_line = UINT64_MAX;
	header.rsdp = UINT64_MAX - 10;
	pvh_start(header, UINT32_MAX);
	put_range(0, 0x1000, 1);
	TEST_EQ(test, pvh_parse(), 0);
	TEST_EQ(test, info.problems, BOOT_PROBLEM_UNREACHABLE | BOOT_PROBLEM_MALFORMED);
	TEST_EQ(test, info.nr_modules, 0);
	TEST_EQ(test, info.acpi_rsdp, 0);
	TEST_EQ(test, info.nr_memory, 1);
	TEST_STREQ(test, info.command_line, "");

	header = pvh_header(1);
	header.nr_modules = 1;
	header.modules = behind(1);
	pvh_start(header, 1);
	put_range(0, 0x1000, 1);
	put(&wrapping, sizeof(wrapping));
	TEST_EQ(test, pvh_parse(), 0);
	TEST_EQ(test, info.problems, BOOT_PROBLEM_MALFORMED);
	TEST_EQ(test, info.nr_modules, 0);

	/* A string that runs to the end of memory and is not terminated there. */
	header = pvh_header(1);
	header.command_line = behind(1);
	pvh_start(header, 1);
	put_range(0, 0x1000, 1);
	put("abc", 3);
	TEST_EQ(test, pvh_parse(), 0);
	TEST_EQ(test, info.problems, BOOT_PROBLEM_UNREACHABLE);
	TEST_STREQ(test, info.command_line, "abc");
}

/* Each entry is the same valid module: the count alone lies. */
static void pvh_too_many_modules(struct test *test)
{
	struct pvh_start_info header = pvh_header(1);
	struct pvh_module module = { .base = IMAGE_BASE, .size = 1 };

	NEED(test, CONFIG_BOOT_PVH);
	header.nr_modules = CONFIG_BOOT_MODULES + 1;
	header.modules = behind(1);
	pvh_start(header, 1);
	put_range(0, 0x1000, 1);
	for (unsigned int i = 0; i <= CONFIG_BOOT_MODULES; i++)
		put(&module, sizeof(module));
	TEST_EQ(test, pvh_parse(), 0);
	TEST_EQ(test, info.problems, BOOT_PROBLEM_TOO_MANY);
	TEST_EQ(test, info.nr_modules, CONFIG_BOOT_MODULES);
}

static void pvh_work_is_bounded(struct test *test)
{
	struct pvh_start_info header = pvh_header(1);

	NEED(test, CONFIG_BOOT_PVH);
	header.nr_modules = UINT32_MAX;
	header.modules = GIB(1);
	pvh_start(header, UINT32_MAX);
	endless_start();
	TEST_EQ(test, pvh_parse(), 0);
	TEST_EQ(test, info.problems,
		BOOT_PROBLEM_MALFORMED | BOOT_PROBLEM_TOO_MANY | BOOT_PROBLEM_NO_MEMORY);
	TEST_TRUE(test, endless_calls < 2000000);
}

static void pvh_without_a_map(struct test *test)
{
	struct pvh_start_info header = pvh_header(1);

	NEED(test, CONFIG_BOOT_PVH);
	image_start(0);
	put(&header, sizeof(header));
	put64(0); /* not present */
	put64(1);
	TEST_EQ(test, pvh_parse(), 0);
	TEST_EQ(test, info.problems, BOOT_PROBLEM_NO_MEMORY);
}

static const struct test_case boot_pvh_cases[] = {
	TEST_CASE(pvh_valid),
	TEST_CASE(pvh_version_0_has_no_memory),
	TEST_CASE(pvh_unusable_header),
	TEST_CASE(pvh_lies),
	TEST_CASE(pvh_too_many_modules),
	TEST_CASE(pvh_work_is_bounded),
	TEST_CASE(pvh_without_a_map),
};
TEST_SUITE(boot_pvh, boot_pvh_cases);
