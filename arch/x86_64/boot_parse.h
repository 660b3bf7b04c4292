/* SPDX-License-Identifier: MIT */
/*
 * What the files of the boot information parser share: boot.c (dispatch, strings, modules),
 * boot_memory.c (the memory map), boot_multiboot2.c and boot_pvh.c (one wire format each).
 *
 * Everything reads physical memory through boot_read() alone, which copies: wire data may lie at
 * any address, and what was checked cannot change afterwards. A reader that fails has already set
 * its bit in boot_parser.problems.
 */
#ifndef BOOT_PARSE_H
#define BOOT_PARSE_H

#include <exo/boot_info.h>

/* No physical address has more than 52 bits (Intel SDM volume 3, 4.1.4; AMD APM volume 2, 5.1). */
#define BOOT_ADDRESS_LIMIT ((uint64_t)1 << 52)

/*
 * A guess: no honest table of a loader is larger. It bounds the work that a lying size can cause;
 * what is beyond it is ignored.
 */
#define BOOT_TABLE_LIMIT MIB(1)

struct boot_parser {
	struct boot_info *info;
	const struct boot_memory_view *view;
	unsigned int problems; /* for boot_info.problems */
};

/* Notes something that had to be repaired or dropped. */
static inline void boot_problem(struct boot_parser *parser, enum boot_problem problem)
{
	parser->problems |= problem;
}

/* True if @size bytes at @base can be read; else notes BOOT_PROBLEM_UNREACHABLE. */
bool boot_reachable(struct boot_parser *parser, paddr_t base, uint64_t size);

/* Copies @size > 0 bytes at @base to @to. Returns false, @to unchanged, if they cannot be read. */
bool boot_read(struct boot_parser *parser, paddr_t base, void *to, uint64_t size);

/**
 * boot_string() - copy a string out of physical memory; the result is always terminated
 * @from: its first byte; 0 for no string
 * @limit: it must end within this many bytes
 * @to: gets at most @size bytes, @size >= 1
 */
void boot_string(struct boot_parser *parser, paddr_t from, uint64_t limit, char *to, size_t size);

/* Adds a module whose name is the string at @name, which must end within @limit bytes. */
void boot_module_add(struct boot_parser *parser, paddr_t base, uint64_t size, paddr_t name,
		     uint64_t limit);

/**
 * boot_memory_add() - add a range to the memory map, over what is there
 * @base, @length: any values; cut at BOOT_ADDRESS_LIMIT
 * @type: not less than any type added before
 */
void boot_memory_add(struct boot_parser *parser, paddr_t base, uint64_t length,
		     enum memory_type type);

/**
 * boot_memory_table() - add those ranges of an E820-like table that have one type
 * @table, @bytes: where it is and how long it says it is
 * @stride: from one entry to the next, in bytes
 * @type: only ranges of this type are taken; types in rising order, see boot_memory_add()
 */
void boot_memory_table(struct boot_parser *parser, paddr_t table, uint64_t bytes, uint32_t stride,
		       enum memory_type type);

/* The wire formats. Return 0, or -EXO_E_ARG if there is nothing at @start. */
int boot_multiboot2_parse(struct boot_parser *parser, paddr_t start);
int boot_pvh_parse(struct boot_parser *parser, paddr_t start);

#endif
