/* SPDX-License-Identifier: MIT */
/* The C library's own malloc. */
#include <gnu/libc-version.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "native.h"

#define BYTES 100000

void allocator_identify(char *text, size_t size)
{
	const size_t before = mallinfo2().uordblks;
	void *volatile block = malloc(BYTES);

	if (!block || mallinfo2().uordblks < before + BYTES)
		fail("malloc() is not glibc's");
	free(block);
	snprintf(text, size, "glibc %s", gnu_get_libc_version());
}
