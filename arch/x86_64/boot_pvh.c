/* SPDX-License-Identifier: MIT */
/*
 * Reads a PVH start info (Xen, public/arch-x86/hvm/start_info.h; <exo/pvh.h>).
 *
 * It is a structure of pointers: modules, command line, RSDP and, from version 1 on, a memory map.
 * A version 0 start info has no memory map at all (Xen would be asked by hypercall), which ends in
 * BOOT_PROBLEM_NO_MEMORY.
 */
#include "boot_parse.h"

#include <exo/errno.h>
#include <exo/pvh.h>

static __boot void parse_modules(struct boot_parser *parser,
				 const struct pvh_start_info *start_info)
{
	struct pvh_module module;

	for (uint32_t i = 0; i < start_info->nr_modules; i++) {
		if (i == BOOT_TABLE_LIMIT / sizeof(module)) {
			boot_problem(parser, BOOT_PROBLEM_MALFORMED);
			break;
		}
		if (!boot_read(parser, start_info->modules + i * sizeof(module), &module,
			       sizeof(module)))
			break;
		boot_module_add(parser, module.base, module.size, module.command_line, UINT64_MAX);
	}
}

static __boot void parse_memory(struct boot_parser *parser, paddr_t at)
{
	struct pvh_start_info_memory memory;

	if (!boot_read(parser, at, &memory, sizeof(memory)) || !memory.map)
		return;
	for (enum memory_type type = MEMORY_USABLE; type <= MEMORY_BAD; type++)
		boot_memory_table(parser, memory.map,
				  memory.nr_entries * (uint64_t)sizeof(struct pvh_map_entry),
				  sizeof(struct pvh_map_entry), type);
}

__boot int boot_pvh_parse(struct boot_parser *parser, paddr_t start)
{
	struct pvh_start_info start_info;
	struct boot_info *info = parser->info;

	if (!boot_read(parser, start, &start_info, sizeof(start_info)))
		return -EXO_E_ARG;
	if (start_info.magic != PVH_MAGIC) {
		boot_problem(parser, BOOT_PROBLEM_MALFORMED);
		return -EXO_E_ARG;
	}
	boot_string(parser, start_info.command_line, UINT64_MAX, info->command_line,
		    sizeof(info->command_line));
	parse_modules(parser, &start_info);
	/* An ACPI 1.0 RSDP has 20 bytes (ACPI 6.5, 5.2.5.3); more is the ACPI code's affair. */
	if (start_info.rsdp && boot_reachable(parser, start_info.rsdp, 20))
		info->acpi_rsdp = start_info.rsdp;
	if (start_info.version >= 1)
		parse_memory(parser, start + sizeof(start_info));
	return 0;
}
