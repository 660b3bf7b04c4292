/* SPDX-License-Identifier: MIT */
/*
 * Turns what a boot loader left in memory into a struct boot_info.
 *
 * Pure code: it touches neither hardware nor global state, and reaches memory only through a
 * struct boot_memory_view, so the same object is tested and fuzzed on the host. All input is taken
 * to be hostile. The work is bounded: a table is read at most up to BOOT_TABLE_LIMIT, a string up
 * to the size of its destination, and every loop advances by at least one entry.
 *
 * The wire formats are in boot_multiboot2.c and boot_pvh.c, the memory map in boot_memory.c; here
 * are the dispatch, what both formats share, and the readers of the finished structure.
 */
#include "boot_parse.h"

#include <exo/errno.h>
#include <exo/string.h>

static __boot const void *boot_at(struct boot_parser *parser, paddr_t base, uint64_t size)
{
	const void *at = NULL;

	if (base < BOOT_ADDRESS_LIMIT && size <= BOOT_ADDRESS_LIMIT - base)
		at = parser->view->at(parser->view, base, size);
	if (!at)
		boot_problem(parser, BOOT_PROBLEM_UNREACHABLE);
	return at;
}

__boot bool boot_reachable(struct boot_parser *parser, paddr_t base, uint64_t size)
{
	return boot_at(parser, base, size) != NULL;
}

__boot bool boot_read(struct boot_parser *parser, paddr_t base, void *to, uint64_t size)
{
	const void *from = boot_at(parser, base, size);

	if (!from)
		return false;
	memcpy(to, from, size);
	return true;
}

__boot void boot_string(struct boot_parser *parser, paddr_t from, uint64_t limit, char *to,
			size_t size)
{
	size_t length = 0;
	char c;

	while (from) {
		if (length == limit) {
			boot_problem(parser, BOOT_PROBLEM_MALFORMED);
			break;
		}
		/* Byte by byte: only the string itself has to be readable, not what follows it. */
		if (!boot_read(parser, from + length, &c, 1) || !c)
			break;
		if (length == size - 1) {
			boot_problem(parser, BOOT_PROBLEM_CUT);
			break;
		}
		to[length++] = c;
	}
	to[length] = '\0';
}

__boot void boot_module_add(struct boot_parser *parser, paddr_t base, uint64_t size, paddr_t name,
			    uint64_t limit)
{
	struct boot_info *info = parser->info;
	struct boot_module *module;

	if (base >= BOOT_ADDRESS_LIMIT || size > BOOT_ADDRESS_LIMIT - base) {
		boot_problem(parser, BOOT_PROBLEM_MALFORMED);
		return;
	}
	/* An empty file is a module without a byte to reach. */
	if (size && !boot_reachable(parser, base, size))
		return;
	if (info->nr_modules == CONFIG_BOOT_MODULES) {
		boot_problem(parser, BOOT_PROBLEM_TOO_MANY);
		return;
	}
	module = &info->modules[info->nr_modules++];
	module->base = base;
	module->size = size;
	boot_string(parser, name, limit, module->name, sizeof(module->name));
}

__boot int boot_info_parse(struct boot_info *info, enum boot_protocol protocol, paddr_t start,
			   const struct boot_memory_view *view)
{
	struct boot_parser parser = { .info = info, .view = view };
	int error = -EXO_E_ARG;

	memset(info, 0, sizeof(*info));
	info->protocol = "none";
	if (IS_ENABLED(CONFIG_BOOT_MULTIBOOT2) && protocol == BOOT_PROTOCOL_MULTIBOOT2) {
		info->protocol = "multiboot2";
		error = boot_multiboot2_parse(&parser, start);
	} else if (IS_ENABLED(CONFIG_BOOT_PVH) && protocol == BOOT_PROTOCOL_PVH) {
		info->protocol = "pvh";
		error = boot_pvh_parse(&parser, start);
	} else {
		boot_problem(&parser, BOOT_PROBLEM_MALFORMED);
	}
	if (!boot_info_memory(info, MEMORY_USABLE))
		boot_problem(&parser, BOOT_PROBLEM_NO_MEMORY);
	info->problems = parser.problems;
	return error;
}

uint64_t boot_info_memory(const struct boot_info *info, enum memory_type type)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < info->nr_memory; i++)
		if (info->memory[i].type == type)
			sum += info->memory[i].length;
	return sum;
}

const char *memory_type_name(enum memory_type type)
{
	static const char names[][17] = {
		[MEMORY_NONE] = "none",
		[MEMORY_USABLE] = "usable",
		[MEMORY_ACPI_RECLAIMABLE] = "ACPI reclaimable",
		[MEMORY_ACPI_NVS] = "ACPI NVS",
		[MEMORY_RESERVED] = "reserved",
		[MEMORY_BAD] = "bad",
	};

	return (unsigned int)type < ARRAY_SIZE(names) ? names[type] : "unknown";
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Copies up to the end of the word, cut to fit. */
static void copy_word(const char *word, char *to, size_t size)
{
	size_t length = 0;

	if (!to || !size)
		return;
	while (word[length] && !is_blank(word[length]) && length < size - 1) {
		to[length] = word[length];
		length++;
	}
	to[length] = '\0';
}

bool boot_info_option(const struct boot_info *info, const char *name, char *value, size_t size)
{
	const char *at = info->command_line;
	size_t length = strlen(name);
	bool found = false;

	while (length && *at) {
		if (strncmp(at, name, length) == 0) {
			const char *end = at + length;

			if (*end == '=' || !*end || is_blank(*end)) {
				found = true;
				copy_word(*end == '=' ? end + 1 : end, value, size);
			}
		}
		while (*at && !is_blank(*at))
			at++;
		while (is_blank(*at))
			at++;
	}
	return found;
}
