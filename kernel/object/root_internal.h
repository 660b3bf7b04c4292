/* SPDX-License-Identifier: MIT */
/*
 * Between the making of the first environment (root.c) and where its program comes from: the
 * archive (root_archive.c), or the image of a flat kernel (root_flat.c).
 */
#ifndef ROOT_INTERNAL_H
#define ROOT_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <uapi/exo/cap.h>

/*
 * Gives the environment @pages pages of new, zeroed memory of its bank in @slot, mapped at
 * @address;
 * *@memory is where the kernel sees it. What the block has beyond them is nobody's: something else
 * may come right behind. Returns 0 or a negative error.
 */
int root_give_memory(exo_cap_t slot, uint64_t pages, uint64_t address, unsigned int rights,
		     void **memory);

/* --- by where the program comes from ---*/

/* Finds it, and where it begins; false: there is none, and the log says why. */
bool root_find_program(uint64_t *entry);

/* Puts what was found into the environment's memory. Returns 0 or a negative error. */
int root_load_program(void);

/* The archive of programs in the image: its bytes, and how many; 0: there is none. */
size_t root_image_archive(const void **data);

#endif
