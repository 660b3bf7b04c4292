/* SPDX-License-Identifier: MIT */
/* The machine of the frame allocator's tests on the host. */
#ifndef FRAME_MACHINE_H
#define FRAME_MACHINE_H

#include <exo/compiler.h>

#define FRAME_MACHINE_NODES 4
#define FRAME_MACHINE_RESERVED KIB(64) /* from 1 MiB into each node */

/* Forgets all allocations. */
void frame_machine_start(void);

#endif
