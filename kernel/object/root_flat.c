/* SPDX-License-Identifier: MIT */
/*
 * The first program of a flat kernel, and its only one: it is part of the image (user/flat.mk), so
 * there is nothing to find and to load.
 */
#include "root_internal.h"

#include <exo/compiler.h>

extern const char program_start[]; /* user/libexo/start.asm */

__boot bool root_find_program(uint64_t *entry)
{
	*entry = (uintptr_t)program_start;
	return true;
}

__boot int root_load_program(void)
{
	return 0;
}

__boot size_t root_image_archive(const void **data)
{
	*data = NULL;
	return 0;
}
