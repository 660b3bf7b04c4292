/* SPDX-License-Identifier: MIT */
/* The machine of the host tests of objects: four nodes of real memory, allocated by a naive
 * allocator that can be told to fail. Threads may use it. */
#ifndef OBJECT_MACHINE_H
#define OBJECT_MACHINE_H

#include <stdint.h>

#define OBJECT_MACHINE_NODES 4
#define OBJECT_MACHINE_FRAMES 2048ull /* of each node */

/* Frees everything; no failure is due. */
void object_machine_start(void);

/* The @count-th allocation of frames from now on fails, once; 0: none. */
void object_machine_fail(unsigned int count);

/* Has it failed since it was told to? */
unsigned int object_machine_failures(void);

uint64_t object_machine_allocated(unsigned int node);

#endif
