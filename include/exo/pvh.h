/* SPDX-License-Identifier: MIT */
/*
 * PVH: what a hypervisor leaves in memory for a kernel with a Xen PVH entry note.
 *
 * Source: Xen, public/arch-x86/hvm/start_info.h and docs/misc/pvh. All fields are little endian; an
 * address of 0 means "not present". The structures are wire formats: copy them out of memory, never
 * point at them.
 */
#ifndef EXO_PVH_H
#define EXO_PVH_H

#include <exo/compiler.h>

#define PVH_MAGIC 0x336ec578u /* "xEn3", bit 7 of the E set */

/* Version 0. Later versions only add fields. */
struct pvh_start_info {
	uint32_t magic;
	uint32_t version;
	uint32_t flags;
	uint32_t nr_modules;
	uint64_t modules; /* of struct pvh_module */
	uint64_t command_line; /* terminated string */
	uint64_t rsdp;
} __packed;
_Static_assert(sizeof(struct pvh_start_info) == 40, "hvm_start_info, version 0");

/* Follows struct pvh_start_info from version 1 on. */
struct pvh_start_info_memory {
	uint64_t map; /* of struct pvh_map_entry */
	uint32_t nr_entries;
	uint32_t reserved;
} __packed;
_Static_assert(sizeof(struct pvh_start_info_memory) == 16, "hvm_start_info, version 1");

struct pvh_module {
	uint64_t base;
	uint64_t size;
	uint64_t command_line; /* terminated string */
	uint64_t reserved;
} __packed;
_Static_assert(sizeof(struct pvh_module) == 32, "hvm_modlist_entry");

struct pvh_map_entry {
	uint64_t base;
	uint64_t length;
	uint32_t type; /* as E820: 1 RAM, 3 ACPI tables, 4 ACPI NVS, 5 unusable, others reserved */
	uint32_t reserved;
} __packed;
_Static_assert(sizeof(struct pvh_map_entry) == 24, "hvm_memmap_table_entry");

#endif
