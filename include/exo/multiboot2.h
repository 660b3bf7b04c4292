/* SPDX-License-Identifier: MIT */
/*
 * Multiboot2: what the boot loader leaves in memory, as it lies there.
 *
 * Source: Multiboot2 Specification 2.0, section 3.6 "Boot information"; the numbers in the comments
 * are its subsections. All fields are little endian. The structures are wire formats: copy them out
 * of memory, never point at them, since a loader may align them as it likes.
 */
#ifndef EXO_MULTIBOOT2_H
#define EXO_MULTIBOOT2_H

#include <exo/compiler.h>

/* EAX at entry (3.5, "Machine state"). */
#define MULTIBOOT2_LOADER_MAGIC 0x36d76289u

/* Tags start at multiples of this (3.6.2). */
#define MULTIBOOT2_TAG_ALIGN 8

enum multiboot2_tag_type {
	MULTIBOOT2_TAG_END = 0,
	MULTIBOOT2_TAG_COMMAND_LINE = 1,
	MULTIBOOT2_TAG_LOADER_NAME = 2,
	MULTIBOOT2_TAG_MODULE = 3,
	MULTIBOOT2_TAG_BASIC_MEMORY = 4,
	MULTIBOOT2_TAG_MEMORY_MAP = 6,
	MULTIBOOT2_TAG_FRAMEBUFFER = 8,
	MULTIBOOT2_TAG_ACPI_OLD = 14, /* a copy of an ACPI 1.0 RSDP follows the tag's header */
	MULTIBOOT2_TAG_ACPI_NEW = 15, /* the same for ACPI 2.0 and later */
	MULTIBOOT2_TAG_EFI_MEMORY_MAP = 17,
};

/* The fixed part; the first tag follows it. */
struct multiboot2_info {
	uint32_t total_size; /* bytes, this header and the end tag included */
	uint32_t reserved;
} __packed;
_Static_assert(sizeof(struct multiboot2_info) == 8, "Multiboot2 3.6.2");

struct multiboot2_tag {
	uint32_t type;
	uint32_t size; /* bytes, this header included, the padding before the next tag not */
} __packed;
_Static_assert(sizeof(struct multiboot2_tag) == 8, "Multiboot2 3.6.2");

/* What follows the header of each tag. */

struct multiboot2_basic_memory {
	uint32_t lower_kib; /* from address 0; at most 640 */
	uint32_t upper_kib; /* from 1 MiB */
} __packed;
_Static_assert(sizeof(struct multiboot2_basic_memory) == 8, "Multiboot2 3.6.3");

struct multiboot2_module {
	uint32_t start; /* physical */
	uint32_t end; /* first byte after it; a terminated string follows */
} __packed;
_Static_assert(sizeof(struct multiboot2_module) == 8, "Multiboot2 3.6.6");

/*
 * Header of the memory map and of the EFI memory map. Entries are entry_size bytes apart, which may
 * be more than the structures below have (later versions add fields at the end).
 */
struct multiboot2_map {
	uint32_t entry_size;
	uint32_t entry_version;
} __packed;
_Static_assert(sizeof(struct multiboot2_map) == 8, "Multiboot2 3.6.8");

struct multiboot2_map_entry {
	uint64_t base;
	uint64_t length;
	uint32_t type; /* as E820: 1 RAM, 3 ACPI tables, 4 ACPI NVS, 5 defective, others reserved */
	uint32_t reserved;
} __packed;
_Static_assert(sizeof(struct multiboot2_map_entry) == 24, "Multiboot2 3.6.8");

/* UEFI Specification 2.10, 7.2.3 "EFI_BOOT_SERVICES.GetMemoryMap()": EFI_MEMORY_DESCRIPTOR. */
struct efi_memory_descriptor {
	uint32_t type;
	uint32_t padding;
	uint64_t physical_start;
	uint64_t virtual_start;
	uint64_t pages; /* of 4 KiB */
	uint64_t attributes;
} __packed;
_Static_assert(sizeof(struct efi_memory_descriptor) == 40, "UEFI 7.2.3");

enum efi_memory_type {
	EFI_LOADER_CODE = 1,
	EFI_LOADER_DATA = 2,
	EFI_BOOT_SERVICES_CODE = 3,
	EFI_BOOT_SERVICES_DATA = 4,
	EFI_CONVENTIONAL_MEMORY = 7,
	EFI_UNUSABLE_MEMORY = 8,
	EFI_ACPI_RECLAIM_MEMORY = 9,
	EFI_ACPI_MEMORY_NVS = 10,
};

enum multiboot2_framebuffer_type {
	MULTIBOOT2_FRAMEBUFFER_INDEXED = 0,
	MULTIBOOT2_FRAMEBUFFER_RGB = 1,
	MULTIBOOT2_FRAMEBUFFER_EGA_TEXT = 2,
};

/*
 * The text of the specification shows one reserved byte before the colour fields, its header file
 * and GRUB have two; loaders follow the header file.
 */
struct multiboot2_framebuffer {
	uint64_t address;
	uint32_t pitch; /* bytes a line */
	uint32_t width, height; /* pixels; cells for EGA text */
	uint8_t bits_per_pixel;
	uint8_t type;
	uint16_t reserved;
} __packed;
_Static_assert(sizeof(struct multiboot2_framebuffer) == 24, "Multiboot2 3.6.12");

/* Red, green and blue, one behind the other, follow a framebuffer of the RGB type. */
struct multiboot2_colour {
	uint8_t shift, bits;
} __packed;
_Static_assert(sizeof(struct multiboot2_colour) == 2, "Multiboot2 3.6.12");

#endif
