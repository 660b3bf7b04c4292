/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target for boot_info_parse(). The first byte of the input selects the protocol (bit 0) and
 * where the tables start (bits 1-3: byte offset); the rest is physical memory from address 0 on, so
 * that small numbers are good pointers.
 */
#include "fuzz_memory.h"

#include <exo/errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LIMIT ((uint64_t)1 << 52)

static void check_string(const char *text, size_t size)
{
	FUZZ_CHECK(memchr(text, 0, size) != NULL);
}

static void check_memory(const struct boot_info *info)
{
	uint64_t usable = 0;

	FUZZ_CHECK(info->nr_memory <= CONFIG_BOOT_MEMORY_RANGES);
	for (unsigned int i = 0; i < info->nr_memory; i++) {
		const struct memory_range *range = &info->memory[i];

		FUZZ_CHECK(range->type >= MEMORY_USABLE && range->type <= MEMORY_BAD);
		FUZZ_CHECK(range->length > 0);
		FUZZ_CHECK(range->base < LIMIT && range->length <= LIMIT - range->base);
		if (range->type == MEMORY_USABLE)
			usable += range->length;
		if (i == 0)
			continue;
		FUZZ_CHECK(range[-1].base + range[-1].length <= range->base);
		FUZZ_CHECK(range[-1].type != range->type ||
			   range[-1].base + range[-1].length < range->base);
	}
	FUZZ_CHECK(boot_info_memory(info, MEMORY_USABLE) == usable);
	FUZZ_CHECK(!usable == !!(info->problems & BOOT_PROBLEM_NO_MEMORY));
}

static void check_modules(const struct boot_info *info)
{
	FUZZ_CHECK(info->nr_modules <= CONFIG_BOOT_MODULES);
	for (unsigned int i = 0; i < info->nr_modules; i++) {
		const struct boot_module *module = &info->modules[i];

		FUZZ_CHECK(module->size == 0 || fuzz_memory_holds(module->base, module->size));
		FUZZ_CHECK(module->base < LIMIT);
		check_string(module->name, sizeof(module->name));
	}
}

static void check_framebuffer(const struct boot_framebuffer *fb)
{
	if (fb->kind == FRAMEBUFFER_NONE)
		return;
	FUZZ_CHECK(fb->width > 0 && fb->height > 0);
	FUZZ_CHECK((uint64_t)fb->width * ((fb->bits_per_pixel + 7u) / 8) <= fb->pitch);
	FUZZ_CHECK(fb->base < LIMIT);
	FUZZ_CHECK((unsigned __int128)fb->pitch * fb->height <= LIMIT - fb->base);
	if (fb->kind == FRAMEBUFFER_TEXT)
		return;
	FUZZ_CHECK(fb->kind == FRAMEBUFFER_RGB);
	FUZZ_CHECK(fb->bits_per_pixel >= 15 && fb->bits_per_pixel <= 32);
	FUZZ_CHECK(fb->red_bits > 0 && fb->green_bits > 0 && fb->blue_bits > 0);
	FUZZ_CHECK(fb->red_shift + fb->red_bits <= fb->bits_per_pixel);
	FUZZ_CHECK(fb->green_shift + fb->green_bits <= fb->bits_per_pixel);
	FUZZ_CHECK(fb->blue_shift + fb->blue_bits <= fb->bits_per_pixel);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Filled, so that whatever the parser forgets to write is found. */
	static struct boot_info info;
	char value[5];
	int error;

	if (size == 0)
		return 0;
	memset(&info, 0xa5, sizeof(info));
	fuzz_memory_start(0, data + 1, size - 1);
	error = boot_info_parse(&info, (enum boot_protocol)(data[0] & 1), data[0] >> 1 & 7,
				&fuzz_memory.view);
	FUZZ_CHECK(error == 0 || error == -EXO_E_ARG);
	FUZZ_CHECK(!error || (info.nr_memory == 0 && info.nr_modules == 0 && info.problems));
	check_string(info.loader, sizeof(info.loader));
	check_string(info.command_line, sizeof(info.command_line));
	check_memory(&info);
	check_modules(&info);
	check_framebuffer(&info.framebuffer);
	FUZZ_CHECK(info.acpi_rsdp == 0 || fuzz_memory_holds(info.acpi_rsdp, 20));
	if (boot_info_option(&info, "a", value, sizeof(value)))
		check_string(value, sizeof(value));
	fuzz_memory_end();
	return 0;
}
