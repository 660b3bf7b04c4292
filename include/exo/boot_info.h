/* SPDX-License-Identifier: MIT */
/*
 * What the boot loader said, in one form for every boot protocol. Filled once by
 * boot_info_parse(), read-only afterwards.
 *
 * Everything here comes from outside and may lie: the parser never reads outside what its
 * struct boot_memory_view allows, sorts the memory map, resolves overlaps (the less usable type
 * wins) and says in @problems what it had to repair or drop.
 */
#ifndef EXO_BOOT_INFO_H
#define EXO_BOOT_INFO_H

#include <exo/compiler.h>
#include <exo/config.h>
#include <stdbool.h>

/* Ordered by how little may be done with it: on an overlap the greater value wins. */
enum memory_type {
	MEMORY_NONE = 0,
	MEMORY_USABLE,
	MEMORY_ACPI_RECLAIMABLE, /* usable once the ACPI tables are parsed */
	MEMORY_ACPI_NVS,
	MEMORY_RESERVED,
	MEMORY_BAD,
};

struct memory_range {
	paddr_t base; /* bytes */
	uint64_t length; /* bytes, > 0; base + length <= 2^52 */
	enum memory_type type;
};

struct boot_module {
	paddr_t base;
	uint64_t size; /* bytes */
	char name[CONFIG_BOOT_NAME_SIZE]; /* its command line, cut to fit, always terminated */
};

enum framebuffer_kind { FRAMEBUFFER_NONE, FRAMEBUFFER_RGB, FRAMEBUFFER_TEXT };

struct boot_framebuffer {
	enum framebuffer_kind kind;
	paddr_t base;
	uint32_t pitch; /* bytes a line */
	uint32_t width, height; /* pixels, or cells for text */
	uint8_t bits_per_pixel; /* 15, 16, 24 or 32 */
	uint8_t red_shift, red_bits, green_shift, green_bits, blue_shift, blue_bits;
};

/* Bits of boot_info.problems. */
enum boot_problem {
	BOOT_PROBLEM_TRUNCATED = 1 << 0, /* a table ends before its own length says */
	BOOT_PROBLEM_MALFORMED = 1 << 1, /* a length, count or alignment makes no sense */
	BOOT_PROBLEM_OVERLAP = 1 << 2, /* memory ranges overlapped with different types */
	BOOT_PROBLEM_TOO_MANY = 1 << 3, /* more ranges or modules than configured: some dropped */
	BOOT_PROBLEM_UNREACHABLE = 1 << 4, /* a pointer leads outside accessible memory */
	BOOT_PROBLEM_NO_MEMORY = 1 << 5, /* no usable memory range at all */
	BOOT_PROBLEM_CUT = 1 << 6, /* a string was cut to fit */
};

struct boot_info {
	const char *protocol; /* "multiboot2" or "pvh" */
	char loader[CONFIG_BOOT_NAME_SIZE]; /* boot loader's name; "" if unknown */
	char command_line[CONFIG_BOOT_COMMAND_LINE_SIZE];
	struct memory_range memory[CONFIG_BOOT_MEMORY_RANGES]; /* sorted, disjoint, merged */
	unsigned int nr_memory;
	struct boot_module modules[CONFIG_BOOT_MODULES];
	unsigned int nr_modules;
	struct boot_framebuffer framebuffer;
	paddr_t acpi_rsdp; /* 0 if the loader gave none */
	unsigned int problems; /* enum boot_problem bits */
};

/* How the parser reaches physical memory: the direct map in the kernel, a buffer in the tests. */
struct boot_memory_view {
	/* @size readable bytes at physical @base, or NULL if not all of them can be read. */
	const void *(*at)(const struct boot_memory_view *view, paddr_t base, uint64_t size);
};

enum boot_protocol { BOOT_PROTOCOL_MULTIBOOT2, BOOT_PROTOCOL_PVH };

/**
 * boot_info_parse() - turn a boot protocol's data into a struct boot_info
 * @info: overwritten completely
 * @protocol: which of the two entries ran
 * @start: physical address that the loader left in EBX
 * @view: access to physical memory
 * Returns 0, or -EXO_E_ARG when there is nothing at @start that can be used (the result is then
 * empty, with @problems set). Pure: no global state, no hardware.
 */
int boot_info_parse(struct boot_info *info, enum boot_protocol protocol, paddr_t start,
		    const struct boot_memory_view *view);

/* Sum of the lengths of all ranges of @type. */
uint64_t boot_info_memory(const struct boot_info *info, enum memory_type type);

/* English name of a memory type, for logs. */
const char *memory_type_name(enum memory_type type);

/**
 * boot_info_option() - find "name" or "name=value" among the blank-separated words of the command
 * line
 * @value: may be NULL; gets a terminated copy of the value, "" for a bare word
 * Returns true if the word is there (the last one wins).
 */
bool boot_info_option(const struct boot_info *info, const char *name, char *value, size_t size);

/* The boot information of this machine. Valid from the first line of kernel_main() on. */
extern struct boot_info boot_info;

#endif
