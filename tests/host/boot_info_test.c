/* SPDX-License-Identifier: MIT */
/*
 * boot_info_parse(): Multiboot2, valid and malformed, and the readers of the result. The fields of
 * the memory map are in boot_memory_test.c, PVH in boot_pvh_test.c.
 */
#include "boot_image.h"

#include <exo/errno.h>
#include <exo/test.h>

#define NEED_SCREEN(test)                                                               \
	do {                                                                            \
		if (!IS_ENABLED(CONFIG_FRAMEBUFFER) && !IS_ENABLED(CONFIG_VGA_TEXT))    \
			TEST_SKIP(test, "needs CONFIG_FRAMEBUFFER or CONFIG_VGA_TEXT"); \
	} while (0)

static const uint8_t rgb888[] = { 16, 8, 8, 8, 0, 8 };
static const uint8_t zeros[64];

static void put_framebuffer(uint64_t base, uint32_t pitch, uint32_t width, uint32_t height,
			    uint32_t bits_per_pixel, uint32_t type)
{
	tag_start(MULTIBOOT2_TAG_FRAMEBUFFER);
	put64(base);
	put32(pitch);
	put32(width);
	put32(height);
	put32(bits_per_pixel | type << 8);
	put(rgb888, sizeof(rgb888));
	tag_end();
}

static void put_module(uint32_t start, uint32_t end, const char *name)
{
	tag_start(MULTIBOOT2_TAG_MODULE);
	put32(start);
	put32(end);
	put_text(name);
	tag_end();
}

static void multiboot2_on(struct test *test, uint32_t shift)
{
	paddr_t rsdp;

	mb_start(shift);
	tag_text(MULTIBOOT2_TAG_COMMAND_LINE, "a=1 b");
	tag_text(MULTIBOOT2_TAG_LOADER_NAME, "GRUB 2.06");
	tag_text(77, "a tag that nobody knows");
	put_module(IMAGE_BASE, IMAGE_BASE + 16, "init x=y");
	tag_map_start(24);
	put_range(0x100000, 0x300000, 1);
	put_range(0, 0x9fc00, 1);
	put_range(0x9fc00, 0x400, 2);
	tag_end();
	put_framebuffer(0xfd000000, 4096, 1024, 768, 32, MULTIBOOT2_FRAMEBUFFER_RGB);
	tag_start(MULTIBOOT2_TAG_ACPI_OLD);
	put(zeros, 20);
	tag_end();
	tag_start(MULTIBOOT2_TAG_ACPI_NEW);
	rsdp = image_here();
	put(zeros, 36);
	tag_end();
	mb_end();
	TEST_EQ(test, mb_parse(), 0);
	TEST_EQ(test, info.problems, 0);
	TEST_STREQ(test, info.protocol, "multiboot2");
	TEST_STREQ(test, info.loader, "GRUB 2.06");
	TEST_STREQ(test, info.command_line, "a=1 b");
	TEST_EQ(test, info.nr_modules, 1);
	TEST_EQ(test, info.modules[0].base, IMAGE_BASE);
	TEST_EQ(test, info.modules[0].size, 16);
	TEST_STREQ(test, info.modules[0].name, "init x=y");
	TEST_EQ(test, info.nr_memory, 3);
	TEST_EQ(test, info.memory[1].base, 0x9fc00);
	TEST_EQ(test, info.memory[1].length, 0x400);
	TEST_EQ(test, info.memory[1].type, MEMORY_RESERVED);
	TEST_EQ(test, boot_info_memory(&info, MEMORY_USABLE), 0x39fc00);
	TEST_EQ(test, info.acpi_rsdp, rsdp);
}

static void multiboot2_valid(struct test *test)
{
	NEED(test, CONFIG_BOOT_MULTIBOOT2);
	multiboot2_on(test, 0);
}

static void multiboot2_at_odd_addresses(struct test *test)
{
	NEED(test, CONFIG_BOOT_MULTIBOOT2);
	multiboot2_on(test, 1);
}

static void multiboot2_unusable_header(struct test *test)
{
	NEED(test, CONFIG_BOOT_MULTIBOOT2);
	mb_start(0);
	mb_end();
	image.used = 7;
	TEST_EQ(test, mb_parse(), -EXO_E_ARG);
	TEST_EQ(test, info.problems, BOOT_PROBLEM_UNREACHABLE | BOOT_PROBLEM_NO_MEMORY);
	TEST_EQ(test, boot_info_parse(&info, BOOT_PROTOCOL_MULTIBOOT2, UINT64_MAX - 3, &image.view),
		-EXO_E_ARG);
	TEST_EQ(test, info.problems, BOOT_PROBLEM_UNREACHABLE | BOOT_PROBLEM_NO_MEMORY);

	mb_start(0);
	mb_end();
	patch32(0, 15);
	memset(&info, 0xff, sizeof(info));
	TEST_EQ(test, mb_parse(), -EXO_E_ARG);
	TEST_EQ(test, info.problems, BOOT_PROBLEM_MALFORMED | BOOT_PROBLEM_NO_MEMORY);
	TEST_EQ(test, info.nr_memory + info.nr_modules, 0);
	TEST_STREQ(test, info.command_line, "");

	mb_start(0);
	put32(0); /* a header that starts 4 bytes behind the 8-byte boundary is still read */
	put32(0);
	tag_some_memory();
	mb_end();
	patch32(4, image.used - 4);
	patch32(8, 0);
	memmove(image.bytes + 12, image.bytes + 16, image.used - 16);
	TEST_EQ(test, boot_info_parse(&info, BOOT_PROTOCOL_MULTIBOOT2, IMAGE_BASE + 4, &image.view),
		0);
	TEST_EQ(test, info.problems, BOOT_PROBLEM_MALFORMED);
	TEST_EQ(test, info.nr_memory, 1);
}

/* What stands before the damage is kept. */
static void multiboot2_damaged_list(struct test *test)
{
	NEED(test, CONFIG_BOOT_MULTIBOOT2);
	mb_start(0);
	tag_some_memory();
	patch32(0, image.used);
	TEST_EQ(test, mb_parse(), 0); /* no end tag */
	TEST_EQ(test, info.problems, BOOT_PROBLEM_TRUNCATED);
	TEST_EQ(test, info.nr_memory, 1);

	patch32(0, image.used + 4096); /* nor memory where it should be */
	TEST_EQ(test, mb_parse(), 0);
	TEST_EQ(test, info.problems, BOOT_PROBLEM_UNREACHABLE);
	TEST_EQ(test, info.nr_memory, 1);

	patch32(0, image.used + 4); /* an end tag, but half behind the end */
	put32(MULTIBOOT2_TAG_END);
	put32(8);
	TEST_EQ(test, mb_parse(), 0);
	TEST_EQ(test, info.problems, BOOT_PROBLEM_TRUNCATED);

	mb_start(0); /* the list ends within the padding */
	tag_some_memory();
	tag_text(MULTIBOOT2_TAG_COMMAND_LINE, "abc");
	patch32(0, image.used - 4);
	tag_start(MULTIBOOT2_TAG_END);
	tag_end();
	TEST_EQ(test, mb_parse(), 0);
	TEST_EQ(test, info.problems, BOOT_PROBLEM_TRUNCATED);
	TEST_STREQ(test, info.command_line, "abc");

	for (uint32_t size = 0; size < 8; size++) { /* a tag that would never advance */
		mb_start(0);
		tag_some_memory();
		tag_start(MULTIBOOT2_TAG_COMMAND_LINE);
		tag_end();
		mb_end();
		patch32(8 + 40 + 4, size);
		TEST_EQ(test, mb_parse(), 0);
		TEST_EQ(test, info.problems, BOOT_PROBLEM_MALFORMED);
		TEST_EQ(test, info.nr_memory, 1);
	}

	mb_start(0);
	tag_some_memory();
	tag_text(MULTIBOOT2_TAG_COMMAND_LINE, "abc");
	patch32(tag_offset + 4, 0xfffffff9); /* a tag that ends behind the list */
	patch32(0, image.used);
	TEST_EQ(test, mb_parse(), 0);
	TEST_EQ(test, info.problems, BOOT_PROBLEM_TRUNCATED);
	TEST_STREQ(test, info.command_line, "abc");
}

static void multiboot2_total_size_too_large(struct test *test)
{
	NEED(test, CONFIG_BOOT_MULTIBOOT2);
	mb_start(0);
	tag_some_memory();
	mb_end();
	patch32(0, 0xffffffff);
	TEST_EQ(test, mb_parse(), 0);
	TEST_EQ(test, info.problems, BOOT_PROBLEM_MALFORMED);
	TEST_EQ(test, info.nr_memory, 1);
}

/* Tags without end: 2^32 bytes of command lines of no length. */
static void multiboot2_work_is_bounded(struct test *test)
{
	NEED(test, CONFIG_BOOT_MULTIBOOT2);
	mb_start(0);
	patch32(0, 0xffffffff);
	while (IMAGE_SIZE - image.used >= 8) {
		tag_start(MULTIBOOT2_TAG_ACPI_OLD);
		tag_end();
	}
	endless_start();
	TEST_EQ(test, mb_parse(), 0);
	TEST_TRUE(test, info.problems & BOOT_PROBLEM_MALFORMED);
	TEST_TRUE(test, endless_calls < 2000000);
}

static void multiboot2_strings(struct test *test)
{
	NEED(test, CONFIG_BOOT_MULTIBOOT2);
	mb_start(0);
	tag_some_memory();
	tag_start(MULTIBOOT2_TAG_COMMAND_LINE);
	put("abcdefgh", 8); /* no terminator; the next tag must not be taken for text */
	tag_end();
	mb_end();
	TEST_EQ(test, mb_parse(), 0);
	TEST_EQ(test, info.problems, BOOT_PROBLEM_MALFORMED);
	TEST_STREQ(test, info.command_line, "abcdefgh");

	mb_start(0);
	tag_some_memory();
	tag_start(MULTIBOOT2_TAG_COMMAND_LINE);
	for (unsigned int i = 0; i < CONFIG_BOOT_COMMAND_LINE_SIZE - 1; i++)
		put("x", 1);
	put("", 1);
	tag_end();
	mb_end();
	TEST_EQ(test, mb_parse(), 0); /* just fits */
	TEST_EQ(test, info.problems, 0);
	TEST_EQ(test, strlen(info.command_line), CONFIG_BOOT_COMMAND_LINE_SIZE - 1);

	mb_start(0);
	tag_some_memory();
	tag_start(MULTIBOOT2_TAG_LOADER_NAME);
	for (unsigned int i = 0; i < CONFIG_BOOT_NAME_SIZE; i++)
		put("x", 1);
	put("", 1);
	tag_end();
	mb_end();
	TEST_EQ(test, mb_parse(), 0); /* one too long */
	TEST_EQ(test, info.problems, BOOT_PROBLEM_CUT);
	TEST_EQ(test, strlen(info.loader), CONFIG_BOOT_NAME_SIZE - 1);
}

static void multiboot2_modules(struct test *test)
{
	NEED(test, CONFIG_BOOT_MULTIBOOT2);
	mb_start(0);
	tag_some_memory();
	put_module(IMAGE_BASE + 1, IMAGE_BASE, "ends before it starts");
	mb_end();
	TEST_EQ(test, mb_parse(), 0);
	TEST_EQ(test, info.problems, BOOT_PROBLEM_MALFORMED);
	TEST_EQ(test, info.nr_modules, 0);

	mb_start(0);
	tag_some_memory();
	put_module(IMAGE_BASE, 0xffffffff, "is not there");
	mb_end();
	TEST_EQ(test, mb_parse(), 0);
	TEST_EQ(test, info.problems, BOOT_PROBLEM_UNREACHABLE);
	TEST_EQ(test, info.nr_modules, 0);

	mb_start(0);
	tag_some_memory();
	tag_start(MULTIBOOT2_TAG_MODULE);
	put32(0); /* and no end; with the padding it would be an empty module */
	tag_end();
	mb_end();
	TEST_EQ(test, mb_parse(), 0);
	TEST_EQ(test, info.problems, BOOT_PROBLEM_MALFORMED);
	TEST_EQ(test, info.nr_modules, 0);

	mb_start(0);
	tag_some_memory();
	put_module(0x10, 0x10, "empty");
	for (unsigned int i = 0; i < CONFIG_BOOT_MODULES; i++)
		put_module(IMAGE_BASE, IMAGE_BASE + 1 + i, "m");
	mb_end();
	TEST_EQ(test, mb_parse(), 0);
	TEST_EQ(test, info.problems, BOOT_PROBLEM_TOO_MANY);
	TEST_EQ(test, info.nr_modules, CONFIG_BOOT_MODULES);
	TEST_EQ(test, info.modules[0].size, 0);
	TEST_STREQ(test, info.modules[0].name, "empty");
}

static void multiboot2_rsdp(struct test *test)
{
	paddr_t old, new;

	NEED(test, CONFIG_BOOT_MULTIBOOT2);
	mb_start(0);
	tag_some_memory();
	tag_start(MULTIBOOT2_TAG_ACPI_NEW);
	new = image_here();
	put(zeros, 36);
	tag_end();
	tag_start(MULTIBOOT2_TAG_ACPI_OLD); /* comes later, is worth less */
	old = image_here();
	put(zeros, 20);
	tag_end();
	mb_end();
	TEST_EQ(test, mb_parse(), 0);
	TEST_EQ(test, info.problems, 0);
	TEST_EQ(test, info.acpi_rsdp, new);

	patch32((uint32_t)(new - IMAGE_BASE) - 4, 8 + 35); /* one byte short */
	TEST_EQ(test, mb_parse(), 0);
	TEST_EQ(test, info.problems, BOOT_PROBLEM_MALFORMED);
	TEST_EQ(test, info.acpi_rsdp, old);
}

static void multiboot2_framebuffer(struct test *test)
{
	NEED(test, CONFIG_BOOT_MULTIBOOT2);
	NEED_SCREEN(test);
	mb_start(0);
	tag_some_memory();
	put_framebuffer(0xfd000000, 4096, 1024, 768, 32, MULTIBOOT2_FRAMEBUFFER_RGB);
	mb_end();
	TEST_EQ(test, mb_parse(), 0);
	TEST_EQ(test, info.problems, 0);
	TEST_EQ(test, info.framebuffer.kind, FRAMEBUFFER_RGB);
	TEST_EQ(test, info.framebuffer.base, 0xfd000000);
	TEST_EQ(test, info.framebuffer.pitch, 4096);
	TEST_EQ(test, info.framebuffer.width, 1024);
	TEST_EQ(test, info.framebuffer.height, 768);
	TEST_EQ(test, info.framebuffer.bits_per_pixel, 32);
	TEST_EQ(test, info.framebuffer.red_shift, 16);
	TEST_EQ(test, info.framebuffer.green_shift, 8);
	TEST_EQ(test, info.framebuffer.blue_shift, 0);
	TEST_EQ(test, info.framebuffer.blue_bits, 8);

	mb_start(0);
	tag_some_memory();
	put_framebuffer(0xb8000, 160, 80, 25, 16, MULTIBOOT2_FRAMEBUFFER_EGA_TEXT);
	mb_end();
	TEST_EQ(test, mb_parse(), 0);
	TEST_EQ(test, info.problems, 0);
	TEST_EQ(test, info.framebuffer.kind, FRAMEBUFFER_TEXT);

	mb_start(0);
	tag_some_memory();
	put_framebuffer(0xa0000, 320, 320, 200, 8, MULTIBOOT2_FRAMEBUFFER_INDEXED);
	mb_end();
	TEST_EQ(test, mb_parse(), 0);
	TEST_EQ(test, info.problems, 0);
	TEST_EQ(test, info.framebuffer.kind, FRAMEBUFFER_NONE);
}

static void multiboot2_framebuffer_lies(struct test *test)
{
	static const struct {
		uint64_t base;
		uint32_t pitch, width, height, bits_per_pixel, type;
	} lies[] = {
		{ 0xfd000000, 4095, 1024, 768, 32, MULTIBOOT2_FRAMEBUFFER_RGB },
		{ 0xfd000000, 4096, 1024, 768, 8, MULTIBOOT2_FRAMEBUFFER_RGB },
		{ 0xfd000000, 4096, 1024, 768, 255, MULTIBOOT2_FRAMEBUFFER_RGB },
		{ 0xfd000000, 4096, 1024, 768, 16, MULTIBOOT2_FRAMEBUFFER_RGB }, /* red: bit 16 */
		{ 0xfd000000, 4096, 0, 768, 32, MULTIBOOT2_FRAMEBUFFER_RGB },
		{ 0xfd000000, 4096, 1024, 0, 32, MULTIBOOT2_FRAMEBUFFER_RGB },
		{ 0xfd000000, 4096, 0x40000400, 768, 32, MULTIBOOT2_FRAMEBUFFER_RGB },
		{ 0xfd000000, 4096, 1024, 0xffffffff, 32, MULTIBOOT2_FRAMEBUFFER_RGB },
		{ ((uint64_t)1 << 52) - 4096, 4096, 1024, 2, 32, MULTIBOOT2_FRAMEBUFFER_RGB },
		{ UINT64_MAX - 4095, 4096, 1024, 1, 32, MULTIBOOT2_FRAMEBUFFER_RGB },
		{ 0xb8000, 160, 80, 25, 8, MULTIBOOT2_FRAMEBUFFER_EGA_TEXT },
		{ 0xb8000, 158, 80, 25, 16, MULTIBOOT2_FRAMEBUFFER_EGA_TEXT },
	};

	NEED(test, CONFIG_BOOT_MULTIBOOT2);
	NEED_SCREEN(test);
	for (unsigned int i = 0; i < ARRAY_SIZE(lies); i++) {
		mb_start(0);
		tag_some_memory();
		put_framebuffer(lies[i].base, lies[i].pitch, lies[i].width, lies[i].height,
				lies[i].bits_per_pixel, lies[i].type);
		mb_end();
		TEST_EQ(test, mb_parse(), 0);
		TEST_EQ(test, info.problems, BOOT_PROBLEM_MALFORMED);
		TEST_EQ(test, info.framebuffer.kind, FRAMEBUFFER_NONE);
	}
}

static void protocol_unknown(struct test *test)
{
	image_start(0);
	TEST_EQ(test, boot_info_parse(&info, (enum boot_protocol)9, IMAGE_BASE, &image.view),
		-EXO_E_ARG);
	TEST_EQ(test, info.problems, BOOT_PROBLEM_MALFORMED | BOOT_PROBLEM_NO_MEMORY);
}

static void options(struct test *test)
{
	char value[8] = "?";

	memset(&info, 0, sizeof(info));
	string_copy(info.command_line, sizeof(info.command_line), " a=1\tbc ab a=");
	TEST_TRUE(test, boot_info_option(&info, "bc", value, sizeof(value)));
	TEST_STREQ(test, value, "");
	TEST_TRUE(test, boot_info_option(&info, "a", value, sizeof(value)));
	TEST_STREQ(test, value, ""); /* the last one wins */
	TEST_TRUE(test, boot_info_option(&info, "ab", NULL, 0));
	TEST_TRUE(test, !boot_info_option(&info, "b", value, sizeof(value)));
	TEST_TRUE(test, !boot_info_option(&info, "abc", value, sizeof(value)));
	TEST_TRUE(test, !boot_info_option(&info, "1", value, sizeof(value)));
	TEST_TRUE(test, !boot_info_option(&info, "", value, sizeof(value)));

	string_copy(info.command_line, sizeof(info.command_line), "t=x t=12345678");
	TEST_TRUE(test, boot_info_option(&info, "t", value, sizeof(value)));
	TEST_STREQ(test, value, "1234567");
	TEST_TRUE(test, boot_info_option(&info, "t", value, 1));
	TEST_STREQ(test, value, "");
}

static const struct test_case boot_info_cases[] = {
	TEST_CASE(multiboot2_valid),
	TEST_CASE(multiboot2_at_odd_addresses),
	TEST_CASE(multiboot2_unusable_header),
	TEST_CASE(multiboot2_damaged_list),
	TEST_CASE(multiboot2_total_size_too_large),
	TEST_CASE(multiboot2_work_is_bounded),
	TEST_CASE(multiboot2_strings),
	TEST_CASE(multiboot2_modules),
	TEST_CASE(multiboot2_rsdp),
	TEST_CASE(multiboot2_framebuffer),
	TEST_CASE(multiboot2_framebuffer_lies),
	TEST_CASE(protocol_unknown),
	TEST_CASE(options),
};
TEST_SUITE(boot_info, boot_info_cases);
