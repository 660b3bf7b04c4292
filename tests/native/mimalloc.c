/* SPDX-License-Identifier: MIT */
/* mimalloc, of which Debian's build replaces malloc(). */
#include <mimalloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "native.h"

#define BYTES 100000

void allocator_identify(char *text, size_t size)
{
	void *volatile block = malloc(BYTES);
	const int version = mi_version();

	if (!block || !mi_is_in_heap_region(block))
		fail("malloc() is not mimalloc's");
	free(block);
	/* A digit each for major, minor and patch. */
	snprintf(text, size, "mimalloc %d.%d.%d", version / 100, version / 10 % 10, version % 10);
}
