/* SPDX-License-Identifier: MIT */
/* Bringing memory up: from the boot loader's map to frames (mm/memory.c). */
#ifndef EXO_MEMORY_H
#define EXO_MEMORY_H

#include <exo/boot_info.h>
#include <exo/config.h>

#if IS_ENABLED(CONFIG_FRAMES)

/*
 * Extends the direct map over all memory and gives it to the frame allocator, except for the image,
 * the boot modules, page 0 and what is not usable. After numa_init(). Panics, saying how much is
 * needed, when there is too little. Once, from the boot list.
 */
void memory_init(const struct boot_info *info);

/*
 * Puts the memory that held ACPI tables into circulation. From then on nobody may read a table that
 * lay there. Once, from the boot list.
 */
void memory_reclaim_acpi(const struct boot_info *info);

#else

static inline void memory_init(const struct boot_info *info)
{
	(void)info;
}

static inline void memory_reclaim_acpi(const struct boot_info *info)
{
	(void)info;
}

#endif

#if IS_ENABLED(CONFIG_RELEASE_BOOT_CODE)
/*
 * Puts the memory of the code that was for booting (__boot) into circulation, and into the root
 * bank if there is one. Once, at the end of the boot list; interrupts on.
 */
void memory_release_boot_code(void);
#else
static inline void memory_release_boot_code(void)
{
}
#endif

#endif
