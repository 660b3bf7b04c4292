/* SPDX-License-Identifier: MIT */
/*
 * Reads a Multiboot2 boot information (Multiboot2 Specification 2.0, section 3.6;
 * <exo/multiboot2.h>).
 *
 * It is a list of tags, one behind the other, in any order, each with its size. The first walk
 * takes everything but memory; then one walk for each memory type (see boot_memory.c) takes the
 * memory map. Three tags can describe memory; the first of them that has any usable range is
 * believed and the others are left alone: the memory map, the EFI memory map, the basic memory
 * information.
 *
 * Firmware's "boot services" memory counts as usable: the loader leaves the boot services unless
 * the kernel's header asks it not to (3.1.12), and this kernel's does not.
 */
#include "boot_parse.h"

#include <exo/errno.h>
#include <exo/multiboot2.h>

/* Sizes of the copies in the ACPI tags (ACPI 6.5, 5.2.5.3: RSDP structure, revisions 0 and 2). */
#define RSDP_OLD_SIZE 20
#define RSDP_NEW_SIZE 36

struct tag_walk {
	struct boot_parser *parser;
	paddr_t next, end;
	/* The current tag, without its header. */
	uint32_t type;
	uint32_t size;
	paddr_t body;
};

/* Steps to the next tag. A tag that ends behind the end of the list is cut there. */
static __boot bool next_tag(struct tag_walk *walk)
{
	struct multiboot2_tag tag;
	uint64_t left = walk->end - walk->next;

	if (left < sizeof(tag)) {
		boot_problem(walk->parser, BOOT_PROBLEM_TRUNCATED);
		return false;
	}
	if (!boot_read(walk->parser, walk->next, &tag, sizeof(tag)) ||
	    tag.type == MULTIBOOT2_TAG_END)
		return false;
	if (tag.size < sizeof(tag)) { /* it would never advance */
		boot_problem(walk->parser, BOOT_PROBLEM_MALFORMED);
		return false;
	}
	if (tag.size > left) {
		boot_problem(walk->parser, BOOT_PROBLEM_TRUNCATED);
		tag.size = (uint32_t)left;
	}
	walk->type = tag.type;
	walk->size = tag.size - (uint32_t)sizeof(tag);
	walk->body = walk->next + sizeof(tag);
	left -= tag.size;
	walk->next += tag.size;
	/* The padding may be missing behind the last tag. */
	tag.size = -tag.size % MULTIBOOT2_TAG_ALIGN;
	walk->next += tag.size < left ? tag.size : left;
	return true;
}

/* Copies the first @size bytes of the tag's body. */
static __boot bool read_body(struct tag_walk *walk, void *to, uint32_t size)
{
	if (walk->size < size) {
		boot_problem(walk->parser, BOOT_PROBLEM_MALFORMED);
		return false;
	}
	return boot_read(walk->parser, walk->body, to, size);
}

static __boot void parse_module(struct tag_walk *walk)
{
	struct multiboot2_module module;

	/* An end before the start makes a size beyond every limit, which is found there. */
	if (read_body(walk, &module, sizeof(module)))
		boot_module_add(walk->parser, module.start, (uint64_t)module.end - module.start,
				walk->body + sizeof(module), walk->size - sizeof(module));
}

struct framebuffer_wire {
	struct multiboot2_framebuffer common;
	struct multiboot2_colour colours[3];
} __packed;

static __boot bool framebuffer_valid(const struct framebuffer_wire *wire)
{
	const struct multiboot2_framebuffer *fb = &wire->common;
	uint32_t bits = fb->bits_per_pixel;
	bool text = fb->type == MULTIBOOT2_FRAMEBUFFER_EGA_TEXT;

	/* Text has 16 bits a cell (3.6.12). */
	if (bits != 16 && (text || (bits != 15 && bits != 24 && bits != 32)))
		return false;
	for (unsigned int i = 0; i < 3 && !text; i++)
		if (!wire->colours[i].bits ||
		    (uint32_t)wire->colours[i].shift + wire->colours[i].bits > bits)
			return false;
	/* Nobody has more than 65,535 lines; with that bound the products fit. */
	return fb->width && fb->height && fb->height <= UINT16_MAX &&
	       (uint64_t)fb->width * ((bits + 7) / 8) <= fb->pitch &&
	       fb->address < BOOT_ADDRESS_LIMIT &&
	       (uint64_t)fb->pitch * fb->height <= BOOT_ADDRESS_LIMIT - fb->address;
}

static __boot void parse_framebuffer(struct tag_walk *walk)
{
	struct framebuffer_wire wire = { .common = { 0 } };

	if (!read_body(walk, &wire.common, sizeof(wire.common)))
		return;
	if (wire.common.type != MULTIBOOT2_FRAMEBUFFER_RGB &&
	    wire.common.type != MULTIBOOT2_FRAMEBUFFER_EGA_TEXT)
		return; /* palettes are not supported, and nothing is wrong with having one */
	if (wire.common.type == MULTIBOOT2_FRAMEBUFFER_RGB && !read_body(walk, &wire, sizeof(wire)))
		return;
	if (!framebuffer_valid(&wire)) {
		boot_problem(walk->parser, BOOT_PROBLEM_MALFORMED);
		return;
	}
	walk->parser->info->framebuffer = (struct boot_framebuffer){
		.kind = wire.common.type == MULTIBOOT2_FRAMEBUFFER_RGB ? FRAMEBUFFER_RGB
								       : FRAMEBUFFER_TEXT,
		.base = wire.common.address,
		.pitch = wire.common.pitch,
		.width = wire.common.width,
		.height = wire.common.height,
		.bits_per_pixel = wire.common.bits_per_pixel,
		.red_shift = wire.colours[0].shift,
		.red_bits = wire.colours[0].bits,
		.green_shift = wire.colours[1].shift,
		.green_bits = wire.colours[1].bits,
		.blue_shift = wire.colours[2].shift,
		.blue_bits = wire.colours[2].bits,
	};
}

/* The tag holds a copy of the RSDP; @size is what it must have at least. */
static __boot void parse_rsdp(struct tag_walk *walk, uint32_t size)
{
	if (walk->size < size)
		boot_problem(walk->parser, BOOT_PROBLEM_MALFORMED);
	else if (boot_reachable(walk->parser, walk->body, size))
		walk->parser->info->acpi_rsdp = walk->body;
}

static __boot void parse_tag(struct tag_walk *walk)
{
	struct boot_info *info = walk->parser->info;

	switch (walk->type) {
	case MULTIBOOT2_TAG_COMMAND_LINE:
		boot_string(walk->parser, walk->body, walk->size, info->command_line,
			    sizeof(info->command_line));
		break;
	case MULTIBOOT2_TAG_LOADER_NAME:
		boot_string(walk->parser, walk->body, walk->size, info->loader,
			    sizeof(info->loader));
		break;
	case MULTIBOOT2_TAG_MODULE:
		parse_module(walk);
		break;
	case MULTIBOOT2_TAG_FRAMEBUFFER:
		if (IS_ENABLED(CONFIG_FRAMEBUFFER) || IS_ENABLED(CONFIG_VGA_TEXT))
			parse_framebuffer(walk);
		break;
	case MULTIBOOT2_TAG_ACPI_OLD: /* only if there is no new one, before or behind */
		if (!info->acpi_rsdp)
			parse_rsdp(walk, RSDP_OLD_SIZE);
		break;
	case MULTIBOOT2_TAG_ACPI_NEW:
		parse_rsdp(walk, RSDP_NEW_SIZE);
		break;
	}
}

/* UEFI 2.10, 7.2.3, table 7.6 "Memory type usage after ExitBootServices()". */
static __boot enum memory_type efi_type(uint32_t type)
{
	switch (type) {
	case EFI_LOADER_CODE:
	case EFI_LOADER_DATA:
	case EFI_BOOT_SERVICES_CODE:
	case EFI_BOOT_SERVICES_DATA:
	case EFI_CONVENTIONAL_MEMORY:
		return MEMORY_USABLE;
	case EFI_ACPI_RECLAIM_MEMORY:
		return MEMORY_ACPI_RECLAIMABLE;
	case EFI_ACPI_MEMORY_NVS:
		return MEMORY_ACPI_NVS;
	case EFI_UNUSABLE_MEMORY:
		return MEMORY_BAD;
	default:
		return MEMORY_RESERVED;
	}
}

static __boot void efi_memory_table(struct boot_parser *parser, paddr_t table, uint32_t bytes,
				    uint32_t stride, enum memory_type type)
{
	struct efi_memory_descriptor entry;

	if (stride < sizeof(entry)) {
		boot_problem(parser, BOOT_PROBLEM_MALFORMED);
		return;
	}
	for (; bytes >= stride; bytes -= stride, table += stride) {
		if (!boot_read(parser, table, &entry, sizeof(entry)))
			return;
		if (entry.pages > BOOT_ADDRESS_LIMIT >> 12) /* too long, and so it stays in bytes */
			entry.pages = (BOOT_ADDRESS_LIMIT >> 12) + 1;
		if (efi_type(entry.type) == type)
			boot_memory_add(parser, entry.physical_start, entry.pages << 12, type);
	}
	if (bytes)
		boot_problem(parser, BOOT_PROBLEM_TRUNCATED);
}

/* Knows usable memory alone: from 0 and from 1 MiB. */
static __boot void basic_memory(struct tag_walk *walk, enum memory_type type)
{
	struct multiboot2_basic_memory basic;

	if (type != MEMORY_USABLE || !read_body(walk, &basic, sizeof(basic)))
		return;
	if (basic.lower_kib > 640) { /* what follows is the adapter area */
		boot_problem(walk->parser, BOOT_PROBLEM_MALFORMED);
		basic.lower_kib = 640;
	}
	boot_memory_add(walk->parser, 0, KIB(basic.lower_kib), type);
	boot_memory_add(walk->parser, MIB(1), KIB(basic.upper_kib), type);
}

/* Adds the ranges of one type that the tags of one kind (@source) know. */
static __boot void add_memory(struct tag_walk walk, uint32_t source, enum memory_type type)
{
	struct multiboot2_map map;

	while (next_tag(&walk)) {
		paddr_t table = walk.body + sizeof(map);

		if (walk.type != source)
			continue;
		if (source == MULTIBOOT2_TAG_BASIC_MEMORY)
			basic_memory(&walk, type);
		else if (!read_body(&walk, &map, sizeof(map)))
			continue;
		else if (source == MULTIBOOT2_TAG_MEMORY_MAP)
			boot_memory_table(walk.parser, table, walk.size - sizeof(map),
					  map.entry_size, type);
		else
			efi_memory_table(walk.parser, table, walk.size - (uint32_t)sizeof(map),
					 map.entry_size, type);
	}
}

__boot int boot_multiboot2_parse(struct boot_parser *parser, paddr_t start)
{
	static const uint8_t sources[] = { MULTIBOOT2_TAG_MEMORY_MAP, MULTIBOOT2_TAG_EFI_MEMORY_MAP,
					   MULTIBOOT2_TAG_BASIC_MEMORY };
	struct tag_walk walk = { .parser = parser }, tags;
	struct multiboot2_info header;
	uint8_t source = sources[0];

	if (!boot_read(parser, start, &header, sizeof(header)))
		return -EXO_E_ARG;
	if (header.total_size > BOOT_TABLE_LIMIT || start % MULTIBOOT2_TAG_ALIGN)
		boot_problem(parser, BOOT_PROBLEM_MALFORMED);
	if (header.total_size > BOOT_TABLE_LIMIT)
		header.total_size = BOOT_TABLE_LIMIT;
	if (header.total_size < sizeof(header) + sizeof(struct multiboot2_tag)) {
		boot_problem(parser, BOOT_PROBLEM_MALFORMED); /* no room for the end tag */
		return -EXO_E_ARG;
	}
	walk.next = start + sizeof(header);
	walk.end = start + header.total_size;
	for (tags = walk; next_tag(&tags);)
		parse_tag(&tags);

	for (unsigned int i = 0; i < ARRAY_SIZE(sources) && !parser->info->nr_memory; i++) {
		source = sources[i];
		add_memory(walk, source, MEMORY_USABLE);
	}
	if (!parser->info->nr_memory)
		source = sources[0];
	for (enum memory_type type = MEMORY_USABLE + 1; type <= MEMORY_BAD; type++)
		add_memory(walk, source, type);
	return 0;
}
