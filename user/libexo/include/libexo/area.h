/* SPDX-License-Identifier: MIT */
/*
 * Memory at addresses of one's own choice: a range of addresses with a run of slots, where each
 * page can have a frame, and what may be done with it is known without a system call. For whoever
 * has the memory of another kind of program to manage, beside which <libexo/pages.h> goes on to
 * work.
 *
 * Addresses are multiples of a page, sizes in bytes and rounded up; an end of an area is no part of
 * it. One thread at a time: no lock is taken, but for exo_area_init(), so upcall handlers may call.
 */
#ifndef LIBEXO_AREA_H
#define LIBEXO_AREA_H

#include <libexo/exo.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EXO_AREA_HELD 0x80u /* beside rights of a page: there is a frame, though maybe unmapped */

struct exo_area {
	uint64_t address, size; /* bytes, whole pages */
	exo_cap_t slot; /* of the first page */
	uint8_t *rights; /* of each page: EXO_AREA_HELD and enum exo_right; or 0 */
};

/* Results: 0, or the negative of an enum exo_error: RANGE for what is not within the area. */

/* @rights: a zero for each page. */
int exo_area_init(struct exo_area *area, uint64_t address, uint64_t size, uint8_t *rights);

/* Have all pages of these bytes, at any address, all of @rights, or EXO_AREA_HELD? Of none: yes. */
bool exo_area_has(const struct exo_area *area, uint64_t address, uint64_t size,
		  unsigned int rights);

/* Pages of zeros in place of what is there. @rights as for map(); 0: unmapped. After an error there
 * is nothing. */
int exo_area_add(struct exo_area *area, uint64_t address, uint64_t size, unsigned int rights);

/* Other rights for pages that are held; they keep what is in them. */
int exo_area_protect(struct exo_area *area, uint64_t address, uint64_t size, unsigned int rights);

/* Gives pages back; there need be none. */
int exo_area_drop(struct exo_area *area, uint64_t address, uint64_t size);

/* The highest address, not below @least, at which @size bytes are free; 0: there is none. */
uint64_t exo_area_find(const struct exo_area *area, uint64_t least, uint64_t size);

#ifdef __cplusplus
}
#endif

#endif
