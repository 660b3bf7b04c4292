/* SPDX-License-Identifier: MIT */
/*
 * The memory map of struct boot_info: sorted, disjoint, merged, in an array of fixed size.
 *
 * Firmware tables are unsorted and overlap. They are painted into the map type by type, from the
 * most usable to the least (the order of enum memory_type), each range over whatever it meets. So
 * on an overlap the greater type wins without a comparison, and one pass over the array a range is
 * enough: what it meets of its own type it swallows, what it meets of a lesser type is cut back.
 *
 * When the array is full, one range is dropped for each that has to go in (it may be the new one
 * itself): the shortest of those that are not usable, or, when all are usable, the shortest. The
 * bytes of a dropped range become MEMORY_NONE, which nobody may use. They cannot come back as
 * something better, because only greater types are still to be painted. So even with
 * BOOT_PROBLEM_TOO_MANY:
 *
 *	every byte of the map has its right type, or is in no range at all,
 *
 * and usable memory is lost last. (Dropping usable ranges first would leave a small array full of
 * the firmware's reserved ranges, and a kernel without memory.)
 *
 * No rounding to pages here: that is the business of whoever hands out pages.
 */
#include "boot_parse.h"

#include <exo/multiboot2.h>
#include <exo/pvh.h>
#include <exo/string.h>

/* One reader serves both formats. */
_Static_assert(sizeof(struct multiboot2_map_entry) == sizeof(struct pvh_map_entry) &&
		       offsetof(struct multiboot2_map_entry, length) ==
			       offsetof(struct pvh_map_entry, length) &&
		       offsetof(struct multiboot2_map_entry, type) ==
			       offsetof(struct pvh_map_entry, type),
	       "the two E820-like tables differ");

/* Is @a rather dropped than @b? */
static __boot bool less_valuable(const struct memory_range *a, const struct memory_range *b)
{
	if ((a->type == MEMORY_USABLE) != (b->type == MEMORY_USABLE))
		return a->type != MEMORY_USABLE;
	return a->length < b->length;
}

static __boot void range_remove(struct boot_info *info, unsigned int index)
{
	info->nr_memory--;
	memmove(&info->memory[index], &info->memory[index + 1],
		(info->nr_memory - index) * sizeof(info->memory[0]));
}

/* Inserts a range that touches none of its type and overlaps none at all. */
static __boot void range_insert(struct boot_parser *parser, const struct memory_range *range)
{
	struct boot_info *info = parser->info;
	struct memory_range *memory = info->memory;
	unsigned int i;

	if (info->nr_memory == CONFIG_BOOT_MEMORY_RANGES) {
		unsigned int victim = 0;

		boot_problem(parser, BOOT_PROBLEM_TOO_MANY);
		for (i = 1; i < info->nr_memory; i++)
			if (less_valuable(&memory[i], &memory[victim]))
				victim = i;
		if (!less_valuable(&memory[victim], range))
			return;
		range_remove(info, victim);
	}
	for (i = info->nr_memory++; i > 0 && memory[i - 1].base > range->base; i--)
		memory[i] = memory[i - 1];
	memory[i] = *range;
}

/* Grows @range over what it overlaps or touches of its own type. */
static __boot void range_absorb(const struct boot_info *info, struct memory_range *range)
{
	paddr_t end = range->base + range->length;

	for (unsigned int i = 0; i < info->nr_memory; i++) {
		const struct memory_range *other = &info->memory[i];
		paddr_t other_end = other->base + other->length;

		if (other->type != range->type || other->base > end || other_end < range->base)
			continue;
		if (other->base < range->base)
			range->base = other->base;
		if (other_end > end)
			end = other_end;
	}
	range->length = end - range->base;
}

__boot void boot_memory_add(struct boot_parser *parser, paddr_t base, uint64_t length,
			    enum memory_type type)
{
	struct boot_info *info = parser->info;
	struct memory_range range = { base, length, type };
	struct memory_range rest = { .length = 0 };
	paddr_t end;

	if (length == 0)
		return;
	if (base >= BOOT_ADDRESS_LIMIT || length > BOOT_ADDRESS_LIMIT - base) {
		boot_problem(parser, BOOT_PROBLEM_MALFORMED);
		if (base >= BOOT_ADDRESS_LIMIT)
			return;
		range.length = BOOT_ADDRESS_LIMIT - base;
	}
	range_absorb(info, &range);
	end = range.base + range.length;
	for (unsigned int i = 0; i < info->nr_memory;) {
		struct memory_range *other = &info->memory[i];
		paddr_t other_end = other->base + other->length;

		if (other->base >= end || other_end <= range.base) {
			i++;
			continue;
		}
		if (other->type != type)
			boot_problem(parser, BOOT_PROBLEM_OVERLAP);
		if (other_end > end) /* what sticks out behind; at most one range does */
			rest = (struct memory_range){ end, other_end - end, other->type };
		if (other->base < range.base) {
			other->length = range.base - other->base;
			i++;
		} else {
			range_remove(info, i);
		}
	}
	range_insert(parser, &range);
	if (rest.length)
		range_insert(parser, &rest);
}

/*
 * ACPI 6.5, table 15.2 "Address range types"; Multiboot2 3.6.8 and Xen's hvm_memmap_table_entry use
 * the same numbers. Disabled (6), persistent (7) and unknown memory is nobody's to use.
 */
static __boot enum memory_type e820_type(uint32_t type)
{
	static const uint8_t types[] = {
		[0] = MEMORY_RESERVED,	       [1] = MEMORY_USABLE,   [2] = MEMORY_RESERVED,
		[3] = MEMORY_ACPI_RECLAIMABLE, [4] = MEMORY_ACPI_NVS, [5] = MEMORY_BAD,
	};

	return type < ARRAY_SIZE(types) ? (enum memory_type)types[type] : MEMORY_RESERVED;
}

__boot void boot_memory_table(struct boot_parser *parser, paddr_t table, uint64_t bytes,
			      uint32_t stride, enum memory_type type)
{
	struct pvh_map_entry entry;

	if (stride < sizeof(entry)) {
		boot_problem(parser, BOOT_PROBLEM_MALFORMED);
		return;
	}
	if (bytes > BOOT_TABLE_LIMIT) {
		boot_problem(parser, BOOT_PROBLEM_MALFORMED);
		bytes = BOOT_TABLE_LIMIT - BOOT_TABLE_LIMIT % stride;
	}
	for (; bytes >= stride; bytes -= stride, table += stride) {
		if (!boot_read(parser, table, &entry, sizeof(entry)))
			return;
		if (e820_type(entry.type) == type)
			boot_memory_add(parser, entry.base, entry.length, type);
	}
	if (bytes)
		boot_problem(parser, BOOT_PROBLEM_TRUNCATED);
}
