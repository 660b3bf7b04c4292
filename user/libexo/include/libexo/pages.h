/* SPDX-License-Identifier: MIT */
/*
 * Memory by the page: a slot, a frame in it and an address for each. The address follows from the
 * slot, so neighbouring slots are neighbouring memory and no second bookkeeping is needed.
 */
#ifndef LIBEXO_PAGES_H
#define LIBEXO_PAGES_H

#include <libexo/exo.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EXO_PAGE 4096u
#define EXO_PAGES_ADDRESS UINT64_C(0x10000000000) /* of the page in slot 0, which there is not */

/* Results: 0, or the negative of an enum exo_error; then nothing is left of what was begun. */

/**
 * exo_pages_take() - get zeroed memory, readable and writable
 * @bank: that it is charged to
 * @address: where it is
 */
int exo_pages_take(exo_cap_t bank, uint64_t count, void **address);

/* Unmaps it, and gives up its frames: they are free if no other environment has them. */
void exo_pages_give(void *address, uint64_t count);

/* The slot of a page's frame. */
exo_cap_t exo_pages_slot(const void *address);

/* The same calls for as many slots as one likes: repeats what answers EXO_E_AGAIN. */
int exo_frames_allocate(exo_cap_t bank, exo_cap_t slot, uint64_t count);
int exo_copy_caps(exo_cap_t from, exo_cap_t env, exo_cap_t slot, uint64_t count,
		  unsigned int rights);
int exo_delete_caps(exo_cap_t slot, uint64_t count);
int exo_map_frames(exo_cap_t env, exo_cap_t slot, uint64_t count, uint64_t address,
		   unsigned int rights);
/* The same for frames that may be mapped there already; @rights of 0 only unmaps. */
int exo_remap_frames(exo_cap_t env, exo_cap_t slot, uint64_t count, uint64_t address,
		     unsigned int rights);

#ifdef __cplusplus
}
#endif

#endif
