/* SPDX-License-Identifier: MIT */
/* What map() is told: up to EXO_MAP_MAX operations on an environment's address space. */
#ifndef UAPI_EXO_MAP_H
#define UAPI_EXO_MAP_H

#include <uapi/exo/abi.h>

enum exo_map_act {
	EXO_MAP = 0, /* map the frames of the slots one behind the other from @address on */
	EXO_UNMAP = 1, /* unmap the frames of the slots, wherever they are */
	EXO_PROTECT = 2, /* give the frames of the slots, wherever they are, other rights */
};

#define EXO_MAP_MAX 64u /* operations a call */
#define EXO_MAP_ENTRIES 2048u /* pages a call */

/*
 * The slots are of the environment that is mapped into; a FRAME capability holds one mapping at
 * most. @rights: EXO_RIGHT_R with W or X, not both, and no more than the capability has; a page
 * that can be read only when it can be written or executed does not exist on x86-64. Large pages
 * are used where @address and the frames are aligned alike; a call maps, unmaps and protects
 * EXO_MAP_ENTRIES pages of either size: an operation on more is EXO_E_RANGE, and EXO_E_ALIGN if the
 * frame does not even fit alone because @address is aligned unlike it.
 *
 * An operation is done as a whole or not at all. RDX is how many were done; if the next one fails
 * after some, the call answers EXO_E_AGAIN, and the next call, which begins there, the error.
 */
struct exo_map_op {
	uint64_t address; /* EXO_MAP: a multiple of 4 KiB; else 0 */
	uint32_t slot; /* the first one */
	uint32_t count; /* of slots: 1 .. EXO_RANGE_MAX in all operations of a call together */
	uint16_t act; /* enum exo_map_act */
	uint16_t rights; /* enum exo_right; EXO_UNMAP: 0 */
	uint32_t reserved; /* 0 */
};

EXO_ABI_SIZE(struct exo_map_op, 24);
EXO_ABI_OFFSET(struct exo_map_op, slot, 8);
EXO_ABI_OFFSET(struct exo_map_op, count, 12);
EXO_ABI_OFFSET(struct exo_map_op, act, 16);
EXO_ABI_OFFSET(struct exo_map_op, rights, 18);
EXO_ABI_OFFSET(struct exo_map_op, reserved, 20);

#endif
