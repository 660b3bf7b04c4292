/* SPDX-License-Identifier: MIT */
/*
 * For the tests of boot_info_parse(): a piece of made-up physical memory, and writers for the
 * tables of both boot protocols. Included by one test file each; everything is static.
 */
#ifndef BOOT_IMAGE_H
#define BOOT_IMAGE_H

#include <exo/boot_info.h>
#include <exo/multiboot2.h>
#include <exo/pvh.h>
#include <exo/string.h>
#include <exo/test.h>

/* Skips a case of a boot protocol that is not configured. */
#define NEED(test, option)                                 \
	do {                                               \
		if (!IS_ENABLED(option))                   \
			TEST_SKIP(test, "needs " #option); \
	} while (0)

#define IMAGE_BASE 0x8000u
#define IMAGE_SIZE                                                                 \
	(4096u + CONFIG_BOOT_COMMAND_LINE_SIZE + CONFIG_BOOT_MEMORY_RANGES * 64u + \
	 (CONFIG_BOOT_NAME_SIZE + 64u) * (CONFIG_BOOT_MODULES + 1u))

/* One byte more, so that all wire data can be put on odd addresses. */
static struct {
	struct boot_memory_view view;
	uint8_t bytes[IMAGE_SIZE + 1];
	uint32_t shift; /* where in bytes[] the memory starts: 0 or 1 */
	uint32_t used;
} image;

static struct boot_info info;

static const void *image_at(const struct boot_memory_view *view, paddr_t base, uint64_t size)
{
	(void)view;
	/* Nobody may ask for what no address can have; who does gets an answer that shows. */
	if (base + size < base || base >> 52)
		return image.bytes;
	if (base < IMAGE_BASE || base - IMAGE_BASE > image.used ||
	    size > image.used - (base - IMAGE_BASE))
		return NULL;
	return image.bytes + image.shift + (base - IMAGE_BASE);
}

static __unused void image_start(uint32_t shift)
{
	memset(&image, 0, sizeof(image));
	image.view.at = image_at;
	image.shift = shift;
}

static __unused paddr_t image_here(void)
{
	return IMAGE_BASE + image.used;
}

/* Appends bytes; what does not fit ends the memory early, and the test then fails. */
static __unused void put(const void *data, size_t size)
{
	if (size > IMAGE_SIZE - image.used)
		return;
	memcpy(image.bytes + image.shift + image.used, data, size);
	image.used += (uint32_t)size;
}

static __unused void put32(uint32_t value)
{
	put(&value, sizeof(value));
}

static __unused void put64(uint64_t value)
{
	put(&value, sizeof(value));
}

static __unused void put_text(const char *text)
{
	put(text, strlen(text) + 1);
}

/* Overwrites 32 bits that were put at @offset. */
static __unused void patch32(uint32_t offset, uint32_t value)
{
	memcpy(image.bytes + image.shift + offset, &value, sizeof(value));
}

/*
 * For a look at the work that lying counts cause: memory without end, all zero but for the tables
 * at its start, that counts how often it was asked.
 */
static unsigned int endless_calls;

static __unused const void *endless_at(const struct boot_memory_view *view, paddr_t base,
				       uint64_t size)
{
	static const uint8_t nothing[64];

	endless_calls++;
	if (image_at(view, base, size))
		return image_at(view, base, size);
	return size <= sizeof(nothing) ? nothing : NULL;
}

static __unused void endless_start(void)
{
	image.view.at = endless_at;
	endless_calls = 0;
}

/* Multiboot2: mb_start(), then tags: tag_start() ... tag_end(), then mb_end(). */
static uint32_t tag_offset;

static __unused void mb_start(uint32_t shift)
{
	image_start(shift);
	put32(0);
	put32(0);
}

static __unused void tag_start(uint32_t type)
{
	tag_offset = image.used;
	put32(type);
	put32(0);
}

static __unused void tag_end(void)
{
	patch32(tag_offset + 4, image.used - tag_offset);
	while (image.used % MULTIBOOT2_TAG_ALIGN)
		put("", 1);
}

static __unused void tag_text(uint32_t type, const char *text)
{
	tag_start(type);
	put_text(text);
	tag_end();
}

static __unused void mb_end(void)
{
	tag_start(MULTIBOOT2_TAG_END);
	tag_end();
	patch32(0, image.used);
}

static __unused int mb_parse(void)
{
	return boot_info_parse(&info, BOOT_PROTOCOL_MULTIBOOT2, IMAGE_BASE, &image.view);
}

static __unused int pvh_parse(void)
{
	return boot_info_parse(&info, BOOT_PROTOCOL_PVH, IMAGE_BASE, &image.view);
}

/* One entry of either protocol's memory map. */
static __unused void put_range(uint64_t base, uint64_t length, uint32_t type)
{
	put64(base);
	put64(length);
	put32(type);
	put32(0xdeadbeef);
}

static __unused void tag_map_start(uint32_t entry_size)
{
	tag_start(MULTIBOOT2_TAG_MEMORY_MAP);
	put32(entry_size);
	put32(0);
}

/* One byte of RAM, for tests of something else. */
static __unused void tag_some_memory(void)
{
	tag_map_start(24);
	put_range(1, 1, 1);
	tag_end();
}

static __unused struct pvh_start_info pvh_header(uint32_t version)
{
	struct pvh_start_info header = { .magic = PVH_MAGIC, .version = version };

	return header;
}

/* A PVH start info, version 1; its memory map of @nr_entries entries follows directly. */
static __unused void pvh_start(struct pvh_start_info header, uint32_t nr_entries)
{
	image_start(0);
	put(&header, sizeof(header));
	put64(IMAGE_BASE + sizeof(header) + sizeof(struct pvh_start_info_memory));
	put32(nr_entries);
	put32(0);
}

/* A memory map in whichever protocol is configured: map_start(), put_range() ..., map_parse(). */
static __unused void map_start(void)
{
	if (IS_ENABLED(CONFIG_BOOT_MULTIBOOT2)) {
		mb_start(0);
		tag_map_start(24);
	} else {
		pvh_start(pvh_header(1), 0);
	}
}

static __unused int map_parse(void)
{
	if (IS_ENABLED(CONFIG_BOOT_MULTIBOOT2)) {
		tag_end();
		mb_end();
		return mb_parse();
	}
	patch32(sizeof(struct pvh_start_info) + offsetof(struct pvh_start_info_memory, nr_entries),
		(image.used - (uint32_t)sizeof(struct pvh_start_info) -
		 (uint32_t)sizeof(struct pvh_start_info_memory)) /
			(uint32_t)sizeof(struct pvh_map_entry));
	return pvh_parse();
}

#endif
